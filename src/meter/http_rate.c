
/*
 * The http side of rates: limits are looked at once for each request, before
 * access.
 */

#include "core/hook.h"
#include "core/request.h"
#include "meter/http_key.h"
#include "meter/http_rate.h"
#include "meter/meter_module.h"


typedef struct {
    ngx_uint_t    enabled;
    ngx_uint_t    bytes;        /* one limits bytes */
} ngx_http_wgw_rate_main_conf_t;


typedef struct {
    ngx_uint_t    status;
} ngx_http_wgw_rate_ctx_t;


static ngx_int_t ngx_http_wgw_rate_handler(ngx_http_request_t *r);
static ngx_http_wgw_rate_ctx_t *ngx_http_wgw_rate_find(
    ngx_http_request_t *r);
static void ngx_http_wgw_rate_cleanup(void *data);
static ngx_int_t ngx_http_wgw_rate_retry_after(ngx_http_request_t *r,
    time_t wait);

static ngx_int_t ngx_http_wgw_rate_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_wgw_rate_add_variables(ngx_conf_t *cf);
static void *ngx_http_wgw_rate_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_wgw_rate_create_conf(ngx_conf_t *cf);
static char *ngx_http_wgw_rate_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_wgw_rate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_wgw_rate_init(ngx_conf_t *cf);


static ngx_command_t  ngx_http_wgw_rate_commands[] = {

    { ngx_string("wgw_rate"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_wgw_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_wgw_rate_module_ctx = {
    ngx_http_wgw_rate_add_variables,       /* preconfiguration */
    ngx_http_wgw_rate_init,                /* postconfiguration */

    ngx_http_wgw_rate_create_main_conf,    /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_wgw_rate_create_conf,         /* create location configuration */
    ngx_http_wgw_rate_merge_conf           /* merge location configuration */
};


ngx_module_t  ngx_http_wgw_rate_module = {
    NGX_MODULE_V1,
    &ngx_http_wgw_rate_module_ctx,         /* module context */
    ngx_http_wgw_rate_commands,            /* module directives */
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


static ngx_int_t
ngx_http_wgw_rate_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    wgw_rate_call_t             call;
    ngx_pool_cleanup_t         *cln;
    ngx_http_wgw_rate_ctx_t    *ctx;
    ngx_http_wgw_rate_conf_t   *rcf;
    ngx_http_wgw_meter_conf_t  *mcf;

    rcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_rate_module);

    if (r != r->main || wgw_rate_number(rcf->rates, 0) == 0
        || ngx_http_wgw_rate_find(r))
    {
        return NGX_DECLINED;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_wgw_rate_ctx_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_wgw_rate_cleanup;
    ctx = cln->data;

    /* found by the cleanup, and a key may ask for it */

    ctx->status = 0;

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    ngx_memzero(&call, sizeof(wgw_rate_call_t));

    call.key = ngx_http_wgw_meter_key;
    call.data = r;
    call.log = r->connection->log;
    call.log_level = mcf->log_level;
    call.what = "requests";

    rc = wgw_rate_admit(&call, rcf->rates->elts, rcf->rates->nelts);

    ctx->status = call.status;
    ngx_http_set_ctx(r, ctx, ngx_http_wgw_rate_module);

    if (rc == NGX_OK) {
        return NGX_DECLINED;
    }

    if (rc == NGX_ERROR
        || ngx_http_wgw_rate_retry_after(r, call.wait) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return mcf->status;
}


static ngx_http_wgw_rate_ctx_t *
ngx_http_wgw_rate_find(ngx_http_request_t *r)
{
    return wgw_request_ctx(r->main, &ngx_http_wgw_rate_module,
                           ngx_http_wgw_rate_cleanup);
}


/* Marks its data. */

static void
ngx_http_wgw_rate_cleanup(void *data)
{
    ngx_http_wgw_rate_ctx_t  *ctx = data;

    ctx->status = 0;
}


static ngx_int_t
ngx_http_wgw_rate_retry_after(ngx_http_request_t *r, time_t wait)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    ngx_str_set(&h->key, "Retry-After");

    h->value.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);

    if (h->value.data == NULL) {
        h->hash = 0;
        return NGX_ERROR;
    }

    h->value.len = ngx_sprintf(h->value.data, "%T", wait) - h->value.data;

    return NGX_OK;
}


ngx_uint_t
ngx_http_wgw_rate_status(ngx_http_request_t *r)
{
    ngx_http_wgw_rate_ctx_t  *ctx;

    ctx = ngx_http_wgw_rate_find(r);

    return ctx ? ctx->status : 0;
}


ngx_uint_t
ngx_http_wgw_rate_bytes(ngx_conf_t *cf)
{
    ngx_http_wgw_rate_main_conf_t  *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_wgw_rate_module);

    return rmcf->bytes;
}


static ngx_int_t
ngx_http_wgw_rate_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    return wgw_rate_variable(ngx_http_wgw_rate_status(r), v);
}


static ngx_int_t
ngx_http_wgw_rate_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var;

    static ngx_str_t  name = ngx_string("wgw_rate_status");

    var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_http_wgw_rate_variable;

    return NGX_OK;
}


static void *
ngx_http_wgw_rate_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_rate_main_conf_t));
}


static void *
ngx_http_wgw_rate_create_conf(ngx_conf_t *cf)
{
    ngx_http_wgw_rate_conf_t  *rcf;

    rcf = ngx_palloc(cf->pool, sizeof(ngx_http_wgw_rate_conf_t));
    if (rcf == NULL) {
        return NULL;
    }

    rcf->rates = NGX_CONF_UNSET_PTR;

    return rcf;
}


static char *
ngx_http_wgw_rate_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_wgw_rate_conf_t *prev = parent;
    ngx_http_wgw_rate_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->rates, prev->rates, NULL);

    return NGX_CONF_OK;
}


static char *
ngx_http_wgw_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_rate_conf_t *rcf = conf;

    char                           *rc;
    ngx_http_wgw_rate_main_conf_t  *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_wgw_rate_module);
    rmcf->enabled = 1;

    rc = wgw_rate_parse(cf, &rcf->rates, &ngx_http_wgw_meter_proto);

    if (rc == NGX_CONF_OK && wgw_rate_number(rcf->rates, 1)) {
        rmcf->bytes = 1;
    }

    return rc;
}


static ngx_int_t
ngx_http_wgw_rate_init(ngx_conf_t *cf)
{
    ngx_http_wgw_rate_main_conf_t  *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_wgw_rate_module);

    if (!rmcf->enabled) {
        return NGX_OK;
    }

    return wgw_hook_phase(cf, NGX_HTTP_PREACCESS_PHASE,
                          ngx_http_wgw_rate_handler);
}
