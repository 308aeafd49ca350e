
/*
 * The http module of certificates: their variables, in a handshake and later,
 * and the directive of the endpoint (http_certs_api.c).
 */

#include "core/endpoint.h"
#include "core/hook.h"
#include "route/certs.h"
#include "route/http_certs.h"
#include "route/lookup.h"
#include "route/route.h"

#include <openssl/ssl.h>


/* the same line of the log at most once in so many seconds */
#define CERTS_AGAIN  60


/*
 * In a handshake nginx asks for certificate and key one after the other, for
 * a request of its own: what was found for the one is good for the other.
 */
typedef struct {
    ngx_atomic_uint_t   connection;
    char                folder[WGW_CERTS_FOLDER];
} certs_last_t;


typedef enum {
    CERTS_CERT = 0,
    CERTS_KEY
} certs_variable_e;


static ngx_int_t certs_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static wgw_text_t certs_sni(ngx_http_request_t *r, char name[WGW_NAME_MAX]);
static void certs_useless(ngx_connection_t *c, wgw_text_t name,
    wgw_certs_kind_e kind);
static ngx_int_t certs_add_variables(ngx_conf_t *cf);
static ngx_int_t certs_check(ngx_conf_t *cf);
static void *certs_create_conf(ngx_conf_t *cf);
static char *certs_merge_conf(ngx_conf_t *cf, void *parent, void *child);
static char *certs_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


static ngx_command_t  certs_commands[] = {

    { ngx_string("wgw_certs_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      certs_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  certs_module_ctx = {
    certs_add_variables,                   /* preconfiguration */
    certs_check,                           /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    certs_create_conf,                     /* create location configuration */
    certs_merge_conf                       /* merge location configuration */
};


ngx_module_t  ngx_http_wgw_certs_module = {
    NGX_MODULE_V1,
    &certs_module_ctx,                     /* module context */
    certs_commands,                        /* module directives */
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


/* paths, by the name that a TLS client asks for */

static ngx_http_variable_t  certs_variables[] = {

    { ngx_string("wgw_cert"), NULL, certs_variable, CERTS_CERT, 0, 0 },

    { ngx_string("wgw_cert_key"), NULL, certs_variable, CERTS_KEY, 0, 0 },

      ngx_http_null_variable
};


static certs_last_t  certs_last;


static ngx_int_t
certs_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    u_char            *p;
    char               name[WGW_NAME_MAX];
    wgw_text_t         sni;
    wgw_names_t       *names;
    ngx_connection_t  *c;
    wgw_certs_kind_e   kind;

    c = r->connection;
    names = wgw_lookup_names();

    if (names->certs.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    if (data == CERTS_CERT || certs_last.connection != c->number) {
        sni = certs_sni(r, name);

        kind = wgw_certs_find((char *) names->certs.data, sni, ngx_time(),
                              certs_last.folder);

        if (kind == WGW_CERTS_UNREADABLE || kind == WGW_CERTS_BROKEN) {
            certs_useless(c, sni, kind);
        }

        certs_last.connection = c->number;
    }

    p = ngx_pnalloc(r->pool, names->certs.len + WGW_CERTS_FOLDER
                             + sizeof("//" WGW_CERTS_CERT));
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->data = p;

    /* terminated: nginx opens it as it is */

    p = ngx_sprintf(p, "%V/%s/%s%Z", &names->certs, certs_last.folder,
                    data == CERTS_CERT ? WGW_CERTS_CERT : WGW_CERTS_KEY);

    v->len = p - v->data - 1;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* The name that a client asked for, folded, or an empty one. */

static wgw_text_t
certs_sni(ngx_http_request_t *r, char name[WGW_NAME_MAX])
{
    wgw_text_t   text;

    text.data = name;
    text.len = 0;

#if (NGX_HTTP_SSL)
    {
    const char  *sni;

    sni = r->connection->ssl
          ? SSL_get_servername(r->connection->ssl->connection,
                               TLSEXT_NAMETYPE_host_name)
          : NULL;

    if (sni) {
        text.len = wgw_name_fold(name, (wgw_text_t) { sni, strlen(sni) });
    }
    }
#endif

    return text;
}


static void
certs_useless(ngx_connection_t *c, wgw_text_t name, wgw_certs_kind_e kind)
{
    time_t  *last;

    static time_t  times[2];

    last = &times[kind == WGW_CERTS_BROKEN];

    if (ngx_time() - *last < CERTS_AGAIN) {
        return;
    }

    *last = ngx_time();

    ngx_log_error(NGX_LOG_ERR, c->log, 0,
                  kind == WGW_CERTS_BROKEN
                  ? "certificate of \"%*s\" is damaged, or its key is of "
                    "another"
                  : "certificate of \"%*s\" is not readable for the "
                    "workers' user", name.len, name.data);
}


static ngx_int_t
certs_add_variables(ngx_conf_t *cf)
{
    return wgw_hook_vars(cf, certs_variables);
}


/* Who uses them needs `wgw_certs`, which may stand further down. */

static ngx_int_t
certs_check(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    wgw_names_t                *names;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    names = (wgw_names_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                         ngx_wgw_route_module);

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {

        if (v[i].name.len >= 8
            && ngx_strncmp(v[i].name.data, "wgw_cert", 8) == 0)
        {
            names->certs_variable = v[i].name;
        }
    }

    return NGX_OK;
}


static void *
certs_create_conf(ngx_conf_t *cf)
{
    /* no hosts */

    return ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_certs_loc_conf_t));
}


static char *
certs_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_wgw_certs_loc_conf_t *prev = parent;
    ngx_http_wgw_certs_loc_conf_t *conf = child;

    return wgw_endpoint_merge(cf, prev->hosts, &conf->hosts,
                              ngx_http_wgw_certs_handler);
}


static char *
certs_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_certs_loc_conf_t *clcf = conf;

    wgw_names_t  *names;

    names = (wgw_names_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                         ngx_wgw_route_module);

    if (names->certs_api.number == 0) {
        names->certs_api = wgw_line(cf);
    }

    return wgw_endpoint(cf, &clcf->hosts, ngx_http_wgw_certs_handler);
}
