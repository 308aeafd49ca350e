
/*
 * deployments: what was deployed, and what became of it, in the state.
 *
 * A workload is `init`, `ok`, `error`, `paused` or `deleted`, with a message.
 * What it should be is written in the step that answers its user; what that
 * means for the gateway is found out and done afterwards, by the only thread
 * that does (provision.h), as often as it takes: a row that is `due` is looked
 * at, done, and settled.  To be killed in between means to do it again, which
 * changes nothing that was done.
 *
 * `host` is the name that a workload has, or is about to have, on the
 * gateway, by one workload at a time; it is let go of when the gateway has it
 * no more.  `turn` tells a settling that what it settles was changed since.
 */

#ifndef WGW_GRID_DEPLOYMENTS_H
#define WGW_GRID_DEPLOYMENTS_H


#include "grid/deployment.h"
#include "grid/state.h"


#define GRID_UNPROVEN      100          /* a twin's, without a contract yet */
#define GRID_UNPROVEN_ALL  10000
#define GRID_LABEL         80           /* "7341-1234-mysite" */


extern const grid_schema_t  grid_deployments_schema;


/* A workload that is due. */
typedef struct {
    int64_t      id;
    int64_t      turn;
    uint32_t     twin;
    uint64_t     contract;
    uint32_t     version;               /* its deployment's */
    char        *name;
    char        *spec;                  /* grid_workload_json(), in braces */
    char        *metadata;              /* its deployment's */
    char        *hash;
    char        *state;
    char        *message;
    char        *host;                  /* NULL for none */
    char        *hold;                  /* why it is paused, or NULL */
    int64_t      cap;                   /* GB a month that was set, or -1 */
    unsigned     gone;                  /* an update took it out */
    unsigned     served;                /* it was ok once, as it is now */
    unsigned     tries;
    char         label[GRID_LABEL];
} grid_item_t;


/* What is found about it. */
typedef struct {
    const char  *state;
    const char  *message;
    const char  *data;                  /* JSON of the result, or NULL */
    int64_t      due;                   /* when to look again; 0: never */
    unsigned     tries;
    unsigned     release;               /* the gateway has its host no more */
} grid_finding_t;


/*
 * A new deployment, or its next version, whose form, signatures and contract
 * are right; `hash` is its challenge's.  GRID_OK and it is kept; or
 * GRID_FAILED and the error.
 */
int grid_deployments_add(grid_state_t *state,
    const grid_deployment_t *deployment, const char *hash, int64_t now,
    char error[GRID_ERROR]);
int grid_deployments_update(grid_state_t *state,
    const grid_deployment_t *deployment, const char *hash, int64_t now,
    char error[GRID_ERROR]);

/* JSON for their owner; GRID_NONE when there is none of this twin's. */
int grid_deployments_get(grid_state_t *state, uint32_t twin,
    uint64_t contract, grid_out_t *out);
int grid_deployments_changes(grid_state_t *state, uint32_t twin,
    uint64_t contract, grid_out_t *out);
void grid_deployments_list(grid_state_t *state, uint32_t twin,
    grid_out_t *out);

/*
 * The cap of a workload, GB a month, 0 for none, until the next deploy or
 * update says otherwise; of all of the deployment's when `name` is "".
 */
int grid_deployments_limit(grid_state_t *state, uint32_t twin,
    uint64_t contract, const char *name, uint64_t gb, int64_t now);

/*
 * Pauses what a contract deployed, for this reason, which its user reads; or,
 * with NULL, no longer.
 */
int grid_deployments_hold(grid_state_t *state, uint64_t contract,
    const char *reason, int64_t now);

/* The one that is due first; GRID_NONE when there is none.  To be freed. */
int grid_deployments_next(grid_state_t *state, int64_t now,
    grid_item_t *item);
void grid_item_free(grid_item_t *item);

/* Takes a host for it: GRID_NONE, another one has it, which is looked at. */
int grid_deployments_claim(grid_state_t *state, const grid_item_t *item,
    const char *host, int64_t now);

/* That its contract was seen and is right. */
int grid_deployments_prove(grid_state_t *state, const grid_item_t *item);

/* One step; a finding about what was changed meanwhile is dropped. */
int grid_deployments_settle(grid_state_t *state, const grid_item_t *item,
    const grid_finding_t *finding, int64_t now);

/* At a start: all that is served is looked at again, within `seconds`. */
int grid_deployments_wake(grid_state_t *state, int64_t now, int64_t seconds);

/* Forgets what ended long ago, or never had a contract. */
int grid_deployments_forget(grid_state_t *state, int64_t now);


#endif /* WGW_GRID_DEPLOYMENTS_H */
