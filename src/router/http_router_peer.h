
/*
 * http_router_peer: the connection that an attempt, or an errand, goes out
 * on: its address, the kept connections of its provider, TLS.
 *
 * Certificates are verified per connection, by a store and a name of its own
 * SSL object: an SSL_CTX may be another location's, too, from 1.26 on.
 */

#ifndef WGW_HTTP_ROUTER_PEER_H
#define WGW_HTTP_ROUTER_PEER_H


#include "router/router_module.h"

#pragma GCC visibility push(hidden)


/* For peer.init_upstream of the upstream of a provider's host. */
ngx_int_t wgw_router_init_upstream(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *uscf);

/* In postconfiguration, when other modules have had their turn. */
void wgw_router_claim(ngx_http_upstream_srv_conf_t *uscf);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_PEER_H */
