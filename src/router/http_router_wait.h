
/*
 * http_router_wait: what a request waits for: a session or an address, among
 * others that do; or, on its way, an answer, up to the limits of its
 * providers.
 */

#ifndef WGW_HTTP_ROUTER_WAIT_H
#define WGW_HTTP_ROUTER_WAIT_H


#include "router/http_router_attempt.h"

#pragma GCC visibility push(hidden)


#define WGW_WAIT_PATIENCE  900      /* ms, where another may be asked */


/*
 * Of the handler: waits until wgw_wait_wake(), or a little while, since other
 * workers make sessions, too; then the handler is called again.  NGX_AGAIN,
 * or a status.
 */
ngx_int_t wgw_wait_session(wgw_attempt_t *attempt);

/* Sessions or addresses came: those that wait look again. */
void wgw_wait_wake(void);

/*
 * For an attempt that goes out: to the next of: a connection made, an answer,
 * the end of all.
 */
void wgw_wait_answer(wgw_attempt_t *attempt);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_WAIT_H */
