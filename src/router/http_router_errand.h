
/*
 * http_router_errand: a request on our own account to a provider, for a
 * handshake or a check: its connection is a provider's, as that of an attempt
 * is.
 */

#ifndef WGW_HTTP_ROUTER_ERRAND_H
#define WGW_HTTP_ROUTER_ERRAND_H


#include "router/router_module.h"

#pragma GCC visibility push(hidden)


/* What an errand is for. */
typedef struct {
    wgw_provider_t          *provider;
    wgw_provider_end_t      *end;
    wgw_session_t           *session;       /* to be made, or used; or NULL */
    uint64_t                 session_id;    /* used */
} wgw_router_errand_t;


/* A POST, without headers and body; NULL without memory. */
wgw_errand_t *wgw_router_errand_create(wgw_provider_t *provider,
    wgw_provider_end_t *end, wgw_session_t *session);

/* The errand of ours that a request is, or NULL. */
wgw_router_errand_t *wgw_router_errand(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_ERRAND_H */
