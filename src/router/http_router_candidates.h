
/*
 * http_router_candidates: whom a request may go to: by what it calls, by what
 * is thought of each provider (choice.h), by whom it went to before, and by
 * who has a session or may have one.
 */

#ifndef WGW_HTTP_ROUTER_CANDIDATES_H
#define WGW_HTTP_ROUTER_CANDIDATES_H


#include "router/http_router_attempt.h"

#pragma GCC visibility push(hidden)


/* The provider for the next attempt, or NULL. */
wgw_provider_t *wgw_candidates_pick(wgw_attempt_t *attempt);

/* 1 when another provider may be asked, instead of the one at hand. */
ngx_uint_t wgw_candidates_other(wgw_attempt_t *attempt);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_CANDIDATES_H */
