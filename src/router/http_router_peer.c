
/*
 * The connection that an attempt, or an errand, goes out on: its address, the
 * kept connections of its provider, TLS.
 *
 * Certificates are verified per connection, by a store and a name of its own
 * SSL object: an SSL_CTX may be another location's, too, from 1.26 on.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "router/http_router.h"


typedef struct {
    wgw_provider_t            *provider;
    wgw_provider_end_t        *end;
    ngx_http_upstream_conf_t  *conf;
} router_key_t;


typedef struct {
    ngx_http_request_t      *request;
    wgw_attempt_t           *attempt;       /* NULL: an errand, or plain */
    wgw_provider_t          *provider;      /* NULL: plain */
    wgw_provider_end_t      *end;
    wgw_host_t              *host;
    wgw_idle_key_t           key;
    uint64_t                 hash;
} router_peer_t;


static ngx_int_t router_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *uscf);
static wgw_host_t *router_host(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *uscf);
static ngx_int_t router_check_request(router_peer_t *rp);
static ngx_int_t router_check_header(ngx_buf_t *b, ngx_str_t *name,
    ngx_str_t *value);
static u_char *router_field(u_char *p, u_char *last, ngx_str_t *name);
static void router_keep_alive(ngx_buf_t *b);
static ngx_int_t router_get(ngx_peer_connection_t *pc, void *data);
static void router_key(router_peer_t *rp, wgw_address_t *address);
static void router_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
static void router_failed(router_peer_t *rp, ngx_peer_connection_t *pc);
#if (NGX_HTTP_SSL)
static ngx_int_t router_set_session(ngx_peer_connection_t *pc, void *data);
static void router_save_session(ngx_peer_connection_t *pc, void *data);
#endif


ngx_int_t
wgw_router_init_upstream(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *uscf)
{
    uscf->peer.init = router_init_peer;

    return NGX_OK;
}


void
wgw_router_claim(ngx_http_upstream_srv_conf_t *uscf)
{
    uscf->peer.init = router_init_peer;
}


/* A proxy_pass of the user's to the same host lands here, too. */

static ngx_int_t
router_init_peer(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *uscf)
{
    router_peer_t                   *rp;
    ngx_http_upstream_t             *u;
    wgw_router_errand_t             *errand;
    ngx_http_wgw_router_loc_conf_t  *conf;

    u = r->upstream;

    rp = ngx_pcalloc(r->pool, sizeof(router_peer_t));
    if (rp == NULL) {
        return NGX_ERROR;
    }

    rp->request = r;
    rp->host = router_host(r, uscf);

    u->peer.data = rp;
    u->peer.get = router_get;
    u->peer.free = router_free;
    u->peer.tries = 1;

    errand = wgw_router_errand(r);
    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_router_module);

    if (errand) {
        rp->provider = errand->provider;
        rp->end = errand->end;

    } else if (conf->providers && r == r->main) {
        rp->attempt = wgw_attempt_find(r);

        if (rp->attempt && rp->attempt->provider
            && rp->attempt->provider->service.host->port == uscf->port
            && rp->attempt->provider->service.host->name.len
               == uscf->host.len)
        {
            rp->provider = rp->attempt->provider;
            rp->end = &rp->provider->service;

        } else {
            rp->attempt = NULL;
        }
    }

    if (rp->provider == NULL) {
        return NGX_OK;
    }

    rp->host = rp->end->host;

#if (NGX_HTTP_SSL)

    if (u->ssl) {
        u->peer.set_session = router_set_session;
        u->peer.save_session = router_save_session;
    }

#endif

    if (rp->attempt) {
        rp->attempt->process_header = u->process_header;
        u->process_header = wgw_attempt_process_header;

        return router_check_request(rp);
    }

    return NGX_OK;
}


static wgw_host_t *
router_host(ngx_http_request_t *r, ngx_http_upstream_srv_conf_t *uscf)
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


/*
 * The proxy has written the request.  What a provider asks for must be in it,
 * once: a proxy_set_header of the same name would have replaced it.
 */

