
/*
 * The http side of the router: directives, variables, start.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/hook.h"
#include "core/inner.h"
#include "core/request.h"
#include "router/http_router_api.h"
#include "router/http_router_attempt.h"
#include "router/http_router_check.h"
#include "router/http_router_errand.h"
#include "router/http_router_handler.h"
#include "router/http_router_peer.h"
#include "router/http_router_wait.h"
#include "router/providers_conf.h"


/* What errands go through: providers' own time limits are the errand's. */

#define ROUTER_PLACE                                                          \
    "proxy_pass $wgw_provider;"                                               \
    "proxy_http_version 1.1;"                                                 \
    "proxy_set_header Connection \"\";"                                       \
    "proxy_buffering off;"                                                    \
    "proxy_redirect off;"                                                     \
    "proxy_connect_timeout 60s;"                                              \
    "proxy_read_timeout 60s;"                                                 \
    "client_max_body_size 0;"


static ngx_int_t router_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t router_add_variables(ngx_conf_t *cf);
static void *router_create_main_conf(ngx_conf_t *cf);
static void *router_create_loc_conf(ngx_conf_t *cf);
static char *router_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *router_providers(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *router_upstream(ngx_conf_t *cf, wgw_host_t *host,
    ngx_array_t *upstreams);
static char *router_router(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *router_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_int_t router_init(ngx_conf_t *cf);
static ngx_int_t router_location(ngx_conf_t *cf,
    ngx_http_wgw_router_main_conf_t *rmcf,
    ngx_http_wgw_router_loc_conf_t *conf);
static void router_own(ngx_http_upstream_conf_t *uconf);
static ngx_int_t router_refuse(ngx_conf_t *cf,
    ngx_http_wgw_router_loc_conf_t *conf, const char *phrase);
static ngx_int_t router_init_process(ngx_cycle_t *cycle);


extern ngx_module_t  ngx_http_proxy_module;


static ngx_command_t  router_commands[] = {

    { ngx_string("wgw_providers"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      router_providers,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_router"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      router_router,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_router_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      router_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  router_module_ctx = {
    router_add_variables,                  /* preconfiguration */
    router_init,                           /* postconfiguration */

    router_create_main_conf,               /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    router_create_loc_conf,                /* create location configuration */
    router_merge_loc_conf                  /* merge location configuration */
};


ngx_module_t  ngx_http_wgw_router_module = {
    NGX_MODULE_V1,
    &router_module_ctx,                    /* module context */
    router_commands,                       /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    router_init_process,                   /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


enum {
    ROUTER_URL = 0,
    ROUTER_NAME,
    ROUTER_HOST,
    ROUTER_ATTEMPTS
};


static ngx_http_variable_t  router_vars[] = {

    { ngx_string("wgw_provider"), NULL, router_variable, ROUTER_URL,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("wgw_provider_name"), NULL, router_variable, ROUTER_NAME,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("wgw_provider_host"), NULL, router_variable, ROUTER_HOST,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("wgw_provider_attempts"), NULL, router_variable,
      ROUTER_ATTEMPTS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static ngx_int_t
router_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    u_char               *p;
    ngx_str_t             value;
    wgw_attempt_t        *attempt;
    wgw_router_errand_t  *errand;

    ngx_str_null(&value);

    errand = wgw_router_errand(r);
    attempt = errand ? NULL : wgw_attempt_find(r->main);

    if (errand && data == ROUTER_URL) {
        value = errand->end->url;

    } else if (attempt && data == ROUTER_ATTEMPTS) {

        p = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
        if (p == NULL) {
            return NGX_ERROR;
        }

        value.data = p;
        value.len = ngx_sprintf(p, "%ui", attempt->attempts) - p;

    } else if (attempt == NULL || attempt->provider == NULL) {
        /* none was chosen */

    } else if (data == ROUTER_URL) {
        value = attempt->provider->service.url;

    } else if (data == ROUTER_NAME) {
        value = attempt->provider->name;

    } else if (data == ROUTER_HOST) {
        value = attempt->provider->service.host->name;
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
router_add_variables(ngx_conf_t *cf)
{
    return wgw_hook_vars(cf, router_vars);
}


static void *
router_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_wgw_router_main_conf_t  *rmcf;

    rmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_router_main_conf_t));
    if (rmcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&rmcf->providers, cf->pool, 2, sizeof(void *))
        != NGX_OK
        || ngx_array_init(&rmcf->hosts, cf->pool, 4, sizeof(void *))
           != NGX_OK
        || ngx_array_init(&rmcf->upstreams, cf->pool, 4, sizeof(void *))
           != NGX_OK
        || ngx_array_init(&rmcf->locations, cf->pool, 2, sizeof(void *))
           != NGX_OK)
    {
        return NULL;
    }

    return rmcf;
}


static void *
router_create_loc_conf(ngx_conf_t *cf)
{
    /*
     * set by ngx_pcalloc():
     *
     *     conf->name = { 0, NULL };
     *     conf->api_hosts = NULL;
     */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_router_loc_conf_t));
}


/* Only an `if` or `limit_except` of the location has what that has. */

static char *
router_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_wgw_router_loc_conf_t *prev = parent;
    ngx_http_wgw_router_loc_conf_t *conf = child;

    ngx_http_conf_ctx_t              *ctx;
    ngx_http_core_loc_conf_t         *clcf;
    ngx_http_wgw_router_loc_conf_t  **place;
    ngx_http_wgw_router_main_conf_t  *rmcf;

    if (prev->api_hosts && conf->api_hosts == NULL
        && wgw_request_inherits(cf, wgw_router_api_handler))
    {
        conf->api_hosts = prev->api_hosts;
    }

    if (conf->api_hosts
        && wgw_request_hosts(cf, conf->api_hosts) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->name.len == 0 && clcf->noname) {
        conf->name = prev->name;
        conf->file = prev->file;
        conf->line = prev->line;
    }

    if (conf->name.len == 0) {
        return NGX_CONF_OK;
    }

    ctx = cf->ctx;
    conf->loc_conf = ctx->loc_conf;

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_wgw_router_module);

    place = ngx_array_push(&rmcf->locations);
    if (place == NULL) {
        return NGX_CONF_ERROR;
    }

    *place = conf;

    return NGX_CONF_OK;
}


