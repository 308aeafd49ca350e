
/*
 * The block of providers: its lines, what they must say together, and the
 * memory of each provider.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/keep.h"
#include "crypto/eip191.h"
#include "format/uri.h"
#include "route/trust.h"
#include "router/providers.h"


#define PROVIDERS_PEM  1048576


typedef struct {
    const char             *name;
    char                 *(*set)(ngx_conf_t *cf, wgw_providers_t *providers);
    ngx_uint_t              min;            /* arguments */
    ngx_uint_t              once;           /* a bit */
} providers_line_t;


typedef struct {
    wgw_providers_t        *providers;
    ngx_array_t            *hosts;
    ngx_uint_t              seen;
} providers_parse_t;


static char *providers_line(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf);
static char *providers_signer(ngx_conf_t *cf, wgw_providers_t *providers);
static ssize_t providers_read(ngx_conf_t *cf, ngx_str_t *name, u_char *buf,
    size_t size, ngx_uint_t secret);
static void providers_wipe(void *data);
static char *providers_ca(ngx_conf_t *cf, wgw_providers_t *providers);
static void providers_free_trust(void *data);
static char *providers_provider(ngx_conf_t *cf, wgw_providers_t *providers);
static char *providers_option(ngx_conf_t *cf, wgw_provider_t *provider,
    ngx_str_t *value);
static char *providers_auth(ngx_conf_t *cf, wgw_provider_t *provider);
static char *providers_end(ngx_conf_t *cf, wgw_provider_end_t *end,
    ngx_str_t *url);
static char *providers_methods(ngx_conf_t *cf, wgw_provider_t *provider,
    ngx_str_t *list);
static char *providers_name(ngx_conf_t *cf, wgw_provider_t *provider);
static wgw_provider_t *providers_named(wgw_providers_t *providers,
    ngx_str_t *name);
static char *providers_header(ngx_conf_t *cf, wgw_providers_t *providers);
static char *providers_check(ngx_conf_t *cf, wgw_providers_t *providers);
static char *providers_attempts(ngx_conf_t *cf, wgw_providers_t *providers);
static char *providers_codes(ngx_conf_t *cf, wgw_providers_t *providers);
static char *providers_resolver(ngx_conf_t *cf, wgw_providers_t *providers);
static ngx_int_t providers_number(ngx_str_t *value, const char *name,
    ngx_int_t min, ngx_int_t max, ngx_uint_t *number);
static ngx_int_t providers_time(ngx_str_t *value, const char *name,
    ngx_msec_t *msec);
static char *providers_bad(ngx_conf_t *cf, const char *what,
    ngx_str_t *value);
static char *providers_whole(ngx_conf_t *cf, providers_parse_t *parse);
static char *providers_host(ngx_conf_t *cf, providers_parse_t *parse,
    wgw_provider_end_t *end);
static char *providers_memory(ngx_conf_t *cf, wgw_provider_t *provider);
static char *providers_sessions(ngx_conf_t *cf, wgw_provider_t *provider);


static const providers_line_t  providers_lines[] = {
    { "signer", providers_signer, 1, 1 },
    { "provider", providers_provider, 1, 0 },
    { "header", providers_header, 3, 0 },
    { "check", providers_check, 1, 2 },
    { "attempts", providers_attempts, 1, 4 },
    { "retry_errors", providers_codes, 1, 8 },
    { "ca", providers_ca, 1, 16 },
    { "resolver", providers_resolver, 1, 32 },
    { NULL, NULL, 0, 0 }
};


