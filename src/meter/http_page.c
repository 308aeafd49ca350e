
/*
 * The directive `wgw_page` and its document.
 */

#include "meter/flow.h"
#include "meter/meter_module.h"
#include "meter/http_page.h"
#include "meter/http_told.h"
#include "meter/page.h"
#include "core/args.h"
#include "core/endpoint.h"
#include "core/reply.h"
#include "core/request.h"
#include "crypto/sha256.h"


/* "'sha256-", base64 of 32 bytes, "'" */
#define PAGE_HASH  (sizeof("'sha256-'") - 1 + 44)


typedef struct {
    wgw_page_uris_t   uris;
    ngx_array_t      *hosts;        /* ngx_str_t */
    u_char           *policy;       /* of the content, for browsers */
} page_conf_t;


static char *page_param(ngx_conf_t *cf, page_conf_t *pcf, ngx_str_t *value);
static ngx_int_t page_policy(ngx_conf_t *cf, page_conf_t *pcf);
static u_char *page_hash(u_char *p, wgw_text_t text);
static ngx_int_t page_handler(ngx_http_request_t *r);
static ngx_int_t page_query(ngx_http_request_t *r, wgw_page_query_t *query,
    wgw_usage_query_t *usage, wgw_args_error_t *error);
static ngx_int_t page_fold(ngx_http_request_t *r, ngx_str_t *text);
static ngx_int_t page_headers(ngx_http_request_t *r, page_conf_t *pcf);


static const struct {
    ngx_str_t  name;
    ngx_str_t  uri;             /* unless another one is said */
    size_t     offset;
} page_params[] = {
    { ngx_string("names="), ngx_string("/v1/names"),
      offsetof(wgw_page_uris_t, names) },
    { ngx_string("usage="), ngx_string("/v1/usage"),
      offsetof(wgw_page_uris_t, usage) },
    { ngx_string("metrics="), ngx_string("/metrics"),
      offsetof(wgw_page_uris_t, metrics) },
    { ngx_string("auth="), ngx_string("/v1/auth"),
      offsetof(wgw_page_uris_t, auth) },
    { ngx_string("claims="), ngx_string("/v1/claims"),
      offsetof(wgw_page_uris_t, claims) },
    { ngx_string("providers="), ngx_string("/v1/providers"),
      offsetof(wgw_page_uris_t, providers) },
    { ngx_string("certificates="), ngx_string("/v1/certificates"),
      offsetof(wgw_page_uris_t, certificates) },
    { ngx_string("grid="), ngx_string("/v1/grid"),
      offsetof(wgw_page_uris_t, grid) },
    { ngx_null_string, ngx_null_string, 0 }
};


#define page_uri(pcf, i)                                                      \
    ((ngx_str_t *) ((char *) &(pcf)->uris + page_params[i].offset))


