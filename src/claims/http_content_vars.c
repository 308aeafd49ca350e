
/*
 * What is asked for, and what was decided of it, in variables.
 */

#include "claims/http_content.h"
#include "core/hook.h"
#include "core/value.h"
#include "format/multibase.h"


#define CONTENT_CID        0
#define CONTENT_MULTIHASH  1
#define CONTENT_CLASS      2
#define CONTENT_PAYER      3
#define CONTENT_CLAIM      4


static ngx_int_t ngx_http_wgw_content_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_wgw_content_find(ngx_http_request_t *r,
    wgw_cid_t *cid);
static ngx_int_t ngx_http_wgw_content_decided(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


/*
 * Not cached: an internal redirect may change the path, and a decision is
 * made only in the preaccess phase.
 */

static ngx_http_variable_t  ngx_http_wgw_content_vars[] = {

    { ngx_string("wgw_cid"), NULL, ngx_http_wgw_content_variable,
      CONTENT_CID, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("wgw_multihash"), NULL, ngx_http_wgw_content_variable,
      CONTENT_MULTIHASH, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("wgw_content"), NULL, ngx_http_wgw_content_decided,
      CONTENT_CLASS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("wgw_payer"), NULL, ngx_http_wgw_content_decided,
      CONTENT_PAYER, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("wgw_claim"), NULL, ngx_http_wgw_content_decided,
      CONTENT_CLAIM, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static const ngx_str_t  ngx_http_wgw_content_classes[] = {
    [WGW_DECISION_NONE] = ngx_null_string,
    [WGW_DECISION_CLAIM] = ngx_string("claim"),
    [WGW_DECISION_PUBLIC] = ngx_string("public"),
    [WGW_DECISION_UNKNOWN_FIRST] = ngx_string("unknown_first"),
    [WGW_DECISION_STALE_OVER] = ngx_string("stale_over"),
    [WGW_DECISION_DENIED] = ngx_string("denied"),
    [WGW_DECISION_DRY_RUN] = ngx_string("denied_dry_run")
};


static ngx_int_t
ngx_http_wgw_content_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t   value;
    wgw_cid_t   cid;
    wgw_out_t   out;

    if (ngx_http_wgw_content_find(r, &cid) != NGX_OK) {
        return wgw_value_none(v);
    }

    value.data = ngx_pnalloc(r->pool, WGW_CID_TEXT);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    wgw_out_init(&out, value.data, WGW_CID_TEXT);

    if (data == CONTENT_CID) {
        wgw_cid_write(&out, &cid);

    } else {
        wgw_out_str(&out, "z");
        wgw_base58_encode(&out, cid.multihash.data, cid.multihash.len);
    }

    value.len = out.pos - out.start;

    return wgw_value_set(v, &value);
}


/* Of a look-up: the content that it is about. */

static ngx_int_t
ngx_http_wgw_content_find(ngx_http_request_t *r, wgw_cid_t *cid)
{
    const wgw_cid_t  *asked;

    asked = wgw_claims_lookup_of(r);

    if (asked) {
        wgw_cid_copy(cid, asked);
        return NGX_OK;
    }

    return wgw_cid_read(cid, ngx_http_wgw_content_text(r, 0)) == 0
           || wgw_cid_read(cid, ngx_http_wgw_content_text(r, 1)) == 0
           ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_wgw_content_decided(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_wgw_content_ctx_t  *ctx;

    ctx = ngx_http_wgw_content_ctx(r);

    if (ctx == NULL) {
        return wgw_value_none(v);
    }

    return wgw_value_set(v, data == CONTENT_PAYER ? &ctx->decision.payer
                            : data == CONTENT_CLAIM ? &ctx->decision.claim
                            : &ngx_http_wgw_content_classes[
                                                   ctx->decision.class]);
}


ngx_int_t
ngx_http_wgw_content_add_variables(ngx_conf_t *cf)
{
    return wgw_hook_vars(cf, ngx_http_wgw_content_vars);
}
