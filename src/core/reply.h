
/*
 * reply: answers of our own endpoints: JSON errors, and documents that were
 * built in a chain of memory buffers.
 */

#ifndef WGW_REPLY_H
#define WGW_REPLY_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)


/*
 * {"error":message,"field":field}, the field only if it is not "".  All
 * return what a content handler returns.
 */
ngx_int_t wgw_reply_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *field, const char *message);

/* The same with "line":line, unless that is 0. */
ngx_int_t wgw_reply_error_line(ngx_http_request_t *r, ngx_uint_t status,
    const char *field, const char *message, ngx_uint_t line);

/* 405 and which methods there are: "GET, HEAD". */
ngx_int_t wgw_reply_not_allowed(ngx_http_request_t *r, const char *methods);

/*
 * Sends a chain of temporary buffers, NULL for none; marks its last one.
 * `type` is constant text.  Never cached by anybody.
 */
ngx_int_t wgw_reply_send(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, ngx_chain_t *out);

/*
 * Reads and drops a body that is not needed.  A client that waits for leave to
 * send it (100-continue) gets none: it may spare itself the body.
 */
ngx_int_t wgw_reply_discard(ngx_http_request_t *r);

/* A link with an empty buffer of that size. */
ngx_chain_t *wgw_reply_chain(ngx_pool_t *pool, size_t size);

/* A header field of constant, or the pool's, text. */
ngx_table_elt_t *wgw_reply_header(ngx_http_request_t *r, const char *name,
    const char *value);


#pragma GCC visibility pop

#endif /* WGW_REPLY_H */
