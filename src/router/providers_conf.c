
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/conffile.h"
#include "crypto/eip191.h"
#include "format/rpc.h"
#include "route/trust.h"
#include "router/option.h"
#include "router/provider_conf.h"
#include "router/providers_conf.h"


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


static void providers_defaults(wgw_providers_t *providers);
static char *providers_line(ngx_conf_t *cf, ngx_command_t *dummy, void *conf);
static char *providers_signer(ngx_conf_t *cf, wgw_providers_t *providers);
static const char *providers_key(wgw_signer_t *signer, u_char *file, size_t n);
static void providers_wipe(void *data);
static char *providers_ca(ngx_conf_t *cf, wgw_providers_t *providers);
static ngx_int_t providers_trust(ngx_conf_t *cf, wgw_providers_t *providers,
    wgw_text_t pem);
static void providers_free_trust(void *data);
static char *providers_check(ngx_conf_t *cf, wgw_providers_t *providers);
static char *providers_attempts(ngx_conf_t *cf, wgw_providers_t *providers);
static char *providers_codes(ngx_conf_t *cf, wgw_providers_t *providers);
static char *providers_count(ngx_conf_t *cf, wgw_providers_t *providers);
static ngx_uint_t providers_counts(wgw_providers_t *providers,
    ngx_str_t *method);
static char *providers_resolver(ngx_conf_t *cf, wgw_providers_t *providers);
static char *providers_whole(ngx_conf_t *cf, providers_parse_t *parse);
static ngx_int_t providers_host(ngx_conf_t *cf, providers_parse_t *parse,
    wgw_provider_end_t *end);


static const providers_line_t  providers_lines[] = {
    { "signer", providers_signer, 1, 1 },
    { "provider", wgw_provider_conf, 1, 0 },
    { "header", wgw_provider_conf_header, 3, 0 },
    { "check", providers_check, 1, 2 },
    { "attempts", providers_attempts, 1, 4 },
    { "retry_errors", providers_codes, 1, 8 },
    { "count", providers_count, 1, 64 },
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
        return wgw_option_bad(cf, "duplicate providers", &value[1]);
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
    providers_defaults(providers);

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


static void
providers_defaults(wgw_providers_t *providers)
{
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
        return wgw_option_bad(cf, "unknown directive", &value[0]);
    }

    if (cf->args->nelts <= line->min) {
        return wgw_option_bad(cf, "invalid number of arguments in", &value[0]);
    }

    if (parse->seen & line->once) {
        return wgw_option_bad(cf, "duplicate directive", &value[0]);
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
    const char          *error;
    ngx_pool_cleanup_t  *cln;

    value = cf->args->elts;

    if (cf->args->nelts > 3
        || (cf->args->nelts == 3
            && wgw_option_text(&value[2], "domain=", &providers->domain)
               != NGX_OK))
    {
        return wgw_option_bad(cf, "invalid parameter", &value[2]);
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = providers_wipe;
    cln->data = &providers->signer;

    n = wgw_conffile(cf, &value[1], file, sizeof(file), "the key");
    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    error = providers_key(&providers->signer, file, n);

    ngx_explicit_memzero(file, sizeof(file));

    if (error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "the key in \"%V\" %s",
                           &value[1], error);
        return NGX_CONF_ERROR;
    }

    providers->has_signer = 1;

    return NGX_CONF_OK;
}


/* NULL, or a phrase. */

static const char *
providers_key(wgw_signer_t *signer, u_char *file, size_t n)
{
    wgw_text_t     text;
    const char    *error;
    wgw_eip191_t  *eip191;

    if (n > WGW_SIGNER_FILE) {
        return "is not 32 bytes: 64 hexadecimal digits";
    }

    eip191 = wgw_eip191_create();
    if (eip191 == NULL) {
        return "cannot be used: no memory";
    }

    text.data = (char *) file;
    text.len = n;

    error = wgw_signer_read(signer, eip191, text);

    wgw_eip191_destroy(eip191);

    return error;
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

    n = wgw_conffile(cf, &value[1], buf, PROVIDERS_PEM, NULL);
    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    pem.data = (char *) buf;
    pem.len = n;

    if (n == 0 || providers_trust(cf, providers, pem) != NGX_OK) {
        return wgw_option_bad(cf, "no certificates in", &value[1]);
    }

    return NGX_CONF_OK;
}


/* Certificates, or, of none, the system's. */

static ngx_int_t
providers_trust(ngx_conf_t *cf, wgw_providers_t *providers, wgw_text_t pem)
{
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    providers->trust = wgw_trust_store(pem);

    if (providers->trust == NULL) {
        return NGX_ERROR;
    }

    cln->handler = providers_free_trust;
    cln->data = providers->trust;

    return NGX_OK;
}


static void
providers_free_trust(void *data)
{
    X509_STORE_free(data);
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
            return wgw_option_bad(cf, "invalid method", &value[1]);
        }
    }

    if (value[1].len == 3 && ngx_strncmp(value[1].data, "off", 3) == 0) {
        ngx_str_null(&providers->method);
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (wgw_option_time(&value[i], "interval=", &providers->interval)
            != NGX_OK
            && wgw_option_time(&value[i], "timeout=", &providers->timeout)
               != NGX_OK
            && wgw_option_number(&value[i], "rise=", 1, 100, &rise) != NGX_OK
            && wgw_option_number(&value[i], "fall=", 1, 100, &fall) != NGX_OK
            && wgw_option_number(&value[i], "lag=", 0, 1000000000,
                                &providers->lag) != NGX_OK
            && wgw_option_number(&value[i], "jump=", 0, 1000000000,
                                &providers->jump) != NGX_OK)
        {
            return wgw_option_bad(cf, "invalid parameter", &value[i]);
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
        return wgw_option_bad(cf, "invalid number", &value[1]);
    }

    providers->attempts = n;

    for (i = 2; i < cf->args->nelts; i++) {
        if (wgw_option_time(&value[i], "timeout=", &providers->limit)
            != NGX_OK
            && wgw_option_time(&value[i], "each=", &providers->each)
               != NGX_OK)
        {
            return wgw_option_bad(cf, "invalid parameter", &value[i]);
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
            return wgw_option_bad(cf, "invalid code", &value[i]);
        }

        code = ngx_array_push(providers->codes);
        *code = minus ? -n : n;
    }

    return NGX_CONF_OK;
}