char *
wgw_providers_block(ngx_conf_t *cf, ngx_array_t *list, ngx_array_t *hosts)
{
    char                *rv;
    ngx_str_t           *value;
    ngx_conf_t           save;
    wgw_providers_t     *providers, **place;
    providers_parse_t    parse;

    value = cf->args->elts;

    if (wgw_providers_find(list, &value[1])) {
        return providers_bad(cf, "duplicate providers", &value[1]);
    }

    providers = ngx_pcalloc(cf->pool, sizeof(wgw_providers_t));
    place = ngx_array_push(list);

    if (providers == NULL || place == NULL
        || ngx_array_init(&providers->all, cf->pool, 4,
                          sizeof(wgw_provider_t *)) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    *place = providers;

    providers->name = value[1];
    ngx_str_set(&providers->method, "eth_blockNumber");
    providers->interval = 5000;
    providers->timeout = 5000;
    providers->rise_fall.rise = 2;
    providers->rise_fall.fall = 2;
    providers->lag = 5;
    providers->jump = 10;
    providers->attempts = 5;
    providers->limit = 30000;
    providers->idle.keepalive = 256;
    providers->idle.requests = 10000;
    providers->idle.timeout = 50000;

    parse.providers = providers;
    parse.hosts = hosts;
    parse.seen = 0;

    save = *cf;
    cf->handler = providers_line;
    cf->handler_conf = (char *) &parse;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv == NGX_CONF_OK ? providers_whole(cf, &parse) : rv;
}


wgw_providers_t *
wgw_providers_find(ngx_array_t *list, ngx_str_t *name)
{
    ngx_uint_t        i;
    wgw_providers_t **providers;

    providers = list->elts;

    for (i = 0; i < list->nelts; i++) {
        if (providers[i]->name.len == name->len
            && ngx_memcmp(providers[i]->name.data, name->data, name->len)
               == 0)
        {
            return providers[i];
        }
    }

    return NULL;
}


static char *
providers_line(ngx_conf_t *cf, ngx_command_t *dummy, void *conf)
{
    providers_parse_t *parse = conf;

    char                    *rv;
    ngx_str_t               *value;
    const providers_line_t  *line;

    value = cf->args->elts;

    for (line = providers_lines; line->name; line++) {
        if (ngx_strcmp(value[0].data, line->name) == 0) {
            break;
        }
    }

    if (line->name == NULL) {
        return providers_bad(cf, "unknown directive", &value[0]);
    }

    if (cf->args->nelts <= line->min) {
        return providers_bad(cf, "invalid number of arguments in", &value[0]);
    }

    if (parse->seen & line->once) {
        return providers_bad(cf, "duplicate directive", &value[0]);
    }

    parse->seen |= line->once;

    rv = line->set(cf, parse->providers);

    if (rv == NGX_CONF_OK || rv == NGX_CONF_ERROR) {
        return rv;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%s\" %s", line->name, rv);

    return NGX_CONF_ERROR;
}


/* signer FILE [domain=NAME]; */

static char *
providers_signer(ngx_conf_t *cf, wgw_providers_t *providers)
{
    u_char               file[WGW_SIGNER_FILE + 1];
    ssize_t              n;
    ngx_str_t           *value;
    wgw_text_t           text;
    const char          *error;
    wgw_eip191_t        *eip191;
    ngx_pool_cleanup_t  *cln;

    value = cf->args->elts;

    if (cf->args->nelts > 3
        || (cf->args->nelts == 3
            && (ngx_strncmp(value[2].data, "domain=", 7) != 0
                || value[2].len == 7)))
    {
        return providers_bad(cf, "invalid parameter", &value[2]);
    }

    if (cf->args->nelts == 3) {
        providers->domain.data = value[2].data + 7;
        providers->domain.len = value[2].len - 7;
    }

    n = providers_read(cf, &value[1], file, sizeof(file), 1);
    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    eip191 = wgw_eip191_create();

    if (cln == NULL || eip191 == NULL) {
        ngx_explicit_memzero(file, sizeof(file));
        return NGX_CONF_ERROR;
    }

    cln->handler = providers_wipe;
    cln->data = &providers->signer;

    text.data = (char *) file;
    text.len = n;

    error = n > WGW_SIGNER_FILE ? "is not 32 bytes: 64 hexadecimal digits"
            : wgw_signer_read(&providers->signer, eip191, text);

    ngx_explicit_memzero(file, sizeof(file));
    wgw_eip191_destroy(eip191);

    if (error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "the key in \"%V\" %s",
                           &value[1], error);
        return NGX_CONF_ERROR;
    }

    providers->has_signer = 1;

    return NGX_CONF_OK;
}


/* Returns the length, up to the whole size, or NGX_ERROR, logged. */

static ssize_t
providers_read(ngx_conf_t *cf, ngx_str_t *name, u_char *buf, size_t size,
    ngx_uint_t secret)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    if (secret && ngx_fd_info(fd, &fi) != NGX_FILE_ERROR
        && (ngx_file_access(&fi) & 0007))
    {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "the key in \"%V\" may be read by everybody",
                           name);
    }

    n = ngx_read_fd(fd, buf, size);

    if (n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_fd_n " \"%V\" failed", name);
        n = NGX_ERROR;
    }

    (void) ngx_close_file(fd);

    return n;
}


