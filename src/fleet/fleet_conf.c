
#include "core/conffile.h"
#include "fleet/fleet_conf.h"


#define FLEET_NODES  16


typedef struct {
    ngx_str_t    name;
    size_t       offset;
} fleet_text_t;


static char *fleet_hosts(ngx_conf_t *cf, ngx_str_t *url, wgw_fleet_t *fleet);
static char *fleet_host(ngx_conf_t *cf, u_char *p, u_char *end,
    wgw_fleet_t *fleet);
static ngx_int_t fleet_name(u_char *p, u_char *end, ngx_str_t *name,
    ngx_int_t *port);
static char *fleet_db(ngx_conf_t *cf, ngx_str_t *url, u_char *p, u_char *end,
    wgw_fleet_t *fleet);
static char *fleet_param(ngx_conf_t *cf, ngx_str_t *value,
    wgw_fleet_t *fleet);
static ngx_uint_t fleet_text(ngx_str_t *value, wgw_fleet_t *fleet);
static char *fleet_check(ngx_conf_t *cf, wgw_fleet_t *fleet);
static ngx_int_t fleet_named(ngx_conf_t *cf, const char *what,
    ngx_str_t *name, size_t max);
static char *fleet_password(ngx_conf_t *cf, ngx_str_t *name,
    wgw_fleet_t *fleet);
static char *fleet_tls(ngx_conf_t *cf, wgw_fleet_t *fleet);
static char *fleet_next(ngx_conf_t *cf, ngx_command_t *cmd);


static const fleet_text_t  fleet_texts[] = {
    { ngx_string("node="), offsetof(wgw_fleet_t, node) },
    { ngx_string("prefix="), offsetof(wgw_fleet_t, prefix) },
    { ngx_string("master="), offsetof(wgw_fleet_t, master) },
    { ngx_string("user="), offsetof(wgw_fleet_t, user) },
    { ngx_string("tls_ca="), offsetof(wgw_fleet_t, ca) },
    { ngx_string("tls_name="), offsetof(wgw_fleet_t, name) },
    { ngx_string("tls_certificate="), offsetof(wgw_fleet_t, certificate) },
    { ngx_string("tls_key="), offsetof(wgw_fleet_t, key) }
};


char *
wgw_fleet_parse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char         *p = conf;

    char         *rc;
    ngx_str_t    *value;
    ngx_uint_t    i;
    wgw_fleet_t  *fleet, **slot;

    slot = (wgw_fleet_t **) (p + cmd->offset);

    if (*slot) {
        return "is duplicate";
    }

    fleet = ngx_pcalloc(cf->pool, sizeof(wgw_fleet_t));
    if (fleet == NULL
        || ngx_array_init(&fleet->hosts, cf->pool, 2,
                          sizeof(wgw_fleet_host_t))
           != NGX_OK
        || ngx_array_init(&fleet->users, cf->pool, 4,
                          sizeof(wgw_fleet_user_t))
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    fleet->nodes = FLEET_NODES;
    fleet->node = cf->cycle->hostname;
    ngx_str_set(&fleet->prefix, "wgw");

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        rc = fleet_param(cf, &value[i], fleet);
        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }

    rc = fleet_hosts(cf, &value[1], fleet);

    if (rc != NGX_CONF_OK) {
        return rc;
    }

    rc = fleet_check(cf, fleet);

    if (rc != NGX_CONF_OK) {
        return rc;
    }

    *slot = fleet;

    return fleet_next(cf, cmd);
}


static char *
fleet_hosts(ngx_conf_t *cf, ngx_str_t *url, wgw_fleet_t *fleet)
{
    char    *rc;
    u_char  *p, *end, *last, *comma;

    p = url->data;
    last = p + url->len;

    if (ngx_strncmp(p, "rediss://", 9) == 0) {
        fleet->tls = 1;
        p += 9;

    } else if (ngx_strncmp(p, "redis://", 8) == 0) {
        p += 8;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid URL \"%V\", must be redis://HOST:PORT or "
                           "rediss://HOST:PORT", url);
        return NGX_CONF_ERROR;
    }

    end = ngx_strlchr(p, last, '/');

    if (end) {
        rc = fleet_db(cf, url, end + 1, last, fleet);
        if (rc != NGX_CONF_OK) {
            return rc;
        }

        last = end;
    }

    for ( ;; ) {
        comma = ngx_strlchr(p, last, ',');

        rc = fleet_host(cf, p, comma ? comma : last, fleet);

        if (rc != NGX_CONF_OK || comma == NULL) {
            return rc;
        }

        p = comma + 1;
    }
}


