
/*
 * request: what handlers, most of them of our own endpoints, ask of a
 * request.
 */

#ifndef WGW_REQUEST_H
#define WGW_REQUEST_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "format/text.h"

#pragma GCC visibility push(hidden)


/*
 * The context of a module, which is the data of the pool's cleanup with that
 * handler, or NULL: an internal redirect clears the contexts, but not the
 * pool's cleanups.
 */
void *wgw_request_lost(ngx_http_request_t *r, ngx_module_t *module,
    ngx_pool_cleanup_pt handler);

static ngx_inline void *
wgw_request_ctx(ngx_http_request_t *r, ngx_module_t *module,
    ngx_pool_cleanup_pt handler)
{
    void  *ctx;

    ctx = r->ctx[module->ctx_index];

    if (ctx || !(r->internal || r->filter_finalize)) {
        return ctx;
    }

    return wgw_request_lost(r, module, handler);
}

/*
 * The first header field of that name (lower case), or NULL; `*n` (unless
 * NULL) gets how many there are.
 */
ngx_table_elt_t *wgw_request_header(ngx_http_request_t *r, const char *name,
    ngx_uint_t *n);

/*
 * What follows the location's prefix and a slash, as the client wrote it but
 * for escapes: it is an identity, and nginx's uri has "a//b" and "c/../a/b"
 * as "a/b".  Nothing where the uri does not begin with the prefix, as in a
 * location by regular expression; NGX_DECLINED when something but a slash
 * follows, or the client wrote the prefix in another way; NGX_ERROR without
 * memory.  After a rewrite it is of what that made.
 */
ngx_int_t wgw_request_rest(ngx_http_request_t *r, wgw_text_t *rest);

/* 1 when a type of document is among those the client names, in any list. */
ngx_uint_t wgw_request_accepts(ngx_http_request_t *r, const char *type);

/*
 * The body that was read, in one piece, of at most `max` bytes; allocated
 * unless it is.  Returns NGX_OK, or the status to refuse the request with:
 * 413, 500.
 */
ngx_int_t wgw_request_body(ngx_http_request_t *r, size_t max,
    wgw_text_t *body);

/*
 * A request that waits for something of ours, such as a change of a store, and
 * cannot be freed meanwhile.  What comes then, outside of nginx's handlers,
 * begins with resume() and ends with finish(), as a content handler does by
 * returning.
 */
void wgw_request_wait(ngx_http_request_t *r);
void wgw_request_resume(ngx_http_request_t *r);
void wgw_request_finish(ngx_http_request_t *r, ngx_int_t rc);

/*
 * Ends a request (ngx_http_request_t) from outside, from a timer for example:
 * at once, and so that the client does not take what it got for the whole.
 */
void wgw_request_end(void *request);

/*
 * 1 unless a browser on the machine was made to send the request by a page of
 * another site, or by DNS rebinding: its Host must be a loopback address,
 * "localhost" or one of `hosts` (ngx_str_t; NULL: any), and an Origin the
 * same.
 */
ngx_uint_t wgw_request_trusted(ngx_http_request_t *r, ngx_array_t *hosts);

/* Refuses what is not: 403, as of a content handler. */
ngx_int_t wgw_request_distrust(ngx_http_request_t *r);

/*
 * For a merge handler: adds the names of the server to `hosts`; nginx itself
 * keeps them only while it is configured.
 */
char *wgw_request_hosts(ngx_conf_t *cf, ngx_array_t *hosts);

/*
 * For a merge handler, where the level above has this handler: 1 in an `if` or
 * `limit_except` of that location.  In an `if` nginx goes on with the handler,
 * but with the settings of the block; for `limit_except` it is set here.
 */
ngx_uint_t wgw_request_inherits(ngx_conf_t *cf, ngx_http_handler_pt handler);


#pragma GCC visibility pop

#endif /* WGW_REQUEST_H */
