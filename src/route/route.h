
/*
 * route: the nginx modules that make up the route module, for each other.
 */

#ifndef WGW_ROUTE_H
#define WGW_ROUTE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "route/balancer.h"

#pragma GCC visibility push(hidden)


extern ngx_module_t  ngx_wgw_route_module;
extern ngx_module_t  ngx_http_wgw_route_module;
extern ngx_module_t  ngx_stream_wgw_route_module;


/* The balancer's: see wgw_balancer_lookup_pt. */
wgw_lookup_t *ngx_http_wgw_route_lookup(ngx_http_request_t *r,
    ngx_uint_t *hop, wgw_balancer_peer_t **room);


#pragma GCC visibility pop

#endif /* WGW_ROUTE_H */
