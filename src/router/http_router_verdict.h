
/*
 * http_router_verdict: what an answer says of its provider and of the session
 * it was asked with, and whether it is passed on, or another is asked for.
 */

#ifndef WGW_HTTP_ROUTER_VERDICT_H
#define WGW_HTTP_ROUTER_VERDICT_H


#include "router/http_router_attempt.h"

#pragma GCC visibility push(hidden)


/*
 * In peer.init: from now on the header of the answer is looked at before it
 * is nginx's.
 */
void wgw_verdict_init(wgw_attempt_t *attempt);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_VERDICT_H */
