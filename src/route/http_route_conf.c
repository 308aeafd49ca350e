
/*
 * Directives of the route module's http side, and their levels.
 */


#include "core/endpoint.h"
#include "names/names_bulk.h"
#include "route/http_route.h"


static void ngx_http_wgw_api_body(ngx_conf_t *cf);
static char *ngx_http_wgw_backend_option(ngx_str_t *value,
    wgw_balancer_t *balancer);


void *
ngx_http_wgw_route_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(wgw_balancer_t));
}


void *
ngx_http_wgw_route_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_wgw_route_loc_conf_t  *rlcf;

    rlcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_route_loc_conf_t));
    if (rlcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     rlcf->key = NULL;
     *     rlcf->api_hosts = NULL;
     */

    rlcf->enable = NGX_CONF_UNSET;

    return rlcf;
}


char *
ngx_http_wgw_route_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_wgw_route_loc_conf_t *prev = parent;
    ngx_http_wgw_route_loc_conf_t *conf = child;

    if (conf->enable == NGX_CONF_UNSET) {
        conf->key = prev->key;
    }

    ngx_conf_merge_value(conf->enable, prev->enable, 0);

    if (wgw_endpoint_merge(cf, prev->api_hosts, &conf->api_hosts,
                           ngx_http_wgw_api_handler)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->api_hosts) {
        ngx_http_wgw_api_body(cf);
    }

    return NGX_CONF_OK;
}


/*
 * The core's value has been merged.  Whether 1m was written or is nginx's
 * default cannot be told any more; it is no sensible limit for many names.
 */

static void
ngx_http_wgw_api_body(ngx_conf_t *cf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->client_max_body_size == 1024 * 1024) {
        clcf->client_max_body_size = WGW_NAMES_BULK_BODY;
    }
}


char *
ngx_http_wgw_route(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_route_loc_conf_t *rlcf = conf;

    ngx_str_t    *value;
    wgw_names_t  *names;

    if (rlcf->enable != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    rlcf->enable = 1;

    names = (wgw_names_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                         ngx_wgw_route_module);
    wgw_lookup_use(cf, names, "wgw_route");

    if (cf->args->nelts == 1) {
        return NGX_CONF_OK;
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        rlcf->enable = 0;
        return NGX_CONF_OK;
    }

    return ngx_http_set_complex_value_slot(cf, cmd, conf);
}


char *
ngx_http_wgw_backend(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    wgw_balancer_t *balancer = conf;

    char                          *rv;
    ngx_str_t                     *value;
    ngx_uint_t                     i;
    wgw_names_t                   *names;
    ngx_http_upstream_srv_conf_t  *uscf;

    if (balancer->enable) {
        return "is duplicate";
    }

    balancer->enable = 1;
    balancer->line = wgw_line(cf);
    balancer->idle.keepalive = 1024;
    balancer->idle.requests = 10000;
    balancer->idle.timeout = 60000;
    balancer->health.max_fails = 1;
    balancer->health.fail_timeout = 10;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_wgw_backend_option(&value[i], balancer);

        if (rv != NGX_CONF_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s \"%V\"", rv,
                               &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    names = (wgw_names_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                         ngx_wgw_route_module);
    wgw_lookup_use(cf, names, "wgw_backend");

    uscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_upstream_module);

    return wgw_balancer_create(cf, uscf, balancer);
}


static char *
ngx_http_wgw_backend_option(ngx_str_t *value, wgw_balancer_t *balancer)
{
    ngx_int_t  n;
    ngx_str_t  text;

    text.data = (u_char *) ngx_strchr(value->data, '=');

    if (text.data == NULL) {
        return "invalid parameter";
    }

    text.data++;
    text.len = value->data + value->len - text.data;

    if (ngx_strncmp(value->data, "timeout=", 8) == 0) {
        n = ngx_parse_time(&text, 0);
        balancer->idle.timeout = n;

        return n == NGX_ERROR || n == 0 ? "invalid value" : NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "fail_timeout=", 13) == 0) {
        n = ngx_parse_time(&text, 1);
        balancer->health.fail_timeout = n;

        return n == NGX_ERROR ? "invalid value" : NGX_CONF_OK;
    }

    n = ngx_atoi(text.data, text.len);

    if (ngx_strncmp(value->data, "keepalive=", 10) == 0) {
        balancer->idle.keepalive = n;

    } else if (ngx_strncmp(value->data, "requests=", 9) == 0) {
        balancer->idle.requests = n;

    } else if (ngx_strncmp(value->data, "max_fails=", 10) == 0) {
        balancer->health.max_fails = n;

    } else {
        return "invalid parameter";
    }

    return n == NGX_ERROR || n > 1000000000 ? "invalid value" : NGX_CONF_OK;
}


char *
ngx_http_wgw_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_route_loc_conf_t *rlcf = conf;

    wgw_names_t               *names;
    ngx_http_core_loc_conf_t  *clcf;

    if (rlcf->api_hosts) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* a name is what follows the location's prefix */

    if (clcf->named
#if (NGX_PCRE)
        || clcf->regex
#endif
        )
    {
        return "cannot be in location given by regular expression, "
               "or inside named location";
    }

    names = (wgw_names_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                         ngx_wgw_route_module);
    wgw_lookup_use(cf, names, "wgw_api");

    return wgw_endpoint(cf, &rlcf->api_hosts, ngx_http_wgw_api_handler);
}
