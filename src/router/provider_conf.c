
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "format/uri.h"
#include "router/option.h"
#include "router/provider_conf.h"


static char *provider_option(ngx_conf_t *cf, wgw_provider_t *provider,
    ngx_str_t *value);
static char *provider_auth(ngx_conf_t *cf, wgw_provider_t *provider);
static char *provider_end(ngx_conf_t *cf, wgw_provider_end_t *end,
    ngx_str_t *url);
static ngx_int_t provider_path(ngx_conf_t *cf, wgw_provider_end_t *end,
    size_t len);
static char *provider_host(ngx_conf_t *cf, wgw_provider_end_t *end,
    uint16_t port);
static char *provider_methods(ngx_conf_t *cf, wgw_provider_t *provider,
    ngx_str_t *list);
static char *provider_name(ngx_conf_t *cf, wgw_provider_t *provider);
static ngx_uint_t provider_is(wgw_provider_t *provider, ngx_str_t *value);


char *
wgw_provider_conf(ngx_conf_t *cf, wgw_providers_t *providers)
{
    char             *rv;
    ngx_str_t        *value;
    ngx_uint_t        i;
    wgw_provider_t   *provider, **place;

    if (providers->all.nelts == WGW_PROVIDERS_MAX) {
        return "is one too many: there may be 64";
    }

    value = cf->args->elts;

    provider = ngx_pcalloc(cf->pool, sizeof(wgw_provider_t));
    if (provider == NULL
        || ngx_array_init(&provider->headers, cf->pool, 1,
                          sizeof(wgw_errand_header_t)) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    provider->providers = providers;
    provider->weight = 1;
    provider->nsessions = 1;
    provider->index = providers->all.nelts;

    rv = provider_end(cf, &provider->service, &value[1]);

    for (i = 2; rv == NGX_CONF_OK && i < cf->args->nelts; i++) {
        rv = provider_option(cf, provider, &value[i]);
    }

    if (rv == NGX_CONF_OK) {
        rv = provider_auth(cf, provider);
    }

    if (rv == NGX_CONF_OK) {
        rv = provider_name(cf, provider);
    }

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    place = ngx_array_push(&providers->all);
    if (place == NULL) {
        return NGX_CONF_ERROR;
    }

    *place = provider;

    return NGX_CONF_OK;
}


static char *
provider_option(ngx_conf_t *cf, wgw_provider_t *provider, ngx_str_t *value)
{
    ngx_str_t  methods;

    if (wgw_option_number(value, "priority=", 0, WGW_CHOICE_PRIORITY,
                          &provider->priority) == NGX_OK
        || wgw_option_number(value, "weight=", 1, WGW_CHOICE_WEIGHT,
                             &provider->weight) == NGX_OK
        || wgw_option_number(value, "sessions=", 1, WGW_PROVIDERS_SESSIONS,
                             &provider->nsessions) == NGX_OK
        || wgw_option_text(value, "name=", &provider->name) == NGX_OK
        || wgw_option_text(value, "auth=", &provider->auth.url) == NGX_OK)
    {
        return NGX_CONF_OK;
    }

    if (wgw_option_text(value, "methods=", &methods) == NGX_OK) {
        return provider_methods(cf, provider, &methods);
    }

    return wgw_option_bad(cf, "invalid parameter", value);
}


/* Where one signs in is, unless it is said, the URL's own /auth. */

static char *
provider_auth(ngx_conf_t *cf, wgw_provider_t *provider)
{
    u_char     *p;
    ngx_str_t  *value, url;

    value = cf->args->elts;
    url = provider->auth.url;

    ngx_str_null(&provider->auth.url);

    if (url.len == 3 && ngx_strncmp(url.data, "off", 3) == 0) {
        return NGX_CONF_OK;
    }

    if (url.len) {
        return provider_end(cf, &provider->auth, &url);
    }

    url = value[1];

    if (ngx_strlchr(url.data, url.data + url.len, '?')) {
        return "has a query: \"auth=\" must say where to sign in";
    }

    if (url.data[url.len - 1] == '/') {
        url.len--;
    }

    p = ngx_pnalloc(cf->pool, url.len + sizeof("/auth") - 1);
    if (p == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(ngx_cpymem(p, url.data, url.len), "/auth", 5);

    url.data = p;
    url.len += 5;

    return provider_end(cf, &provider->auth, &url);
}


/* http://host[:port][/path][?query], of printable ASCII */

static char *
provider_end(ngx_conf_t *cf, wgw_provider_end_t *end, ngx_str_t *url)
{
    uint16_t    port;
    wgw_uri_t   uri;
    wgw_text_t  text;

    text.data = (char *) url->data;
    text.len = url->len;

    if (wgw_uri_parse(&uri, text) != 0 || uri.host.data == NULL
        || uri.host.len == 0 || uri.userinfo.data || uri.fragment.data
        || url->len > 2048
        || wgw_uri_port(&port, uri.scheme, uri.port) != 0)
    {
        return wgw_option_bad(cf, "invalid URL of a provider", url);
    }

    if (wgw_text_equal(uri.scheme, wgw_text("https"))) {
        end->ssl = 1;

    } else if (!wgw_text_equal(uri.scheme, wgw_text("http"))) {
        return wgw_option_bad(cf, "neither http nor https in", url);
    }

    end->domain.data = (u_char *) uri.host.data;
    end->domain.len = uri.host.len;
    end->url = *url;

    if (uri.path.len == 0
        && provider_path(cf, end, (u_char *) uri.path.data - url->data)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return provider_host(cf, end, port);
}


/* Without a path nginx would put the client's there. */

static ngx_int_t
provider_path(ngx_conf_t *cf, wgw_provider_end_t *end, size_t len)
{
    u_char     *p;
    ngx_str_t   url;

    url = end->url;

    p = ngx_pnalloc(cf->pool, url.len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    end->url.data = p;
    end->url.len = url.len + 1;

    p = ngx_cpymem(p, url.data, len);
    *p++ = '/';
    ngx_memcpy(p, url.data + len, url.len - len);

    return NGX_OK;
}


static char *
provider_host(ngx_conf_t *cf, wgw_provider_end_t *end, uint16_t port)
{
    end->host = ngx_pcalloc(cf->pool, sizeof(wgw_host_t));
    if (end->host == NULL) {
        return NGX_CONF_ERROR;
    }

    end->host->port = port;
    end->host->name = end->domain;

    if (ngx_strlchr(end->domain.data, end->domain.data + end->domain.len,
                    ':'))
    {
        end->host->name.data--;
        end->host->name.len += 2;
    }

    return NGX_CONF_OK;
}


/* eth_getLogs,trace_* */

static char *
provider_methods(ngx_conf_t *cf, wgw_provider_t *provider, ngx_str_t *list)
{
    u_char      *p, *last, *comma;
    wgw_text_t  *method;

    if (provider->methods) {
        return "has \"methods=\" twice";
    }

    provider->methods = ngx_array_create(cf->pool, 4, sizeof(wgw_text_t));
    if (provider->methods == NULL) {
        return NGX_CONF_ERROR;
    }

    last = list->data + list->len;

    for (p = list->data; p <= last; p = comma + 1) {
        comma = ngx_strlchr(p, last, ',');
        comma = comma ? comma : last;

        if (comma == p) {
            return "has an empty method in \"methods=\"";
        }

        method = ngx_array_push(provider->methods);
        if (method == NULL) {
            return NGX_CONF_ERROR;
        }

        method->data = (char *) p;
        method->len = comma - p;
    }

    provider->providers->routed |= UINT64_C(1) << provider->index;

    return NGX_CONF_OK;
}


/* Unless it is said, the URL's host and port; all of it where that is taken. */

static char *
provider_name(ngx_conf_t *cf, wgw_provider_t *provider)
{
    u_char           *p, *end;
    ngx_uint_t        i, given;
    ngx_str_t        *url;
    wgw_providers_t  *providers;

    providers = provider->providers;
    given = provider->name.len;
    url = &provider->service.url;

    if (!given) {
        p = ngx_strlchr(url->data, url->data + url->len, ':') + 3;
        end = ngx_strlchr(p, url->data + url->len, '/');

        provider->name.data = p;
        provider->name.len = end - p;

        if (wgw_providers_named(providers, &provider->name)) {
            provider->name = *url;
        }
    }

    for (i = 0; i < provider->name.len; i++) {
        if (provider->name.data[i] <= ' ' || provider->name.data[i] >= 127) {
            return wgw_option_bad(cf, "invalid name", &provider->name);
        }
    }

    if (provider->name.len > 256
        || wgw_providers_named(providers, &provider->name))
    {
        return wgw_option_bad(cf, given ? "duplicate or too long name"
                                       : "duplicate provider",
                             &provider->name);
    }

    provider->hash = wgw_choice_hash(provider->name.data,
                                     provider->name.len);

    return NGX_CONF_OK;
}


char *
wgw_provider_conf_header(ngx_conf_t *cf, wgw_providers_t *providers)
{
    ngx_str_t            *value;
    ngx_uint_t            i, found;
    wgw_text_t            field;
    wgw_provider_t      **provider;
    wgw_errand_header_t  *header;

    value = cf->args->elts;

    field.data = (char *) value[2].data;
    field.len = value[2].len;

    if (cf->args->nelts != 4) {
        return "takes a provider, a name and a value";
    }

    if (!wgw_grant_field(field)) {
        return wgw_option_bad(cf, "invalid header", &value[2]);
    }

    for (i = 0; i < value[3].len; i++) {
        if (value[3].data[i] < ' ' || value[3].data[i] == 127) {
            return "has a control character in its value";
        }
    }

    provider = providers->all.elts;
    found = 0;

    for (i = 0; i < providers->all.nelts; i++) {

        if (!provider_is(provider[i], &value[1])) {
            continue;
        }

        found = 1;

        header = ngx_array_push(&provider[i]->headers);
        if (header == NULL) {
            return NGX_CONF_ERROR;
        }

        header->name = value[2];
        header->value = value[3];
    }

    return found ? NGX_CONF_OK
                 : wgw_option_bad(cf, "no provider before this line is",
                                  &value[1]);
}


/* By its name, or its URL, with a final slash or without. */

static ngx_uint_t
provider_is(wgw_provider_t *provider, ngx_str_t *value)
{
    ngx_str_t  *url;

    url = &provider->service.url;

    if (ngx_strncmp(url->data, value->data, value->len) == 0
        && (url->len == value->len
            || (url->len == value->len + 1 && url->data[value->len] == '/')))
    {
        return 1;
    }

    return wgw_providers_named(provider->providers, value) == provider;
}
