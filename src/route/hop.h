
/*
 * hop: what header fields say about the way of a request to its backend.
 *
 * Loops.  Each request to a backend carries CDN-Loop (RFC 8586) with an id of
 * this gateway, random, the same in all its workers as long as its master
 * lives.  One that comes with it was here before.  Via would do as well, but
 * for it nginx and others do not compress what they answer.
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


typedef struct {
    unsigned     loop:1;        /* was here before */
    unsigned     bound:1;       /* its credentials are a connection's */
} wgw_hop_t;


/* For each cycle, in the master; the id is made once. */
ngx_int_t wgw_hop_init(ngx_log_t *log);

/*
 * Reads the fields of a request, once, and adds ours for the next hop.
 * Returns NGX_OK, or NGX_ERROR without memory.
 */
ngx_int_t wgw_hop_read(ngx_http_request_t *r, wgw_hop_t *hop);

/* 1 when a backend's answer asks for, or has, such credentials. */
ngx_uint_t wgw_hop_bound(ngx_http_upstream_t *u);


#pragma GCC visibility pop

#endif /* WGW_HOP_H */
