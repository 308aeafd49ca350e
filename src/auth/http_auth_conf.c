
/*
 * The settings of a provider: its secrets, what messages must be for, how
 * many may come, from which pages, and which methods may be called.
 */


#include "auth/auth_module.h"
#include "core/conffile.h"
#include "auth/quota.h"

#include <ctype.h>


#define NGX_HTTP_WGW_AUTH_SECRET      4096      /* bytes of a file, at most */
#define NGX_HTTP_WGW_AUTH_SECRET_MIN  16

#define NGX_HTTP_WGW_AUTH_TTL_MIN     60            /* seconds */
#define NGX_HTTP_WGW_AUTH_TIME_MAX    3153600000    /* 100 years */


static ngx_int_t ngx_http_wgw_auth_key(ngx_conf_t *cf, ngx_str_t *name,
    ngx_uint_t raw, wgw_jwt_key_t *key);
static ssize_t ngx_http_wgw_auth_read_secret(ngx_conf_t *cf, ngx_str_t *name,
    u_char *secret);
static ngx_int_t ngx_http_wgw_auth_unseen(ngx_conf_t *cf, ngx_str_t *name,
    u_char *secret, ssize_t n);
static void ngx_http_wgw_auth_wipe(void *data);
static char *ngx_http_wgw_auth_time(ngx_conf_t *cf, void *post, void *data);


ngx_conf_post_t  ngx_http_wgw_auth_ttl_post = { ngx_http_wgw_auth_time };
ngx_conf_post_t  ngx_http_wgw_auth_age_post = { ngx_http_wgw_auth_time };
ngx_conf_post_t  ngx_http_wgw_auth_skew_post = { ngx_http_wgw_auth_time };


char *
ngx_http_wgw_auth_secret(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_auth_conf_t *aucf = conf;

    ngx_str_t           *value;
    ngx_uint_t           i, last, raw;
    wgw_jwt_key_t       *key;
    ngx_pool_cleanup_t  *cln;

    if (aucf->keys != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;
    last = cf->args->nelts - 1;

    raw = last > 1 && ngx_strcmp(value[last].data, "raw") == 0;
    last -= raw;

    aucf->keys = ngx_array_create(cf->pool, last, sizeof(wgw_jwt_key_t));
    if (aucf->keys == NULL) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_wgw_auth_wipe;
    cln->data = aucf->keys;

    for (i = 1; i <= last; i++) {
        key = ngx_array_push(aucf->keys);
        ngx_memzero(key, sizeof(wgw_jwt_key_t));

        if (ngx_http_wgw_auth_key(cf, &value[i], raw, key) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_wgw_auth_key(ngx_conf_t *cf, ngx_str_t *name, ngx_uint_t raw,
    wgw_jwt_key_t *key)
{
    u_char     secret[NGX_HTTP_WGW_AUTH_SECRET + 1];
    ssize_t    n;
    ngx_int_t  rc;

    n = ngx_http_wgw_auth_read_secret(cf, name, secret);
    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    if (!raw) {
        n -= (secret[n - 1] == '\n');
        rc = ngx_http_wgw_auth_unseen(cf, name, secret, n);
    }

    if (rc == NGX_OK && n < NGX_HTTP_WGW_AUTH_SECRET_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "secret in \"%V\" has less than %d bytes",
                           name, NGX_HTTP_WGW_AUTH_SECRET_MIN);
        rc = NGX_ERROR;
    }

    if (rc == NGX_OK) {
        wgw_hmac_init(&key->hmac, secret, n);
        key->number = wgw_memo_key();
    }

    ngx_explicit_memzero(secret, sizeof(secret));

    return rc;
}


/* What an editor has added makes it another secret, which nobody sees. */

static ngx_int_t
ngx_http_wgw_auth_unseen(ngx_conf_t *cf, ngx_str_t *name, u_char *secret,
    ssize_t n)
{
    wgw_text_t   text;
    const char  *where;

    text.data = (char *) secret;
    text.len = n;

    where = wgw_text_unseen(text, 0) ? "begins"
            : wgw_text_unseen(text, 1) ? "ends" : NULL;

    if (where == NULL) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "secret in \"%V\" %s with a blank, a carriage return "
                       "or a byte order mark, which \"raw\" would take",
                       name, where);

    return NGX_ERROR;
}


/* Returns its length, 1 to NGX_HTTP_WGW_AUTH_SECRET. */

static ssize_t
ngx_http_wgw_auth_read_secret(ngx_conf_t *cf, ngx_str_t *name,
    u_char *secret)
{
    ssize_t  n;

    n = wgw_conffile(cf, name, secret, NGX_HTTP_WGW_AUTH_SECRET + 1, "secret");

    if (n == 0 || n > NGX_HTTP_WGW_AUTH_SECRET) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "secret in \"%V\" is %s", name,
                           n ? "longer than 4096 bytes" : "empty");
        return NGX_ERROR;
    }

    return n;
}


static void
ngx_http_wgw_auth_wipe(void *data)
{
    ngx_array_t *keys = data;

    ngx_uint_t      i;
    wgw_jwt_key_t  *key;

    key = keys->elts;

    for (i = 0; i < keys->nelts; i++) {
        wgw_hmac_wipe(&key[i].hmac);
    }
}


/* wgw_auth_uri, wgw_auth_domain */

