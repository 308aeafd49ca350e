
/*
 * What is asked for, and what was decided of it, in variables.
 */

#include "claims/http_content.h"
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


static const struct {
    ngx_str_t   name;
    uintptr_t   what;
} ngx_http_wgw_content_vars[] = {
    { ngx_string("wgw_cid"), CONTENT_CID },
    { ngx_string("wgw_multihash"), CONTENT_MULTIHASH },
    { ngx_string("wgw_content"), CONTENT_CLASS },
    { ngx_string("wgw_payer"), CONTENT_PAYER },
    { ngx_string("wgw_claim"), CONTENT_CLAIM },
    { ngx_null_string, 0 }
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


wgw_text_t
ngx_http_wgw_content_text(ngx_http_request_t *r, ngx_uint_t of_host)
{
    wgw_text_t  text;

    if (of_host) {
        text.data = (char *) r->headers_in.server.data;
        text.len = r->headers_in.server.len;

        return wgw_cid_of_host(text);
    }

    text.data = (char *) r->uri.data;
    text.len = r->uri.len;

    return wgw_cid_of_path(text);
}


static ngx_int_t
ngx_http_wgw_content_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    wgw_cid_t   cid;
    wgw_out_t   out;

    if (ngx_http_wgw_content_find(r, &cid) != NGX_OK) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = ngx_pnalloc(r->pool, WGW_CID_TEXT);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    wgw_out_init(&out, v->data, WGW_CID_TEXT);

    if (data == CONTENT_CID) {
        wgw_cid_write(&out, &cid);

    } else {
        wgw_out_str(&out, "z");
        wgw_base58_encode(&out, cid.multihash.data, cid.multihash.len);
    }

    v->len = out.pos - out.start;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
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
    const ngx_str_t             *value;
    ngx_http_wgw_content_ctx_t  *ctx;

    ctx = ngx_http_wgw_content_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    value = data == CONTENT_PAYER ? &ctx->decision.payer
            : data == CONTENT_CLAIM ? &ctx->decision.claim
            : &ngx_http_wgw_content_classes[ctx->decision.class];

    v->data = value->data;
    v->len = value->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/*
 * Not cached: an internal redirect may change the path, and a decision is
 * made only in the preaccess phase.
 */

ngx_int_t
ngx_http_wgw_content_add_variables(ngx_conf_t *cf)
{
    ngx_str_t             name;
    ngx_uint_t            i;
    ngx_http_variable_t  *var;

    for (i = 0; ngx_http_wgw_content_vars[i].name.len; i++) {
        name = ngx_http_wgw_content_vars[i].name;

        var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = ngx_http_wgw_content_vars[i].what
                           < CONTENT_CLASS ? ngx_http_wgw_content_variable
                                           : ngx_http_wgw_content_decided;
        var->data = ngx_http_wgw_content_vars[i].what;
    }

    return NGX_OK;
}
