
/*
 * What who is refused is told.
 */

#include "claims/http_content.h"
#include "core/reply.h"
#include "core/request.h"


static ngx_int_t ngx_http_wgw_content_say(ngx_http_request_t *r,
    ngx_http_wgw_content_ctx_t *ctx, ngx_uint_t status, ngx_str_t *type,
    ngx_str_t *text);
static unsigned ngx_http_wgw_content_wants_json(ngx_http_request_t *r);


ngx_int_t
ngx_http_wgw_content_refuse(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, ngx_http_wgw_content_ctx_t *ctx)
{
    ngx_str_t                 type;
    ngx_int_t                 rc;
    ngx_uint_t                status;
    ngx_http_complex_value_t  cv;

    status = ngx_http_wgw_content_status(ccf, ctx);

    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));

    if (ngx_http_wgw_content_say(r, ctx, status, &type, &cv.value) != NGX_OK
        || ngx_http_wgw_content_headers(r, ccf, ctx) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = wgw_reply_discard(r);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_finalize_request(r, ngx_http_send_response(r, status, &type,
                                                        &cv));

    return NGX_DONE;
}


static ngx_int_t
ngx_http_wgw_content_say(ngx_http_request_t *r,
    ngx_http_wgw_content_ctx_t *ctx, ngx_uint_t status, ngx_str_t *type,
    ngx_str_t *text)
{
    char        cid[WGW_CID_TEXT];
    size_t      len;
    wgw_out_t   out;
    ngx_uint_t  limited, json;

    static char  *says[2][2] = {
        { "%*s is not served here\n",
          "%*s is currently rate limited, please try again later\n" },
        { "{\"error\":\"is not served here\",\"cid\":\"%*s\"}\n",
          "{\"error\":\"is currently rate limited, try again later\","
          "\"cid\":\"%*s\"}\n" }
    };

    wgw_out_init(&out, cid, sizeof(cid));
    wgw_cid_write(&out, &ctx->content->cid);
    len = out.pos - cid;

    text->data = ngx_pnalloc(r->pool, len + 128);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    limited = status == NGX_HTTP_TOO_MANY_REQUESTS;
    json = ngx_http_wgw_content_wants_json(r);

    text->len = ngx_sprintf(text->data, says[json][limited], len, cid)
                - text->data;

    if (json) {
        ngx_str_set(type, "application/json");

    } else {
        ngx_str_set(type, "text/plain");
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_wgw_content_status(ngx_http_wgw_content_conf_t *ccf,
    ngx_http_wgw_content_ctx_t *ctx)
{
    return ctx->blocked || ccf->decision.required
           ? NGX_HTTP_FORBIDDEN : NGX_HTTP_TOO_MANY_REQUESTS;
}


/* Retry-After, and RateLimit of draft-ietf-httpapi-ratelimit-headers-10 */

ngx_int_t
ngx_http_wgw_content_headers(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, ngx_http_wgw_content_ctx_t *ctx)
{
    u_char                 *retry, *policy, *limit;
    ngx_uint_t              kind, window;
    wgw_decision_budget_t  *budget;

    if (ngx_http_wgw_content_status(ccf, ctx) != NGX_HTTP_TOO_MANY_REQUESTS) {
        return NGX_OK;
    }

    retry = ngx_pnalloc(r->pool, 3 * 64);
    if (retry == NULL) {
        return NGX_ERROR;
    }

    policy = retry + 64;
    limit = policy + 64;

    budget = ctx->decision.budget ? ccf->decision.budget : NULL;
    kind = budget ? budget->window.kind : ccf->decision.window.kind;
    window = kind == WGW_WINDOW_MINUTE ? 60
             : kind == WGW_WINDOW_HOUR ? 3600 : 86400;

    ngx_sprintf(retry, "%T%Z", ctx->decision.wait);
    ngx_sprintf(policy, "\"%s\";q=%uD;w=%ui%Z", budget ? "budget" : "public",
                budget ? budget->limit : ccf->decision.quota, window);
    ngx_sprintf(limit, "\"%s\";r=0;t=%T%Z", budget ? "budget" : "public",
                ctx->decision.wait);

    return wgw_reply_header(r, "Retry-After", (char *) retry)
           && wgw_reply_header(r, "RateLimit-Policy", (char *) policy)
           && wgw_reply_header(r, "RateLimit", (char *) limit)
           ? NGX_OK : NGX_ERROR;
}


static unsigned
ngx_http_wgw_content_wants_json(ngx_http_request_t *r)
{
    ngx_uint_t        n;
    ngx_table_elt_t  *accept;

    accept = wgw_request_header(r, "accept", &n);

    return accept
           && ngx_strlcasestrn(accept->value.data,
                               accept->value.data + accept->value.len,
                               (u_char *) "application/json", 15)
              != NULL;
}
