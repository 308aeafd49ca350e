
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "route/balancer.h"
#include "route/hop.h"
#include "route/trust.h"
#include "route/turn.h"


#define BALANCER_SESSIONS  1024


typedef struct {
    wgw_idle_key_t                   key;
    ngx_ssl_session_t               *session;
} balancer_session_t;


static ngx_int_t balancer_init_upstream(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *uscf);
static ngx_int_t balancer_alone(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *uscf, const char *other);
static ngx_uint_t balancer_keepalive(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *uscf);
static ngx_int_t balancer_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *uscf);
static wgw_balancer_peer_t *balancer_create_peer(ngx_http_request_t *r,
    ngx_uint_t *hop);
static void balancer_unfit(wgw_route_t *route, ngx_uint_t hop,
    ngx_log_t *log) __attribute__((noinline));
static ngx_int_t balancer_reinit(ngx_http_request_t *r);
static ngx_int_t balancer_header(ngx_http_request_t *r);
static ngx_int_t balancer_get(ngx_peer_connection_t *pc, void *data);
static wgw_peer_t *balancer_peer(wgw_balancer_peer_t *bp);
static void balancer_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);

static void balancer_address_key(wgw_balancer_peer_t *bp, wgw_peer_t *peer);
#if (NGX_HTTP_SSL)
static ngx_int_t balancer_tls_key(wgw_balancer_peer_t *bp);
static ngx_int_t balancer_digest_key(wgw_balancer_peer_t *bp, ngx_str_t *sni,
    ngx_str_t *client);
#endif


#if (NGX_HTTP_SSL)
static ngx_int_t balancer_set_session(ngx_peer_connection_t *pc, void *data);
static void balancer_save_session(ngx_peer_connection_t *pc, void *data);
static balancer_session_t *balancer_session(uint64_t hash);
static int balancer_verify(X509_STORE_CTX *ctx, void *data);
static X509_STORE *balancer_trust(wgw_route_t *route);
#endif


extern ngx_module_t  ngx_http_wgw_route_module;

static wgw_balancer_lookup_pt  balancer_lookup;

#if (NGX_HTTP_SSL)
static balancer_session_t    *balancer_sessions;
static X509_STORE            *balancer_system;
static EVP_MD                *balancer_digest;
#endif


void
wgw_balancer_init(wgw_balancer_lookup_pt lookup)
{
    balancer_lookup = lookup;
}


char *
wgw_balancer_create(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *uscf,
    wgw_balancer_t *balancer)
{
    ngx_http_upstream_server_t  *server;

    if (uscf->servers->nelts) {
        return "cannot be used together with \"server\"";
    }

    if (uscf->peer.init_upstream) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "load balancing method redefined");
    }

    /* a block without a server is refused by nginx */

    server = ngx_array_push(uscf->servers);
    if (server == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(server, sizeof(ngx_http_upstream_server_t));

    uscf->flags = NGX_HTTP_UPSTREAM_CREATE;
    uscf->peer.init_upstream = balancer_init_upstream;

    return wgw_idle_create(cf, &balancer->idle);
}


static ngx_int_t
balancer_init_upstream(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *uscf)
{
    if (uscf->servers->nelts > 1) {
        return balancer_alone(cf, uscf, "server");
    }

#if (NGX_HTTP_UPSTREAM_ZONE)

    /* "zone" copies what it takes for round-robin peers */

    if (uscf->shm_zone) {
        return balancer_alone(cf, uscf, "zone");
    }

#endif

    if (balancer_keepalive(cf, uscf)) {
        return balancer_alone(cf, uscf, "keepalive");
    }

    uscf->peer.init = balancer_init_peer;

    return NGX_OK;
}


static ngx_int_t
balancer_alone(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *uscf,
    const char *other)
{
    wgw_balancer_t  *balancer;

    balancer = ngx_http_conf_upstream_srv_conf(uscf,
                                               ngx_http_wgw_route_module);

    (void) wgw_line_error(cf->log, &balancer->line, 0,
                          "\"%s\" is not allowed in upstream \"%V\" "
                          "beside \"wgw_backend\"", other, &uscf->host);

    return NGX_ERROR;
}


/*
 * 1 where the block has nginx's own directive, whose connections all names
 * would share.  Its settings are private; in all versions they begin with its
 * number, which is 0, or from 1.29.7 on "unset", without it.
 */