char *
ngx_http_wgw_page(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_meter_conf_t *mcf = conf;

    char         *rc;
    ngx_str_t    *value;
    ngx_uint_t    i;
    page_conf_t  *pcf;

    if (mcf->page) {
        return "is duplicate";
    }

    pcf = ngx_pcalloc(cf->pool, sizeof(page_conf_t));
    if (pcf == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; page_params[i].name.len; i++) {
        *page_uri(pcf, i) = page_params[i].uri;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        rc = page_param(cf, pcf, &value[i]);
        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }

    if (page_policy(cf, pcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    mcf->page = pcf;

    return wgw_endpoint(cf, &pcf->hosts, page_handler);
}


char *
ngx_http_wgw_page_merge(ngx_conf_t *cf, ngx_http_wgw_meter_conf_t *prev,
    ngx_http_wgw_meter_conf_t *conf)
{
    page_conf_t  *pcf;

    if (conf->page) {
        pcf = conf->page;
        return wgw_request_hosts(cf, pcf->hosts);
    }

    if (prev->page && wgw_request_inherits(cf, page_handler)) {
        conf->page = prev->page;
    }

    return NGX_CONF_OK;
}


static char *
page_param(ngx_conf_t *cf, page_conf_t *pcf, ngx_str_t *value)
{
    ngx_str_t   *uri;
    ngx_uint_t   i;

    for (i = 0; page_params[i].name.len; i++) {

        if (value->len < page_params[i].name.len
            || ngx_strncmp(value->data, page_params[i].name.data,
                           page_params[i].name.len)
               != 0)
        {
            continue;
        }

        uri = page_uri(pcf, i);

        uri->data = value->data + page_params[i].name.len;
        uri->len = value->len - page_params[i].name.len;

        if ((uri->len == 3 && ngx_strncmp(uri->data, "off", 3) == 0)) {
            ngx_str_null(uri);
            return NGX_CONF_OK;
        }

        if (uri->len == 0 || uri->len > 255 || uri->data[0] != '/') {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" must have a path, or \"off\"", value);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       value);
    return NGX_CONF_ERROR;
}


/*
 * The page has all that it needs in itself: a browser runs this script, takes
 * this style, and asks nobody but us.
 */

static ngx_int_t
page_policy(ngx_conf_t *cf, page_conf_t *pcf)
{
    u_char      *p;
    wgw_text_t   script, style;

    static const char  start[] = "default-src 'none'; connect-src 'self'; "
                                 "form-action 'self'; base-uri 'none'; "
                                 "frame-ancestors 'none'; img-src data:; "
                                 "script-src ";

    p = ngx_pnalloc(cf->pool, sizeof(start) + 2 * PAGE_HASH
                              + sizeof("; style-src "));
    if (p == NULL) {
        return NGX_ERROR;
    }

    pcf->policy = p;

    wgw_page_parts(&script, &style);

    p = ngx_cpymem(p, start, sizeof(start) - 1);

    p = page_hash(p, script);
    if (p == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(p, "; style-src ", sizeof("; style-src ") - 1);

    p = page_hash(p, style);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *p = '\0';

    return NGX_OK;
}


static u_char *
page_hash(u_char *p, wgw_text_t text)
{
    u_char     hash[WGW_SHA256];
    ngx_str_t  from, to;

    if (wgw_sha256(text.data, text.len, hash) != 0) {
        return NULL;
    }

    from.data = hash;
    from.len = sizeof(hash);

    p = ngx_cpymem(p, "'sha256-", sizeof("'sha256-") - 1);

    to.data = p;
    ngx_encode_base64(&to, &from);

    p += to.len;
    *p++ = '\'';

    return p;
}


static ngx_int_t
page_handler(ngx_http_request_t *r)
{
    off_t                       length;
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    page_conf_t                *pcf;
    ngx_chain_t                *out;
    wgw_args_error_t            error;
    wgw_page_query_t            query;
    wgw_usage_query_t           usage;
    ngx_http_wgw_meter_conf_t  *mcf;

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);
    pcf = mcf->page;

    if (!wgw_endpoint_get(r, pcf->hosts, &rc)) {
        return rc;
    }

    rc = page_query(r, &query, &usage, &error);
    if (rc != NGX_OK) {
        return wgw_args_refused(r, rc, &error);
    }

    query.uris = &pcf->uris;

    /* figures are of now, and of the window in force */

    wgw_flow_flush_all();

    for (i = 0; i < usage.nzones; i++) {
        (void) wgw_meter_period((wgw_meter_zone_t *) usage.zones[i]);
    }

    length = wgw_page(r->pool, &query, &out);

    if (length == NGX_ERROR || page_headers(r, pcf) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return wgw_reply_send(r, NGX_HTTP_OK, "text/html; charset=utf-8", out);
}


static ngx_int_t
page_query(ngx_http_request_t *r, wgw_page_query_t *query,
    wgw_usage_query_t *usage, wgw_args_error_t *error)
{
    ngx_int_t              rc;
    ngx_wgw_meter_conf_t  *mcf;

    enum { SEARCH = 0, AFTER };

    wgw_arg_t  args[] = { { "q", { NULL, 0 } }, { "after", { NULL, 0 } },
                          { NULL, { NULL, 0 } } };

    rc = wgw_args_read(r, args, error);
    if (rc != NGX_OK) {
        return rc;
    }

    if (args[SEARCH].value.len > WGW_PAGE_SEARCH
        || args[AFTER].value.len > WGW_PAGE_SEARCH)
    {
        error->field = args[SEARCH].value.len > WGW_PAGE_SEARCH ? "q"
                                                                : "after";
        error->message = "is longer than a name";
        return NGX_DECLINED;
    }

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    ngx_memzero(usage, sizeof(wgw_usage_query_t));
    ngx_memzero(query, sizeof(wgw_page_query_t));

    usage->zones = mcf->zones.elts;
    usage->nzones = mcf->zones.nelts;
    usage->known = ngx_http_wgw_told_name;
    usage->data = r;

    query->usage = usage;
    query->traffic = mcf->traffic;
    query->now = ngx_time();

    query->search.data = (u_char *) args[SEARCH].value.data;
    query->search.len = args[SEARCH].value.len;
    query->after.data = (u_char *) args[AFTER].value.data;
    query->after.len = args[AFTER].value.len;

    return page_fold(r, &query->search);
}


/* Names are in lower case; what came is not written to. */

static ngx_int_t
page_fold(ngx_http_request_t *r, ngx_str_t *text)
{
    u_char  *p;

    if (text->len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, text->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(p, text->data, text->len);
    text->data = p;

    return NGX_OK;
}


static ngx_int_t
page_headers(ngx_http_request_t *r, page_conf_t *pcf)
{
    return wgw_reply_header(r, "Content-Security-Policy",
                            (char *) pcf->policy) == NULL
           || wgw_reply_header(r, "X-Content-Type-Options", "nosniff") == NULL
           || wgw_reply_header(r, "Referrer-Policy", "no-referrer") == NULL
           ? NGX_ERROR : NGX_OK;
}
