
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "router/grant.h"
#include "router/http_router_errand.h"


wgw_errand_t *
wgw_router_errand_create(wgw_provider_t *provider, wgw_provider_end_t *end,
    wgw_session_t *session)
{
    wgw_errand_t                     *errand;
    wgw_router_errand_t              *re;
    ngx_http_wgw_router_main_conf_t  *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_wgw_router_module);

    errand = wgw_errand_create(ngx_cycle->log);
    if (errand == NULL) {
        return NULL;
    }

    re = ngx_pcalloc(errand->pool, sizeof(wgw_router_errand_t));
    if (re == NULL) {
        wgw_errand_drop(errand);
        return NULL;
    }

    re->provider = provider;
    re->end = end;
    re->session = session;

    errand->place = &rmcf->place;
    errand->method = NGX_HTTP_POST;
    errand->timeout = provider->providers->timeout;
    errand->max = WGW_GRANT_BODY;
    errand->data = re;

    ngx_str_set(&errand->uri, "/");

    return errand;
}


wgw_router_errand_t *
wgw_router_errand(ngx_http_request_t *r)
{
    wgw_errand_t                     *errand;
    ngx_http_wgw_router_main_conf_t  *rmcf;

    errand = wgw_errand_get(r);

    if (errand == NULL) {
        return NULL;
    }

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_wgw_router_module);

    return errand->place == &rmcf->place ? errand->data : NULL;
}