static void
providers_wipe(void *data)
{
    wgw_signer_wipe(data);
}


/* ca FILE; */

static char *
providers_ca(ngx_conf_t *cf, wgw_providers_t *providers)
{
    u_char               *buf;
    ssize_t               n;
    ngx_str_t            *value;
    wgw_text_t            pem;

    value = cf->args->elts;

    if (cf->args->nelts != 2) {
        return "takes one file";
    }

    buf = ngx_palloc(cf->temp_pool, PROVIDERS_PEM);
    if (buf == NULL) {
        return NGX_CONF_ERROR;
    }

    n = providers_read(cf, &value[1], buf, PROVIDERS_PEM, 0);
    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    pem.data = (char *) buf;
    pem.len = n;

    providers->trust = n ? wgw_trust_store(pem) : NULL;

    if (providers->trust == NULL) {
        return providers_bad(cf, "no certificates in", &value[1]);
    }

    return NGX_CONF_OK;
}


static void
providers_free_trust(void *data)
{
    X509_STORE_free(data);
}


/* provider URL [NAME=VALUE ...]; */

static char *
providers_provider(ngx_conf_t *cf, wgw_providers_t *providers)
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
    provider->line = cf->conf_file->line;

    rv = providers_end(cf, &provider->service, &value[1]);

    for (i = 2; rv == NGX_CONF_OK && i < cf->args->nelts; i++) {
        rv = providers_option(cf, provider, &value[i]);
    }

    if (rv == NGX_CONF_OK) {
        rv = providers_auth(cf, provider);
    }

    if (rv == NGX_CONF_OK) {
        rv = providers_name(cf, provider);
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
providers_option(ngx_conf_t *cf, wgw_provider_t *provider, ngx_str_t *value)
{
    ngx_str_t  rest;

    if (providers_number(value, "priority=", 0, WGW_CHOICE_PRIORITY,
                         &provider->priority) == NGX_OK
        || providers_number(value, "weight=", 1, WGW_CHOICE_WEIGHT,
                            &provider->weight) == NGX_OK
        || providers_number(value, "sessions=", 1, WGW_PROVIDERS_SESSIONS,
                            &provider->nsessions) == NGX_OK)
    {
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "name=", 5) == 0 && value->len > 5) {
        provider->name.data = value->data + 5;
        provider->name.len = value->len - 5;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "auth=", 5) == 0 && value->len > 5) {
        provider->auth.url.data = value->data + 5;
        provider->auth.url.len = value->len - 5;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "methods=", 8) == 0 && value->len > 8) {
        rest.data = value->data + 8;
        rest.len = value->len - 8;
        return providers_methods(cf, provider, &rest);
    }

    return providers_bad(cf, "invalid parameter", value);
}


/* Where one signs in is, unless it is said, the URL's own /auth. */

static char *
providers_auth(ngx_conf_t *cf, wgw_provider_t *provider)
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
        return providers_end(cf, &provider->auth, &url);
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

    return providers_end(cf, &provider->auth, &url);
}


/* http://host[:port][/path][?query], of printable ASCII */

static char *
providers_end(ngx_conf_t *cf, wgw_provider_end_t *end, ngx_str_t *url)
{
    u_char      *p;
    uint16_t     port;
    wgw_uri_t    uri;
    wgw_text_t   text;

    text.data = (char *) url->data;
    text.len = url->len;

    if (wgw_uri_parse(&uri, text) != 0 || uri.host.data == NULL
        || uri.host.len == 0 || uri.userinfo.data || uri.fragment.data
        || url->len > 2048
        || wgw_uri_port(&port, uri.scheme, uri.port) != 0)
    {
        return providers_bad(cf, "invalid URL of a provider", url);
    }

    if (wgw_text_equal(uri.scheme, wgw_text("https"))) {
        end->ssl = 1;

    } else if (!wgw_text_equal(uri.scheme, wgw_text("http"))) {
        return providers_bad(cf, "neither http nor https in", url);
    }

    end->domain.data = (u_char *) uri.host.data;
    end->domain.len = uri.host.len;
    end->url = *url;

    /* without a path nginx would put the client's there */

    if (uri.path.len == 0) {
        p = ngx_pnalloc(cf->pool, url->len + 1);
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }

        end->url.data = p;
        end->url.len = url->len + 1;

        p = ngx_cpymem(p, url->data, uri.path.data - text.data);
        *p++ = '/';
        ngx_memcpy(p, uri.path.data, text.data + text.len - uri.path.data);
    }

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
providers_methods(ngx_conf_t *cf, wgw_provider_t *provider, ngx_str_t *list)
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

    provider->providers->routed = 1;

    return NGX_CONF_OK;
}


