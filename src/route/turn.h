
/*
 * turn: which of a route's backends is tried next, for http and stream.
 *
 * In turn, first those that work, as far as it is known (see health.h), and
 * when none does, all; each once for a request or session.  What failed is
 * remembered for routes that have a choice, and where there is none for who
 * asks.
 */

#ifndef WGW_TURN_H
#define WGW_TURN_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "route/health.h"
#include "route/routes.h"

#pragma GCC visibility push(hidden)


/* Before any request: the memory that all workers share. */
void wgw_turn_init(wgw_health_t *health);

/*
 * The next peer, or NULL when all were tried; `tried`, 0 at first, has a bit
 * for each.
 */
wgw_peer_t *wgw_turn_next(wgw_route_t *route, ngx_uint_t *tried,
    const wgw_health_conf_t *conf);

/* Its failures in a row, and how many seconds ago the last one was. */
uint32_t wgw_turn_failures(const wgw_addr_t *backend, uint32_t *since);

/* What became of it. */
void wgw_turn_failed(wgw_route_t *route, wgw_peer_t *peer, ngx_log_t *log);
void wgw_turn_worked(wgw_route_t *route, wgw_peer_t *peer);


#pragma GCC visibility pop

#endif /* WGW_TURN_H */
