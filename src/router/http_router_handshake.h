
/*
 * http_router_handshake: makes a session: signs in at a provider, and puts up
 * what it grants, for all workers.
 */

#ifndef WGW_HTTP_ROUTER_HANDSHAKE_H
#define WGW_HTTP_ROUTER_HANDSHAKE_H


#include "router/router_module.h"

#pragma GCC visibility push(hidden)


/*
 * NGX_OK when a handshake is under way, here or elsewhere, and who waits is
 * woken (http_router_wait.h) at its end; NGX_DECLINED when there may be none
 * now.
 */
ngx_int_t wgw_router_handshake(wgw_provider_t *provider,
    wgw_session_t *session);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_HANDSHAKE_H */
