
/*
 * http_router_check: asks each provider, again and again, how high its chain
 * is, with a session if it needs one, and says what all workers think of it.
 *
 * Checks are made by one worker, who holds a lease: while it lives it renews
 * that with each round; when it is gone, or leaves, the next one takes it.
 */

#ifndef WGW_HTTP_ROUTER_CHECK_H
#define WGW_HTTP_ROUTER_CHECK_H


#include "router/router_module.h"

#pragma GCC visibility push(hidden)


/* In a worker: begins, unless checks are off. */
void wgw_router_check(wgw_providers_t *providers);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_CHECK_H */
