
/*
 * http_router_api: what is known of providers, where an administrator puts
 * `wgw_router_api`:
 *
 *     GET                {"providers":[{"service":"eth","name":...}, ...]}
 *     GET     metrics    in Prometheus' text format: http_router_metrics.h
 *
 * below the location's prefix, and for those whom request.h trusts.  Neither
 * has keys or URLs, which may hold some.
 */

#ifndef WGW_HTTP_ROUTER_API_H
#define WGW_HTTP_ROUTER_API_H


#include "router/router_module.h"

#pragma GCC visibility push(hidden)


ngx_int_t wgw_router_api_handler(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_API_H */
