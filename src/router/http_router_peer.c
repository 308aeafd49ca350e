
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "router/http_router_candidates.h"
#include "router/http_router_errand.h"
#include "router/http_router_fields.h"
#include "router/http_router_peer.h"
#include "router/http_router_verdict.h"


typedef struct {
    uint64_t                 address[2];
    uint64_t                 end;
    uint64_t                 conf;
} peer_key_t;


_Static_assert(sizeof(peer_key_t) == WGW_IDLE_KEY, "peer_key_t");


typedef struct {
    ngx_http_request_t      *request;
    wgw_attempt_t           *attempt;       /* NULL: an errand, or plain */
    wgw_provider_t          *provider;      /* NULL: plain */
    wgw_provider_end_t      *end;
    wgw_host_t              *host;
    wgw_idle_key_t           key;
    uint64_t                 hash;
} peer_t;


static ngx_int_t peer_init(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *uscf);
static void peer_whose(peer_t *rp, ngx_http_upstream_srv_conf_t *uscf);
static wgw_host_t *peer_host(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *uscf);
static ngx_int_t peer_get(ngx_peer_connection_t *pc, void *data);
static void peer_key(peer_t *rp, wgw_address_t *address);
static void peer_free(ngx_peer_connection_t *pc, void *data, ngx_uint_t state);
static void peer_failed(peer_t *rp, ngx_peer_connection_t *pc);
#if (NGX_HTTP_SSL)
static ngx_int_t peer_set_session(ngx_peer_connection_t *pc, void *data);
static void peer_save_session(ngx_peer_connection_t *pc, void *data);
#endif


ngx_int_t
wgw_router_init_upstream(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *uscf)
{
    uscf->peer.init = peer_init;

    return NGX_OK;
}


void
wgw_router_claim(ngx_http_upstream_srv_conf_t *uscf)
{
    uscf->peer.init = peer_init;
}


/* A proxy_pass of the user's to the same host lands here, too. */

static ngx_int_t
peer_init(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *uscf)
{
    peer_t        *rp;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    rp = ngx_pcalloc(r->pool, sizeof(peer_t));
    if (rp == NULL) {
        return NGX_ERROR;
    }

    rp->request = r;

    u->peer.data = rp;
    u->peer.get = peer_get;
    u->peer.free = peer_free;
    u->peer.tries = 1;

    peer_whose(rp, uscf);

    if (rp->provider == NULL) {
        rp->host = peer_host(r, uscf);
        return NGX_OK;
    }

    rp->host = rp->end->host;

#if (NGX_HTTP_SSL)

    if (u->ssl) {
        u->peer.set_session = peer_set_session;
        u->peer.save_session = peer_save_session;
    }

#endif

    if (rp->attempt == NULL) {
        return NGX_OK;
    }

    wgw_verdict_init(rp->attempt);

    return wgw_fields_check(rp->attempt);
}


/* Of an errand, of an attempt that goes there, or of nobody. */

static void
peer_whose(peer_t *rp, ngx_http_upstream_srv_conf_t *uscf)
{
    wgw_attempt_t                   *attempt;
    ngx_http_request_t              *r;
    wgw_router_errand_t             *errand;
    ngx_http_wgw_router_loc_conf_t  *conf;

    r = rp->request;
    errand = wgw_router_errand(r);

    if (errand) {
        rp->provider = errand->provider;
        rp->end = errand->end;
        return;
    }

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_router_module);

    if (conf->providers == NULL || r != r->main) {
        return;
    }

    attempt = wgw_attempt_find(r);

    if (attempt && attempt->provider
        && attempt->provider->service.host->port == uscf->port
        && attempt->provider->service.host->name.len == uscf->host.len)
    {
        rp->attempt = attempt;
        rp->provider = attempt->provider;
        rp->end = &rp->provider->service;
    }
}


static wgw_host_t *
peer_host(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *uscf)
{
    ngx_uint_t                         i;
    wgw_host_t                       **hosts;
    ngx_http_upstream_srv_conf_t     **upstreams;
    ngx_http_wgw_router_main_conf_t   *rmcf;

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_wgw_router_module);

    hosts = rmcf->hosts.elts;
    upstreams = rmcf->upstreams.elts;

    for (i = 0; upstreams[i] != uscf; i++) {
        /* void */
    }

    return hosts[i];
}


static ngx_int_t
peer_get(ngx_peer_connection_t *pc, void *data)
{
    peer_t *rp = data;

    wgw_address_t     *address;
    ngx_connection_t  *c;

    address = wgw_resolve_next(rp->host);

    if (address == NULL) {
        pc->name = &rp->host->name;
        return NGX_BUSY;
    }

    pc->sockaddr = &address->sockaddr.sockaddr;
    pc->socklen = address->socklen;
    pc->name = &address->text;
    pc->cached = 0;
    pc->connection = NULL;

    if (rp->provider == NULL) {
        return NGX_OK;
    }

    peer_key(rp, address);

    if (pc->local || (rp->attempt && rp->attempt->fresh)) {
        return NGX_OK;
    }

    c = wgw_idle_take(&rp->provider->providers->idle, &rp->key, rp->hash,
                      pc->log);

    if (c == NULL) {
        return NGX_OK;
    }

    pc->connection = c;
    pc->cached = 1;

    return NGX_DONE;
}