/* Unless it is said, the URL's host and port; all of it where that is taken. */

static char *
providers_name(ngx_conf_t *cf, wgw_provider_t *provider)
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

        if (providers_named(providers, &provider->name)) {
            provider->name = *url;
        }
    }

    for (i = 0; i < provider->name.len; i++) {
        if (provider->name.data[i] <= ' ' || provider->name.data[i] >= 127) {
            return providers_bad(cf, "invalid name", &provider->name);
        }
    }

    if (provider->name.len > 256
        || providers_named(providers, &provider->name))
    {
        return providers_bad(cf, given ? "duplicate or too long name"
                                       : "duplicate provider",
                             &provider->name);
    }

    provider->hash = wgw_choice_hash(provider->name.data,
                                     provider->name.len);

    return NGX_CONF_OK;
}


static wgw_provider_t *
providers_named(wgw_providers_t *providers, ngx_str_t *name)
{
    ngx_uint_t        i;
    wgw_provider_t  **provider;

    provider = providers->all.elts;

    for (i = 0; i < providers->all.nelts; i++) {
        if (provider[i]->name.len == name->len
            && ngx_memcmp(provider[i]->name.data, name->data, name->len)
               == 0)
        {
            return provider[i];
        }
    }

    return NULL;
}


/* header URL|NAME FIELD VALUE; */

