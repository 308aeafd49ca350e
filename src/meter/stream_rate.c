
/*
 * The stream side of rates: connections of a key.  By the client's address
 * they are refused before TLS; other keys may be of the TLS hello, and are
 * looked at in place of the content handler.
 */

#include "core/stream_hook.h"
#include "meter/stream_key.h"
#include "meter/stream_rate.h"

#include <ngx_stream.h>


typedef struct {
    ngx_array_t                   *rates;
    ngx_stream_content_handler_pt  handler;   /* the one we stand before */
} ngx_stream_wgw_rate_conf_t;


typedef struct {
    ngx_uint_t                     status;
} ngx_stream_wgw_rate_ctx_t;


static ngx_int_t ngx_stream_wgw_rate_preaccess(ngx_stream_session_t *s);
static void ngx_stream_wgw_rate_content(ngx_stream_session_t *s);
static ngx_int_t ngx_stream_wgw_rate_admit(ngx_stream_session_t *s,
    ngx_uint_t address);

static ngx_int_t ngx_stream_wgw_rate_variable(ngx_stream_session_t *s,
    ngx_stream_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_stream_wgw_rate_add_variables(ngx_conf_t *cf);
static void *ngx_stream_wgw_rate_create_conf(ngx_conf_t *cf);
static char *ngx_stream_wgw_rate_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_stream_wgw_rate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_stream_wgw_rate_init(ngx_conf_t *cf);


static ngx_command_t  ngx_stream_wgw_rate_commands[] = {

    { ngx_string("wgw_rate"),
      NGX_STREAM_MAIN_CONF|NGX_STREAM_SRV_CONF|NGX_CONF_1MORE,
      ngx_stream_wgw_rate,
      NGX_STREAM_SRV_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_stream_module_t  ngx_stream_wgw_rate_module_ctx = {
    ngx_stream_wgw_rate_add_variables,     /* preconfiguration */
    ngx_stream_wgw_rate_init,              /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_stream_wgw_rate_create_conf,       /* create server configuration */
    ngx_stream_wgw_rate_merge_conf         /* merge server configuration */
};


ngx_module_t  ngx_stream_wgw_rate_module = {
    NGX_MODULE_V1,
    &ngx_stream_wgw_rate_module_ctx,       /* module context */
    ngx_stream_wgw_rate_commands,          /* module directives */
    NGX_STREAM_MODULE,                     /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static const ngx_stream_wgw_rate_meter_t  *ngx_stream_wgw_meter;


static ngx_int_t
ngx_stream_wgw_rate_preaccess(ngx_stream_session_t *s)
{
    switch (ngx_stream_wgw_rate_admit(s, 1)) {

    case NGX_DECLINED:
        return NGX_STREAM_SERVICE_UNAVAILABLE;

    case NGX_ERROR:
        return NGX_STREAM_INTERNAL_SERVER_ERROR;

    default: /* NGX_OK */
        return NGX_DECLINED;
    }
}


static void
ngx_stream_wgw_rate_content(ngx_stream_session_t *s)
{
    ngx_stream_wgw_rate_conf_t  *rcf;

    rcf = ngx_stream_get_module_srv_conf(s, ngx_stream_wgw_rate_module);

    switch (ngx_stream_wgw_rate_admit(s, 0)) {

    case NGX_DECLINED:
        ngx_stream_finalize_session(s, NGX_STREAM_SERVICE_UNAVAILABLE);
        return;

    case NGX_ERROR:
        ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
        return;

    default: /* NGX_OK */
        rcf->handler(s);
    }
}


/*
 * Only the limits by address, or only the others: a variable that is asked
 * for too early may keep that it is empty.
 */

static ngx_int_t
ngx_stream_wgw_rate_admit(ngx_stream_session_t *s, ngx_uint_t address)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    wgw_rate_call_t              call;
    wgw_rate_conf_t             *rates;
    ngx_stream_wgw_rate_ctx_t   *ctx;
    ngx_stream_wgw_rate_conf_t  *rcf;

    rcf = ngx_stream_get_module_srv_conf(s, ngx_stream_wgw_rate_module);

    if (wgw_rate_number(rcf->rates, 0) == 0) {
        return NGX_OK;
    }

    ctx = ngx_stream_get_module_ctx(s, ngx_stream_wgw_rate_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(s->connection->pool,
                          sizeof(ngx_stream_wgw_rate_ctx_t));
        if (ctx == NULL) {
            return NGX_ERROR;
        }

        ngx_stream_set_ctx(s, ctx, ngx_stream_wgw_rate_module);
    }

    ngx_memzero(&call, sizeof(wgw_rate_call_t));

    call.key = ngx_stream_wgw_meter_key;
    call.data = s;
    call.log = s->connection->log;
    call.log_level = ngx_stream_wgw_meter->log_level(s->srv_conf);
    call.what = "connections";
    call.status = ctx->status;

    /* sorted: first those by address */

    rates = rcf->rates->elts;

    for (i = 0; i < rcf->rates->nelts && rates[i].address; i++) {
        /* void */
    }

    rc = address ? wgw_rate_admit(&call, rates, i)
                 : wgw_rate_admit(&call, rates + i, rcf->rates->nelts - i);

    ctx->status = call.status;

    if (rc == NGX_DECLINED && ngx_stream_wgw_meter->refuse(s) != NGX_OK) {
        return NGX_ERROR;
    }

    return rc;
}


void
ngx_stream_wgw_rate_meter(const ngx_stream_wgw_rate_meter_t *meter)
{
    ngx_stream_wgw_meter = meter;
}


ngx_array_t *
ngx_stream_wgw_rates(void **srv_conf)
{
    ngx_stream_wgw_rate_conf_t  *rcf;

    rcf = srv_conf[ngx_stream_wgw_rate_module.ctx_index];

    return rcf->rates;
}


static ngx_int_t
ngx_stream_wgw_rate_variable(ngx_stream_session_t *s,
    ngx_stream_variable_value_t *v, uintptr_t data)
{
    ngx_stream_wgw_rate_ctx_t  *ctx;

    ctx = ngx_stream_get_module_ctx(s, ngx_stream_wgw_rate_module);

    return wgw_rate_variable(ctx ? ctx->status : 0, v);
}


static ngx_int_t
ngx_stream_wgw_rate_add_variables(ngx_conf_t *cf)
{
    ngx_stream_variable_t  *var;

    static ngx_str_t  name = ngx_string("wgw_rate_status");

    var = ngx_stream_add_variable(cf, &name, NGX_STREAM_VAR_NOCACHEABLE);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->get_handler = ngx_stream_wgw_rate_variable;

    return NGX_OK;
}


static void *
ngx_stream_wgw_rate_create_conf(ngx_conf_t *cf)
{
    ngx_stream_wgw_rate_conf_t  *rcf;

    rcf = ngx_pcalloc(cf->pool, sizeof(ngx_stream_wgw_rate_conf_t));
    if (rcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     rcf->handler = NULL;
     */

    rcf->rates = NGX_CONF_UNSET_PTR;

    return rcf;
}


static char *
ngx_stream_wgw_rate_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_stream_wgw_rate_conf_t *prev = parent;
    ngx_stream_wgw_rate_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->rates, prev->rates, NULL);

    return NGX_CONF_OK;
}


static char *
ngx_stream_wgw_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_wgw_rate_conf_t *rcf = conf;

    char             *rc;
    ngx_uint_t        i;
    wgw_rate_conf_t  *rates, last;

    rc = wgw_rate_parse(cf, &rcf->rates, &ngx_stream_wgw_meter_proto);

    if (rc != NGX_CONF_OK || rcf->rates->nelts == 0) {
        return rc;
    }

    rates = rcf->rates->elts;
    i = rcf->rates->nelts - 1;
    last = rates[i];

    for ( /* void */ ; last.address && i && !rates[i - 1].address; i--) {
        rates[i] = rates[i - 1];
    }

    rates[i] = last;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_stream_wgw_rate_init(ngx_conf_t *cf)
{
    ngx_uint_t                     i, used;
    ngx_stream_core_srv_conf_t   **cscfp;
    ngx_stream_core_main_conf_t   *cmcf;
    ngx_stream_wgw_rate_conf_t    *rcf;

    used = 0;

    cmcf = ngx_stream_conf_get_module_main_conf(cf, ngx_stream_core_module);
    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        rcf = cscfp[i]->ctx->srv_conf[ngx_stream_wgw_rate_module.ctx_index];

        /* from 1.27.1 on a server may have none, and ends its sessions */

        if (cscfp[i]->handler == NULL) {
            continue;
        }

        if (wgw_rate_number(rcf->rates, 0)) {
            rcf->handler = cscfp[i]->handler;
            cscfp[i]->handler = ngx_stream_wgw_rate_content;

            used = 1;
        }
    }

    if (!used) {
        return NGX_OK;
    }

    return wgw_stream_hook_phase(cf, NGX_STREAM_PREACCESS_PHASE,
                                 ngx_stream_wgw_rate_preaccess);
}
