
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/reply.h"
#include "format/text.h"


#define REPLY_ERROR  512


ngx_int_t
wgw_reply_error(ngx_http_request_t *r, ngx_uint_t status, const char *field,
    const char *message)
{
    return wgw_reply_error_line(r, status, field, message, 0);
}


ngx_int_t
wgw_reply_error_line(ngx_http_request_t *r, ngx_uint_t status,
    const char *field, const char *message, ngx_uint_t line)
{
    ngx_int_t     rc;
    wgw_out_t     out;
    ngx_chain_t  *cl;

    rc = wgw_reply_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    cl = wgw_reply_chain(r->pool, REPLY_ERROR);
    if (cl == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&out, cl->buf->pos, REPLY_ERROR);

    wgw_out_str(&out, "{\"error\":");
    wgw_out_json(&out, (wgw_text_t) { message, ngx_strlen(message) });

    if (*field) {
        wgw_out_str(&out, ",\"field\":");
        wgw_out_json(&out, (wgw_text_t) { field, ngx_strlen(field) });
    }

    if (line) {
        wgw_out_str(&out, ",\"line\":");
        wgw_out_uint(&out, line);
    }

    wgw_out_str(&out, "}\n");

    cl->buf->last = (u_char *) out.pos;

    return wgw_reply_send(r, status, "application/json", cl);
}


ngx_int_t
wgw_reply_not_allowed(ngx_http_request_t *r, const char *methods)
{
    if (wgw_reply_header(r, "Allow", methods) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return wgw_reply_error(r, NGX_HTTP_NOT_ALLOWED, "",
                           "method is not allowed");
}


ngx_int_t
wgw_reply_send(ngx_http_request_t *r, ngx_uint_t status, const char *type,
    ngx_chain_t *out)
{
    off_t         size;
    ngx_int_t     rc;
    ngx_chain_t  *cl;

    if (wgw_reply_header(r, "Cache-Control", "no-store") == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    size = 0;

    for (cl = out; cl; cl = cl->next) {
        size += ngx_buf_size(cl->buf);

        if (cl->next == NULL) {
            cl->buf->last_buf = (r == r->main);
            cl->buf->last_in_chain = 1;
        }
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = size;

    if (out) {
        r->headers_out.content_type.data = (u_char *) type;
        r->headers_out.content_type.len = ngx_strlen(type);

        /* filters look for the type alone */

        r->headers_out.content_type_len = strcspn(type, ";");

    } else {
        r->header_only = 1;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, out);
}


ngx_int_t
wgw_reply_discard(ngx_http_request_t *r)
{
    r->expect_tested = 1;

    return ngx_http_discard_request_body(r);
}


ngx_chain_t *
wgw_reply_chain(ngx_pool_t *pool, size_t size)
{
    ngx_chain_t  *cl;

    cl = ngx_alloc_chain_link(pool);
    if (cl == NULL) {
        return NULL;
    }

    cl->buf = ngx_create_temp_buf(pool, size);
    cl->next = NULL;

    return cl->buf ? cl : NULL;
}


ngx_table_elt_t *
wgw_reply_header(ngx_http_request_t *r, const char *name, const char *value)
{
    ngx_table_elt_t  *header;

    header = ngx_list_push(&r->headers_out.headers);
    if (header == NULL) {
        return NULL;
    }

    header->hash = 1;
#if (nginx_version >= 1023000)
    header->next = NULL;
#endif
    header->key.data = (u_char *) name;
    header->key.len = ngx_strlen(name);
    header->value.data = (u_char *) value;
    header->value.len = ngx_strlen(value);

    return header;
}
