
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/reply.h"
#include "core/request.h"
#include "names/bulk.h"
#include "names/names_bulk.h"
#include "names/names_request.h"


#define BULK_TYPE    "application/x-ndjson"
#define BULK_COUNTS  128                /* {"added":...} with any numbers */


static ngx_uint_t bulk_typed(ngx_http_request_t *r);
static ngx_int_t bulk_replace(ngx_http_request_t *r, wgw_arg_t *replace,
    wgw_args_error_t *error);
static ngx_uint_t bulk_replaces(ngx_http_request_t *r);
static void bulk_body(ngx_http_request_t *r);
static void bulk_done(const wgw_bulk_result_t *result, void *data);
static ngx_int_t bulk_reply(ngx_http_request_t *r,
    const wgw_bulk_result_t *result);
static ngx_int_t bulk_failed(ngx_http_request_t *r,
    const wgw_bulk_result_t *result);
static ngx_int_t bulk_counts(ngx_http_request_t *r,
    const wgw_store_counts_t *counts);


ngx_int_t
wgw_names_bulk(ngx_http_request_t *r)
{
    ngx_int_t         rc;
    wgw_arg_t         replace;
    wgw_args_error_t  error;

    if (!bulk_typed(r)) {
        return wgw_reply_error(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                               "Content-Type", "must be " BULK_TYPE);
    }

    if (r->headers_in.if_match || r->headers_in.if_none_match) {
        return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST,
                               r->headers_in.if_match ? "If-Match"
                                                      : "If-None-Match",
                               "has no meaning for many names");
    }

    rc = bulk_replace(r, &replace, &error);

    if (rc != NGX_OK) {
        return wgw_args_refused(r, rc, &error);
    }

    if (replace.value.data
        && !wgw_text_equal(replace.value, wgw_text("true")))
    {
        return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, "replace",
                               "must be true, or absent");
    }

    rc = ngx_http_read_client_request_body(r, bulk_body);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


/* Also a defence: a page in a browser cannot send this type unasked. */

static ngx_uint_t
bulk_typed(ngx_http_request_t *r)
{
    size_t      len;
    u_char     *end;
    ngx_str_t  *type;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = &r->headers_in.content_type->value;

    end = ngx_strlchr(type->data, type->data + type->len, ';');
    len = end ? (size_t) (end - type->data) : type->len;

    while (len && (type->data[len - 1] == ' ' || type->data[len - 1] == '\t'))
    {
        len--;
    }

    return len == sizeof(BULK_TYPE) - 1
           && ngx_strncasecmp(type->data, (u_char *) BULK_TYPE, len) == 0;
}


static ngx_int_t
bulk_replace(ngx_http_request_t *r, wgw_arg_t *replace,
    wgw_args_error_t *error)
{
    ngx_int_t  rc;
    wgw_arg_t  args[] = { { "replace", { NULL, 0 } },
                          { NULL, { NULL, 0 } } };

    rc = wgw_args_read(r, args, error);

    *replace = args[0];

    return rc;
}


/* By now it is absent or true. */

static ngx_uint_t
bulk_replaces(ngx_http_request_t *r)
{
    wgw_arg_t         replace;
    wgw_args_error_t  error;

    return bulk_replace(r, &replace, &error) == NGX_OK
           && replace.value.data;
}


/* The request's count, already taken, is released by the reply. */

static void
bulk_body(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    wgw_store_t          *store;
    wgw_names_refusal_t   refusal;

    store = wgw_names_store(r, &refusal);

    if (store == NULL) {
        ngx_http_finalize_request(r, wgw_names_refused(r, &refusal));
        return;
    }

    wgw_request_wait(r);

    rc = wgw_bulk_start(store, wgw_names_rules(),
                        r->request_body ? r->request_body->bufs : NULL,
                        bulk_replaces(r), bulk_done, r);

    if (rc != NGX_OK) {
        wgw_request_resume(r);
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


static void
bulk_done(const wgw_bulk_result_t *result, void *data)
{
    ngx_http_request_t *r = data;

    wgw_request_resume(r);

    r->disable_not_modified = 1;

    wgw_request_finish(r, bulk_reply(r, result));
}


static ngx_int_t
bulk_reply(ngx_http_request_t *r, const wgw_bulk_result_t *result)
{
    switch (result->status) {

    case WGW_BULK_OK:
        return bulk_counts(r, &result->counts);

    case WGW_BULK_BAD:
        return wgw_reply_error_line(r, NGX_HTTP_BAD_REQUEST,
                                    result->error.field,
                                    result->error.message, result->line);

    case WGW_BULK_LONG:
        return wgw_reply_error_line(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "",
                                    bulk_replaces(r)
                                    ? "at most 10000000 names at once"
                                    : "at most 100000 names at once "
                                      "without replace=true", result->line);

    default:
        return bulk_failed(r, result);
    }
}


static ngx_int_t
bulk_failed(ngx_http_request_t *r, const wgw_bulk_result_t *result)
{
    if (result->status == WGW_BULK_STORE && result->rc == WGW_STORE_TAKEN) {
        return wgw_reply_error(r, NGX_HTTP_CONFLICT, "",
                               "another replace was started: nothing of this "
                               "one was changed");
    }

    ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                  "names: many at once: %s", result->failure.text);

    if (result->status != WGW_BULK_STORE) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (result->rc == WGW_STORE_FULL) {
        return wgw_reply_error(r, NGX_HTTP_INSUFFICIENT_STORAGE, "",
                               WGW_NAMES_NO_SPACE);
    }

    return wgw_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                           WGW_NAMES_NO_STORE);
}


static ngx_int_t
bulk_counts(ngx_http_request_t *r, const wgw_store_counts_t *counts)
{
    ngx_buf_t    *buf;
    ngx_chain_t  *cl;

    cl = wgw_reply_chain(r->pool, BULK_COUNTS);
    if (cl == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    buf = cl->buf;

    buf->last = ngx_slprintf(buf->last, buf->end,
                             "{\"added\":%uL,\"changed\":%uL,"
                             "\"deleted\":%uL}\n",
                             counts->added, counts->changed, counts->deleted);

    return wgw_reply_send(r, NGX_HTTP_OK, "application/json", cl);
}