static char *
providers_header(ngx_conf_t *cf, wgw_providers_t *providers)
{
    ngx_str_t            *value, *url;
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
        return providers_bad(cf, "invalid header", &value[2]);
    }

    for (i = 0; i < value[3].len; i++) {
        if (value[3].data[i] < ' ' || value[3].data[i] == 127) {
            return "has a control character in its value";
        }
    }

    provider = providers->all.elts;
    found = 0;

    for (i = 0; i < providers->all.nelts; i++) {
        url = &provider[i]->service.url;

        if (ngx_strncmp(url->data, value[1].data, value[1].len) != 0
            || (url->len != value[1].len
                && (url->len != value[1].len + 1
                    || url->data[value[1].len] != '/')))
        {
            if (providers_named(providers, &value[1]) != provider[i]) {
                continue;
            }
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
                 : providers_bad(cf, "no provider before this line is",
                                 &value[1]);
}


/* check METHOD|off [interval=] [timeout=] [rise=] [fall=] [lag=] [jump=]; */

static char *
providers_check(ngx_conf_t *cf, wgw_providers_t *providers)
{
    ngx_str_t   *value;
    ngx_uint_t   i, rise, fall;

    value = cf->args->elts;

    rise = providers->rise_fall.rise;
    fall = providers->rise_fall.fall;

    providers->method = value[1];

    for (i = 0; i < value[1].len; i++) {
        if (!isalnum(value[1].data[i]) && value[1].data[i] != '_') {
            return providers_bad(cf, "invalid method", &value[1]);
        }
    }

    if (value[1].len == 3 && ngx_strncmp(value[1].data, "off", 3) == 0) {
        ngx_str_null(&providers->method);
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (providers_time(&value[i], "interval=", &providers->interval)
            != NGX_OK
            && providers_time(&value[i], "timeout=", &providers->timeout)
               != NGX_OK
            && providers_number(&value[i], "rise=", 1, 100, &rise) != NGX_OK
            && providers_number(&value[i], "fall=", 1, 100, &fall) != NGX_OK
            && providers_number(&value[i], "lag=", 0, 1000000000,
                                &providers->lag) != NGX_OK
            && providers_number(&value[i], "jump=", 0, 1000000000,
                                &providers->jump) != NGX_OK)
        {
            return providers_bad(cf, "invalid parameter", &value[i]);
        }
    }

    providers->rise_fall.rise = rise;
    providers->rise_fall.fall = fall;

    return NGX_CONF_OK;
}


/* attempts N [timeout=] [each=]; */

static char *
providers_attempts(ngx_conf_t *cf, wgw_providers_t *providers)
{
    ngx_int_t    n;
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    n = ngx_atoi(value[1].data, value[1].len);

    if (n < 1 || n > 100) {
        return providers_bad(cf, "invalid number", &value[1]);
    }

    providers->attempts = n;

    for (i = 2; i < cf->args->nelts; i++) {
        if (providers_time(&value[i], "timeout=", &providers->limit)
            != NGX_OK
            && providers_time(&value[i], "each=", &providers->each)
               != NGX_OK)
        {
            return providers_bad(cf, "invalid parameter", &value[i]);
        }
    }

    return NGX_CONF_OK;
}


/* retry_errors CODE ...; */

static char *
providers_codes(ngx_conf_t *cf, wgw_providers_t *providers)
{
    int64_t     *code;
    ngx_int_t    n;
    ngx_str_t   *value;
    ngx_uint_t   i, minus;

    value = cf->args->elts;

    providers->codes = ngx_array_create(cf->pool, cf->args->nelts,
                                        sizeof(int64_t));
    if (providers->codes == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        minus = value[i].data[0] == '-';

        n = ngx_atoi(value[i].data + minus, value[i].len - minus);

        if (n == NGX_ERROR) {
            return providers_bad(cf, "invalid code", &value[i]);
        }

        code = ngx_array_push(providers->codes);
        *code = minus ? -n : n;
    }

    return NGX_CONF_OK;
}


/* resolver ADDRESS ... [valid=] [ipv6=off]; as nginx's own */

static char *
providers_resolver(ngx_conf_t *cf, wgw_providers_t *providers)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    providers->resolver = ngx_resolver_create(cf, &value[1],
                                              cf->args->nelts - 1);

    return providers->resolver ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* NGX_DECLINED: it is another parameter, or a bad one. */

static ngx_int_t
providers_number(ngx_str_t *value, const char *name, ngx_int_t min,
    ngx_int_t max, ngx_uint_t *number)
{
    size_t     len;
    ngx_int_t  n;

    len = ngx_strlen(name);

    if (value->len <= len || ngx_strncmp(value->data, name, len) != 0) {
        return NGX_DECLINED;
    }

    n = ngx_atoi(value->data + len, value->len - len);

    if (n == NGX_ERROR || n < min || n > max) {
        return NGX_DECLINED;
    }

    *number = n;

    return NGX_OK;
}


static ngx_int_t
providers_time(ngx_str_t *value, const char *name, ngx_msec_t *msec)
{
    size_t     len;
    ngx_int_t  n;
    ngx_str_t  text;

    len = ngx_strlen(name);

    if (value->len <= len || ngx_strncmp(value->data, name, len) != 0) {
        return NGX_DECLINED;
    }

    text.data = value->data + len;
    text.len = value->len - len;

    n = ngx_parse_time(&text, 0);

    if (n == NGX_ERROR || n < 10 || n > 3600000) {
        return NGX_DECLINED;
    }

    *msec = n;

    return NGX_OK;
}


static char *
providers_bad(ngx_conf_t *cf, const char *what, ngx_str_t *value)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s \"%V\"", what, value);

    return NGX_CONF_ERROR;
}


/* What the lines must say together; then memory. */