static char *
fleet_db(ngx_conf_t *cf, ngx_str_t *url, u_char *p, u_char *end,
    wgw_fleet_t *fleet)
{
    ngx_int_t  n;

    if (p == end) {
        return NGX_CONF_OK;
    }

    n = ngx_atoi(p, end - p);

    if (n < 0 || n > 65535) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid database in URL \"%V\"", url);
        return NGX_CONF_ERROR;
    }

    fleet->db = n;

    return NGX_CONF_OK;
}


/* "name", "192.0.2.1:6379", "[2001:db8::1]:6379" */

static char *
fleet_host(ngx_conf_t *cf, u_char *p, u_char *end, wgw_fleet_t *fleet)
{
    ngx_int_t          port;
    ngx_str_t          name;
    wgw_fleet_host_t  *host;

    port = fleet->master.len ? WGW_FLEET_SENTINEL_PORT : WGW_FLEET_PORT;

    if (fleet_name(p, end, &name, &port) != NGX_OK
        || fleet->hosts.nelts == WGW_FLEET_HOSTS)
    {
        name.data = p;
        name.len = end - p;

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid host \"%V\" in the URL", &name);
        return NGX_CONF_ERROR;
    }

    host = ngx_array_push(&fleet->hosts);
    if (host == NULL) {
        return NGX_CONF_ERROR;
    }

    host->port = (in_port_t) port;
    host->host.len = name.len;
    host->host.data = ngx_pcalloc(cf->pool, name.len + 1);

    if (host->host.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(host->host.data, name.data, name.len);

    return NGX_CONF_OK;
}


static ngx_int_t
fleet_name(u_char *p, u_char *end, ngx_str_t *name, ngx_int_t *port)
{
    u_char  *colon, *ch;

    name->data = p;
    name->len = end - p;

    if (p < end && *p == '[') {
        ch = ngx_strlchr(p, end, ']');

        if (ch == NULL || (ch + 1 < end && ch[1] != ':')) {
            return NGX_ERROR;
        }

        colon = ch + 1 < end ? ch + 1 : NULL;
        name->data = p + 1;
        name->len = ch - p - 1;

    } else {
        colon = ngx_strlchr(p, end, ':');
        name->len = colon ? (size_t) (colon - p) : name->len;
    }

    if (colon) {
        *port = ngx_atoi(colon + 1, end - colon - 1);
    }

    for (ch = name->data; ch < name->data + name->len; ch++) {
        if (*ch <= ' ' || *ch >= 0x7f || *ch == '@' || *ch == '?') {
            return NGX_ERROR;
        }
    }

    return name->len > 0 && name->len <= 253 && *port >= 1 && *port <= 65535
           ? NGX_OK : NGX_ERROR;
}


static char *
fleet_param(ngx_conf_t *cf, ngx_str_t *value, wgw_fleet_t *fleet)
{
    ngx_int_t  n;
    ngx_str_t  rest;

    if (ngx_strcmp(value->data, "tls") == 0) {
        fleet->tls = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "tls_verify=off") == 0) {
        fleet->unverified = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "password_file=", 14) == 0
        && value->len > 14)
    {
        rest.data = value->data + 14;
        rest.len = value->len - 14;

        return fleet_password(cf, &rest, fleet);
    }

    if (ngx_strncmp(value->data, "nodes=", 6) == 0) {
        n = ngx_atoi(value->data + 6, value->len - 6);

        if (n >= 1 && n <= WGW_FLEET_NODES) {
            fleet->nodes = n;
            return NGX_CONF_OK;
        }
    }

    if (fleet_text(value, fleet)) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       value);
    return NGX_CONF_ERROR;
}


static ngx_uint_t
fleet_text(ngx_str_t *value, wgw_fleet_t *fleet)
{
    ngx_str_t   *text;
    ngx_uint_t   i;

    for (i = 0; i < sizeof(fleet_texts) / sizeof(fleet_texts[0]); i++) {

        if (value->len > fleet_texts[i].name.len
            && ngx_strncmp(value->data, fleet_texts[i].name.data,
                           fleet_texts[i].name.len)
               == 0)
        {
            text = (ngx_str_t *) ((char *) fleet + fleet_texts[i].offset);

            text->data = value->data + fleet_texts[i].name.len;
            text->len = value->len - fleet_texts[i].name.len;

            return 1;
        }
    }

    return 0;
}


