
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/inner.h"


static void inner_paths(ngx_conf_t *cf, ngx_http_conf_ctx_t *above);
static ngx_http_conf_ctx_t *inner_create(ngx_conf_t *cf, void **srv_conf);
static ngx_int_t inner_parse(ngx_conf_t *cf, ngx_http_conf_ctx_t *ctx,
    ngx_uint_t level, const char *text);
static ngx_int_t inner_merge(ngx_conf_t *cf, ngx_http_conf_ctx_t *above,
    ngx_http_conf_ctx_t *server, ngx_http_conf_ctx_t *location);


ngx_int_t
wgw_inner_make(ngx_conf_t *cf, wgw_errand_place_t *place, const char *text)
{
    ngx_http_conf_ctx_t       *above, *server, *location;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_core_srv_conf_t  *cscf;

    above = inner_create(cf, NULL);
    server = inner_create(cf, NULL);

    if (above == NULL || server == NULL) {
        return NGX_ERROR;
    }

    location = inner_create(cf, server->srv_conf);
    if (location == NULL) {
        return NGX_ERROR;
    }

    cscf = server->srv_conf[ngx_http_core_module.ctx_index];
    cscf->ctx = server;

    clcf = location->loc_conf[ngx_http_core_module.ctx_index];
    clcf->loc_conf = location->loc_conf;
    ngx_str_set(&clcf->name, "/");

    inner_paths(cf, above);

    if (inner_parse(cf, above, NGX_HTTP_MAIN_CONF, "access_log off;")
        != NGX_OK
        || inner_parse(cf, location, NGX_HTTP_LOC_CONF, text) != NGX_OK
        || inner_merge(cf, above, server, location) != NGX_OK)
    {
        return NGX_ERROR;
    }

    place->server = server;
    place->location = location->loc_conf;

    return NGX_OK;
}


/*
 * Where nothing else is said, a level makes files and directories at nginx's
 * default places, which may be none that can be written to.
 */

static void
inner_paths(ngx_conf_t *cf, ngx_http_conf_ctx_t *above)
{
    ngx_uint_t                  i, k, n;
    ngx_module_t               *module;
    ngx_http_conf_ctx_t        *http;
    ngx_http_core_loc_conf_t   *to, *from;
    ngx_http_upstream_conf_t   *upstream, *theirs;

    static const char  *names[] = {
        "ngx_http_proxy_module", "ngx_http_fastcgi_module",
        "ngx_http_uwsgi_module", "ngx_http_scgi_module", NULL
    };

    http = cf->ctx;

    to = above->loc_conf[ngx_http_core_module.ctx_index];
    from = http->loc_conf[ngx_http_core_module.ctx_index];

    to->client_body_temp_path = from->client_body_temp_path;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        for (k = 0; names[k]; k++) {

            if (module->type != NGX_HTTP_MODULE
                || ngx_strcmp(module->name, names[k]) != 0)
            {
                continue;
            }

            /* their configurations begin with that of the upstream */

            n = module->ctx_index;

            upstream = above->loc_conf[n];
            theirs = http->loc_conf[n];

            upstream->temp_path = theirs->temp_path;
        }
    }
}


/* All of a level's configurations, of a server's unless it has them. */

static ngx_http_conf_ctx_t *
inner_create(ngx_conf_t *cf, void **srv_conf)
{
    void                 *conf;
    ngx_uint_t            i, ctx_index;
    ngx_http_module_t    *module;
    ngx_http_conf_ctx_t  *ctx, *http;

    http = cf->ctx;

    ctx = ngx_pcalloc(cf->pool, sizeof(ngx_http_conf_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    ctx->main_conf = http->main_conf;
    ctx->srv_conf = srv_conf ? srv_conf
                             : ngx_pcalloc(cf->pool, sizeof(void *)
                                                     * ngx_http_max_module);
    ctx->loc_conf = ngx_pcalloc(cf->pool,
                                sizeof(void *) * ngx_http_max_module);

    if (ctx->srv_conf == NULL || ctx->loc_conf == NULL) {
        return NULL;
    }

    for (i = 0; cf->cycle->modules[i]; i++) {

        if (cf->cycle->modules[i]->type != NGX_HTTP_MODULE) {
            continue;
        }

        module = cf->cycle->modules[i]->ctx;
        ctx_index = cf->cycle->modules[i]->ctx_index;

        if (srv_conf == NULL && module->create_srv_conf) {
            conf = module->create_srv_conf(cf);
            if (conf == NULL) {
                return NULL;
            }

            ctx->srv_conf[ctx_index] = conf;
        }

        if (module->create_loc_conf) {
            conf = module->create_loc_conf(cf);
            if (conf == NULL) {
                return NULL;
            }

            ctx->loc_conf[ctx_index] = conf;
        }
    }

    return ctx;
}


/* As nginx reads what is given with -g. */

static ngx_int_t
inner_parse(ngx_conf_t *cf, ngx_http_conf_ctx_t *ctx, ngx_uint_t level,
    const char *text)
{
    char             *rv;
    ngx_buf_t         b;
    ngx_conf_t        save;
    ngx_conf_file_t   file;

    ngx_memzero(&b, sizeof(ngx_buf_t));
    ngx_memzero(&file, sizeof(ngx_conf_file_t));

    b.start = (u_char *) text;
    b.pos = b.start;
    b.last = b.start + ngx_strlen(text);
    b.end = b.last;
    b.temporary = 1;

    file.file.fd = NGX_INVALID_FILE;
    file.buffer = &b;

    save = *cf;

    cf->conf_file = &file;
    cf->ctx = ctx;
    cf->cmd_type = level;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv == NGX_CONF_OK ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
inner_merge(ngx_conf_t *cf, ngx_http_conf_ctx_t *above,
    ngx_http_conf_ctx_t *server, ngx_http_conf_ctx_t *location)
{
    char               *rv;
    void               *save;
    ngx_uint_t          i, n;
    ngx_http_module_t  *module;

    save = cf->ctx;
    rv = NGX_CONF_OK;

    for (i = 0; rv == NGX_CONF_OK && cf->cycle->modules[i]; i++) {

        if (cf->cycle->modules[i]->type != NGX_HTTP_MODULE) {
            continue;
        }

        module = cf->cycle->modules[i]->ctx;
        n = cf->cycle->modules[i]->ctx_index;

        cf->ctx = server;

        if (module->merge_srv_conf) {
            rv = module->merge_srv_conf(cf, above->srv_conf[n],
                                        server->srv_conf[n]);
        }

        if (rv == NGX_CONF_OK && module->merge_loc_conf) {
            rv = module->merge_loc_conf(cf, above->loc_conf[n],
                                        server->loc_conf[n]);
        }

        cf->ctx = location;

        if (rv == NGX_CONF_OK && module->merge_loc_conf) {
            rv = module->merge_loc_conf(cf, server->loc_conf[n],
                                        location->loc_conf[n]);
        }
    }

    cf->ctx = save;

    if (rv == NGX_CONF_OK) {
        return NGX_OK;
    }

    if (rv != NGX_CONF_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "the location of errands %s", rv);
    }

    return NGX_ERROR;
}
