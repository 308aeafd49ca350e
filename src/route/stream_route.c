
/*
 * The stream side of the route module: a TLS connection is looked at, then
 * passed through to the backend of its name or handed over to http.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_stream.h>

#include "core/context.h"
#include "core/stream_hook.h"
#include "core/value.h"
#include "route/live.h"
#include "route/lookup.h"
#include "route/route.h"
#include "route/stream_balancer.h"
#include "route/stream_port.h"


typedef struct {
    ngx_flag_t                   enable;
    wgw_line_t                   line;
    wgw_offload_t               *offload;
    ngx_stream_content_handler_pt  handler;     /* of who came before us */
} ngx_stream_wgw_route_srv_conf_t;


/* The connection's pool, of blocks of 256 bytes, has no room for it. */
typedef struct {
    wgw_context_t                context;
    wgw_lookup_t                 lookup;
    wgw_stream_peer_t            peer;
    wgw_live_t                   live;
    ngx_uint_t                   offload;
    wgw_peek_t                   peek;
} ngx_stream_wgw_route_ctx_t;


static ngx_int_t ngx_stream_wgw_route_preread(ngx_stream_session_t *s);
static ngx_int_t ngx_stream_wgw_route_decide(ngx_stream_session_t *s,
    ngx_stream_wgw_route_ctx_t *ctx);
static ngx_int_t ngx_stream_wgw_route_unknown(ngx_stream_session_t *s,
    ngx_stream_wgw_route_ctx_t *ctx);
static void ngx_stream_wgw_route_content(ngx_stream_session_t *s);
static ngx_stream_wgw_route_ctx_t *ngx_stream_wgw_route_get_ctx(
    ngx_stream_session_t *s);
static void ngx_stream_wgw_route_cleanup(void *data);
static void ngx_stream_wgw_route_end(void *data);
static wgw_stream_peer_t *ngx_stream_wgw_route_peer(
    ngx_stream_session_t *s);
