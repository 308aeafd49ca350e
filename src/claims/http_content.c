
/*
 * The http side of claims: the content that is asked for, and the endpoint.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "claims/http_claims_api.h"
#include "core/request.h"
#include "format/cid.h"
#include "format/multibase.h"
#include "meter/meter_module.h"


#define CONTENT_CID        0
#define CONTENT_MULTIHASH  1


typedef struct {
    ngx_array_t  *api_hosts;            /* NULL: no wgw_claims_api here */
} ngx_http_wgw_content_conf_t;


static ngx_int_t ngx_http_wgw_content_api_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_content_find(ngx_http_request_t *r,
    wgw_cid_t *cid);
static ngx_int_t ngx_http_wgw_content_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_wgw_content_add_variables(ngx_conf_t *cf);
static void *ngx_http_wgw_content_create_conf(ngx_conf_t *cf);
static char *ngx_http_wgw_content_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_wgw_content_api(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_http_wgw_content_commands[] = {

    { ngx_string("wgw_claims_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_wgw_content_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_wgw_content_module_ctx = {
    ngx_http_wgw_content_add_variables,    /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_wgw_content_create_conf,      /* create location configuration */
    ngx_http_wgw_content_merge_conf        /* merge location configuration */
};


ngx_module_t  ngx_http_wgw_content_module = {
    NGX_MODULE_V1,
    &ngx_http_wgw_content_module_ctx,      /* module context */
    ngx_http_wgw_content_commands,         /* module directives */
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


static const struct {
    ngx_str_t   name;
    uintptr_t   what;
} ngx_http_wgw_content_vars[] = {
    { ngx_string("wgw_cid"), CONTENT_CID },
    { ngx_string("wgw_multihash"), CONTENT_MULTIHASH },
    { ngx_null_string, 0 }
};


static ngx_int_t
ngx_http_wgw_content_api_handler(ngx_http_request_t *r)
{
    ngx_http_wgw_content_conf_t  *ccf;

    ccf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_content_module);

    return wgw_claims_api_handler(r, ccf->api_hosts);
}


/* By path or by host, of the request as it came. */

static ngx_int_t
ngx_http_wgw_content_find(ngx_http_request_t *r, wgw_cid_t *cid)
{
    wgw_text_t  text, found;

    text.data = (char *) r->uri.data;
    text.len = r->uri.len;
    found = wgw_cid_of_path(text);

    if (found.len && wgw_cid_read(cid, found) == 0) {
        return NGX_OK;
    }

    text.data = (char *) r->headers_in.server.data;
    text.len = r->headers_in.server.len;
    found = wgw_cid_of_host(text);

    if (found.len && wgw_cid_read(cid, found) == 0) {
        return NGX_OK;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_wgw_content_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    wgw_cid_t   cid;
    wgw_out_t   out;

    if (ngx_http_wgw_content_find(r, &cid) != NGX_OK) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = ngx_pnalloc(r->pool, WGW_CID_TEXT);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    wgw_out_init(&out, v->data, WGW_CID_TEXT);

    if (data == CONTENT_CID) {
        wgw_cid_write(&out, &cid);

    } else {
        wgw_out_str(&out, "z");
        wgw_base58_encode(&out, cid.multihash.data, cid.multihash.len);
    }

    v->len = out.pos - out.start;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* Not cached: an internal redirect may change the path. */

static ngx_int_t
ngx_http_wgw_content_add_variables(ngx_conf_t *cf)
{
    ngx_str_t             name;
    ngx_uint_t            i;
    ngx_http_variable_t  *var;

    for (i = 0; ngx_http_wgw_content_vars[i].name.len; i++) {
        name = ngx_http_wgw_content_vars[i].name;

        var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = ngx_http_wgw_content_variable;
        var->data = ngx_http_wgw_content_vars[i].what;
    }

    return NGX_OK;
}


static void *
ngx_http_wgw_content_create_conf(ngx_conf_t *cf)
{
    /*
     * set by ngx_pcalloc():
     *
     *     conf->api_hosts = NULL;
     */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_content_conf_t));
}


static char *
ngx_http_wgw_content_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_wgw_content_conf_t *prev = parent;
    ngx_http_wgw_content_conf_t *conf = child;

    if (conf->api_hosts) {
        return wgw_request_hosts(cf, conf->api_hosts);
    }

    if (prev->api_hosts
        && wgw_request_inherits(cf, ngx_http_wgw_content_api_handler))
    {
        conf->api_hosts = prev->api_hosts;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_wgw_content_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_content_conf_t *ccf = conf;

    wgw_claims_t              *claims;
    ngx_http_core_loc_conf_t  *clcf;

    if (ccf->api_hosts) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* an id is what follows the location's prefix */

    if (clcf->named
#if (NGX_PCRE)
        || clcf->regex
#endif
        )
    {
        return "cannot be in location given by regular expression, "
               "or inside named location";
    }

    claims = wgw_claims_conf(cf->cycle);
    ccf->api_hosts = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));

    if (claims == NULL || ccf->api_hosts == NULL) {
        return NGX_CONF_ERROR;
    }

    claims->needed = 1;
    clcf->handler = ngx_http_wgw_content_api_handler;

    return NGX_CONF_OK;
}