/* count METHOD ...; */

static char *
providers_count(ngx_conf_t *cf, wgw_providers_t *providers)
{
    ngx_str_t   *value;
    ngx_uint_t   i, k;

    value = cf->args->elts;

    if (cf->args->nelts - 1 > WGW_PROVIDERS_COUNTED) {
        return "has too many methods: there may be 32";
    }

    providers->counted = ngx_pcalloc(cf->pool, (WGW_PROVIDERS_COUNTED + 1)
                                               * sizeof(wgw_counted_t));
    if (providers->counted == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        for (k = 0; k < value[i].len; k++) {
            if (value[i].data[k] <= ' ' || value[i].data[k] >= 127) {
                return wgw_option_bad(cf, "invalid method", &value[i]);
            }
        }

        if (k == 0 || k > WGW_RPC_METHOD || providers_counts(providers,
                                                             &value[i]))
        {
            return wgw_option_bad(cf, "empty, too long or duplicate method",
                                  &value[i]);
        }

        providers->counted[providers->ncounted].method.data
                                                 = (char *) value[i].data;
        providers->counted[providers->ncounted++].method.len = value[i].len;
    }

    providers->counted[providers->ncounted].method = wgw_text("other");

    return NGX_CONF_OK;
}


static ngx_uint_t
providers_counts(wgw_providers_t *providers, ngx_str_t *method)
{
    ngx_uint_t  i;
    wgw_text_t  text;

    text.data = (char *) method->data;
    text.len = method->len;

    for (i = 0; i < providers->ncounted; i++) {
        if (wgw_text_equal(providers->counted[i].method, text)) {
            return 1;
        }
    }

    return wgw_text_equal(text, wgw_text("other"));
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


/* What the lines must say together. */

static char *
providers_whole(ngx_conf_t *cf, providers_parse_t *parse)
{
    char             *rv;
    ngx_uint_t        i;
    wgw_provider_t  **provider;
    wgw_providers_t  *providers;

    static wgw_text_t  none = { NULL, 0 };

    providers = parse->providers;
    provider = providers->all.elts;

    if (providers->all.nelts == 0) {
        return "has no \"provider\"";
    }

    if (providers->each == 0) {
        providers->each = ngx_max(providers->limit / 3, 10);
    }

    if (providers->trust == NULL
        && providers_trust(cf, providers, none) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (providers->resolver == NULL) {
        providers->resolver = wgw_resolve_system(cf);
    }

    for (i = 0; i < providers->all.nelts; i++) {

        if (provider[i]->auth.url.len && !providers->has_signer) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "provider \"%V\" needs a \"signer\", or "
                               "\"auth=off\"", &provider[i]->name);
            return NGX_CONF_ERROR;
        }

        if (providers_host(cf, parse, &provider[i]->service) != NGX_OK
            || (provider[i]->auth.url.len
                && providers_host(cf, parse, &provider[i]->auth) != NGX_OK))
        {
            return NGX_CONF_ERROR;
        }
    }

    rv = wgw_idle_create(cf, &providers->idle);

    return rv == NGX_CONF_OK ? wgw_providers_share(cf, providers) : rv;
}


/* One for all that call the same host and port with the same resolver. */

static ngx_int_t
providers_host(ngx_conf_t *cf, providers_parse_t *parse,
    wgw_provider_end_t *end)
{
    ngx_uint_t    i;
    wgw_host_t  **hosts, **place;

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
            return NGX_OK;
        }
    }

    place = ngx_array_push(parse->hosts);

    if (place == NULL || wgw_resolve_host(cf, end->host) != NGX_OK) {
        return NGX_ERROR;
    }

    *place = end->host;

    return NGX_OK;
}