static ngx_int_t
router_check_request(router_peer_t *rp)
{
    size_t                k;
    ngx_buf_t            *b;
    ngx_str_t             name, value;
    ngx_uint_t            i;
    wgw_text_t            n, v;
    wgw_session_t        *session;
    wgw_errand_header_t  *header;

    b = rp->request->upstream->request_bufs->buf;
    session = rp->attempt->session;

    /* it may have been renewed since, and then this is another body */

    if (session && session->body
        && session->body->id == rp->attempt->session_id)
    {
        for (k = 0; k < session->body->nheaders; k++) {
            wgw_session_header(session->body, k, &n, &v);

            name.data = (u_char *) n.data;
            name.len = n.len;
            value.data = (u_char *) v.data;
            value.len = v.len;

            if (router_check_header(b, &name, &value) != NGX_OK) {
                goto bare;
            }
        }
    }

    header = rp->provider->headers.elts;

    for (i = 0; i < rp->provider->headers.nelts; i++) {
        name = header[i].name;

        if (router_check_header(b, &name, &header[i].value) != NGX_OK) {
            goto bare;
        }
    }

    router_keep_alive(b);

    return NGX_OK;

bare:

    ngx_log_error(NGX_LOG_ERR, rp->request->connection->log, 0,
                  "the request to provider \"%V\" has not the header \"%V\" "
                  "it needs: is there a \"proxy_set_header\" of that name?",
                  &rp->provider->name, &name);

    return NGX_ERROR;
}


static ngx_int_t
router_check_header(ngx_buf_t *b, ngx_str_t *name, ngx_str_t *value)
{
    u_char  *p;

    p = router_field(b->pos, b->last, name);

    if (p == NULL
        || (size_t) (b->last - p) < value->len + 2
        || ngx_memcmp(p, value->data, value->len) != 0
        || p[value->len] != CR)
    {
        return NGX_ERROR;
    }

    return router_field(p, b->last, name) == NULL ? NGX_OK : NGX_ERROR;
}


/* The value of the next field of that name. */

static u_char *
router_field(u_char *p, u_char *last, ngx_str_t *name)
{
    for ( ;; ) {
        p = ngx_strlchr(p, last, LF);

        if (p == NULL || ++p == last || *p == CR) {
            return NULL;
        }

        if ((size_t) (last - p) > name->len + 2
            && p[name->len] == ':'
            && ngx_strncasecmp(p, name->data, name->len) == 0)
        {
            return p + name->len + 2;
        }
    }
}


/* The proxy's default before 1.29 closes each connection after its request. */

static void
router_keep_alive(ngx_buf_t *b)
{
    u_char     *p, *start, *end;
    ngx_str_t   name = ngx_string("connection");

    end = ngx_strlchr(b->pos, b->last, LF);

    if (end == NULL || end - b->pos < 10
        || ngx_strncmp(end - 9, "HTTP/1.1", 8) != 0)
    {
        return;
    }

    p = router_field(b->pos, b->last, &name);

    if (p == NULL || b->last - p < 7
        || ngx_strncmp(p, "close" CRLF, 7) != 0)
    {
        return;
    }

    start = p - (sizeof("connection: ") - 1);
    end = p + 7;

    ngx_memmove(start, end, b->last - end);
    b->last -= end - start;
}


static ngx_int_t
router_get(ngx_peer_connection_t *pc, void *data)
{
    router_peer_t *rp = data;

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

    router_key(rp, address);

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
router_key(router_peer_t *rp, wgw_address_t *address)
{
    u_char        bytes[sizeof(ngx_sockaddr_t) + sizeof(router_key_t)];
    uint64_t      hash[2];
    router_key_t  key;

    static const uint8_t  seed[WGW_HASH_SEED];

    ngx_memzero(&key, sizeof(router_key_t));
    ngx_memzero(bytes, sizeof(bytes));

    key.provider = rp->provider;
    key.end = rp->end;
    key.conf = rp->request->upstream->conf;

    ngx_memcpy(bytes, &address->sockaddr, address->socklen);
    ngx_memcpy(bytes + sizeof(ngx_sockaddr_t), &key, sizeof(router_key_t));

    wgw_hash_128(seed, bytes, sizeof(bytes), hash);

    ngx_memzero(&rp->key, sizeof(wgw_idle_key_t));
    ngx_memcpy(rp->key.bytes, hash, sizeof(hash));

    rp->key.protocol = !rp->end->ssl;
    rp->hash = hash[0];
}


static void
router_free(ngx_peer_connection_t *pc, void *data, ngx_uint_t state)
{
    router_peer_t *rp = data;

    wgw_attempt_t  *attempt;

    attempt = rp->attempt;

    if (attempt) {
        wgw_attempt_restore(attempt);
    }

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
        router_failed(rp, pc);
    }
}


/* nginx finalizes the request once more when this returns. */

static void
router_failed(router_peer_t *rp, ngx_peer_connection_t *pc)
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

    } else if (wgw_attempt_other(attempt)) {

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
router_set_session(ngx_peer_connection_t *pc, void *data)
{
    router_peer_t *rp = data;

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
router_save_session(ngx_peer_connection_t *pc, void *data)
{
    router_peer_t *rp = data;

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
