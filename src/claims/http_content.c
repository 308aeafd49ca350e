
/*
 * The http side of claims: the content that is asked for, who pays for it or
 * how it is refused, and the endpoint.
 *
 * The handler of the preaccess phase is the first there: it decides and
 * holds, rates and meters may refuse after it, and what is held counts in the
 * access phase.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "claims/http_claims_api.h"
#include "claims/http_decision.h"
#include "core/reply.h"
#include "core/request.h"
#include "format/cid.h"
#include "format/multibase.h"
#include "meter/meter_module.h"
#include "table/ration.h"


#define CONTENT_CID        0
#define CONTENT_MULTIHASH  1
#define CONTENT_CLASS      2
#define CONTENT_PAYER      3
#define CONTENT_CLAIM      4

#define CONTENT_PUBLIC     100          /* requests a minute */


typedef struct {
    ngx_array_t               *api_hosts;   /* NULL: no wgw_claims_api here */
    ngx_flag_t                 enable;
    ngx_http_complex_value_t  *key;         /* NULL: $wgw_cid */
    ngx_http_complex_value_t  *limit;       /* "0" blocks; or NULL */
    wgw_decision_conf_t        decision;
} ngx_http_wgw_content_conf_t;


typedef struct {
    ngx_uint_t                 enabled;
    wgw_decision_budget_t      budget;
} ngx_http_wgw_content_main_conf_t;


typedef struct {
    wgw_decision_t             decision;
    wgw_cid_t                  cid;
    unsigned                   blocked;     /* by its operator */
} ngx_http_wgw_content_ctx_t;


static ngx_int_t ngx_http_wgw_content_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_content_access(ngx_http_request_t *r);
static ngx_http_wgw_content_ctx_t *ngx_http_wgw_content_ctx(
    ngx_http_request_t *r);
static void ngx_http_wgw_content_cleanup(void *data);
static ngx_int_t ngx_http_wgw_content_asked(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, wgw_cid_t *cid);
static ngx_int_t ngx_http_wgw_content_blocked(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, unsigned *blocked);
static ngx_int_t ngx_http_wgw_content_refuse(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, ngx_http_wgw_content_ctx_t *ctx);
static ngx_int_t ngx_http_wgw_content_headers(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, ngx_http_wgw_content_ctx_t *ctx);
static unsigned ngx_http_wgw_content_wants_json(ngx_http_request_t *r);
static void ngx_http_wgw_content_more(ngx_http_request_t *r,
    ngx_http_wgw_meter_more_t *more);
