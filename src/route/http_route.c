
/*
 * The http side of the route module: directives, the refusal of unknown
 * names, variables, and the balancer's and the API's way to the names.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/context.h"
#include "core/hook.h"
#include "core/request.h"
#include "core/single.h"
#include "core/value.h"
#include "format/name.h"
#include "names/names_api.h"
#include "route/hop.h"
#include "route/http_known.h"
#include "route/http_route.h"
#include "route/live.h"


#define NGX_HTTP_WGW_LOOP_DETECTED  508         /* RFC 5842 */


/*
 * It would take more than is left to a usual request in its second block of
 * the pool: a third one costs more than all that is done here.
 */
typedef struct {
    wgw_context_t                context;
    wgw_lookup_t                 lookup;
    wgw_live_t                   live;
    ngx_uint_t                   hop;           /* WGW_HOP_* */
    ngx_uint_t                   paused;        /* refused for that */
    ngx_http_complex_value_t    *key;           /* it was made with */
    wgw_balancer_peer_t          peer;          /* of the first upstream */
} ngx_http_wgw_route_ctx_t;


static ngx_int_t ngx_http_wgw_route_init_process(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_wgw_route_ahead(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_route_handler(ngx_http_request_t *r);
#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_wgw_route_misdirected(ngx_http_request_t *r,
    wgw_route_t *route) __attribute__((noinline));
#endif
static ngx_http_wgw_route_ctx_t *ngx_http_wgw_route_get_ctx(
    ngx_http_request_t *r);
static ngx_http_wgw_route_ctx_t *ngx_http_wgw_route_create_ctx(
    ngx_http_request_t *r, ngx_http_complex_value_t *key,
    ngx_http_wgw_route_ctx_t *first) __attribute__((noinline));
static ngx_int_t ngx_http_wgw_route_name(ngx_http_request_t *r,
    ngx_http_complex_value_t *key, ngx_str_t *name);
static ngx_http_wgw_route_ctx_t *ngx_http_wgw_route_find_ctx(
    ngx_http_request_t *r);
static void ngx_http_wgw_route_find(ngx_http_request_t *r,
    ngx_http_wgw_route_ctx_t *ctx);
static void ngx_http_wgw_route_cleanup(void *data);
static ngx_int_t ngx_http_wgw_route_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_wgw_route_paused(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_wgw_route_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_http_wgw_route_init(ngx_conf_t *cf);


static ngx_command_t  ngx_http_wgw_route_commands[] = {

    { ngx_string("wgw_route"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF
                        |NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_http_wgw_route,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_route_loc_conf_t, key),
      NULL },

    { ngx_string("wgw_backend"),
      NGX_HTTP_UPS_CONF|NGX_CONF_ANY,
      ngx_http_wgw_backend,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_wgw_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_wgw_route_module_ctx = {
    ngx_http_wgw_route_add_variables,      /* preconfiguration */
    ngx_http_wgw_route_init,               /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_http_wgw_route_create_srv_conf,    /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_wgw_route_create_loc_conf,    /* create location configuration */
    ngx_http_wgw_route_merge_loc_conf      /* merge location configuration */
};


ngx_module_t  ngx_http_wgw_route_module = {
    NGX_MODULE_V1,
    &ngx_http_wgw_route_module_ctx,        /* module context */
    ngx_http_wgw_route_commands,           /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_wgw_route_init_process,       /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* beside those of a look-up */

static ngx_http_variable_t  ngx_http_wgw_route_vars[] = {

    { ngx_string("wgw_host"), NULL, ngx_http_wgw_route_variable,
      WGW_LOOKUP_HOST, 0, 0 },

    /* "1" when `wgw_route` refused the request of a paused name */

    { ngx_string("wgw_paused"), NULL, ngx_http_wgw_route_paused,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    /* for the meter */

    { ngx_string(WGW_KNOWN_NAME), NULL, ngx_http_wgw_known_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX, 0 },

    { ngx_string(WGW_KNOWN_NEXT_CAP), NULL, ngx_http_wgw_known_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX, 0 },

    { ngx_string(WGW_KNOWN_NEXT), NULL, ngx_http_wgw_known_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX, 0 },

    { ngx_string(WGW_KNOWN_FOLLOWED), NULL, ngx_http_wgw_known_followed,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static wgw_context_t  *ngx_http_wgw_route_spare;


static ngx_int_t
ngx_http_wgw_route_init_process(ngx_cycle_t *cycle)
{
    wgw_single_start();

    return NGX_OK;
}


/* What a location has instead, if it has, is not known yet. */

static ngx_int_t
ngx_http_wgw_route_ahead(ngx_http_request_t *r)
{
    ngx_http_wgw_route_loc_conf_t  *rlcf;

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_route_module);

    if (rlcf->enable && rlcf->key == NULL) {
        wgw_lookup_ahead(&r->headers_in.server);
    }

    return NGX_DECLINED;
}


/* The verdict is the first one: an error page is not judged again. */

static ngx_int_t
ngx_http_wgw_route_handler(ngx_http_request_t *r)
{
    wgw_route_t                    *route;
    ngx_http_wgw_route_ctx_t       *ctx;
    ngx_http_wgw_route_loc_conf_t  *rlcf;

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_route_module);

    if (!rlcf->enable || r != r->main || r->error_page) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_wgw_route_get_ctx(r);

    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    route = ctx->lookup.route;

    if (route == NULL) {
        return ctx->lookup.rc == NGX_ERROR ? NGX_HTTP_SERVICE_UNAVAILABLE
                                           : NGX_HTTP_NOT_FOUND;
    }

    if (route->naddresses && !wgw_lookup_here(r->connection, route)) {
        return NGX_HTTP_NOT_FOUND;
    }

#if (NGX_HTTP_SSL)
    if (r->connection->ssl && ngx_http_wgw_route_misdirected(r, route)) {
        return NGX_HTTP_MISDIRECTED_REQUEST;
    }
#endif

    if (route->passthrough) {
        return NGX_HTTP_NOT_FOUND;
    }

    if (route->paused) {
        ctx->paused = 1;
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (ctx->hop & WGW_HOP_LOOP) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "a backend of \"%V\" leads back here", &route->name);
        return NGX_HTTP_WGW_LOOP_DETECTED;
    }

    return NGX_DECLINED;
}


/*
 * A connection made for one name may carry requests for another (RFC 9113
 * 9.1.1) where both have the same certificates here.
 */

#if (NGX_HTTP_SSL)

static ngx_int_t
ngx_http_wgw_route_misdirected(ngx_http_request_t *r, wgw_route_t *route)
{
    char                      folded[WGW_NAME_MAX];
    size_t                    len;
    const char               *sni;
    wgw_text_t                text;
    ngx_http_ssl_srv_conf_t  *ours, *theirs;

    sni = SSL_get_servername(r->connection->ssl->connection,
                             TLSEXT_NAMETYPE_host_name);
    if (sni == NULL) {
        return 0;
    }

    text.data = sni;
    text.len = ngx_strlen(sni);

    len = wgw_name_fold(folded, text);

    if (len == r->headers_in.server.len
        && ngx_memcmp(folded, r->headers_in.server.data, len) == 0)
    {
        return 0;
    }

    if (route->passthrough) {
        return 1;
    }

    ours = ngx_http_get_module_srv_conf(r, ngx_http_ssl_module);
    theirs = ngx_http_get_module_srv_conf(r->http_connection->conf_ctx,
                                          ngx_http_ssl_module);

    return ours->ssl.ctx != theirs->ssl.ctx;
}

#endif


/*
 * The request's look-up, done.  One for the main request and all its
 * subrequests, which have the same host; another only where a location has
 * another KEY.
 */

static ngx_http_wgw_route_ctx_t *
ngx_http_wgw_route_get_ctx(ngx_http_request_t *r)
{
    ngx_http_wgw_route_ctx_t       *ctx;
    ngx_http_wgw_route_loc_conf_t  *rlcf;

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_route_module);

    ctx = ngx_http_wgw_route_find_ctx(r->main);

    if (ctx == NULL || ctx->key != rlcf->key) {
        return ngx_http_wgw_route_create_ctx(r, rlcf->key, ctx);
    }

    if (ctx->lookup.route == NULL) {
        ngx_http_wgw_route_find(r, ctx);
    }

    return ctx;
}


static ngx_http_wgw_route_ctx_t *
ngx_http_wgw_route_create_ctx(ngx_http_request_t *r,
    ngx_http_complex_value_t *key, ngx_http_wgw_route_ctx_t *first)
{
    ngx_http_wgw_route_ctx_t  *ctx;

    if (wgw_lookup_names()->path.len == 0) {
        return NULL;
    }

    ctx = wgw_context_create(&ngx_http_wgw_route_spare,
                             sizeof(ngx_http_wgw_route_ctx_t),
                             offsetof(ngx_http_wgw_route_ctx_t,
                                      lookup.cap_text),
                             r->pool, ngx_http_wgw_route_cleanup);
    if (ctx == NULL) {
        return NULL;
    }

    ctx->live.swept.sweep = NULL;
    ctx->hop = 0;
    ctx->paused = 0;
    ctx->peer.balancer = NULL;

    ctx->key = key;

    if (key) {
        if (ngx_http_wgw_route_name(r, key, &ctx->lookup.name) != NGX_OK) {
            return NULL;
        }

    } else if (r->headers_in.server.len <= WGW_NAME_MAX) {

        /* nginx has lower-cased it and stripped port and final dot */

        ctx->lookup.name = r->headers_in.server;
    }

    wgw_lookup_named(&ctx->lookup);

    if (first) {
        ctx->hop = first->hop;

    } else if (wgw_hop_mark(r->main, &ctx->hop) != NGX_OK) {
        return NULL;
    }

    ngx_http_set_ctx(r->main, ctx, ngx_http_wgw_route_module);

    ngx_http_wgw_route_find(r, ctx);

    return ctx;
}


/* Of `wgw_route KEY`. */

static ngx_int_t
ngx_http_wgw_route_name(ngx_http_request_t *r, ngx_http_complex_value_t *key,
    ngx_str_t *name)
{
    char        *folded;
    ngx_str_t    value;
    wgw_text_t   text;

    if (ngx_http_complex_value(r, key, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    folded = ngx_pnalloc(r->pool, WGW_NAME_MAX);
    if (folded == NULL) {
        return NGX_ERROR;
    }

    text.data = (char *) value.data;
    text.len = value.len;

    name->data = (u_char *) folded;
    name->len = wgw_name_fold(folded, text);

    return NGX_OK;
}


static ngx_http_wgw_route_ctx_t *
ngx_http_wgw_route_find_ctx(ngx_http_request_t *r)
{
    return wgw_request_ctx(r, &ngx_http_wgw_route_module,
                           ngx_http_wgw_route_cleanup);
}


static void
ngx_http_wgw_route_find(ngx_http_request_t *r, ngx_http_wgw_route_ctx_t *ctx)
{
    wgw_lookup(&ctx->lookup, r->connection->log);

    if (ctx->lookup.route) {
        wgw_live_add(&ctx->live, ctx->lookup.route, ctx->lookup.id,
                     wgw_request_end, r->main);
    }
}


static void
ngx_http_wgw_route_cleanup(void *data)
{
    ngx_http_wgw_route_ctx_t *ctx = data;

    wgw_live_remove(&ctx->live);
    wgw_lookup_cleanup(&ctx->lookup);

    wgw_context_free(&ngx_http_wgw_route_spare, &ctx->context);
}


wgw_lookup_t *
ngx_http_wgw_route_lookup(ngx_http_request_t *r, ngx_uint_t *hop,
    wgw_balancer_peer_t **room)
{
    ngx_http_wgw_route_ctx_t  *ctx;

    ctx = ngx_http_wgw_route_get_ctx(r);

    if (ctx == NULL) {
        return NULL;
    }

    *hop = ctx->hop;
    *room = &ctx->peer;

    return &ctx->lookup;
}


ngx_int_t
ngx_http_wgw_api_handler(ngx_http_request_t *r)
{
    ngx_http_wgw_route_loc_conf_t  *rlcf;

    rlcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_route_module);

    return wgw_names_api_handler(r, rlcf->api_hosts);
}


static ngx_int_t
ngx_http_wgw_route_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                  value;
    ngx_http_wgw_route_ctx_t  *ctx;

    if (data == WGW_LOOKUP_HOST) {

        if (wgw_hop_host(r, &value) != NGX_OK) {
            return NGX_ERROR;
        }

    } else {
        ctx = ngx_http_wgw_route_get_ctx(r);

        if (ctx == NULL || ctx->lookup.route == NULL) {
            return wgw_value_none(v);
        }

        wgw_lookup_value(&ctx->lookup, data, &value, r->connection->log);
    }

    return wgw_value_set(v, &value);
}


/* Looks nothing up: the meter asks for each request. */

static ngx_int_t
ngx_http_wgw_route_paused(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                  value;
    ngx_http_wgw_route_ctx_t  *ctx;

    ctx = ngx_http_wgw_route_find_ctx(r->main);

    ngx_str_set(&value, "1");
    value.len = (ctx && ctx->paused);

    return wgw_value_set(v, &value);
}


static ngx_int_t
ngx_http_wgw_route_add_variables(ngx_conf_t *cf)
{
    if (wgw_hook_values(cf, wgw_lookup_variables, ngx_http_wgw_route_variable)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return wgw_hook_vars(cf, ngx_http_wgw_route_vars);
}


static ngx_int_t
ngx_http_wgw_route_init(ngx_conf_t *cf)
{
    ngx_uint_t                       i;
    wgw_names_t                     *names;
    wgw_balancer_t                  *balancer;
    ngx_http_upstream_srv_conf_t   **uscfp;
    ngx_http_upstream_main_conf_t   *umcf;

    names = (wgw_names_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                         ngx_wgw_route_module);

    /* before "return", so that it does not answer for unknown names; whom
       nobody needs here costs nothing */

    if (names->user
        && (wgw_hook_phase(cf, NGX_HTTP_POST_READ_PHASE,
                           ngx_http_wgw_route_ahead)
            != NGX_OK
            || wgw_hook_phase(cf, NGX_HTTP_REWRITE_PHASE,
                              ngx_http_wgw_route_handler)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);
    uscfp = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        if (uscfp[i]->srv_conf == NULL) {
            continue;
        }

        balancer = ngx_http_conf_upstream_srv_conf(uscfp[i],
                                                   ngx_http_wgw_route_module);
        if (balancer->enable) {
            wgw_balancer_claim(uscfp[i]);
        }
    }

    return NGX_OK;
}
