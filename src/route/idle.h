
/*
 * idle: connections to backends that are kept between requests, in this
 * worker, for any balancer.
 *
 * Each has a key, which says all that its next user must have in common with
 * its last: who may use a connection again is decided by what the balancer
 * puts into the key.  The one unused for longest makes room.
 *
 * Anything but silence ends an idle connection: its end, a failure, bytes
 * that nobody asked for, be they in the socket or read already by TLS.  What
 * TLS has for itself, a session ticket that comes after the response, is
 * silence.
 */

#ifndef WGW_IDLE_H
#define WGW_IDLE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "route/hop.h"

#pragma GCC visibility push(hidden)


#define WGW_IDLE_KEY  32


/*
 * An address, padded with zeros, or, under TLS, the digest of all that its
 * handshake depended on; and, in cleartext, the protocol: proxy_pass and
 * grpc_pass may name one upstream.
 */
typedef struct {
    u_char               bytes[WGW_IDLE_KEY];
    uintptr_t            protocol;      /* 0: TLS */
} wgw_idle_key_t;


typedef struct wgw_idle_s  wgw_idle_t;


typedef struct {
    ngx_uint_t           keepalive;     /* connections, 0: none */
    ngx_uint_t           requests;      /* of one connection */
    ngx_msec_t           timeout;       /* of an idle connection */

    ngx_queue_t          idle;          /* most recently used first */
    ngx_queue_t          free;
    wgw_idle_t         **buckets;
    ngx_uint_t           nbuckets;      /* a power of 2 */
} wgw_idle_cache_t;


/* In the configuration, when `keepalive` is set. */
char *wgw_idle_create(ngx_conf_t *cf, wgw_idle_cache_t *cache);

/* For peer.get: one with that key, or NULL. */
ngx_connection_t *wgw_idle_take(wgw_idle_cache_t *cache,
    const wgw_idle_key_t *key, uint64_t hash, ngx_log_t *log);

/* For peer.free: 1 when the request left the connection fit for another. */

static ngx_inline ngx_uint_t
wgw_idle_fit(wgw_idle_cache_t *cache, ngx_http_request_t *r,
    ngx_peer_connection_t *pc, ngx_uint_t state)
{
    ngx_connection_t     *c;
    ngx_http_upstream_t  *u;

    c = pc->connection;
    u = r->upstream;

    return cache->keepalive
           && !(state & NGX_PEER_FAILED)
           && c
           && pc->local == NULL
           && !c->read->eof
           && !c->read->error
           && !c->read->timedout
           && !c->write->error
           && !c->write->timedout
           && c->requests < cache->requests
           && u->keepalive
           && u->request_body_sent
           && !wgw_hop_bound(r)
           && !ngx_terminate
           && !ngx_exiting
           && ngx_handle_read_event(c->read, 0) == NGX_OK;
}

/* Takes the connection, which may be closed here, too. */
void wgw_idle_keep(wgw_idle_cache_t *cache, const wgw_idle_key_t *key,
    uint64_t hash, ngx_connection_t *c);


#pragma GCC visibility pop

#endif /* WGW_IDLE_H */
