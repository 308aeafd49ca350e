
/*
 * items: workloads that something is to be done about.
 *
 * A row of the state that is `due` is taken, looked at, done (provision.h),
 * and settled.  To be killed in between means to do it again, which changes
 * nothing that was done.  While one thread has it, no other gets it.
 *
 * `host` is the name that a workload has, or is about to have, on the
 * gateway, by one workload at a time; it is let go of when the gateway has it
 * no more.  `turn` tells a settling that what it settles was changed since.
 */

#ifndef WGW_GRID_ITEMS_H
#define WGW_GRID_ITEMS_H


#include "grid/state.h"


#define GRID_LABEL 80           /* "7341-1234-mysite" */


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
    unsigned     proven;                /* its contract was seen */
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
 * The one that is due first, to be freed.  GRID_NONE when there is none;
 * GRID_FAILED when the state could not be asked, which was told.
 */
int grid_items_next(grid_state_t *state, int64_t now, grid_item_t *item);
void grid_item_free(grid_item_t *item);

/* Takes a host for it: GRID_NONE, another one has it, which is looked at. */
int grid_items_claim(grid_state_t *state, const grid_item_t *item,
    const char *host, int64_t now);

/* That its contract was seen and is right. */
int grid_items_prove(grid_state_t *state, const grid_item_t *item);

/* One step; a finding about what was changed meanwhile is dropped. */
int grid_items_settle(grid_state_t *state, const grid_item_t *item,
    const grid_finding_t *finding, int64_t now);

/*
 * At a start, when no thread has any, all that is served is looked at again,
 * within `seconds`; what is not, at once.
 */
int grid_items_wake(grid_state_t *state, int64_t now, int64_t seconds);

/* After the clock was put back: what is due later than in `seconds`. */
int grid_items_rewind(grid_state_t *state, int64_t now, int64_t seconds);

/* Forgets what ended long ago, or never had a contract. */
int grid_items_forget(grid_state_t *state, int64_t now);


#endif /* WGW_GRID_ITEMS_H */
