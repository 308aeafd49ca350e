
/*
 * kept: a worker's idle connections to backends, each for what its key says
 * and nothing else.
 *
 * The one unused for longest makes room for another.  Anything but silence
 * ends an idle connection: its end, a failure, bytes that nobody asked for,
 * be they in the socket or read already by TLS.  What TLS has for itself, a
 * session ticket that comes after the response, is silence.
 */

#ifndef WGW_KEPT_H
#define WGW_KEPT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#pragma GCC visibility push(hidden)


#define WGW_KEPT_KEY  32


/*
 * What a connection is for: an address, padded with zeros, or, under TLS,
 * the digest of all that its handshake depended on; and, in cleartext, the
 * protocol: proxy_pass and grpc_pass may name one upstream.
 */
typedef struct {
    u_char               bytes[WGW_KEPT_KEY];
    uintptr_t            protocol;      /* 0: TLS */
} wgw_kept_key_t;


typedef struct wgw_idle_s  wgw_idle_t;

typedef struct {
    ngx_uint_t           max;           /* connections, 0: none */
    ngx_msec_t           timeout;       /* of one that is idle */

    ngx_queue_t          idle;          /* most recently used first */
    ngx_queue_t          free;
    wgw_idle_t         **buckets;
    ngx_uint_t           nbuckets;      /* a power of 2 */
} wgw_kept_t;


/* After `max` was set. */
ngx_int_t wgw_kept_create(ngx_conf_t *cf, wgw_kept_t *kept);

/* One for this key, or NULL; `hash` is of the key. */
ngx_connection_t *wgw_kept_take(wgw_kept_t *kept, wgw_kept_key_t *key,
    uint64_t hash, ngx_log_t *log);

/* Takes the connection over, and closes it if it is not silent now. */
void wgw_kept_add(wgw_kept_t *kept, wgw_kept_key_t *key, uint64_t hash,
    ngx_connection_t *c);


#pragma GCC visibility pop

#endif /* WGW_KEPT_H */