static char *
providers_whole(ngx_conf_t *cf, providers_parse_t *parse)
{
    char                 *rv;
    ngx_str_t             name;
    ngx_uint_t            i;
    wgw_provider_t      **provider;
    wgw_providers_t      *providers;
    ngx_pool_cleanup_t   *cln;

    static wgw_text_t  none = { NULL, 0 };

    providers = parse->providers;
    provider = providers->all.elts;

    if (providers->all.nelts == 0) {
        return "has no \"provider\"";
    }

    if (providers->each == 0) {
        providers->each = ngx_max(providers->limit / 3, 10);
    }

    if (providers->trust == NULL) {
        providers->trust = wgw_trust_store(none);
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (providers->trust == NULL || cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = providers_free_trust;
    cln->data = providers->trust;

    name.data = ngx_pnalloc(cf->pool, providers->name.len + 8);
    if (name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    name.len = ngx_sprintf(name.data, "router %V", &providers->name)
               - name.data;

    providers->shared = wgw_keep_memory(cf, &name,
                                        sizeof(wgw_providers_shared_t));

    if (providers->shared == NULL) {
        return NGX_CONF_ERROR;
    }

    rv = wgw_idle_create(cf, &providers->idle);

    for (i = 0; rv == NGX_CONF_OK && i < providers->all.nelts; i++) {

        if (provider[i]->auth.url.len && !providers->has_signer) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "provider \"%V\" needs a \"signer\", or "
                               "\"auth=off\"", &provider[i]->name);
            return NGX_CONF_ERROR;
        }

        rv = providers_host(cf, parse, &provider[i]->service);

        if (rv == NGX_CONF_OK && provider[i]->auth.url.len) {
            rv = providers_host(cf, parse, &provider[i]->auth);
        }

        if (rv == NGX_CONF_OK) {
            rv = providers_memory(cf, provider[i]);
        }
    }

    return rv;
}


/* One for all that call the same host and port with the same resolver. */

static char *
providers_host(ngx_conf_t *cf, providers_parse_t *parse,
    wgw_provider_end_t *end)
{
    ngx_uint_t    i;
    wgw_host_t  **hosts, **place;

    if (parse->providers->resolver == NULL) {
        parse->providers->resolver = wgw_resolve_system(cf);
    }

    end->host->resolver = parse->providers->resolver;
    end->host->timeout = parse->providers->timeout;

    hosts = parse->hosts->elts;

    for (i = 0; i < parse->hosts->nelts; i++) {
        if (hosts[i]->port == end->host->port
            && hosts[i]->resolver == end->host->resolver
            && hosts[i]->name.len == end->host->name.len
            && ngx_strncasecmp(hosts[i]->name.data, end->host->name.data,
                               end->host->name.len) == 0)
        {
            end->host = hosts[i];
            return NGX_CONF_OK;
        }
    }

    place = ngx_array_push(parse->hosts);

    if (place == NULL || wgw_resolve_host(cf, end->host) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    *place = end->host;

    return NGX_CONF_OK;
}


static char *
providers_memory(ngx_conf_t *cf, wgw_provider_t *provider)
{
    ngx_str_t  name;

    name.data = ngx_pnalloc(cf->pool, provider->providers->name.len
                                      + provider->name.len
                                      + provider->service.url.len + 32);
    if (name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    name.len = ngx_sprintf(name.data, "provider %V %V %V",
                           &provider->providers->name, &provider->name,
                           &provider->service.url)
               - name.data;

    provider->shared = wgw_keep_memory(cf, &name,
                                       sizeof(wgw_provider_shared_t));

    if (provider->shared == NULL) {
        return NGX_CONF_ERROR;
    }

    return provider->auth.url.len ? providers_sessions(cf, provider)
                                  : NGX_CONF_OK;
}


/* A session is of a service, a signer and where it signed in. */

static char *
providers_sessions(ngx_conf_t *cf, wgw_provider_t *provider)
{
    u_char            *p;
    ngx_str_t          name;
    ngx_uint_t         i;
    wgw_session_t     *session;
    wgw_providers_t   *providers;

    providers = provider->providers;

    provider->sessions = ngx_pcalloc(cf->pool, provider->nsessions
                                               * sizeof(wgw_session_t));
    name.data = ngx_pnalloc(cf->pool, providers->name.len
                                      + provider->name.len
                                      + provider->auth.url.len
                                      + providers->domain.len + 128);

    if (provider->sessions == NULL || name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < provider->nsessions; i++) {
        session = &provider->sessions[i];

        p = ngx_sprintf(name.data, "session %ui %V %V %V %V ", i,
                        &providers->name, &provider->name,
                        &provider->auth.url, &providers->domain);
        p = ngx_cpymem(p, providers->signer.address, WGW_EIP191_ADDRESS);

        name.len = p - name.data;

        session->shared = wgw_keep_memory(cf, &name,
                                          sizeof(wgw_session_shared_t));
        session->board = wgw_keep_board(cf, &name,
                                        sizeof(wgw_session_body_t));

        if (session->shared == NULL || session->board == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
