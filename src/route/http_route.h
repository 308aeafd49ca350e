
/*
 * http_route: the http side of the route module, for its own files: what its
 * directives set (http_route_conf.c), and who goes by that (http_route.c).
 */

#ifndef WGW_HTTP_ROUTE_H
#define WGW_HTTP_ROUTE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "route/balancer.h"
#include "route/lookup.h"
#include "route/route.h"

#pragma GCC visibility push(hidden)


typedef struct {
    ngx_flag_t                   enable;
    ngx_http_complex_value_t    *key;           /* NULL: the host */
    ngx_array_t                 *api_hosts;     /* NULL: no wgw_api here */
} ngx_http_wgw_route_loc_conf_t;


/* The content handler of `wgw_api`. */
ngx_int_t ngx_http_wgw_api_handler(ngx_http_request_t *r);

/* Levels, and directives. */
void *ngx_http_wgw_route_create_srv_conf(ngx_conf_t *cf);
void *ngx_http_wgw_route_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_wgw_route_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
char *ngx_http_wgw_route(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_wgw_backend(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_wgw_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTE_H */
