
/*
 * status: who the gateway is, what is missing and its cure, what is deployed,
 * and what was earned this month: the command `wgw-grid status`, as text, as
 * JSON, and as Prometheus reads it; and what a daemon shows by the gateway's
 * page.
 */

#ifndef WGW_GRID_STATUS_H
#define WGW_GRID_STATUS_H


#include "grid/gateway.h"
#include "grid/options.h"
#include "grid/state.h"


#define GRID_STATUS_STALE  300          /* seconds */


int grid_status(const grid_options_t *options);

/*
 * The JSON of it, to the gateway: GRID_OK, or GRID_AWAY, also where the page
 * is not there for it.
 */
int grid_status_show(grid_state_t *state, grid_gateway_t *gateway);


#endif /* WGW_GRID_STATUS_H */
