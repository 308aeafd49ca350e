
/*
 * The http side of the auth module: directives, variables, phases.
 */


#include "auth/auth_module.h"
#include "core/endpoint.h"
#include "core/hook.h"
#include "core/single.h"
#include "core/value.h"


static ngx_int_t ngx_http_wgw_auth_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_wgw_auth_preflight(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_wgw_auth_init_process(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_wgw_auth_add_variables(ngx_conf_t *cf);
static void ngx_http_wgw_auth_use(ngx_conf_t *cf);
static char *ngx_http_wgw_auth(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_wgw_auth_signin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_wgw_auth_log(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_wgw_auth_api(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_wgw_auth_init(ngx_conf_t *cf);


static ngx_conf_num_bounds_t  ngx_http_wgw_auth_uses_bounds = {
    ngx_conf_check_num_bounds, 0, 1000000000
};


#define NGX_HTTP_WGW_AUTH_ANY                                                 \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)


static ngx_command_t  ngx_http_wgw_auth_commands[] = {

    { ngx_string("wgw_auth"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_wgw_auth,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_auth_signin"),
      NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_http_wgw_auth_signin,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_auth_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_wgw_auth_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_auth_allow"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_1MORE,
      ngx_http_wgw_auth_allow,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_auth_secret"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_1MORE,
      ngx_http_wgw_auth_secret,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_auth_uri"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_1MORE,
      ngx_http_wgw_auth_origins,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, uris),
      NULL },

    { ngx_string("wgw_auth_domain"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_1MORE,
      ngx_http_wgw_auth_origins,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, domains),
      NULL },

    { ngx_string("wgw_auth_chain"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_1MORE,
      ngx_http_wgw_auth_chain,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_auth_cors"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_1MORE,
      ngx_http_wgw_auth_origins_allowed,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_auth_skew"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, skew),
      &ngx_http_wgw_auth_skew_post },

    { ngx_string("wgw_auth_ttl"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, ttl),
      &ngx_http_wgw_auth_ttl_post },

    { ngx_string("wgw_auth_max_age"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, max_age),
      &ngx_http_wgw_auth_age_post },

    { ngx_string("wgw_auth_uses"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, uses),
      &ngx_http_wgw_auth_uses_bounds },

    { ngx_string("wgw_auth_rate"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_TAKE1,
      ngx_http_wgw_auth_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, rate),
      NULL },

    { ngx_string("wgw_auth_wallet_rate"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_TAKE1,
      ngx_http_wgw_auth_rate,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, wallet_rate),
      NULL },

    { ngx_string("wgw_auth_wallet_keys"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_TAKE1,
      ngx_http_wgw_auth_wallet_keys,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_auth_lenient"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, lenient),
      NULL },

    { ngx_string("wgw_auth_expiration"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, expiration),
      NULL },

    { ngx_string("wgw_auth_bare"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, bare),
      NULL },

    { ngx_string("wgw_auth_recheck"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, recheck),
      NULL },

    { ngx_string("wgw_auth_pass_key"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, pass),
      NULL },

    { ngx_string("wgw_auth_log"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_TAKE1,
      ngx_http_wgw_auth_log,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_auth_allow_methods"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_1MORE,
      ngx_http_wgw_auth_methods,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, allow),
      NULL },

    { ngx_string("wgw_auth_deny_methods"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_1MORE,
      ngx_http_wgw_auth_methods,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, deny),
      NULL },

    { ngx_string("wgw_auth_methods_body"),
      NGX_HTTP_WGW_AUTH_ANY|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_auth_conf_t, body),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_wgw_auth_module_ctx = {
    ngx_http_wgw_auth_add_variables,       /* preconfiguration */
    ngx_http_wgw_auth_init,                /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_wgw_auth_create_loc_conf,     /* create location configuration */
    ngx_http_wgw_auth_merge_loc_conf       /* merge location configuration */
};


ngx_module_t  ngx_http_wgw_auth_module = {
    NGX_MODULE_V1,
    &ngx_http_wgw_auth_module_ctx,         /* module context */
    ngx_http_wgw_auth_commands,            /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_wgw_auth_init_process,        /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


enum {
    NGX_HTTP_WGW_AUTH_VAR_ADDRESS = 0,
    NGX_HTTP_WGW_AUTH_VAR_SERVICE,
    NGX_HTTP_WGW_AUTH_VAR_STATUS,
    NGX_HTTP_WGW_AUTH_VAR_EXPIRES,
    NGX_HTTP_WGW_AUTH_VAR_TOKEN_ID
};


static ngx_http_variable_t  ngx_http_wgw_auth_vars[] = {

    { ngx_string("wgw_auth_address"), NULL, ngx_http_wgw_auth_variable,
      NGX_HTTP_WGW_AUTH_VAR_ADDRESS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("wgw_auth_service"), NULL, ngx_http_wgw_auth_variable,
      NGX_HTTP_WGW_AUTH_VAR_SERVICE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("wgw_auth_status"), NULL, ngx_http_wgw_auth_variable,
      NGX_HTTP_WGW_AUTH_VAR_STATUS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("wgw_auth_expires"), NULL, ngx_http_wgw_auth_variable,
      NGX_HTTP_WGW_AUTH_VAR_EXPIRES, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("wgw_auth_token_id"), NULL, ngx_http_wgw_auth_variable,
      NGX_HTTP_WGW_AUTH_VAR_TOKEN_ID, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* for the meter: "1" when `wgw_auth_cors` answers a preflight */

    { ngx_string("wgw_auth_preflight"), NULL, ngx_http_wgw_auth_preflight,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/*
 * A phase before access may ask, the meter's for its key: then the key is
 * checked there.
 */

static ngx_int_t
ngx_http_wgw_auth_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                   *p;
    ngx_str_t                 value;
    ngx_http_wgw_auth_ctx_t  *ctx;

    ctx = ngx_http_wgw_auth_check(r->main);

    ngx_str_null(&value);

    if (ctx == NULL || ctx->reason == NULL) {
        /* nobody was asked for a key */

    } else if (data == NGX_HTTP_WGW_AUTH_VAR_STATUS) {
        value.data = (u_char *) ctx->reason;
        value.len = ngx_strlen(ctx->reason);

    } else if (ctx->status) {
        /* nothing of a key that is not good */

    } else if (data == NGX_HTTP_WGW_AUTH_VAR_ADDRESS) {
        value = ctx->address;

    } else if (data == NGX_HTTP_WGW_AUTH_VAR_SERVICE) {
        value = ctx->service;

    } else if (data == NGX_HTTP_WGW_AUTH_VAR_TOKEN_ID) {
        value = ctx->id;

    } else if (ctx->expires) {

        p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
        if (p == NULL) {
            return NGX_ERROR;
        }

        value.data = p;
        value.len = ngx_sprintf(p, "%L", ctx->expires) - p;
    }

    if (value.len == 0) {
        return wgw_value_none(v);
    }

    return wgw_value_set(v, &value);
}


static ngx_int_t
ngx_http_wgw_auth_init_process(ngx_cycle_t *cycle)
{
    wgw_single_start();
    ngx_wgw_auth_watch(cycle);

    return NGX_OK;
}


static ngx_int_t
ngx_http_wgw_auth_preflight(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                 value;
    ngx_http_wgw_auth_ctx_t  *ctx;

    ctx = ngx_http_wgw_auth_find_ctx(r->main);

    ngx_str_set(&value, "1");
    value.len = (ctx && ctx->preflight);

    return wgw_value_set(v, &value);
}


static ngx_int_t
ngx_http_wgw_auth_add_variables(ngx_conf_t *cf)
{
    return wgw_hook_vars(cf, ngx_http_wgw_auth_vars);
}


/* Zones and counters are made only where something uses them. */

static void
ngx_http_wgw_auth_use(ngx_conf_t *cf)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                               ngx_wgw_auth_module);
    acf->used = 1;
}


static char *
ngx_http_wgw_auth(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_auth_conf_t *aucf = conf;

    ngx_str_t  *value;

    if (aucf->enable != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    ngx_http_wgw_auth_use(cf);

    aucf->enable = 1;
    aucf->line = wgw_line(cf);

    if (cf->args->nelts == 1) {
        return NGX_CONF_OK;
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        aucf->enable = 0;
        return NGX_CONF_OK;
    }

    aucf->service = value[1];

    return ngx_http_wgw_auth_service(cf, &aucf->service);
}


static char *
ngx_http_wgw_auth_signin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_auth_conf_t *aucf = conf;

    ngx_str_t                 *value, *service;
    ngx_uint_t                 i;
    ngx_http_core_loc_conf_t  *clcf;

    if (aucf->signin) {
        return "is duplicate";
    }

    if (aucf->api_hosts) {
        return "is incompatible with \"wgw_auth_api\"";
    }

    if (cf->args->nelts > NGX_HTTP_WGW_AUTH_SERVICES + 1) {
        return "has too many services";
    }

    ngx_http_wgw_auth_use(cf);

    aucf->line = wgw_line(cf);
    aucf->signin = ngx_array_create(cf->pool, cf->args->nelts,
                                    sizeof(ngx_str_t));
    if (aucf->signin == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        service = ngx_array_push(aucf->signin);
        *service = value[i];

        if (ngx_http_wgw_auth_service(cf, service) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_wgw_auth_signin_handler;

    return NGX_CONF_OK;
}


static char *
ngx_http_wgw_auth_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_auth_conf_t *aucf = conf;

    ngx_str_t  *value;

    if (aucf->log != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        aucf->log = NULL;
        return NGX_CONF_OK;
    }

    aucf->log = ngx_conf_open_file(cf->cycle, &value[1]);

    return aucf->log ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_wgw_auth_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_auth_conf_t *aucf = conf;

    if (aucf->signin) {
        return "is incompatible with \"wgw_auth_signin\"";
    }

    ngx_http_wgw_auth_use(cf);

    return wgw_endpoint(cf, &aucf->api_hosts, ngx_http_wgw_auth_api_handler);
}


static ngx_int_t
ngx_http_wgw_auth_init(ngx_conf_t *cf)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    /* whom nobody asks costs nothing */

    if (acf->used
        && (wgw_hook_phase(cf, NGX_HTTP_ACCESS_PHASE,
                           ngx_http_wgw_auth_access_handler)
            != NGX_OK
            || wgw_hook_phase(cf, NGX_HTTP_PRECONTENT_PHASE,
                              ngx_http_wgw_auth_rpc_handler)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (!acf->cors) {
        return NGX_OK;
    }

    ngx_http_wgw_auth_cors_init();

    return wgw_hook_phase(cf, NGX_HTTP_REWRITE_PHASE,
                          ngx_http_wgw_auth_cors_handler);
}