static ngx_uint_t
balancer_keepalive(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *uscf)
{
    ngx_uint_t      i, *n;
    ngx_module_t  **modules;

    modules = cf->cycle->modules;

    for (i = 0; modules[i]; i++) {
        if (ngx_strcmp(modules[i]->name, "ngx_http_upstream_keepalive_module")
            == 0)
        {
            n = ngx_http_conf_upstream_srv_conf(uscf, (*modules[i]));

            return n && *n != 0 && *n != NGX_CONF_UNSET_UINT;
        }
    }

    return 0;
}


void
wgw_balancer_claim(ngx_http_upstream_srv_conf_t *uscf)
{
    uscf->peer.init = balancer_init_peer;
}


static ngx_int_t
balancer_init_peer(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *uscf)
{
    ngx_uint_t            hop;
    ngx_http_upstream_t  *u;
    wgw_balancer_peer_t  *bp;

    u = r->upstream;

    bp = balancer_create_peer(r, &hop);
    if (bp == NULL) {
        return NGX_ERROR;
    }

    bp->balancer = ngx_http_conf_upstream_srv_conf(uscf,
                                                   ngx_http_wgw_route_module);

    if (bp->route) {
        bp->bound = (hop & WGW_HOP_BOUND) != 0;

        if ((hop & WGW_HOP_LOOP)
            || bp->route->passthrough
            || bp->route->https != u->ssl)
        {
            balancer_unfit(bp->route, hop, r->connection->log);
            return NGX_ERROR;
        }

        if (bp->route->tls_name.len) {
            bp->name = bp->route->tls_name;
        }

        u->peer.tries = bp->route->npeers;
    }

    u->peer.data = bp;
    u->peer.get = balancer_get;
    u->peer.free = balancer_free;

    bp->reinit = u->reinit_request;
    u->reinit_request = balancer_reinit;

    bp->header = u->process_header;
    u->process_header = balancer_header;

#if (NGX_HTTP_SSL)

    u->peer.set_session = balancer_set_session;
    u->peer.save_session = balancer_save_session;

    if (u->ssl) {
        SSL_CTX_set_cert_verify_callback(u->conf->ssl->ctx, balancer_verify,
                                         NULL);
    }

#endif

    return NGX_OK;
}


/* In the room of the look-up, which is that of the first. */

static wgw_balancer_peer_t *
balancer_create_peer(ngx_http_request_t *r, ngx_uint_t *hop)
{
    wgw_lookup_t         *lookup;
    wgw_balancer_peer_t  *bp;

    bp = NULL;
    lookup = balancer_lookup(r, hop, &bp);

    if (bp == NULL || bp->balancer) {
        bp = ngx_palloc(r->pool, sizeof(wgw_balancer_peer_t));
        if (bp == NULL) {
            return NULL;
        }
    }

    ngx_memzero(bp, sizeof(wgw_balancer_peer_t));

    bp->request = r;
    bp->lookup = lookup;

    if (lookup) {
        bp->route = lookup->route;
        bp->name = lookup->name;
    }

    return bp;
}


static void
balancer_unfit(wgw_route_t *route, ngx_uint_t hop, ngx_log_t *log)
{
    /* "wgw_route", where it is used, has refused it before */

    if (hop & WGW_HOP_LOOP) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "a backend of \"%V\" leads back here", &route->name);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0,
                  "the record of \"%V\" wants %s backends", &route->name,
                  route->passthrough ? "passthrough"
                  : route->https ? "https" : "http");
}


/* Before another backend is asked, the proxy begins anew with its handler. */

static ngx_int_t
balancer_reinit(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    wgw_balancer_peer_t  *bp;

    bp = r->upstream->peer.data;

    rc = bp->reinit(r);

    bp->header = r->upstream->process_header;
    r->upstream->process_header = balancer_header;

    return rc;
}


static ngx_int_t
balancer_header(ngx_http_request_t *r)
{
    wgw_balancer_peer_t  *bp;

    bp = r->upstream->peer.data;

    return wgw_said_header(r, &bp->header);
}


static ngx_int_t
balancer_get(ngx_peer_connection_t *pc, void *data)
{
    wgw_balancer_peer_t  *bp = data;

    wgw_peer_t        *peer;
    ngx_connection_t  *c;

    peer = balancer_peer(bp);

    if (peer == NULL) {
        pc->name = bp->route ? &bp->route->name : &bp->name;
        return NGX_BUSY;
    }

    bp->peer = peer;
    bp->lookup->peer = peer;

    balancer_address_key(bp, peer);

    pc->sockaddr = &peer->sockaddr.sockaddr;
    pc->socklen = peer->socklen;
    pc->name = &peer->text;
    pc->cached = 0;
    pc->connection = NULL;

#if (NGX_HTTP_SSL)
    if (bp->route->https && balancer_tls_key(bp) != NGX_OK) {
        return NGX_ERROR;
    }
#endif

    /* those that are kept are bound to no local address */

    if (bp->fresh || pc->local) {
        return NGX_OK;
    }

    c = wgw_idle_take(&bp->balancer->idle, &bp->key, bp->hash, pc->log);

    if (c == NULL) {
        return NGX_OK;
    }

    pc->connection = c;
    pc->cached = 1;

    return NGX_DONE;
}


