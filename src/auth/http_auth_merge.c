
/*
 * Levels of configuration: what one has of that above it, and what would
 * never work, or would work for everybody.
 */


#include "auth/auth_module.h"
#include "core/endpoint.h"
#include "core/request.h"


#define NGX_HTTP_WGW_AUTH_BODY_DEFAULT  (1024 * 1024)   /* nginx's own */


static char *ngx_http_wgw_auth_merge_values(ngx_http_wgw_auth_conf_t *prev,
    ngx_http_wgw_auth_conf_t *conf);
static void ngx_http_wgw_auth_body(ngx_conf_t *cf,
    ngx_http_wgw_auth_conf_t *conf);
static char *ngx_http_wgw_auth_merge_rules(ngx_conf_t *cf,
    ngx_http_wgw_auth_conf_t *prev, ngx_http_wgw_auth_conf_t *conf);
static char *ngx_http_wgw_auth_needs(ngx_conf_t *cf,
    ngx_http_wgw_auth_conf_t *conf);
static char *ngx_http_wgw_auth_names(ngx_conf_t *cf,
    ngx_http_wgw_auth_conf_t *conf);


void *
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


char *
ngx_http_wgw_auth_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_wgw_auth_conf_t *prev = parent;
    ngx_http_wgw_auth_conf_t *conf = child;

    ngx_wgw_auth_conf_t  *acf;

    if (conf->line.number == 0) {
        conf->line = prev->line;
    }

    if (ngx_http_wgw_auth_merge_rules(cf, prev, conf) != NGX_CONF_OK
        || ngx_http_wgw_auth_merge_values(prev, conf) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

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

    if (wgw_endpoint_merge(cf, prev->api_hosts, &conf->api_hosts,
                           ngx_http_wgw_auth_api_handler)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (prev->signin
        && wgw_request_inherits(cf, ngx_http_wgw_auth_signin_handler))
    {
        conf->signin = prev->signin;
    }

    if (conf->signin) {
        acf->skew = ngx_max(acf->skew, conf->skew);
        acf->max_age = ngx_max(acf->max_age, conf->max_age);
    }

    return ngx_http_wgw_auth_needs(cf, conf);
}


static char *
ngx_http_wgw_auth_merge_values(ngx_http_wgw_auth_conf_t *prev,
    ngx_http_wgw_auth_conf_t *conf)
{
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

    return NGX_CONF_OK;
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
