
/*
 * deployments: what was deployed, and what became of it, in the state.
 *
 * A workload is `init`, `ok`, `error`, `paused` or `deleted`, with a message.
 * What it should be is written in the step that answers its user; what that
 * means for the gateway is found out and done afterwards: items.h.
 */

#ifndef WGW_GRID_DEPLOYMENTS_H
#define WGW_GRID_DEPLOYMENTS_H


#include "grid/deployment.h"
#include "grid/state.h"


#define GRID_UNPROVEN      100          /* a twin's, without a contract yet */
#define GRID_UNPROVEN_ALL  10000


extern const grid_schema_t  grid_deployments_schema;


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


#endif /* WGW_GRID_DEPLOYMENTS_H */