static char *
router_providers(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_router_main_conf_t *rmcf = conf;

    char         *rv;
    ngx_uint_t    i;
    wgw_host_t  **hosts;

    rv = wgw_providers_block(cf, &rmcf->providers, &rmcf->hosts);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    hosts = rmcf->hosts.elts;

    for (i = rmcf->upstreams.nelts; i < rmcf->hosts.nelts; i++) {
        hosts[i]->changed = wgw_wait_wake;

        rv = router_upstream(cf, hosts[i], &rmcf->upstreams);

        if (rv != NGX_CONF_OK) {
            return rv;
        }
    }

    return NGX_CONF_OK;
}


/* The upstream that nginx finds when it proxies to that host and port. */

static char *
router_upstream(ngx_conf_t *cf, wgw_host_t *host, ngx_array_t *upstreams)
{
    ngx_url_t                       u;
    ngx_http_upstream_srv_conf_t   *uscf, **place;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = host->name;
    u.default_port = host->port;
    u.no_resolve = 1;

    uscf = ngx_http_upstream_add(cf, &u, 0);
    if (uscf == NULL) {
        return NGX_CONF_ERROR;
    }

    uscf->peer.init_upstream = wgw_router_init_upstream;

    place = ngx_array_push(upstreams);
    if (place == NULL) {
        return NGX_CONF_ERROR;
    }

    *place = uscf;

    return NGX_CONF_OK;
}


static char *
router_router(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_router_loc_conf_t *rlcf = conf;

    ngx_str_t  *value;

    if (rlcf->name.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len == 0) {
        return "needs a name";
    }

    rlcf->name = value[1];
    rlcf->file = cf->conf_file->file.name.data;
    rlcf->line = cf->conf_file->line;

    return NGX_CONF_OK;
}


static char *
router_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_router_loc_conf_t *rlcf = conf;

    ngx_http_core_loc_conf_t  *clcf;

    if (rlcf->api_hosts) {
        return "is duplicate";
    }

    rlcf->api_hosts = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));
    if (rlcf->api_hosts == NULL) {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = wgw_router_api_handler;

    return NGX_CONF_OK;
}


/* The handler comes before that of the methods, so it is called after it. */

