
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/body.h"


typedef struct {
    wgw_body_handler_pt   handler;
    u_char               *start;
    size_t                len;
    size_t                max;
} body_t;


static void body_start(ngx_http_request_t *r);
static void body_read(ngx_http_request_t *r);
static ngx_int_t body_take(ngx_http_request_t *r, body_t *body);
static void body_done(ngx_http_request_t *r, body_t *body, ngx_uint_t status);
static body_t *body_find(ngx_http_request_t *r);
static void body_mark(void *data);


ngx_int_t
wgw_body_read(ngx_http_request_t *r, size_t max, wgw_body_handler_pt handler)
{
    body_t              *body;
    ngx_int_t            rc;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(body_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = body_mark;

    body = cln->data;
    body->handler = handler;
    body->len = 0;
    body->max = max;

    if (r->headers_in.content_length_n > (off_t) max) {
        r->main->count++;
        body_done(r, body, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE);

        return NGX_DONE;
    }

    body->start = ngx_pnalloc(r->pool, r->headers_in.content_length_n >= 0
                                       ? (size_t)
                                         r->headers_in.content_length_n + 1
                                       : max);
    if (body->start == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, body_start);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


static void
body_start(ngx_http_request_t *r)
{
    r->read_event_handler = body_read;

    body_read(r);
}


static void
body_read(ngx_http_request_t *r)
{
    body_t     *body;
    ngx_int_t   rc;

    body = body_find(r);

    for ( ;; ) {

        rc = body_take(r, body);

        if (rc == NGX_ERROR) {
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
            return;
        }

        if (rc == NGX_DECLINED) {
            body_done(r, body, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE);
            return;
        }

        if (!r->reading_body) {
            body_done(r, body, NGX_HTTP_OK);
            return;
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            ngx_http_finalize_request(r, rc);
            return;
        }

        if (rc == NGX_AGAIN
            && (r->request_body == NULL || r->request_body->bufs == NULL))
        {
            return;
        }
    }
}


/* Copies what has come, so that nginx's buffer is free for more. */

static ngx_int_t
body_take(ngx_http_request_t *r, body_t *body)
{
    size_t        len;
    ngx_buf_t    *buf;
    ngx_chain_t  *cl, *next;

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    for (cl = r->request_body->bufs; cl; cl = next) {
        buf = cl->buf;
        next = cl->next;
        len = (size_t) ngx_buf_size(buf);

        if (ngx_buf_size(buf) > (off_t) (body->max - body->len)) {
            return NGX_DECLINED;
        }

        /* nginx has written it to a file when it was read before */

        if (ngx_buf_in_memory(buf)) {
            ngx_memcpy(body->start + body->len, buf->pos, len);
            buf->pos = buf->last;

        } else if (len) {
            if (ngx_read_file(buf->file, body->start + body->len, len,
                              buf->file_pos)
                != (ssize_t) len)
            {
                return NGX_ERROR;
            }

            buf->file_pos = buf->file_last;
        }

        body->len += len;

        ngx_free_chain(r->pool, cl);
    }

    r->request_body->bufs = NULL;

    return NGX_OK;
}


static void
body_done(ngx_http_request_t *r, body_t *body, ngx_uint_t status)
{
    wgw_text_t  text;

    r->read_event_handler = ngx_http_block_reading;

    text.data = body->len ? (char *) body->start : "";
    text.len = body->len;

    body->handler(r, status, text);
}


/* In the pool: the module's context is its own business. */

static body_t *
body_find(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln->handler != body_mark; /* void */) {
        cln = cln->next;
    }

    return cln->data;
}


/* There is nothing to clean: the entry is found by it. */

static void
body_mark(void *data)
{
}