char *
ngx_http_wgw_auth_origins(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t     *value;
    ngx_uint_t     i, domain;
    wgw_text_t     text;
    const char    *error;
    ngx_array_t  **origins;
    wgw_origin_t  *origin;

    origins = (ngx_array_t **) (p + cmd->offset);

    if (*origins != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    *origins = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                sizeof(wgw_origin_t));
    if (*origins == NULL) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "any") == 0) {
        return NGX_CONF_OK;
    }

    domain = cmd->offset == offsetof(ngx_http_wgw_auth_conf_t, domains);

    for (i = 1; i < cf->args->nelts; i++) {
        text.data = (char *) value[i].data;
        text.len = value[i].len;

        origin = ngx_array_push(*origins);

        error = domain ? wgw_origin_domain_parse(origin, text)
                       : wgw_origin_parse(origin, text);

        if (error) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s", &value[i],
                               error);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_http_wgw_auth_chain(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_auth_conf_t *aucf = conf;

    uint64_t    *chain;
    ngx_str_t   *value;
    ngx_uint_t   i;
    wgw_text_t   text;

    if (aucf->chains != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    aucf->chains = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                    sizeof(uint64_t));
    if (aucf->chains == NULL) {
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "any") == 0) {
        return NGX_CONF_OK;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        text.data = (char *) value[i].data;
        text.len = value[i].len;

        chain = ngx_array_push(aucf->chains);

        if (wgw_text_uint(text, UINT64_MAX, chain) != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid chain id \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* wgw_auth_rate, wgw_auth_wallet_rate */

char *
ngx_http_wgw_auth_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_int_t  *rate;
    ngx_str_t  *value;

    rate = (ngx_int_t *) (p + cmd->offset);

    if (*rate != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        *rate = 0;
        return NGX_CONF_OK;
    }

    if (value[1].len < 4
        || ngx_strcmp(value[1].data + value[1].len - 3, "r/m") != 0)
    {
        return "must be \"off\" or a number of sign-ins a minute, as "
               "\"600r/m\"";
    }

    *rate = ngx_atoi(value[1].data, value[1].len - 3);

    if (*rate < 1 || *rate > 1000000) {
        return "must be from 1r/m to 1000000r/m";
    }

    return NGX_CONF_OK;
}


char *
ngx_http_wgw_auth_wallet_keys(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_auth_conf_t *aucf = conf;

    ngx_str_t  *value;

    if (aucf->wallet_keys != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        aucf->wallet_keys = 0;
        return NGX_CONF_OK;
    }

    aucf->wallet_keys = ngx_atoi(value[1].data, value[1].len);

    if (aucf->wallet_keys < 1 || aucf->wallet_keys > WGW_QUOTA_KEYS) {
        return "must be \"off\" or a number of keys from 1 to 10000";
    }

    return NGX_CONF_OK;
}


char *
ngx_http_wgw_auth_origins_allowed(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_wgw_auth_conf_t *aucf = conf;

    u_char      *host;
    ngx_str_t   *value, *origin;
    ngx_uint_t   i;

    if (aucf->cors != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        aucf->cors = NULL;
        return NGX_CONF_OK;
    }

    aucf->cors = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                  sizeof(ngx_str_t));
    if (aucf->cors == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        host = (u_char *) ngx_strstr(value[i].data, "://");

        /* a path would never match: browsers send none */

        if (ngx_strcmp(value[i].data, "*") != 0
            && (host == NULL || host == value[i].data || host[3] == '\0'
                || strpbrk((char *) host + 3, "/?# ")))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is not an origin, as "
                               "\"https://app.example\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        origin = ngx_array_push(aucf->cors);
        *origin = value[i];
    }

    return NGX_CONF_OK;
}


/* wgw_auth_allow_methods, wgw_auth_deny_methods */

char *
ngx_http_wgw_auth_methods(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t     *value;
    ngx_uint_t     i;
    wgw_text_t    *method;
    ngx_array_t  **methods;

    methods = (ngx_array_t **) (p + cmd->offset);

    if (*methods != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        *methods = NULL;
        return NGX_CONF_OK;
    }

    *methods = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                sizeof(wgw_text_t));
    if (*methods == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {
        method = ngx_array_push(*methods);
        method->data = (char *) value[i].data;
        method->len = value[i].len;
    }

    return NGX_CONF_OK;
}


/* At once, for the line: wgw_auth_ttl, wgw_auth_max_age, wgw_auth_skew. */

static char *
ngx_http_wgw_auth_time(ngx_conf_t *cf, void *post, void *data)
{
    time_t *time = data;

    if (post == &ngx_http_wgw_auth_ttl_post
        && *time < NGX_HTTP_WGW_AUTH_TTL_MIN)
    {
        return "has \"wgw_auth_ttl\" below 60s, which routers renew without "
               "end";
    }

    if (post == &ngx_http_wgw_auth_age_post && *time < 1) {
        return "has \"wgw_auth_max_age\" below 1s";
    }

    if (*time > NGX_HTTP_WGW_AUTH_TIME_MAX) {
        return "has \"wgw_auth_ttl\", \"wgw_auth_max_age\" or "
               "\"wgw_auth_skew\" above 100 years";
    }

    return NGX_CONF_OK;
}


/* A service is a claim, a label and part of a list. */

char *
ngx_http_wgw_auth_service(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t  i;

    for (i = 0; i < name->len; i++) {
        if (!isalnum(name->data[i]) && !ngx_strchr("._-", name->data[i])) {
            break;
        }
    }

    if (i && i == name->len && i <= NGX_HTTP_WGW_AUTH_SERVICE) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "service \"%V\" is not 1 to %d letters, digits, "
                       "\".\", \"_\" and \"-\"",
                       name, NGX_HTTP_WGW_AUTH_SERVICE);

    return NGX_CONF_ERROR;
}
