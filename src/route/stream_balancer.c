
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_stream.h>

#include "route/stream_balancer.h"
#include "route/turn.h"


static ngx_int_t balancer_init_peer(ngx_stream_session_t *s,
    ngx_stream_upstream_srv_conf_t *uscf);
static ngx_int_t balancer_get(ngx_peer_connection_t *pc, void *data);
static void balancer_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
static ngx_int_t balancer_one_family(wgw_stream_peer_t *sp,
    ngx_connection_t *c);
static ngx_uint_t balancer_unspecified(struct sockaddr *sockaddr);
static void balancer_restore(wgw_stream_peer_t *sp);
static void balancer_notify(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t type);
#if (NGX_SSL || NGX_COMPAT)
static ngx_int_t balancer_set_session(ngx_peer_connection_t *pc,
    void *data);
static void balancer_save_session(ngx_peer_connection_t *pc, void *data);
#endif


/* no configuration has it by accident; nginx parses it for each session */
static ngx_str_t                balancer_name = ngx_string("$w");

/* the defaults of "wgw_backend" in http */
static const wgw_health_conf_t  balancer_health = { 1, 10 };

static wgw_stream_peer_pt       balancer_peer;


ngx_int_t
wgw_stream_balancer_init(ngx_conf_t *cf, wgw_stream_peer_pt peer)
{
    ngx_url_t                        u;
    ngx_stream_upstream_srv_conf_t  *uscf;

    balancer_peer = peer;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.host = balancer_name;
    u.no_port = 1;

    uscf = ngx_stream_upstream_add(cf, &u, NGX_STREAM_UPSTREAM_CREATE);
    if (uscf == NULL) {
        return NGX_ERROR;
    }

    uscf->peer.init = balancer_init_peer;

    return NGX_OK;
}


/*
 * proxy_pass evaluates its argument when there is an upstream structure but
 * neither a result nor an attempt yet.
 */

ngx_str_t *
wgw_stream_balancer_value(ngx_stream_session_t *s, wgw_stream_peer_t *sp)
{
    ngx_stream_upstream_t  *u;

    if (sp->peer) {
        return &sp->peer->text;
    }

    u = s->upstream;

    return u && u->resolved == NULL && u->upstream == NULL && u->state == NULL
           ? &balancer_name : NULL;
}


static ngx_int_t
balancer_init_peer(ngx_stream_session_t *s,
    ngx_stream_upstream_srv_conf_t *uscf)
{
    wgw_stream_peer_t      *sp;
    ngx_stream_upstream_t  *u;

    sp = balancer_peer(s);

    if (sp == NULL) {
        return NGX_ERROR;
    }

    sp->session = s;

    u = s->upstream;

    u->peer.data = sp;
    u->peer.get = balancer_get;
    u->peer.free = balancer_free;
    u->peer.notify = balancer_notify;
    u->peer.tries = sp->route->npeers;

#if (NGX_SSL || NGX_COMPAT)
    u->peer.set_session = balancer_set_session;
    u->peer.save_session = balancer_save_session;
#endif

    return NGX_OK;
}


static ngx_int_t
balancer_get(ngx_peer_connection_t *pc, void *data)
{
    wgw_stream_peer_t *sp = data;

    wgw_peer_t  *peer;

    peer = wgw_turn_next(sp->route, &sp->tried, &balancer_health);

    if (peer == NULL) {
        pc->name = &sp->route->name;
        return NGX_BUSY;
    }

    sp->peer = peer;

    pc->sockaddr = &peer->sockaddr.sockaddr;
    pc->socklen = peer->socklen;
    pc->name = &peer->text;
    pc->cached = 0;
    pc->connection = NULL;

    /* nginx has set this from "proxy_protocol", which is a server's, not a
       name's, and looks at it when the connection is there */

    if (sp->route->proxy) {
        sp->session->upstream->proxy_protocol = 1;
    }

    if (sp->session->upstream->proxy_protocol) {
        return balancer_one_family(sp, sp->session->connection);
    }

    return NGX_OK;
}


/*
 * Behind another proxy, whose own PROXY header says who the client is, the
 * session's addresses may be of two families, and then that header says as
 * well which address the client connected to.  Where nothing does, the client
 * gets none, for which nginx writes UNKNOWN.  nginx writes the header when
 * the connection is there, at different points with TLS and without.
 */

static ngx_int_t
balancer_one_family(wgw_stream_peer_t *sp, ngx_connection_t *c)
{
    ngx_addr_t              addr;
    ngx_proxy_protocol_t   *pp;

    static struct sockaddr_in  none = { .sin_family = AF_UNSPEC };

    if (ngx_connection_local_sockaddr(c, NULL, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    if (c->local_sockaddr->sa_family == c->sockaddr->sa_family) {
        return NGX_OK;
    }

    sp->remote = c->sockaddr;
    sp->local = c->local_sockaddr;
    sp->local_len = c->local_socklen;

    pp = c->proxy_protocol;

    if (pp
        && ngx_parse_addr(c->pool, &addr, pp->dst_addr.data, pp->dst_addr.len)
           == NGX_OK
        && addr.sockaddr->sa_family == c->sockaddr->sa_family
        && !balancer_unspecified(addr.sockaddr))
    {
        ngx_inet_set_port(addr.sockaddr, pp->dst_port);

        c->local_sockaddr = addr.sockaddr;
        c->local_socklen = addr.socklen;

    } else {
        c->sockaddr = (struct sockaddr *) &none;
    }

    return NGX_OK;
}


/* nginx would ask the socket instead. */

static ngx_uint_t
balancer_unspecified(struct sockaddr *sockaddr)
{
    struct sockaddr_in  *sin;

#if (NGX_HAVE_INET6)

    if (sockaddr->sa_family == AF_INET6) {
        return IN6_IS_ADDR_UNSPECIFIED(
                              &((struct sockaddr_in6 *) sockaddr)->sin6_addr);
    }

#endif

    sin = (struct sockaddr_in *) sockaddr;

    return sin->sin_addr.s_addr == INADDR_ANY;
}


static void
balancer_restore(wgw_stream_peer_t *sp)
{
    ngx_connection_t  *c;

    if (sp->remote == NULL) {
        return;
    }

    c = sp->session->connection;

    c->sockaddr = sp->remote;
    c->local_sockaddr = sp->local;
    c->local_socklen = sp->local_len;

    sp->remote = NULL;
}


static void
balancer_free(ngx_peer_connection_t *pc, void *data, ngx_uint_t state)
{
    wgw_stream_peer_t *sp = data;

    balancer_restore(sp);

    if (sp->peer && (state & NGX_PEER_FAILED)) {
        wgw_turn_failed(sp->route, sp->peer, pc->log);
    }

    if (pc->tries) {
        pc->tries--;
    }
}


/* A session may last for days: that the backend works shows earlier. */

static void
balancer_notify(ngx_peer_connection_t *pc, void *data, ngx_uint_t type)
{
    wgw_stream_peer_t *sp = data;

    if (type == NGX_STREAM_UPSTREAM_NOTIFY_CONNECT) {
        wgw_turn_worked(sp->route, sp->peer);
    }
}


#if (NGX_SSL || NGX_COMPAT)

/* "proxy_ssl on" calls these: TLS around TLS, in a connection of its own */

static ngx_int_t
balancer_set_session(ngx_peer_connection_t *pc, void *data)
{
    return NGX_OK;
}


static void
balancer_save_session(ngx_peer_connection_t *pc, void *data)
{
}

#endif