static wgw_peer_t *
balancer_peer(wgw_balancer_peer_t *bp)
{
    wgw_route_t  *route;

    route = bp->route;

    if (route == NULL) {
        return NULL;
    }

    /* $wgw_backend was asked for before, and says who is next */

    if (bp->lookup->told) {
        bp->lookup->told = 0;
        route->next = bp->lookup->peer - route->peers;
    }

    return wgw_turn_next(route, &bp->tried, &bp->balancer->health);
}


static void
balancer_free(ngx_peer_connection_t *pc, void *data, ngx_uint_t state)
{
    wgw_balancer_peer_t  *bp = data;

    ngx_connection_t     *c;
    ngx_http_upstream_t  *u;

    c = pc->connection;
    u = bp->request->upstream;

    if (bp->peer == NULL) {
        /* nothing was chosen */

    } else if ((state & NGX_PEER_FAILED)
               && pc->cached
               && u->state->bytes_received == 0
               && !(c && (c->read->timedout || c->write->timedout)))
    {
        /*
         * the backend closed a connection that was kept: no fault of its,
         * nginx tries again, and this time with a new connection
         */

        bp->tried &= ~((ngx_uint_t) 1 << (bp->peer - bp->route->peers));
        bp->fresh = 1;

    } else if (state & NGX_PEER_FAILED) {
        wgw_turn_failed(bp->route, bp->peer, pc->log);

    } else {
        wgw_turn_worked(bp->route, bp->peer);
    }

    if (bp->peer
        && !bp->bound
        && wgw_idle_fit(&bp->balancer->idle, bp->request, pc, state))
    {
        wgw_idle_keep(&bp->balancer->idle, &bp->key, bp->hash, c);
        pc->connection = NULL;
    }

    if (pc->tries) {
        pc->tries--;
    }
}


/* A route's socket addresses are padded with zeros. */

static void
balancer_address_key(wgw_balancer_peer_t *bp, wgw_peer_t *peer)
{
    ngx_memcpy(bp->key.bytes, peer->sockaddr.bytes, WGW_IDLE_KEY);

    bp->key.protocol = (uintptr_t) bp->request->upstream->create_request;
    bp->hash = peer->hash;
}


#if (NGX_HTTP_SSL)

/*
 * The location is part of it: its client certificate, which may depend on
 * the request, protocols and ciphers were in the handshake too.
 */

