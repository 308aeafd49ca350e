
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/reply.h"
#include "names/names_reply.h"


ngx_int_t
wgw_names_refuse(wgw_names_refusal_t *refusal, ngx_uint_t status,
    const char *field, const char *message)
{
    refusal->status = status;
    refusal->field = field;
    refusal->message = message;

    return NGX_ERROR;
}


ngx_int_t
wgw_names_failed(ngx_http_request_t *r, wgw_store_rc_t rc,
    wgw_store_error_t *error, wgw_names_refusal_t *refusal)
{
    switch (rc) {

    case WGW_STORE_NONE:
        return wgw_names_refuse(refusal, NGX_HTTP_NOT_FOUND, "name",
                                "is not known");

    case WGW_STORE_MISMATCH:
        return wgw_names_refuse(refusal, NGX_HTTP_PRECONDITION_FAILED, "",
                                "the record is not as the request's "
                                "condition says");

    case WGW_STORE_FULL:
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0, "names: %s",
                      error->text);

        return wgw_names_refuse(refusal, NGX_HTTP_INSUFFICIENT_STORAGE, "",
                                WGW_NAMES_NO_SPACE);

    default:
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "names: %s",
                      error->text);

        return wgw_names_refuse(refusal, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                                WGW_NAMES_NO_STORE);
    }
}


ngx_int_t
wgw_names_refused(ngx_http_request_t *r, wgw_names_refusal_t *refusal)
{
    if (refusal->status == NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return wgw_reply_error(r, refusal->status, refusal->field,
                           refusal->message);
}


ngx_int_t
wgw_names_record(ngx_http_request_t *r, ngx_uint_t status,
    wgw_record_t *record)
{
    u_char       *etag;
    wgw_out_t     out;
    ngx_chain_t  *cl;

    static char       json[WGW_RECORD_JSON + 1];

    wgw_out_init(&out, json, sizeof(json));
    wgw_record_json(record, &out);
    wgw_out_str(&out, "\n");

    cl = wgw_reply_chain(r->pool, out.pos - out.start);
    etag = ngx_pnalloc(r->pool, sizeof("\"\"") + 16);

    if (cl == NULL || etag == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cl->buf->last = ngx_cpymem(cl->buf->last, json, out.pos - out.start);

    ngx_sprintf(etag, "\"%xL\"%Z", record->change);

    r->headers_out.etag = wgw_reply_header(r, "ETag", (char *) etag);

    if (r->headers_out.etag == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

#if (NGX_HTTP_GZIP)

    /* compressing makes an ETag weak, and If-Match holds for strong ones */

    r->gzip_tested = 1;
    r->gzip_ok = 0;

#endif

    return wgw_reply_send(r, status, "application/json", cl);
}
