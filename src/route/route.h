
/*
 * route: the nginx modules that make up the route module, for each other.
 */

#ifndef WGW_ROUTE_H
#define WGW_ROUTE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "route/lookup.h"

#pragma GCC visibility push(hidden)


extern ngx_module_t  ngx_wgw_route_module;
extern ngx_module_t  ngx_http_wgw_route_module;
extern ngx_module_t  ngx_stream_wgw_route_module;


/* The look-up of a request, done, or NULL, and its WGW_HOP_*. */
wgw_lookup_t *ngx_http_wgw_route_lookup(ngx_http_request_t *r,
    ngx_uint_t *hop);


#pragma GCC visibility pop

#endif /* WGW_ROUTE_H */
