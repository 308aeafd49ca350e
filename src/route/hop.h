
/*
 * hop: what header fields say about the way of a request to its backend.
 *
 * Loops.  Each request to a backend carries CDN-Loop (RFC 8586) with an id of
 * this gateway, random, the same in all its workers as long as its master
 * lives.  One that comes with it was here before.  Via would do as well, but
 * for it nginx and others do not compress what they answer.
 *
 * Host.  The name that was asked for, with the port that was: what a browser
 * has in Origin.  It is of the request line where that has one (RFC 9112,
 * 3.2.2), which Host may differ from, and of HTTP/3, where nginx has no Host.
 *
 * Credentials of NTLM and Negotiate (RFC 4559) are a connection's: who speaks
 * on it next is that user.  So a connection on which these were spoken, or
 * asked for, is nobody else's.
 */

#ifndef WGW_HOP_H
#define WGW_HOP_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)


/* For each cycle, in the master; the id is made once. */
ngx_int_t wgw_hop_init(ngx_log_t *log);

#define WGW_HOP_LOOP   1        /* it was marked when it came */
#define WGW_HOP_BOUND  2        /* Proxy-Authorization is a connection's */

/*
 * Marks a request for the next hop, once; `*hop` gets WGW_HOP_*.  Returns
 * NGX_OK, or NGX_ERROR without memory.
 */
ngx_int_t wgw_hop_mark(ngx_http_request_t *r, ngx_uint_t *hop);

/* Host for the backend, empty if there is none; NGX_ERROR without memory. */
ngx_int_t wgw_hop_host(ngx_http_request_t *r, ngx_str_t *host);

/* For wgw_hop_bound(): the fields that may have them are looked at. */
ngx_uint_t wgw_hop_asked(ngx_http_request_t *r);

/*
 * For peer.free: 1 when Authorization or the backend's answer has, or asks
 * for, credentials of a connection.
 */

static ngx_inline ngx_uint_t
wgw_hop_bound(ngx_http_request_t *r)
{
    ngx_http_upstream_headers_in_t  *answer;

    answer = &r->upstream->headers_in;

    return (answer->www_authenticate || answer->status_n == 407
            || r->headers_in.authorization)
           && wgw_hop_asked(r);
}


#pragma GCC visibility pop

#endif /* WGW_HOP_H */
