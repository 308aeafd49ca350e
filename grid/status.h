
/*
 * status: the command `wgw-grid status`: who the gateway is, what is missing
 * and its cure, what is deployed, and what was earned this month; as text, as
 * JSON, and as Prometheus reads it.
 */

#ifndef WGW_GRID_STATUS_H
#define WGW_GRID_STATUS_H


#include "grid/options.h"


int grid_status(const grid_options_t *options);


#endif /* WGW_GRID_STATUS_H */
