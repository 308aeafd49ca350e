
/*
 * http_grid: the directive `wgw_grid_status`: what wgw-grid says of itself,
 * for the status page.
 *
 * The daemon puts an object of JSON, each few seconds, and whoever may see the
 * page gets it as it was put: it is of the daemon's making (docs/grid.md), and
 * is only looked through here.  It is in memory that the workers share, which
 * a reload keeps; before a daemon said something it is null.
 */

#ifndef WGW_HTTP_GRID_H
#define WGW_HTTP_GRID_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "meter/meter_module.h"

#pragma GCC visibility push(hidden)


#define WGW_GRID_STATUS_MAX  131072     /* bytes */


char *ngx_http_wgw_grid_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* For the merge handler of the module. */
char *ngx_http_wgw_grid_status_merge(ngx_conf_t *cf,
    ngx_http_wgw_meter_conf_t *prev, ngx_http_wgw_meter_conf_t *conf);


#pragma GCC visibility pop

#endif /* WGW_HTTP_GRID_H */
