
/*
 * The http side of the auth module: directives, variables, phases.
 */


#include "auth/auth_module.h"
#include "core/request.h"


#define NGX_HTTP_WGW_AUTH_BODY_DEFAULT  (1024 * 1024)   /* nginx's own */


static ngx_int_t ngx_http_wgw_auth_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_wgw_auth_add_variables(ngx_conf_t *cf);
static void *ngx_http_wgw_auth_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_wgw_auth_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static void ngx_http_wgw_auth_body(ngx_conf_t *cf,
    ngx_http_wgw_auth_conf_t *conf);
static char *ngx_http_wgw_auth_merge_rules(ngx_conf_t *cf,
    ngx_http_wgw_auth_conf_t *prev, ngx_http_wgw_auth_conf_t *conf);
static void ngx_http_wgw_auth_inherit(ngx_conf_t *cf,
    ngx_http_wgw_auth_conf_t *prev, ngx_http_wgw_auth_conf_t *conf);
static char *ngx_http_wgw_auth_needs(ngx_conf_t *cf,
    ngx_http_wgw_auth_conf_t *conf);
static char *ngx_http_wgw_auth_names(ngx_conf_t *cf,
    ngx_http_wgw_auth_conf_t *conf);

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
    NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF


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
    NULL,                                  /* init process */
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
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = value.data;
    v->len = value.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_wgw_auth_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_wgw_auth_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static void *
ngx_http_wgw_auth_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_wgw_auth_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_auth_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->service = { 0, NULL };
     */

    conf->rules = NGX_CONF_UNSET_PTR;
    conf->keys = NGX_CONF_UNSET_PTR;
    conf->uris = NGX_CONF_UNSET_PTR;
    conf->domains = NGX_CONF_UNSET_PTR;
    conf->chains = NGX_CONF_UNSET_PTR;
    conf->cors = NGX_CONF_UNSET_PTR;
    conf->allow = NGX_CONF_UNSET_PTR;
    conf->deny = NGX_CONF_UNSET_PTR;
    conf->log = NGX_CONF_UNSET_PTR;

    conf->skew = NGX_CONF_UNSET;
    conf->ttl = NGX_CONF_UNSET;
    conf->max_age = NGX_CONF_UNSET;
    conf->uses = NGX_CONF_UNSET;
    conf->rate = NGX_CONF_UNSET;
    conf->wallet_rate = NGX_CONF_UNSET;
    conf->wallet_keys = NGX_CONF_UNSET;
    conf->lenient = NGX_CONF_UNSET;
    conf->expiration = NGX_CONF_UNSET;
    conf->bare = NGX_CONF_UNSET;
    conf->recheck = NGX_CONF_UNSET;
    conf->pass = NGX_CONF_UNSET;
    conf->enable = NGX_CONF_UNSET;
    conf->body = NGX_CONF_UNSET_SIZE;

    return conf;
}


static char *
ngx_http_wgw_auth_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_wgw_auth_conf_t *prev = parent;
    ngx_http_wgw_auth_conf_t *conf = child;

    ngx_wgw_auth_conf_t  *acf;

    if (conf->line.number == 0) {
        conf->line = prev->line;
    }

    if (ngx_http_wgw_auth_merge_rules(cf, prev, conf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_ptr_value(conf->keys, prev->keys, NULL);
    ngx_conf_merge_ptr_value(conf->uris, prev->uris, NULL);
    ngx_conf_merge_ptr_value(conf->domains, prev->domains, NULL);
    ngx_conf_merge_ptr_value(conf->chains, prev->chains, NULL);
    ngx_conf_merge_ptr_value(conf->cors, prev->cors, NULL);
    ngx_conf_merge_ptr_value(conf->allow, prev->allow, NULL);
    ngx_conf_merge_ptr_value(conf->deny, prev->deny, NULL);
    ngx_conf_merge_ptr_value(conf->log, prev->log, NULL);

    ngx_conf_merge_sec_value(conf->skew, prev->skew, 30);
    ngx_conf_merge_sec_value(conf->ttl, prev->ttl, 3600);
    ngx_conf_merge_sec_value(conf->max_age, prev->max_age, 3600);
    ngx_conf_merge_value(conf->uses, prev->uses, 0);
    ngx_conf_merge_value(conf->rate, prev->rate, 600);
    ngx_conf_merge_value(conf->wallet_rate, prev->wallet_rate, 600);
    ngx_conf_merge_value(conf->wallet_keys, prev->wallet_keys, 2000);
    ngx_conf_merge_value(conf->lenient, prev->lenient, 0);
    ngx_conf_merge_value(conf->expiration, prev->expiration, 0);
    ngx_conf_merge_value(conf->bare, prev->bare, 0);
    ngx_conf_merge_value(conf->pass, prev->pass, 0);
    ngx_conf_merge_size_value(conf->body, prev->body, 2 * 1024 * 1024);

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                               ngx_wgw_auth_module);
    acf->ttl = ngx_max(acf->ttl, conf->ttl);

    if (conf->allow || conf->deny) {
        acf->used = 1;
        ngx_http_wgw_auth_body(cf, conf);
    }

    if (conf->cors) {
        acf->cors = 1;
    }

    if (conf->api_hosts) {
        return wgw_request_hosts(cf, conf->api_hosts);
    }

    ngx_http_wgw_auth_inherit(cf, prev, conf);

    if (conf->signin) {
        acf->skew = ngx_max(acf->skew, conf->skew);
        acf->max_age = ngx_max(acf->max_age, conf->max_age);
    }

    return ngx_http_wgw_auth_needs(cf, conf);
}


