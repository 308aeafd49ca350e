
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
static void balancer_notify(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t type);
#if (NGX_STREAM_SSL)
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

#if (NGX_STREAM_SSL)
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

    return NGX_OK;
}


static void
balancer_free(ngx_peer_connection_t *pc, void *data, ngx_uint_t state)
{
    wgw_stream_peer_t *sp = data;

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


#if (NGX_STREAM_SSL)

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