static ngx_int_t ngx_stream_wgw_route_variable(ngx_stream_session_t *s,
    ngx_stream_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_stream_wgw_route_add_variables(ngx_conf_t *cf);
static void *ngx_stream_wgw_route_create_srv_conf(ngx_conf_t *cf);
static char *ngx_stream_wgw_route_merge_srv_conf(ngx_conf_t *cf,
    void *parent, void *child);
static char *ngx_stream_wgw_route(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_stream_wgw_route_offload(ngx_conf_t *cf,
    ngx_stream_wgw_route_srv_conf_t *rscf, wgw_names_t *names);
static ngx_int_t ngx_stream_wgw_route_check_listens(ngx_conf_t *cf,
    ngx_stream_core_main_conf_t *cmcf);
static ngx_int_t ngx_stream_wgw_route_check_listen(ngx_conf_t *cf,
    ngx_stream_core_srv_conf_t *cscf, ngx_stream_core_srv_conf_t *first,
    int type, ngx_uint_t ssl);
static ngx_int_t ngx_stream_wgw_route_init(ngx_conf_t *cf);


static ngx_command_t  ngx_stream_wgw_route_commands[] = {

    { ngx_string("wgw_route"),
      NGX_STREAM_SRV_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_stream_wgw_route,
      NGX_STREAM_SRV_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_stream_module_t  ngx_stream_wgw_route_module_ctx = {
    ngx_stream_wgw_route_add_variables,    /* preconfiguration */
    ngx_stream_wgw_route_init,             /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    ngx_stream_wgw_route_create_srv_conf,  /* create server configuration */
    ngx_stream_wgw_route_merge_srv_conf    /* merge server configuration */
};


ngx_module_t  ngx_stream_wgw_route_module = {
    NGX_MODULE_V1,
    &ngx_stream_wgw_route_module_ctx,      /* module context */
    ngx_stream_wgw_route_commands,         /* module directives */
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


/* beside those of a look-up */

static ngx_stream_variable_t  ngx_stream_wgw_route_vars[] = {

    /* "1" when the session is about to be handed over to http */

    { ngx_string("wgw_offload"), NULL, ngx_stream_wgw_route_variable,
      WGW_LOOKUP_OFFLOAD, NGX_STREAM_VAR_NOCACHEABLE, 0 },

      ngx_stream_null_variable
};


static wgw_context_t  *ngx_stream_wgw_route_spare;


static ngx_int_t
ngx_stream_wgw_route_preread(ngx_stream_session_t *s)
{
    ngx_int_t                         rc;
    ngx_stream_core_srv_conf_t       *cscf;
    ngx_stream_wgw_route_ctx_t       *ctx;
    ngx_stream_wgw_route_srv_conf_t  *rscf;

    rscf = ngx_stream_get_module_srv_conf(s, ngx_stream_wgw_route_module);

    if (!rscf->enable) {
        return NGX_DECLINED;
    }

    ctx = ngx_stream_wgw_route_get_ctx(s);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    cscf = ngx_stream_get_module_srv_conf(s, ngx_stream_core_module);

    rc = wgw_port_peek(s, &ctx->peek, cscf->preread_timeout);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    return ngx_stream_wgw_route_decide(s, ctx);
}


static ngx_int_t
ngx_stream_wgw_route_decide(ngx_stream_session_t *s,
    ngx_stream_wgw_route_ctx_t *ctx)
{
    wgw_route_t                      *route;
    ngx_connection_t                 *c;
    ngx_stream_wgw_route_srv_conf_t  *rscf;

    c = s->connection;

    if (ctx->peek.rc == WGW_HELLO_DONE) {
        ctx->lookup.name.data = (u_char *) ctx->peek.hello.name;
        ctx->lookup.name.len = ctx->peek.hello.len;

        wgw_lookup_named(&ctx->lookup);
    }

    wgw_lookup(&ctx->lookup, c->log);

    route = ctx->lookup.route;

    if (route && route->passthrough && wgw_lookup_here(c, route)) {

        if (route->paused) {
            return NGX_STREAM_SERVICE_UNAVAILABLE;
        }

        if (wgw_lookup_loops(c, route)) {
            ngx_log_error(NGX_LOG_ERR, c->log, 0,
                          "a backend of \"%V\" leads back here",
                          &route->name);
            return NGX_STREAM_BAD_GATEWAY;
        }

        wgw_live_add(&ctx->live, route, ctx->lookup.id,
                     ngx_stream_wgw_route_end, s);

        return NGX_DECLINED;
    }

    rscf = ngx_stream_get_module_srv_conf(s, ngx_stream_wgw_route_module);

    if (rscf->offload) {
        ctx->offload = 1;

#if (nginx_version >= 1025005)
        return NGX_DECLINED;
#else
        /* for other handlers nginx would not peek, but read */
        return NGX_OK;
#endif
    }

    return ngx_stream_wgw_route_unknown(s, ctx);
}


static ngx_int_t
ngx_stream_wgw_route_unknown(ngx_stream_session_t *s,
    ngx_stream_wgw_route_ctx_t *ctx)
{
    ngx_log_error(NGX_LOG_INFO, s->connection->log, 0,
                  "no passthrough name \"%V\"", &ctx->lookup.name);

    return NGX_STREAM_FORBIDDEN;
}


/*
 * By now "ssl_preread" may have found another server at the same address
 * (server_name), which has settings of its own.
 */

static void
ngx_stream_wgw_route_content(ngx_stream_session_t *s)
{
    ngx_stream_wgw_route_ctx_t       *ctx;
    ngx_stream_wgw_route_srv_conf_t  *rscf;

    rscf = ngx_stream_get_module_srv_conf(s, ngx_stream_wgw_route_module);
    ctx = ngx_stream_get_module_ctx(s, ngx_stream_wgw_route_module);

    if (ctx == NULL) {
        ngx_log_error(NGX_LOG_ERR, s->connection->log, 0,
                      "another module ended the preread phase "
                      "before \"wgw_route\"");
        ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
        return;
    }

    if (ctx->offload) {

        if (rscf->offload) {
            wgw_port_hand_over(s, rscf->offload);

        } else {
            ngx_stream_finalize_session(s,
                                      ngx_stream_wgw_route_unknown(s, ctx));
        }

        return;
    }

    if (rscf->handler == NULL) {
        ngx_log_error(NGX_LOG_ERR, s->connection->log, 0,
                      "no \"proxy_pass\" for passthrough names");
        ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
        return;
    }

    rscf->handler(s);
}


static ngx_stream_wgw_route_ctx_t *
ngx_stream_wgw_route_get_ctx(ngx_stream_session_t *s)
{
    ngx_stream_wgw_route_ctx_t  *ctx;

    ctx = ngx_stream_get_module_ctx(s, ngx_stream_wgw_route_module);

    if (ctx) {
        return ctx;
    }

    ctx = wgw_context_create(&ngx_stream_wgw_route_spare,
                             sizeof(ngx_stream_wgw_route_ctx_t),
                             offsetof(ngx_stream_wgw_route_ctx_t, peek.hello),
                             s->connection->pool,
                             ngx_stream_wgw_route_cleanup);
    if (ctx == NULL) {
        return NULL;
    }

    ngx_stream_set_ctx(s, ctx, ngx_stream_wgw_route_module);

    return ctx;
}


static void
ngx_stream_wgw_route_cleanup(void *data)
{
    ngx_stream_wgw_route_ctx_t *ctx = data;

    wgw_live_remove(&ctx->live);
    wgw_lookup_cleanup(&ctx->lookup);

    wgw_context_free(&ngx_stream_wgw_route_spare, &ctx->context);
}


/*
 * The name was deleted.  The proxy ends a session in this way when a worker
 * shuts down, and closes both connections.
 */

static void
ngx_stream_wgw_route_end(void *data)
{
    ngx_stream_session_t *s = data;

    ngx_connection_t  *c;

    c = s->connection;

    c->close = 1;
    c->read->handler(c->read);
}


static wgw_stream_peer_t *
ngx_stream_wgw_route_peer(ngx_stream_session_t *s)
{
    ngx_stream_wgw_route_ctx_t  *ctx;

    ctx = ngx_stream_get_module_ctx(s, ngx_stream_wgw_route_module);

    if (ctx == NULL || ctx->lookup.route == NULL) {
        return NULL;
    }

    ctx->peer.route = ctx->lookup.route;

    return &ctx->peer;
}


static ngx_int_t
ngx_stream_wgw_route_variable(ngx_stream_session_t *s,
    ngx_stream_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                         value, *backend;
    ngx_stream_wgw_route_ctx_t       *ctx;
    ngx_stream_wgw_route_srv_conf_t  *rscf;

    ctx = ngx_stream_get_module_ctx(s, ngx_stream_wgw_route_module);

    if (ctx && data == WGW_LOOKUP_OFFLOAD) {
        rscf = ngx_stream_get_module_srv_conf(s, ngx_stream_wgw_route_module);

        ngx_str_set(&value, "1");
        value.len = (ctx->offload && rscf->offload);

    } else if (ctx && ctx->lookup.route) {
        backend = (data == WGW_LOOKUP_BACKEND)
                  ? wgw_stream_balancer_value(s, &ctx->peer) : NULL;

        if (backend) {
            value = *backend;

        } else {
            wgw_lookup_value(&ctx->lookup, data, &value,
                             s->connection->log);
        }

    } else {
        return wgw_value_none(v);
    }

    return wgw_value_set(v, &value);
}


static ngx_int_t
ngx_stream_wgw_route_add_variables(ngx_conf_t *cf)
{
    if (wgw_stream_hook_values(cf, wgw_lookup_variables,
                               ngx_stream_wgw_route_variable)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return wgw_stream_hook_vars(cf, ngx_stream_wgw_route_vars);
}


static void *
ngx_stream_wgw_route_create_srv_conf(ngx_conf_t *cf)
{
    ngx_stream_wgw_route_srv_conf_t  *rscf;

    rscf = ngx_pcalloc(cf->pool, sizeof(ngx_stream_wgw_route_srv_conf_t));
    if (rscf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     rscf->offload = NULL;
     *     rscf->handler = NULL;
     */

    rscf->enable = NGX_CONF_UNSET;

    return rscf;
}


static char *
ngx_stream_wgw_route_merge_srv_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_stream_wgw_route_srv_conf_t *conf = child;

    ngx_conf_init_value(conf->enable, 0);

    return NGX_CONF_OK;
}


static char *
ngx_stream_wgw_route(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_stream_wgw_route_srv_conf_t *rscf = conf;

    wgw_names_t                 *names;
    ngx_stream_core_srv_conf_t  *cscf;

    if (rscf->enable != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    rscf->enable = 1;

    names = (wgw_names_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                         ngx_wgw_route_module);
    wgw_lookup_use(cf, names, "wgw_route");

    rscf->line = wgw_line(cf);
    names->peeks = rscf->line;

    /* a server may do without "proxy_pass": nothing passes through then */

    cscf = ngx_stream_conf_get_module_srv_conf(cf, ngx_stream_core_module);

    if (cscf->handler == NULL) {
        cscf->handler = ngx_stream_wgw_route_content;
    }

    return cf->args->nelts == 1 ? NGX_CONF_OK
                                : ngx_stream_wgw_route_offload(cf, rscf,
                                                               names);
}


static char *
ngx_stream_wgw_route_offload(ngx_conf_t *cf,
    ngx_stream_wgw_route_srv_conf_t *rscf, wgw_names_t *names)
{
    ngx_url_t        u;
    ngx_str_t       *value;
    wgw_offload_t  **offload;

    value = cf->args->elts;

    if (ngx_strncmp(value[1].data, "offload=", 8) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url.data = value[1].data + 8;
    u.url.len = value[1].len - 8;
    u.no_resolve = 1;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK || u.naddrs == 0 || u.no_port) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"%V\"",
                           u.err ? u.err : u.naddrs ? "no port"
                                 : "an address is needed",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    rscf->offload = ngx_pcalloc(cf->pool, sizeof(wgw_offload_t));
    if (rscf->offload == NULL) {
        return NGX_CONF_ERROR;
    }

    rscf->offload->addr = u.addrs[0];
    rscf->offload->line = rscf->line;

    offload = ngx_array_push(&names->offload);
    if (offload == NULL) {
        return NGX_CONF_ERROR;
    }

    *offload = rscf->offload;

    return NGX_CONF_OK;
}


/* All that is listened on; later nginx may have merged some of it. */

static ngx_int_t
ngx_stream_wgw_route_check_listens(ngx_conf_t *cf,
    ngx_stream_core_main_conf_t *cmcf)
{
#if (nginx_version >= 1025005)

    ngx_uint_t                    a, p, s;
    ngx_stream_conf_addr_t       *addr;
    ngx_stream_conf_port_t       *port;
    ngx_stream_core_srv_conf_t  **cscfp;

    if (cmcf->ports == NULL) {
        return NGX_OK;
    }

    port = cmcf->ports->elts;

    for (p = 0; p < cmcf->ports->nelts; p++) {
        addr = port[p].addrs.elts;

        for (a = 0; a < port[p].addrs.nelts; a++) {
            cscfp = addr[a].servers.elts;

            for (s = 0; s < addr[a].servers.nelts; s++) {
                if (ngx_stream_wgw_route_check_listen(cf, cscfp[s],
                                                      addr[a].default_server,
                                                      port[p].type,
                                                      addr[a].opt.ssl)
                    != NGX_OK)
                {
                    return NGX_ERROR;
                }
            }
        }
    }

#else

    ngx_uint_t                   i;
    ngx_stream_listen_t         *ls;
    ngx_stream_core_srv_conf_t  *cscf;

    ls = cmcf->listen.elts;

    for (i = 0; i < cmcf->listen.nelts; i++) {
        cscf = ls[i].ctx->srv_conf[ngx_stream_core_module.ctx_index];

        if (ngx_stream_wgw_route_check_listen(cf, cscf, cscf, ls[i].type,
                                              ls[i].ssl)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

#endif

    return NGX_OK;
}


static ngx_int_t
ngx_stream_wgw_route_check_listen(ngx_conf_t *cf,
    ngx_stream_core_srv_conf_t *cscf, ngx_stream_core_srv_conf_t *first,
    int type, ngx_uint_t ssl)
{
    wgw_line_t                       *line;
    ngx_stream_wgw_route_srv_conf_t  *rscf;

    rscf = cscf->ctx->srv_conf[ngx_stream_wgw_route_module.ctx_index];
    line = &rscf->line;

    if (!rscf->enable) {
        return NGX_OK;
    }

    /* a hello is neither in datagrams nor in what TLS encrypted */

    if (type != SOCK_STREAM || ssl) {
        (void) wgw_line_error(cf->log, &rscf->line, 0,
                              "\"wgw_route\" does not go with "
                              "\"listen ... %s\"", ssl ? "ssl" : "udp");
        return NGX_ERROR;
    }

    rscf = first->ctx->srv_conf[ngx_stream_wgw_route_module.ctx_index];

    if (!rscf->enable) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"wgw_route\" in %s:%ui is without effect: the "
                      "default server of its address, in %s:%ui, has none",
                      line->file ? line->file : (u_char *) "command line",
                      line->number, first->file_name, first->line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_stream_wgw_route_init(ngx_conf_t *cf)
{
    ngx_uint_t                        i;
    ngx_stream_core_srv_conf_t      **cscfp;
    ngx_stream_core_main_conf_t      *cmcf;
    ngx_stream_wgw_route_srv_conf_t  *rscf;

    cmcf = ngx_stream_conf_get_module_main_conf(cf, ngx_stream_core_module);

    if (ngx_stream_wgw_route_check_listens(cf, cmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (wgw_stream_hook_phase(cf, NGX_STREAM_PREREAD_PHASE,
                              ngx_stream_wgw_route_preread)
        != NGX_OK
        || wgw_stream_balancer_init(cf, ngx_stream_wgw_route_peer) != NGX_OK)
    {
        return NGX_ERROR;
    }

    cscfp = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {

        rscf = cscfp[i]->ctx->srv_conf[ngx_stream_wgw_route_module.ctx_index];

        if (!rscf->enable) {
            continue;
        }

        if (cscfp[i]->handler != ngx_stream_wgw_route_content) {
            rscf->handler = cscfp[i]->handler;
            cscfp[i]->handler = ngx_stream_wgw_route_content;
        }
    }

    return NGX_OK;
}
