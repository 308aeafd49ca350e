
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/endpoint.h"
#include "core/request.h"


char *
wgw_endpoint(ngx_conf_t *cf, ngx_array_t **hosts, ngx_http_handler_pt handler)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (*hosts) {
        return "is duplicate";
    }

    *hosts = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));
    if (*hosts == NULL) {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = handler;

    return NGX_CONF_OK;
}


char *
wgw_endpoint_merge(ngx_conf_t *cf, ngx_array_t *above, ngx_array_t **hosts,
    ngx_http_handler_pt handler)
{
    if (*hosts) {
        return wgw_request_hosts(cf, *hosts);
    }

    if (above && wgw_request_inherits(cf, handler)) {
        *hosts = above;
    }

    return NGX_CONF_OK;
}