/* A provider's connections are its own, and those of one location. */

static void
peer_key(peer_t *rp, wgw_address_t *address)
{
    uint64_t    hash;
    peer_key_t  key;

    key.address[0] = address->hash[0];
    key.address[1] = address->hash[1];
    key.end = (uintptr_t) rp->end;
    key.conf = (uintptr_t) rp->request->upstream->conf;

    ngx_memcpy(rp->key.bytes, &key, sizeof(peer_key_t));
    rp->key.protocol = !rp->end->ssl;

    hash = key.address[0] ^ (key.end << 20) ^ key.conf;
    rp->hash = hash ^ (hash >> 32) ^ (hash >> 8);
}


static void
peer_free(ngx_peer_connection_t *pc, void *data, ngx_uint_t state)
{
    peer_t *rp = data;

    wgw_attempt_t  *attempt;

    attempt = rp->attempt;

    if (rp->provider
        && wgw_idle_fit(&rp->provider->providers->idle, rp->request, pc,
                        state))
    {
        wgw_idle_keep(&rp->provider->providers->idle, &rp->key, rp->hash,
                      pc->connection);
        pc->connection = NULL;
    }

    pc->tries = 0;

    if (attempt && (state & NGX_PEER_FAILED) && !attempt->given_up
        && !attempt->answered)
    {
        peer_failed(rp, pc);
    }
}


/* nginx finalizes the request once more when this returns. */

static void
peer_failed(peer_t *rp, ngx_peer_connection_t *pc)
{
    ngx_uint_t            same, timedout;
    wgw_attempt_t        *attempt;
    ngx_connection_t     *c;
    ngx_http_upstream_t  *u;

    attempt = rp->attempt;
    u = rp->request->upstream;
    c = pc->connection;

    timedout = c && (c->read->timedout || c->write->timedout);
    same = 0;

    if (pc->cached && u->state->bytes_received == 0 && !timedout) {

        /* it closed a connection that was kept: no fault of its */

        attempt->fresh = 1;
        same = 1;

    } else if (!u->request_sent && !timedout && attempt->addresses > 1) {
        attempt->addresses--;
        same = 1;

    } else {
        wgw_attempt_failed(attempt, timedout ? WGW_STANDING_TIMEOUT
                                             : WGW_STANDING_CONNECT);
    }

    pc->cached = 0;
    pc->sockaddr = NULL;

    if (same) {
        attempt->attempts--;
        attempt->since = ngx_current_msec;

    } else if (wgw_candidates_other(attempt)) {

        ngx_log_error(NGX_LOG_WARN, rp->request->connection->log, 0,
                      "provider \"%V\" failed, another one is asked",
                      &attempt->provider->name);

        wgw_attempt_tried(attempt);

    } else {
        return;
    }

    wgw_attempt_give_up(attempt, 2);
}


#if (NGX_HTTP_SSL)

/* Called before the handshake of a new connection. */

static ngx_int_t
peer_set_session(ngx_peer_connection_t *pc, void *data)
{
    peer_t *rp = data;

    char                name[256];
    ngx_ssl_conn_t     *ssl;
    X509_VERIFY_PARAM  *param;

    ssl = pc->connection->ssl->connection;

    if (rp->end->domain.len >= sizeof(name)) {
        return NGX_ERROR;
    }

    ngx_memcpy(name, rp->end->domain.data, rp->end->domain.len);
    name[rp->end->domain.len] = '\0';

    param = SSL_get0_param(ssl);

    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);

    if (!SSL_set1_verify_cert_store(ssl, rp->provider->providers->trust)) {
        return NGX_ERROR;
    }

    if (!X509_VERIFY_PARAM_set1_ip_asc(param, name)) {
        X509_VERIFY_PARAM_set_hostflags(param,
                                        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

        if (!X509_VERIFY_PARAM_set1_host(param, name,
                                         rp->end->domain.len))
        {
            return NGX_ERROR;
        }
    }

    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);

    return rp->end->tls ? ngx_ssl_set_session(pc->connection, rp->end->tls)
                        : NGX_OK;
}


static void
peer_save_session(ngx_peer_connection_t *pc, void *data)
{
    peer_t *rp = data;

    ngx_ssl_session_t  *session;

    session = ngx_ssl_get_session(pc->connection);

    if (session == NULL) {
        return;
    }

    if (rp->end->tls) {
        ngx_ssl_free_session(rp->end->tls);
    }

    rp->end->tls = session;
}

#endif