static char *
fleet_check(ngx_conf_t *cf, wgw_fleet_t *fleet)
{
    if (fleet_named(cf, "node", &fleet->node, WGW_FLEET_NAME) != NGX_OK
        || fleet_named(cf, "prefix", &fleet->prefix, WGW_FLEET_PREFIX)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (fleet->user.len && fleet->password.len == 0) {
        return "has \"user\" without \"password_file\"";
    }

    if ((fleet->certificate.len == 0) != (fleet->key.len == 0)) {
        return "must have both \"tls_certificate\" and \"tls_key\"";
    }

    if (!fleet->tls) {
        return fleet->ca.len || fleet->name.len || fleet->certificate.len
               || fleet->unverified
               ? "has parameters of TLS without \"tls\"" : NGX_CONF_OK;
    }

    return fleet_tls(cf, fleet);
}


static ngx_int_t
fleet_named(ngx_conf_t *cf, const char *what, ngx_str_t *name, size_t max)
{
    if (name->len <= max && wgw_text_plain(wgw_fleet_text(name))) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid %s \"%V\", must be up to %uz letters, "
                       "digits and any of \"._-\"", what, name, max);

    return NGX_ERROR;
}


/* The first line of the file. */

static char *
fleet_password(ngx_conf_t *cf, ngx_str_t *name, wgw_fleet_t *fleet)
{
    u_char   buf[WGW_FLEET_SECRET + 1], *p;
    ssize_t  n;

    n = wgw_conffile(cf, name, buf, sizeof(buf), "password");

    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    p = ngx_strlchr(buf, buf + n, '\n');

    if (p) {
        n = p - buf - (p > buf && p[-1] == '\r');
    }

    if (n == 0 || n > WGW_FLEET_SECRET) {
        ngx_explicit_memzero(buf, sizeof(buf));
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid password in \"%V\", must be of 1 to %d "
                           "bytes", name, WGW_FLEET_SECRET);
        return NGX_CONF_ERROR;
    }

    fleet->password.len = n;
    fleet->password.data = ngx_pnalloc(cf->pool, n);

    if (fleet->password.data) {
        ngx_memcpy(fleet->password.data, buf, n);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return fleet->password.data ? NGX_CONF_OK : NGX_CONF_ERROR;
}


#if (NGX_SSL)

static char *
fleet_tls(ngx_conf_t *cf, wgw_fleet_t *fleet)
{
    ngx_pool_cleanup_t  *cln;

    fleet->ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (fleet->ssl == NULL) {
        return NGX_CONF_ERROR;
    }

    fleet->ssl->log = cf->log;

    if (ngx_ssl_create(fleet->ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(fleet->ssl);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = fleet->ssl;

    if (fleet->certificate.len
        && ngx_ssl_certificate(cf, fleet->ssl, &fleet->certificate,
                               &fleet->key, NULL)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (fleet->unverified) {
        return NGX_CONF_OK;
    }

    if (fleet->ca.len == 0) {

        if (SSL_CTX_set_default_verify_paths(fleet->ssl->ctx) != 1) {
            ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                          "SSL_CTX_set_default_verify_paths() failed");
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    return ngx_ssl_trusted_certificate(cf, fleet->ssl, &fleet->ca, 8)
           == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}

#else

static char *
fleet_tls(ngx_conf_t *cf, wgw_fleet_t *fleet)
{
    return "has \"tls\", and nginx was built without SSL";
}

#endif


/* The modules behind the one that this is the directive of. */

static char *
fleet_next(ngx_conf_t *cf, ngx_command_t *cmd)
{
    ngx_uint_t      i, passed;
    ngx_module_t   *module;
    ngx_command_t  *c;

    passed = 0;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        for (c = module->commands; c && c->name.len; c++) {

            if (c == cmd) {
                passed = 1;

            } else if (passed && module->type == NGX_CORE_MODULE
                       && c->name.len == cmd->name.len
                       && ngx_strcmp(c->name.data, cmd->name.data) == 0)
            {
                return c->set(cf, c, ((void **) cf->ctx)[module->index]);
            }
        }
    }

    return NGX_CONF_OK;
}


void
wgw_fleet_count(void *data, uint64_t alive[2])
{
    wgw_fleet_t *fleet = data;

    fleet->alive = alive;

    if (__atomic_load_n(&alive[1], __ATOMIC_SEQ_CST) == 0) {
        __atomic_store_n(&alive[0], fleet->nodes, __ATOMIC_SEQ_CST);
    }
}
