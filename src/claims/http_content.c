
/*
 * http_content: see http_content.h.
 *
 * The handler of the preaccess phase is the first there: it decides and
 * holds, rates and meters may refuse after it, and what is held counts in the
 * access phase.  What the rewrite phase answers, by `return`, never comes
 * there: a filter decides it, if it is no error.
 */

#include "claims/http_claims_api.h"
#include "claims/http_content.h"
#include "core/hook.h"
#include "core/request.h"


static ngx_int_t ngx_http_wgw_content_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_content_access(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_content_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_content_late(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf);
static ngx_int_t ngx_http_wgw_content_decide(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, ngx_http_wgw_content_ctx_t **found);
static void ngx_http_wgw_content_cleanup(void *data);
static ngx_int_t ngx_http_wgw_content_asked(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, wgw_claims_t *claims,
    wgw_content_t **content);
static ngx_int_t ngx_http_wgw_content_blocked(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, ngx_uint_t *blocked);
static void ngx_http_wgw_content_more(ngx_http_request_t *r,
    ngx_http_wgw_meter_more_t *more);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


/* After meter and rate: handlers pushed last are called first. */

ngx_int_t
ngx_http_wgw_content_install(ngx_conf_t *cf)
{
    if (wgw_hook_phase(cf, NGX_HTTP_PREACCESS_PHASE,
                       ngx_http_wgw_content_handler)
        != NGX_OK
        || wgw_hook_phase(cf, NGX_HTTP_ACCESS_PHASE,
                          ngx_http_wgw_content_access)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_wgw_content_filter;

    /* for good: requests without a decision add nothing */

    ngx_http_wgw_meter_more = ngx_http_wgw_content_more;
    ngx_http_wgw_usage_more = wgw_claims_lookup_metrics;

    return NGX_OK;
}


static ngx_int_t
ngx_http_wgw_content_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_http_wgw_content_ctx_t   *ctx;
    ngx_http_wgw_content_conf_t  *ccf;

    ccf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_content_module);

    if (r != r->main || ccf->enable != 1 || ngx_http_wgw_content_ctx(r)) {
        return NGX_DECLINED;
    }

    if (ccf->key == NULL && !ngx_http_wgw_content_plain(r)) {
        return NGX_HTTP_BAD_REQUEST;
    }

    rc = ngx_http_wgw_content_decide(r, ccf, &ctx);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DECLINED
                                  : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->decision.class == WGW_DECISION_DENIED) {
        return ngx_http_wgw_content_refuse(r, ccf, ctx);
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_wgw_content_access(ngx_http_request_t *r)
{
    ngx_http_wgw_content_ctx_t  *ctx;

    ctx = r == r->main ? ngx_http_wgw_content_ctx(r) : NULL;

    if (ctx) {
        wgw_decision_commit(&ctx->decision);
    }

    return NGX_DECLINED;
}


/* Errors cost nothing: a page of them is no content. */

static ngx_int_t
ngx_http_wgw_content_filter(ngx_http_request_t *r)
{
    ngx_http_wgw_content_ctx_t   *ctx;
    ngx_http_wgw_content_conf_t  *ccf;

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ccf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_content_module);
    ctx = ngx_http_wgw_content_ctx(r);

    if (ctx && ctx->late
        && ngx_http_wgw_content_headers(r, ccf, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx == NULL && ccf->enable == 1
        && r->headers_out.status < NGX_HTTP_BAD_REQUEST)
    {
        return ngx_http_wgw_content_late(r, ccf);
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_wgw_content_late(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf)
{
    ngx_int_t                    rc;
    ngx_http_wgw_content_ctx_t  *ctx;

    rc = ngx_http_wgw_content_decide(r, ccf, &ctx);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK && ctx->decision.class == WGW_DECISION_DENIED) {
        ctx->late = 1;
        r->keepalive = 0;

        return ngx_http_filter_finalize_request(r,
                                       &ngx_http_wgw_content_module,
                                       ngx_http_wgw_content_status(ccf, ctx));
    }

    if (rc == NGX_OK) {
        wgw_decision_commit(&ctx->decision);
    }

    return ngx_http_next_header_filter(r);
}


/* NGX_DECLINED: what is no CID is not limited. */

static ngx_int_t
ngx_http_wgw_content_decide(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, ngx_http_wgw_content_ctx_t **found)
{
    ngx_int_t                    rc;
    ngx_uint_t                   blocked;
    wgw_claims_t                *claims;
    wgw_content_t               *content;
    ngx_pool_cleanup_t          *cln;
    ngx_http_wgw_content_ctx_t  *ctx;

    claims = wgw_claims_conf((ngx_cycle_t *) ngx_cycle);

    rc = ngx_http_wgw_content_asked(r, ccf, claims, &content);
    if (rc != NGX_OK) {
        return rc;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_wgw_content_ctx_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_wgw_content_ctx_t));
    ctx->content = content;
    wgw_content_hold(content);

    cln->handler = ngx_http_wgw_content_cleanup;
    ngx_http_set_ctx(r, ctx, ngx_http_wgw_content_module);

    *found = ctx;

    if (ngx_http_wgw_content_blocked(r, ccf, &blocked) != NGX_OK) {
        return NGX_ERROR;
    }

    if (blocked) {
        ctx->blocked = 1;
        ctx->decision.class = ccf->decision.dry_run ? WGW_DECISION_DRY_RUN
                                                    : WGW_DECISION_DENIED;
        return NGX_OK;
    }

    return wgw_decide(r, claims, &ccf->decision, content, &ctx->decision);
}


ngx_http_wgw_content_ctx_t *
ngx_http_wgw_content_ctx(ngx_http_request_t *r)
{
    return wgw_request_ctx(r->main, &ngx_http_wgw_content_module,
                           ngx_http_wgw_content_cleanup);
}


/* Refused by others, or gone: nothing was served. */

static void
ngx_http_wgw_content_cleanup(void *data)
{
    ngx_http_wgw_content_ctx_t  *ctx = data;

    wgw_decision_release(&ctx->decision);
    wgw_content_release(ctx->content);
}


static ngx_int_t
ngx_http_wgw_content_asked(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, wgw_claims_t *claims,
    wgw_content_t **content)
{
    ngx_int_t   rc;
    ngx_str_t   value;
    ngx_log_t  *log;
    wgw_text_t  text;

    log = r->connection->log;

    if (ccf->key) {

        if (ngx_http_complex_value(r, ccf->key, &value) != NGX_OK) {
            return NGX_ERROR;
        }

        text.data = (char *) value.data;
        text.len = value.len;

        return wgw_contents_find(claims, text, content, log);
    }

    rc = wgw_contents_find(claims, ngx_http_wgw_content_text(r, 0), content,
                           log);

    return rc != NGX_DECLINED
           ? rc : wgw_contents_find(claims, ngx_http_wgw_content_text(r, 1),
                                    content, log);
}


static ngx_int_t
ngx_http_wgw_content_blocked(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, ngx_uint_t *blocked)
{
    ngx_str_t  value;

    *blocked = 0;

    if (ccf->limit == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, ccf->limit, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    *blocked = value.len == 1 && value.data[0] == '0';

    return NGX_OK;
}


/* For the meter: limits on bytes, or that it was refused. */

static void
ngx_http_wgw_content_more(ngx_http_request_t *r,
    ngx_http_wgw_meter_more_t *more)
{
    ngx_http_wgw_content_ctx_t  *ctx;

    ctx = ngx_http_wgw_content_ctx(r);

    if (ctx) {
        *more = ctx->decision.more;
        more->refused = ctx->decision.class == WGW_DECISION_DENIED;
    }
}


ngx_int_t
ngx_http_wgw_content_api_handler(ngx_http_request_t *r)
{
    ngx_http_wgw_content_conf_t  *ccf;

    ccf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_content_module);

    return wgw_claims_api_handler(r, ccf->api_hosts);
}
