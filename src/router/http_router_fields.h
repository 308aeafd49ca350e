
/*
 * http_router_fields: the header fields that a provider gets, those of its
 * session and of the configuration, instead of the client's of these names.
 *
 * They are put into the request's list for as long as the proxy writes the
 * request, and what they replace is hidden there meanwhile: nothing that is
 * for one provider can go to the next.
 */

#ifndef WGW_HTTP_ROUTER_FIELDS_H
#define WGW_HTTP_ROUTER_FIELDS_H


#include "router/http_router_attempt.h"

#pragma GCC visibility push(hidden)


/* Before the proxy writes the request.  NGX_OK, or NGX_ERROR: no memory. */
ngx_int_t wgw_fields_set(wgw_attempt_t *attempt);

/*
 * After it, in peer.init: the list is the client's again.  NGX_OK, or
 * NGX_ERROR, logged, when what the provider asks for is not in what was
 * written, and would have gone out bare.
 */
ngx_int_t wgw_fields_check(wgw_attempt_t *attempt);

/* Where it does not come to that; a second call does nothing. */
void wgw_fields_restore(wgw_attempt_t *attempt);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_FIELDS_H */