static ngx_int_t
balancer_tls_key(wgw_balancer_peer_t *bp)
{
    ngx_str_t                  sni, client;
    ngx_http_upstream_t       *u;
    ngx_http_upstream_conf_t  *conf;

    u = bp->request->upstream;
    conf = u->conf;

    if (balancer_digest == NULL) {
        balancer_digest = EVP_MD_fetch(NULL, "SHA256", NULL);
    }

    if (!conf->ssl_server_name) {
        ngx_str_null(&sni);

    } else if (conf->ssl_name == NULL) {
        sni = u->ssl_name;

    } else if (ngx_http_complex_value(bp->request, conf->ssl_name, &sni)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_null(&client);

    if (conf->ssl_certificate
        && conf->ssl_certificate->lengths
        && ngx_http_complex_value(bp->request, conf->ssl_certificate, &client)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return balancer_digest_key(bp, &sni, &client);
}


static ngx_int_t
balancer_digest_key(wgw_balancer_peer_t *bp, ngx_str_t *sni, ngx_str_t *client)
{
    u_char       verify;
    ngx_int_t    rc;
    uintptr_t    conf;
    EVP_MD_CTX  *md;

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return NGX_ERROR;
    }

    conf = (uintptr_t) bp->request->upstream->conf;
    verify = bp->route->verify;

    /* of fixed size first, then texts with their lengths */

    rc = EVP_DigestInit_ex2(md, balancer_digest, NULL)
         && EVP_DigestUpdate(md, bp->key.bytes, WGW_IDLE_KEY)
         && EVP_DigestUpdate(md, &conf, sizeof(conf))
         && EVP_DigestUpdate(md, &verify, 1)
         && EVP_DigestUpdate(md, &sni->len, sizeof(sni->len))
         && EVP_DigestUpdate(md, sni->data, sni->len)
         && EVP_DigestUpdate(md, &client->len, sizeof(client->len))
         && EVP_DigestUpdate(md, client->data, client->len)
         && EVP_DigestUpdate(md, &bp->name.len, sizeof(bp->name.len))
         && EVP_DigestUpdate(md, bp->name.data, bp->name.len)
         && EVP_DigestUpdate(md, bp->route->tls_ca.data,
                             bp->route->tls_ca.len)
         && EVP_DigestFinal_ex(md, bp->key.bytes, NULL);

    EVP_MD_CTX_free(md);

    ngx_memcpy(&bp->hash, bp->key.bytes, sizeof(bp->hash));

    bp->key.protocol = 0;

    return rc ? NGX_OK : NGX_ERROR;
}

#endif


#if (NGX_HTTP_SSL)

static ngx_int_t
balancer_set_session(ngx_peer_connection_t *pc, void *data)
{
    wgw_balancer_peer_t  *bp = data;

    balancer_session_t  *place;

    place = balancer_session(bp->hash);

    if (place
        && place->session
        && ngx_memcmp(&place->key, &bp->key, sizeof(wgw_idle_key_t)) == 0)
    {
        return ngx_ssl_set_session(pc->connection, place->session);
    }

    return NGX_OK;
}


static void
balancer_save_session(ngx_peer_connection_t *pc, void *data)
{
    wgw_balancer_peer_t  *bp = data;

    ngx_ssl_session_t   *session;
    balancer_session_t  *place;

    place = balancer_session(bp->hash);
    session = ngx_ssl_get_session(pc->connection);

    if (place == NULL || session == NULL) {
        ngx_ssl_free_session(session);
        return;
    }

    if (place->session) {
        ngx_ssl_free_session(place->session);
    }

    place->key = bp->key;
    place->session = session;
}


/* One place for a key: a session that is lost costs a full handshake. */

static balancer_session_t *
balancer_session(uint64_t hash)
{
    if (balancer_sessions == NULL) {
        balancer_sessions = ngx_calloc(BALANCER_SESSIONS
                                       * sizeof(balancer_session_t),
                                       ngx_cycle->log);
        if (balancer_sessions == NULL) {
            return NULL;
        }
    }

    return &balancer_sessions[hash % BALANCER_SESSIONS];
}


/*
 * Called in each full handshake of a context that serves many names, with
 * proxy_ssl_verify on or off; that it counts is decided here.
 */

static int
balancer_verify(X509_STORE_CTX *ctx, void *data)
{
    ngx_ssl_conn_t       *ssl;
    X509_STORE           *store;
    wgw_text_t            name;
    ngx_connection_t     *c;
    ngx_http_request_t   *r;
    wgw_balancer_peer_t  *bp;

    ssl = X509_STORE_CTX_get_ex_data(ctx,
                                     SSL_get_ex_data_X509_STORE_CTX_idx());
    c = ngx_ssl_get_connection(ssl);
    r = c->data;

    if (r->upstream->peer.get != balancer_get) {
        return X509_verify_cert(ctx);
    }

    bp = r->upstream->peer.data;

    if (!bp->route->verify) {
        X509_STORE_CTX_set_error(ctx, X509_V_OK);
        return 1;
    }

    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);

    store = balancer_trust(bp->route);

    if (store == NULL) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "no trusted certificates for \"%V\"",
                      &bp->route->name);
        X509_STORE_CTX_set_error(ctx, X509_V_ERR_UNSPECIFIED);
        return 0;
    }

    name.data = (char *) bp->name.data;
    name.len = bp->name.len;

    if (wgw_trust_verify(ctx, store, name)) {
        return 1;
    }

    ngx_log_error(NGX_LOG_ERR, c->log, 0,
                  "certificate of backend %V does not verify as \"%V\": %s",
                  &bp->peer->text, &bp->name,
                  X509_verify_cert_error_string(
                                        X509_STORE_CTX_get_error(ctx)));
    return 0;
}


static X509_STORE *
balancer_trust(wgw_route_t *route)
{
    wgw_text_t  pem;

    pem.data = (char *) route->tls_ca.data;
    pem.len = route->tls_ca.len;

    if (pem.len == 0) {
        if (balancer_system == NULL) {
            balancer_system = wgw_trust_store(pem);
        }

        return balancer_system;
    }

    if (route->trust == NULL) {
        route->trust = wgw_trust_store(pem);
    }

    return route->trust;
}

#endif
