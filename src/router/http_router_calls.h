
/*
 * http_router_calls: what a request calls, read once from its body: methods
 * that some providers are for (`methods=`), and methods that metrics tell
 * apart (`count`).
 */

#ifndef WGW_HTTP_ROUTER_CALLS_H
#define WGW_HTTP_ROUTER_CALLS_H


#include "router/http_router_attempt.h"

#pragma GCC visibility push(hidden)


/*
 * When the body is whole: a call of a method that some provider names goes to
 * those that name it, and these get nothing else; attempt->out has the others.
 * Counts each call.  NGX_OK, or a status: what is too long to be read is
 * refused where it has to be known where it goes.
 */
ngx_int_t wgw_calls_read(wgw_attempt_t *attempt);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_CALLS_H */