/*
 * Bodies of calls are read and refused here, as JSON-RPC has it: by the limit
 * of nginx, where that is less and is not its default.
 */

static void
ngx_http_wgw_auth_body(ngx_conf_t *cf, ngx_http_wgw_auth_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->client_max_body_size != 0
        && clcf->client_max_body_size != NGX_HTTP_WGW_AUTH_BODY_DEFAULT)
    {
        conf->body = ngx_min(conf->body,
                             (size_t) clcf->client_max_body_size);
    }

    clcf->client_max_body_size = 0;
}


/* A list beside the key that is asked for is one for this place. */

static char *
ngx_http_wgw_auth_merge_rules(ngx_conf_t *cf, ngx_http_wgw_auth_conf_t *prev,
    ngx_http_wgw_auth_conf_t *conf)
{
    ngx_uint_t  own;

    own = conf->rules != NGX_CONF_UNSET_PTR && conf->signin == NULL;

    if (conf->enable == NGX_CONF_UNSET) {
        conf->service = prev->service;
    }

    ngx_conf_merge_value(conf->enable, prev->enable, 0);
    ngx_conf_merge_ptr_value(conf->rules, prev->rules, NULL);

    if (own && conf->enable) {

        if (conf->recheck == 0) {
            return wgw_line_error(cf->log, &conf->line, 0,
                                  "location has \"wgw_auth\" with "
                                  "\"wgw_auth_allow\", which "
                                  "\"wgw_auth_recheck off\" makes void");
        }

        conf->recheck = 1;
    }

    ngx_conf_merge_value(conf->recheck, prev->recheck, 0);

    return NGX_CONF_OK;
}


static void
ngx_http_wgw_auth_inherit(ngx_conf_t *cf, ngx_http_wgw_auth_conf_t *prev,
    ngx_http_wgw_auth_conf_t *conf)
{
    if (prev->signin
        && wgw_request_inherits(cf, ngx_http_wgw_auth_signin_handler))
    {
        conf->signin = prev->signin;
    }

    if (prev->api_hosts
        && wgw_request_inherits(cf, ngx_http_wgw_auth_api_handler))
    {
        conf->api_hosts = prev->api_hosts;
    }
}


/* What would never work, or would work for everybody. */

static char *
ngx_http_wgw_auth_needs(ngx_conf_t *cf, ngx_http_wgw_auth_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    if ((conf->enable || conf->signin) && conf->keys == NULL) {
        return wgw_line_error(cf->log, &conf->line, 0,
                              "location has \"%s\", but no "
                              "\"wgw_auth_secret\"",
                              conf->signin ? "wgw_auth_signin" : "wgw_auth");
    }

    if (conf->enable && conf->recheck && conf->rules == NULL) {
        return wgw_line_error(cf->log, &conf->line, 0,
                              "location has \"wgw_auth\" with "
                              "\"wgw_auth_recheck\", but no "
                              "\"wgw_auth_allow\"");
    }

    if (conf->signin == NULL) {
        return NGX_CONF_OK;
    }

    if (conf->rules == NULL) {
        return wgw_line_error(cf->log, &conf->line, 0,
                              "location has \"wgw_auth_signin\", but no "
                              "\"wgw_auth_allow\"");
    }

    /* the endpoint has a limit of its own, which is answered in JSON */

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->client_max_body_size = 0;

    return conf->uris ? NGX_CONF_OK : ngx_http_wgw_auth_names(cf, conf);
}


/*
 * The server's names that stand for themselves: nginx keeps them only while
 * it is configured.
 */

static char *
ngx_http_wgw_auth_names(ngx_conf_t *cf, ngx_http_wgw_auth_conf_t *conf)
{
    ngx_uint_t                 i;
    wgw_text_t                 text;
    wgw_origin_t              *origin;
    ngx_http_server_name_t    *name;
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    conf->names = ngx_array_create(cf->pool, 1, sizeof(wgw_origin_t));
    if (conf->names == NULL) {
        return NGX_CONF_ERROR;
    }

    name = cscf->server_names.elts;

    for (i = 0; i < cscf->server_names.nelts; i++) {

#if (NGX_PCRE)
        if (name[i].regex) {
            continue;
        }
#endif

        if (name[i].name.len == 0 || name[i].name.data[0] == '.'
            || ngx_strchr(name[i].name.data, '*')
            || ngx_strcmp(name[i].name.data, "_") == 0)
        {
            continue;
        }

        text.data = (char *) name[i].name.data;
        text.len = name[i].name.len;

        origin = ngx_array_push(conf->names);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        if (wgw_origin_domain_parse(origin, text) != NULL) {
            conf->names->nelts--;
        }
    }

    if (conf->names->nelts) {
        return NGX_CONF_OK;
    }

    return wgw_line_error(cf->log, &conf->line, 0,
                          "location has \"wgw_auth_signin\", but neither "
                          "\"wgw_auth_uri\" nor a \"server_name\" that a "
                          "message's URI could be compared with");
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

    ngx_http_core_loc_conf_t  *clcf;

    if (aucf->api_hosts) {
        return "is duplicate";
    }

    if (aucf->signin) {
        return "is incompatible with \"wgw_auth_signin\"";
    }

    ngx_http_wgw_auth_use(cf);

    aucf->api_hosts = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));
    if (aucf->api_hosts == NULL) {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_wgw_auth_api_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_wgw_auth_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_wgw_auth_conf_t        *acf;
    ngx_http_core_main_conf_t  *cmcf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_wgw_auth_access_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_wgw_auth_rpc_handler;

    if (!acf->cors) {
        return NGX_OK;
    }

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_wgw_auth_cors_handler;

    ngx_http_wgw_auth_cors_init();

    return NGX_OK;
}
