
/*
 * The endpoint of `wgw_auth_signin`: who asks, and whether the message and
 * its signature are good.
 */

#include "auth/http_signin.h"
#include "auth/quota.h"
#include "core/body.h"
#include "core/reply.h"


static ngx_uint_t signin_source(ngx_http_request_t *r, ngx_int_t rate,
    int64_t *wait);
static void signin_body(ngx_http_request_t *r, ngx_uint_t status,
    wgw_text_t body);
static ngx_int_t signin_decide(wgw_http_signin_t *s, wgw_text_t body);
static ngx_int_t signin_rules(wgw_http_signin_t *s, wgw_signin_rules_t *rules);
static void signin_uris(wgw_http_signin_t *s, wgw_signin_rules_t *rules);


ngx_int_t
ngx_http_wgw_auth_signin_handler(ngx_http_request_t *r)
{
    int64_t                    wait;
    ngx_http_wgw_auth_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_auth_module);

    if (!(r->method & NGX_HTTP_POST)) {
        return wgw_reply_not_allowed(r, conf->cors ? "POST, OPTIONS"
                                                   : "POST");
    }

    if (!signin_source(r, conf->rate, &wait)) {
        return wgw_http_signin_too_many(r, wait, "rate",
                                        "too many sign-ins from this address");
    }

    return wgw_body_read(r, WGW_SIGNIN_BODY, signin_body);
}


static ngx_uint_t
signin_source(ngx_http_request_t *r, ngx_int_t rate, int64_t *wait)
{
    size_t            len;
    uint8_t          *address;
    struct sockaddr  *sa;

    sa = r->connection->sockaddr;

    switch (sa->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        address = (uint8_t *) &((struct sockaddr_in6 *) sa)->sin6_addr;
        len = 16;
        break;
#endif

    case AF_INET:
        address = (uint8_t *) &((struct sockaddr_in *) sa)->sin_addr;
        len = 4;
        break;

    default:
        address = NULL;
        len = 0;
    }

    return wgw_quota_source(ngx_wgw_auth_rates(), address, len, rate,
                            ngx_wgw_auth_ticks(), wait);
}


static void
signin_body(ngx_http_request_t *r, ngx_uint_t status, wgw_text_t body)
{
    wgw_http_signin_t  *s;
    ngx_int_t           rc;

    if (status != NGX_HTTP_OK) {
        ngx_http_finalize_request(r,
            wgw_http_signin_refuse(r, status, "body",
                                   "the body is longer than 16384 bytes"));
        return;
    }

    s = ngx_pcalloc(r->pool, sizeof(wgw_http_signin_t));

    if (s == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    s->request = r;
    s->conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_auth_module);

    rc = signin_decide(s, body);

    ngx_http_finalize_request(r, rc);
}


/* Returns what a content handler returns: all is answered. */

static ngx_int_t
signin_decide(wgw_http_signin_t *s, wgw_text_t body)
{
    char                 *buffer;
    wgw_eip191_t         *eip191;
    ngx_http_request_t   *r;
    wgw_signin_rules_t    rules;
    wgw_signin_request_t  request;

    r = s->request;

    buffer = ngx_pnalloc(r->pool, body.len + 1);
    eip191 = ngx_wgw_auth_eip191();

    if (buffer == NULL || eip191 == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (signin_rules(s, &rules) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (wgw_signin_read(&request, body, buffer, &s->signin) != 0
        || wgw_signin_decide(&s->signin, &request, &rules, eip191,
                             ngx_wgw_auth_now())
           != 0)
    {
        return wgw_http_signin_refuse(r, s->signin.status, s->signin.reason,
                                      s->signin.explanation);
    }

    return wgw_http_signin_key(s);
}


/* What the endpoint's settings ask of a message. */

static ngx_int_t
signin_rules(wgw_http_signin_t *s, wgw_signin_rules_t *rules)
{
    ngx_http_wgw_auth_conf_t  *conf;

    static const uint64_t      mainnet = 1;

    conf = s->conf;

    ngx_memzero(rules, sizeof(wgw_signin_rules_t));

    if (conf->uris) {
        rules->uris = conf->uris->elts;
        rules->nuris = conf->uris->nelts;

    } else {
        signin_uris(s, rules);

        if (rules->uris == NULL) {
            return NGX_ERROR;
        }
    }

    if (conf->domains) {
        rules->domains = conf->domains->elts;
        rules->ndomains = conf->domains->nelts;
        rules->any_domain = conf->domains->nelts == 0;
    }

    rules->chains = conf->chains ? conf->chains->elts : &mainnet;
    rules->nchains = conf->chains ? conf->chains->nelts : 1;
    rules->skew = conf->skew;
    rules->life = conf->max_age;
    rules->most_skew = ngx_wgw_auth_skew();
    rules->most_life = ngx_wgw_auth_max_age();
    rules->require_exp = conf->expiration;
    rules->cap_exp = 1;
    rules->lenient = conf->lenient;

    return NGX_OK;
}


/* The server's names, with the path that was asked for. */

static void
signin_uris(wgw_http_signin_t *s, wgw_signin_rules_t *rules)
{
    ngx_uint_t     i;
    ngx_array_t   *names;
    wgw_origin_t  *origin;

    names = s->conf->names;

    origin = ngx_palloc(s->request->pool,
                        names->nelts * sizeof(wgw_origin_t));

    rules->uris = origin;
    rules->nuris = names->nelts;

    if (origin == NULL) {
        return;
    }

    ngx_memcpy(origin, names->elts, names->nelts * sizeof(wgw_origin_t));

    for (i = 0; i < names->nelts; i++) {
        origin[i].path.data = (char *) s->request->uri.data;
        origin[i].path.len = s->request->uri.len;
    }
}
