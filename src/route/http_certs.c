
/*
 * The variables of certificates, in a handshake and later.
 */

#include "core/endpoint.h"
#include "route/certs.h"
#include "route/http_certs.h"
#include "route/http_route.h"

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


static wgw_text_t certs_sni(ngx_http_request_t *r, char name[WGW_NAME_MAX]);
static void certs_unreadable(ngx_connection_t *c, wgw_text_t name);


static certs_last_t  certs_last;


ngx_int_t
ngx_http_wgw_certs_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char            *p;
    char               name[WGW_NAME_MAX];
    wgw_text_t         sni;
    wgw_names_t       *names;
    ngx_connection_t  *c;

    c = r->connection;
    names = wgw_lookup_names();

    if (names->certs.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    if (data == WGW_CERTS_VAR_CERT || certs_last.connection != c->number) {
        sni = certs_sni(r, name);

        if (wgw_certs_find((char *) names->certs.data, sni, ngx_time(),
                           certs_last.folder)
            == WGW_CERTS_UNREADABLE)
        {
            certs_unreadable(c, sni);
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
                    data == WGW_CERTS_VAR_CERT ? WGW_CERTS_CERT
                                               : WGW_CERTS_KEY);

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
certs_unreadable(ngx_connection_t *c, wgw_text_t name)
{
    static time_t  last;

    if (ngx_time() - last < CERTS_AGAIN) {
        return;
    }

    last = ngx_time();

    ngx_log_error(NGX_LOG_ERR, c->log, 0,
                  "certificate of \"%*s\" is not readable for the workers' "
                  "user", name.len, name.data);
}


ngx_int_t
ngx_http_wgw_certs_check(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    wgw_names_t                *names;
    ngx_http_variable_t        *v;
    ngx_http_core_main_conf_t  *cmcf;

    names = (wgw_names_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                         ngx_wgw_route_module);

    if (names->certs.len) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    v = cmcf->variables.elts;

    for (i = 0; i < cmcf->variables.nelts; i++) {

        if (v[i].name.len >= 8
            && ngx_strncmp(v[i].name.data, "wgw_cert", 8) == 0)
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "no \"wgw_certs\" directive in configuration for "
                          "\"$%V\"", &v[i].name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


char *
ngx_http_wgw_certs_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_route_loc_conf_t *rlcf = conf;

    wgw_names_t  *names;

    names = (wgw_names_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                         ngx_wgw_route_module);

    if (names->certs_api.number == 0) {
        names->certs_api = wgw_line(cf);
    }

    return wgw_endpoint(cf, &rlcf->certs_hosts, ngx_http_wgw_certs_handler);
}
