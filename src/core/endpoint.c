
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/endpoint.h"
#include "core/reply.h"
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


ngx_uint_t
wgw_endpoint_get(ngx_http_request_t *r, ngx_array_t *hosts, ngx_int_t *rc)
{
    if (!wgw_request_trusted(r, hosts)) {
        *rc = wgw_request_distrust(r);
        return 0;
    }

    *rc = wgw_reply_discard(r);

    if (*rc != NGX_OK) {
        return 0;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        *rc = wgw_reply_not_allowed(r, "GET, HEAD");
        return 0;
    }

    return 1;
}