static ngx_int_t
router_init(ngx_conf_t *cf)
{
    ngx_uint_t                         i;
    ngx_http_upstream_srv_conf_t     **uscf;
    ngx_http_wgw_router_loc_conf_t   **conf;
    ngx_http_wgw_router_main_conf_t   *rmcf;

    rmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_wgw_router_module);

    uscf = rmcf->upstreams.elts;

    for (i = 0; i < rmcf->upstreams.nelts; i++) {

        if (uscf[i]->flags & NGX_HTTP_UPSTREAM_CREATE) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "the host of a provider is the upstream \"%V\"",
                          &uscf[i]->host);
            return NGX_ERROR;
        }

        wgw_router_claim(uscf[i]);
    }

    conf = rmcf->locations.elts;

    for (i = 0; i < rmcf->locations.nelts; i++) {
        if (router_location(cf, rmcf, conf[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (rmcf->providers.nelts == 0) {
        return NGX_OK;
    }

    if (wgw_hook_phase(cf, NGX_HTTP_PRECONTENT_PHASE, wgw_router_handler)
        != NGX_OK
        || wgw_errand_init(cf) != NGX_OK
        || wgw_inner_make(cf, &rmcf->place, ROUTER_PLACE) != NGX_OK)
    {
        return NGX_ERROR;
    }

    router_own(rmcf->place.location[ngx_http_proxy_module.ctx_index]);

    return NGX_OK;
}


static ngx_int_t
router_location(ngx_conf_t *cf, ngx_http_wgw_router_main_conf_t *rmcf,
    ngx_http_wgw_router_loc_conf_t *conf)
{
    ngx_http_upstream_conf_t  *uconf;
    ngx_http_core_loc_conf_t  *clcf;

    conf->providers = wgw_providers_find(&rmcf->providers, &conf->name);

    if (conf->providers == NULL) {
        return router_refuse(cf, conf, "there are no such \"wgw_providers\"");
    }

    clcf = conf->loc_conf[ngx_http_core_module.ctx_index];

    if (clcf->handler == NULL && !clcf->noname) {
        return router_refuse(cf, conf, "its location has no "
                             "\"proxy_pass $wgw_provider\"");
    }

    /* the proxy's own configuration begins with that of the upstream */

    uconf = conf->loc_conf[ngx_http_proxy_module.ctx_index];

    if (!uconf->pass_request_headers) {
        return router_refuse(cf, conf, "\"proxy_pass_request_headers off\" "
                             "would leave out what a provider asks for");
    }

#if (NGX_HTTP_CACHE)

    if (uconf->cache) {
        return router_refuse(cf, conf, "\"proxy_cache\" cannot be used with "
                             "it");
    }

#endif

    router_own(uconf);

    return NGX_OK;
}


/*
 * What is ours to decide: whom TLS is for, and, since answers are another
 * party's, that they redirect nothing within nginx.
 */

static void
router_own(ngx_http_upstream_conf_t *uconf)
{
#if (NGX_HTTP_SSL)
    uconf->ssl_server_name = 1;
    uconf->ssl_session_reuse = 1;
    uconf->ssl_name = NULL;
#endif

    uconf->ignore_headers |= NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT
                             |NGX_HTTP_UPSTREAM_IGN_XA_EXPIRES
                             |NGX_HTTP_UPSTREAM_IGN_XA_LIMIT_RATE
                             |NGX_HTTP_UPSTREAM_IGN_XA_BUFFERING
                             |NGX_HTTP_UPSTREAM_IGN_XA_CHARSET;
}


static ngx_int_t
router_refuse(ngx_conf_t *cf, ngx_http_wgw_router_loc_conf_t *conf,
    const char *phrase)
{
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"wgw_router %V\": %s in %s:%ui", &conf->name, phrase,
                  conf->file, conf->line);

    return NGX_ERROR;
}


static ngx_int_t
router_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                         i;
    wgw_host_t                       **hosts;
    wgw_providers_t                  **providers;
    ngx_http_wgw_router_main_conf_t   *rmcf;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    rmcf = ngx_http_cycle_get_module_main_conf(cycle,
                                               ngx_http_wgw_router_module);
    if (rmcf == NULL) {
        return NGX_OK;
    }

    hosts = rmcf->hosts.elts;

    for (i = 0; i < rmcf->hosts.nelts; i++) {
        wgw_resolve_start(hosts[i]);
    }

    providers = rmcf->providers.elts;

    for (i = 0; i < rmcf->providers.nelts; i++) {
        wgw_router_check(providers[i]);
    }

    return NGX_OK;
}
