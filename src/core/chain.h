
/*
 * chain: the first bytes of an output chain, offered alone.
 *
 * The chain is shortened in place and put back after the call that took it.
 * nginx's own `limit` cannot do it: a sendfile() is rounded up to a page,
 * and TLS without a buffer does not look at the limit.
 */

#ifndef WGW_CHAIN_H
#define WGW_CHAIN_H


#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)


/* How a chain was before. */
typedef struct {
    ngx_chain_t  *link;         /* the last one left; NULL: not shortened */
    ngx_chain_t  *next;
    u_char       *last;
    off_t         file_last;
    unsigned      flush:1;
    unsigned      last_buf:1;
} wgw_chain_t;


/* The bytes of a chain; looks no further when there are more than `enough`. */
off_t wgw_chain_size(ngx_chain_t *in, off_t enough);

/*
 * Leaves the first `size` bytes, 1 to all there are, to be sent at once:
 * the last link gets `flush`, or TLS would keep them for more to come.
 */
void wgw_chain_shorten(wgw_chain_t *chain, ngx_chain_t *in, off_t size);

/* Returns the first link that has something behind the offered bytes. */
ngx_chain_t *wgw_chain_restore(wgw_chain_t *chain);

/*
 * 1 at the end of a response, or of a part that its client is to have at
 * once: it may look at the totals next.
 */
ngx_uint_t wgw_chain_ends(ngx_chain_t *in);

/* 1 when what is left of a chain is committed already. */
ngx_uint_t wgw_chain_again(ngx_connection_t *c);

/*
 * Of a connection that sends nothing any more: adds to c->sent what a
 * sendfile() in a thread sent that nobody asked for, and returns how much.
 * `exiting`: threads have ended, but the events that say so did not come.
 */
off_t wgw_chain_collect(ngx_connection_t *c, ngx_uint_t exiting);


/* Bytes that TLS has taken from chains but not sent yet. */

static inline off_t
wgw_chain_buffered(ngx_connection_t *c)
{
#if (NGX_SSL)

    if (c->ssl && c->ssl->buf) {
        return c->ssl->buf->last - c->ssl->buf->pos;
    }

#endif

    return 0;
}


#pragma GCC visibility pop

#endif /* WGW_CHAIN_H */
