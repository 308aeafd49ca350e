
/*
 * http_router_handler: the router's handler in PRECONTENT: it reads the body,
 * chooses a provider, waits until there is a session with it, and lets the
 * request go on to the proxy.
 */

#ifndef WGW_HTTP_ROUTER_HANDLER_H
#define WGW_HTTP_ROUTER_HANDLER_H


#include "router/router_module.h"

#pragma GCC visibility push(hidden)


ngx_int_t wgw_router_handler(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_HANDLER_H */