static ngx_int_t ngx_http_wgw_content_decided(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

static ngx_int_t ngx_http_wgw_content_api_handler(ngx_http_request_t *r);
static wgw_text_t ngx_http_wgw_content_path(const ngx_str_t *uri);
static ngx_int_t ngx_http_wgw_content_find(ngx_http_request_t *r,
    wgw_cid_t *cid);
static ngx_int_t ngx_http_wgw_content_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_wgw_content_add_variables(ngx_conf_t *cf);
static void *ngx_http_wgw_content_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_wgw_content_create_conf(ngx_conf_t *cf);
static char *ngx_http_wgw_content_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_wgw_content(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_wgw_content_param(ngx_conf_t *cf, ngx_str_t *value,
    ngx_uint_t first, ngx_http_wgw_content_conf_t *ccf);
static char *ngx_http_wgw_content_public(ngx_str_t *value,
    wgw_decision_conf_t *conf);
static char *ngx_http_wgw_content_rate(u_char *p, size_t len, uint32_t *n,
    wgw_window_t *window);
static char *ngx_http_wgw_content_budget(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_wgw_content_compile(ngx_conf_t *cf, ngx_str_t *value,
    size_t prefix, ngx_http_complex_value_t **cv);
static char *ngx_http_wgw_content_api(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_wgw_content_init(ngx_conf_t *cf);


static ngx_command_t  ngx_http_wgw_content_commands[] = {

    { ngx_string("wgw_content"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_http_wgw_content,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_content_budget"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE123,
      ngx_http_wgw_content_budget,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_claims_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_wgw_content_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_wgw_content_module_ctx = {
    ngx_http_wgw_content_add_variables,    /* preconfiguration */
    ngx_http_wgw_content_init,             /* postconfiguration */

    ngx_http_wgw_content_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_wgw_content_create_conf,      /* create location configuration */
    ngx_http_wgw_content_merge_conf        /* merge location configuration */
};


ngx_module_t  ngx_http_wgw_content_module = {
    NGX_MODULE_V1,
    &ngx_http_wgw_content_module_ctx,      /* module context */
    ngx_http_wgw_content_commands,         /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


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
    [WGW_DECISION_DENIED] = ngx_string("denied"),
    [WGW_DECISION_DRY_RUN] = ngx_string("denied_dry_run")
};


static ngx_int_t
ngx_http_wgw_content_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    wgw_cid_t                     cid;
    ngx_pool_cleanup_t           *cln;
    ngx_http_wgw_content_ctx_t   *ctx;
    ngx_http_wgw_content_conf_t  *ccf;

    ccf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_content_module);

    if (r != r->main || ccf->enable != 1 || ngx_http_wgw_content_ctx(r)) {
        return NGX_DECLINED;
    }

    rc = ngx_http_wgw_content_asked(r, ccf, &cid);

    if (rc != NGX_OK) {
        return rc == NGX_ABORT ? NGX_HTTP_BAD_REQUEST : NGX_DECLINED;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_wgw_content_ctx_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_wgw_content_ctx_t));
    cln->handler = ngx_http_wgw_content_cleanup;
    ngx_http_set_ctx(r, ctx, ngx_http_wgw_content_module);

    ctx->cid = cid;
    ctx->cid.multihash.data = (char *) ctx->cid.bytes
                              + (cid.multihash.data - (char *) cid.bytes);

    if (ngx_http_wgw_content_blocked(r, ccf, &ctx->blocked) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->blocked) {
        ctx->decision.class = ccf->decision.dry_run ? WGW_DECISION_DRY_RUN
                                                    : WGW_DECISION_DENIED;

    } else if (wgw_decide(r, wgw_claims_conf((ngx_cycle_t *) ngx_cycle),
                          &ccf->decision, ctx->cid.multihash, &ctx->decision)
               != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
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


static ngx_http_wgw_content_ctx_t *
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
}


/* What is no CID is not limited. */

static ngx_int_t
ngx_http_wgw_content_asked(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, wgw_cid_t *cid)
{
    ngx_str_t   value;
    wgw_text_t  text;

    if (ccf->key == NULL) {
        return ngx_http_wgw_content_find(r, cid);
    }

    if (ngx_http_complex_value(r, ccf->key, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    text.data = (char *) value.data;
    text.len = value.len;

    return wgw_cid_read(cid, text) == 0 ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_wgw_content_blocked(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, unsigned *blocked)
{
    ngx_str_t  value;

    if (ccf->limit == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, ccf->limit, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    *blocked = value.len == 1 && value.data[0] == '0';

    return NGX_OK;
}


static ngx_int_t
ngx_http_wgw_content_refuse(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, ngx_http_wgw_content_ctx_t *ctx)
{
    char                      cid[WGW_CID_TEXT];
    unsigned                  json, limited;
    ngx_str_t                 type, text;
    ngx_int_t                 rc;
    wgw_out_t                 out;
    ngx_http_complex_value_t  cv;

    limited = !ctx->blocked && !ccf->decision.required;
    json = ngx_http_wgw_content_wants_json(r);

    wgw_out_init(&out, cid, sizeof(cid));
    wgw_cid_write(&out, &ctx->cid);

    text.len = out.pos - cid;
    text.data = ngx_pnalloc(r->pool, text.len + 128);

    if (text.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.len = ngx_sprintf(text.data,
                           json ? limited
                                  ? "{\"error\":\"is currently rate limited, "
                                    "try again later\",\"cid\":\"%*s\"}\n"
                                  : "{\"error\":\"is not served here\","
                                    "\"cid\":\"%*s\"}\n"
                                : limited
                                  ? "%*s is currently rate limited, please "
                                    "try again later\n"
                                  : "%*s is not served here\n",
                           text.len, cid)
               - text.data;

    if (limited && ngx_http_wgw_content_headers(r, ccf, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = wgw_reply_discard(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (json) {
        ngx_str_set(&type, "application/json");

    } else {
        ngx_str_set(&type, "text/plain");
    }

    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));
    cv.value = text;

    ngx_http_finalize_request(r, ngx_http_send_response(r,
                                  limited ? NGX_HTTP_TOO_MANY_REQUESTS
                                          : NGX_HTTP_FORBIDDEN,
                                  &type, &cv));

    return NGX_DONE;
}


/* Retry-After, and RateLimit of draft-ietf-httpapi-ratelimit-headers-10 */

static ngx_int_t
ngx_http_wgw_content_headers(ngx_http_request_t *r,
    ngx_http_wgw_content_conf_t *ccf, ngx_http_wgw_content_ctx_t *ctx)
{
    u_char                 *retry, *policy, *limit;
    ngx_uint_t              kind, window;
    wgw_decision_budget_t  *budget;

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


static ngx_int_t
ngx_http_wgw_content_api_handler(ngx_http_request_t *r)
{
    ngx_http_wgw_content_conf_t  *ccf;

    ccf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_content_module);

    return wgw_claims_api_handler(r, ccf->api_hosts);
}


/* As it came, without what follows it. */

static wgw_text_t
ngx_http_wgw_content_path(const ngx_str_t *uri)
{
    wgw_text_t  path;

    path.data = (char *) uri->data;

    for (path.len = 0; path.len < uri->len; path.len++) {
        if (path.data[path.len] == '?' || path.data[path.len] == '#') {
            break;
        }
    }

    return path;
}


/*
 * By path or by host.  NGX_ABORT: the path names another content, or one at
 * all, only when dots, slashes and escapes are resolved, and a backend that
 * gets it as it came may see the other one.
 */

static ngx_int_t
ngx_http_wgw_content_find(ngx_http_request_t *r, wgw_cid_t *cid)
{
    wgw_text_t  text, found, asked;

    text.data = (char *) r->uri.data;
    text.len = r->uri.len;
    found = wgw_cid_of_path(text);

    if (r->valid_unparsed_uri) {
        asked = wgw_cid_of_path(ngx_http_wgw_content_path(&r->unparsed_uri));

        if (!wgw_text_equal(asked, found)) {
            return NGX_ABORT;
        }
    }

    if (found.len && wgw_cid_read(cid, found) == 0) {
        return NGX_OK;
    }

    text.data = (char *) r->headers_in.server.data;
    text.len = r->headers_in.server.len;
    found = wgw_cid_of_host(text);

    if (found.len && wgw_cid_read(cid, found) == 0) {
        return NGX_OK;
    }

    return NGX_DECLINED;
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

static ngx_int_t
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


static void *
ngx_http_wgw_content_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_content_main_conf_t));
}


static void *
ngx_http_wgw_content_create_conf(ngx_conf_t *cf)
{
    ngx_http_wgw_content_conf_t  *ccf;

    ccf = ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_content_conf_t));
    if (ccf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     ccf->api_hosts = NULL;
     *     ccf->key = NULL;
     *     ccf->limit = NULL;
     */

    ccf->enable = NGX_CONF_UNSET;

    return ccf;
}


static char *
ngx_http_wgw_content_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_wgw_content_conf_t *prev = parent;
    ngx_http_wgw_content_conf_t *conf = child;

    ngx_http_wgw_content_main_conf_t  *main;

    if (conf->enable == NGX_CONF_UNSET) {
        conf->enable = prev->enable;
        conf->key = prev->key;
        conf->limit = prev->limit;
        conf->decision = prev->decision;
    }

    main = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_wgw_content_module);

    if (main->budget.limit) {
        conf->decision.budget = &main->budget;
    }

    if (conf->api_hosts) {
        return wgw_request_hosts(cf, conf->api_hosts);
    }

    if (prev->api_hosts
        && wgw_request_inherits(cf, ngx_http_wgw_content_api_handler))
    {
        conf->api_hosts = prev->api_hosts;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_wgw_content(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_content_conf_t *ccf = conf;

    char                              *rc;
    ngx_str_t                         *value;
    ngx_uint_t                         i;
    wgw_claims_t                      *claims;
    ngx_http_wgw_content_main_conf_t  *main;

    if (ccf->enable != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        ccf->enable = 0;
        return NGX_CONF_OK;
    }

    ccf->enable = 1;
    ccf->decision.quota = CONTENT_PUBLIC;
    ccf->decision.window.kind = WGW_WINDOW_MINUTE;
    ccf->decision.window.reset_day = 1;

    for (i = 1; i < cf->args->nelts; i++) {
        rc = ngx_http_wgw_content_param(cf, &value[i], i == 1, ccf);

        if (rc == NGX_CONF_ERROR) {
            return rc;
        }

        if (rc != NGX_CONF_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s", &value[i],
                               rc);
            return NGX_CONF_ERROR;
        }
    }

    claims = wgw_claims_conf(cf->cycle);
    if (claims == NULL) {
        return NGX_CONF_ERROR;
    }

    claims->needed = 1;
    claims->counted |= !ccf->decision.unlimited && !ccf->decision.required;

    main = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_wgw_content_module);
    main->enabled = 1;

    /* limits on bytes need flows */

    ngx_http_wgw_meter_enable(cf);

    return NGX_CONF_OK;
}


static char *
ngx_http_wgw_content_param(ngx_conf_t *cf, ngx_str_t *value,
    ngx_uint_t first, ngx_http_wgw_content_conf_t *ccf)
{
    if (ngx_strncmp(value->data, "public=", 7) == 0) {
        return ngx_http_wgw_content_public(value, &ccf->decision);
    }

    if (ngx_strncmp(value->data, "url=", 4) == 0) {
        return ngx_http_wgw_content_compile(cf, value, 4,
                                            &ccf->decision.url);
    }

    if (ngx_strncmp(value->data, "limit=", 6) == 0) {
        return ngx_http_wgw_content_compile(cf, value, 6, &ccf->limit);
    }

    if (ngx_strcmp(value->data, "required") == 0) {
        ccf->decision.required = 1;

    } else if (ngx_strcmp(value->data, "dry_run") == 0) {
        ccf->decision.dry_run = 1;

    } else if (first) {
        return ngx_http_wgw_content_compile(cf, value, 0, &ccf->key);

    } else {
        return "is not a parameter of \"wgw_content\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_wgw_content_public(ngx_str_t *value, wgw_decision_conf_t *conf)
{
    if (value->len == 10 && ngx_strncmp(value->data + 7, "off", 3) == 0) {
        conf->unlimited = 1;
        return NGX_CONF_OK;
    }

    return ngx_http_wgw_content_rate(value->data + 7, value->len - 7,
                                     &conf->quota, &conf->window);
}


/* Nr/m, Nr/h or Nr/d: so many in a window of the calendar */

static char *
ngx_http_wgw_content_rate(u_char *p, size_t len, uint32_t *number,
    wgw_window_t *window)
{
    ngx_int_t  n;

    if (len < 4 || p[len - 3] != 'r' || p[len - 2] != '/') {
        return "is no rate as \"100r/m\", \"100r/h\" or \"100r/d\"";
    }

    switch (p[len - 1]) {
    case 'm':
        window->kind = WGW_WINDOW_MINUTE;
        break;
    case 'h':
        window->kind = WGW_WINDOW_HOUR;
        break;
    case 'd':
        window->kind = WGW_WINDOW_DAY;
        break;
    default:
        return "is no rate as \"100r/m\", \"100r/h\" or \"100r/d\"";
    }

    n = ngx_atoi(p, len - 3);

    if (n == NGX_ERROR || n > (ngx_int_t) WGW_RATION_MAX) {
        return "is out of range";
    }

    window->reset_day = 1;
    *number = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_wgw_content_budget(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_content_main_conf_t *main = conf;

    char                   *rc;
    ngx_int_t               percent;
    ngx_str_t              *value;
    ngx_uint_t              i;
    wgw_claims_t           *claims;
    wgw_decision_budget_t  *budget;

    budget = &main->budget;

    if (budget->limit) {
        return "is duplicate";
    }

    value = cf->args->elts;
    rc = ngx_http_wgw_content_rate(value[1].data, value[1].len,
                                   &budget->limit, &budget->window);

    if (rc != NGX_CONF_OK || budget->limit == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s", &value[1],
                           rc ? rc : "is no budget");
        return NGX_CONF_ERROR;
    }

    percent = 80;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "hard") == 0) {
            budget->hard = 1;
            continue;
        }

        if (ngx_strncmp(value[i].data, "alarm=", 6) == 0
            && value[i].data[value[i].len - 1] == '%')
        {
            percent = ngx_atoi(value[i].data + 6, value[i].len - 7);

            if (percent > 0 && percent <= 100) {
                continue;
            }
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           &value[i]);
        return NGX_CONF_ERROR;
    }

    budget->alarm = (uint32_t) (((uint64_t) budget->limit * percent + 99)
                                / 100);

    claims = wgw_claims_conf(cf->cycle);
    if (claims == NULL) {
        return NGX_CONF_ERROR;
    }

    claims->counted = 1;

    return NGX_CONF_OK;
}


static char *
ngx_http_wgw_content_compile(ngx_conf_t *cf, ngx_str_t *value,
    size_t prefix, ngx_http_complex_value_t **cv)
{
    ngx_str_t                         text;
    ngx_http_compile_complex_value_t  ccv;

    if (*cv) {
        return "is duplicate";
    }

    *cv = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (*cv == NULL) {
        return NGX_CONF_ERROR;
    }

    text.data = value->data + prefix;
    text.len = value->len - prefix;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &text;
    ccv.complex_value = *cv;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? NGX_CONF_OK
                                                          : NGX_CONF_ERROR;
}


static char *
ngx_http_wgw_content_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_content_conf_t *ccf = conf;

    wgw_claims_t              *claims;
    ngx_http_core_loc_conf_t  *clcf;

    if (ccf->api_hosts) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* an id is what follows the location's prefix */

    if (clcf->named
#if (NGX_PCRE)
        || clcf->regex
#endif
        )
    {
        return "cannot be in location given by regular expression, "
               "or inside named location";
    }

    claims = wgw_claims_conf(cf->cycle);
    ccf->api_hosts = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));

    if (claims == NULL || ccf->api_hosts == NULL) {
        return NGX_CONF_ERROR;
    }

    claims->needed = 1;
    clcf->handler = ngx_http_wgw_content_api_handler;

    return NGX_CONF_OK;
}


/* After meter and rate: handlers pushed last are called first. */

static ngx_int_t
ngx_http_wgw_content_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt               *h;
    ngx_http_core_main_conf_t         *cmcf;
    ngx_http_wgw_content_main_conf_t  *main;

    main = ngx_http_conf_get_module_main_conf(cf,
                                              ngx_http_wgw_content_module);

    if (!main->enabled) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_wgw_content_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_wgw_content_access;

    /* for good: requests without a decision add nothing */

    ngx_http_wgw_meter_more = ngx_http_wgw_content_more;

    return NGX_OK;
}
