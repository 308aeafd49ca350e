
/*
 * http_page: the directive `wgw_page`.
 */

#ifndef WGW_HTTP_PAGE_H
#define WGW_HTTP_PAGE_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "meter/meter_module.h"

#pragma GCC visibility push(hidden)


char *ngx_http_wgw_page(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* For the merge handler of the module. */
char *ngx_http_wgw_page_merge(ngx_conf_t *cf, ngx_http_wgw_meter_conf_t *prev,
    ngx_http_wgw_meter_conf_t *conf);


#pragma GCC visibility pop

#endif /* WGW_HTTP_PAGE_H */
