
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
#include <ngx_stream.h>

#include "route/stream_port.h"


static ngx_int_t port_parse(ngx_stream_session_t *s, wgw_peek_t *peek,
    size_t len, ngx_msec_t timeout);
static ngx_int_t port_wait(ngx_stream_session_t *s, wgw_peek_t *peek,
    ngx_msec_t timeout);
static void port_done(ngx_connection_t *c, wgw_peek_t *peek);
static void port_cleanup(void *data);
static void port_read(ngx_event_t *ev);
static void port_timeout(ngx_event_t *ev);
static ngx_int_t port_local(ngx_connection_t *c, ngx_listening_t *ls);
static ngx_listening_t *port_listener(ngx_cycle_t *cycle, ngx_addr_t *addr);
static ngx_http_addr_conf_t *port_addr_conf(ngx_listening_t *ls);


/* parsed anew from the start at each look: nothing is kept in between */
static u_char  port_buffer[WGW_HELLO_MAX];


ngx_int_t
wgw_port_peek(ngx_stream_session_t *s, wgw_peek_t *peek, ngx_msec_t timeout)
{
    int                came;
    ssize_t            n;
    ngx_err_t          err;
    ngx_connection_t  *c;

    c = s->connection;

    if (c->close) {
        /* an old worker's time is over, or the connection is needed */
        return NGX_STREAM_OK;
    }

    if (peek->timer && peek->timer->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "client sent no complete TLS hello in time");
        return NGX_STREAM_OK;
    }

    /* whether it is time to parse again is known without reading */

    if (peek->wanted
        && !c->read->pending_eof
        && ioctl(c->fd, FIONREAD, &came) == 0
        && came < peek->wanted)
    {
        return port_wait(s, peek, timeout);
    }

    n = recv(c->fd, (char *) port_buffer, WGW_HELLO_MAX, MSG_PEEK);

    err = ngx_socket_errno;

    ngx_log_debug1(NGX_LOG_DEBUG_STREAM, c->log, 0, "wgw peek: %z", n);

    if (n == -1) {

        if (err == NGX_EAGAIN) {
            c->read->ready = 0;
            return port_wait(s, peek, timeout);
        }

        port_done(c, peek);
        ngx_connection_error(c, err, "recv() failed");

        return NGX_STREAM_OK;
    }

    if (n == 0) {
        port_done(c, peek);
        return NGX_STREAM_OK;
    }

    return port_parse(s, peek, n, timeout);
}


/* What of the hello has come, in port_buffer. */

static ngx_int_t
port_parse(ngx_stream_session_t *s, wgw_peek_t *peek, size_t len,
    ngx_msec_t timeout)
{
    ngx_connection_t  *c;

    c = s->connection;

    peek->rc = wgw_hello_parse(&peek->hello, port_buffer, len);

    if (peek->rc == WGW_HELLO_AGAIN) {

        peek->wanted = peek->hello.wanted;

        /* no more will come; under epoll there is no other sign of it */

        if (c->read->pending_eof) {
            port_done(c, peek);
            return NGX_STREAM_OK;
        }

        return port_wait(s, peek, timeout);
    }

    port_done(c, peek);

    /* the bytes are there, and no new edge of epoll will tell */

    c->read->ready = 1;

    return NGX_DECLINED;
}


static ngx_int_t
port_wait(ngx_stream_session_t *s, wgw_peek_t *peek, ngx_msec_t timeout)
{
    ngx_connection_t    *c;
    ngx_pool_cleanup_t  *cln;

    c = s->connection;

    if (peek->timer == NULL) {
        cln = ngx_pool_cleanup_add(c->pool, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        peek->timer = ngx_pcalloc(c->pool, sizeof(ngx_event_t));
        if (peek->timer == NULL) {
            return NGX_ERROR;
        }

        cln->handler = port_cleanup;
        cln->data = peek;

        /* the phase engine stops the timer of c->read */

        peek->timer->data = c;
        peek->timer->handler = port_timeout;
        peek->timer->log = c->log;

        ngx_add_timer(peek->timer, timeout);

        /* the oldest of these go when there are no free connections */

        ngx_reusable_connection(c, 1);
    }

    c->read->handler = port_read;

    if (!c->read->active
        && ngx_add_event(c->read, NGX_READ_EVENT, NGX_CLEAR_EVENT) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_DONE;
}


static void
port_done(ngx_connection_t *c, wgw_peek_t *peek)
{
    if (peek->timer == NULL) {
        return;
    }

    port_cleanup(peek);

    ngx_reusable_connection(c, 0);
}


static void
port_cleanup(void *data)
{
    wgw_peek_t *peek = data;

    if (peek->timer->timer_set) {
        ngx_del_timer(peek->timer);
    }
}


static void
port_read(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_stream_core_run_phases(c->data);
}


static void
port_timeout(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    ngx_stream_core_run_phases(c->data);
}


char *
wgw_port_check(ngx_cycle_t *cycle, wgw_offload_t *offload)
{
    ngx_addr_t            *addr;
    ngx_listening_t       *ls;
    ngx_http_addr_conf_t  *conf;

    addr = &offload->addr;

    if (addr->sockaddr->sa_family != AF_UNIX
        && ngx_inet_wildcard(addr->sockaddr))
    {
        return "is a wildcard address";
    }

    ls = port_listener(cycle, addr);

    if (ls == NULL) {
        return "is no address that a server in http listens on by itself";
    }

    conf = port_addr_conf(ls);

    if (!conf->ssl) {
        return "is listened on without \"ssl\"";
    }

    /* the header of that protocol was read in stream, or never sent */

    if (conf->proxy_protocol) {
        return "is listened on with \"proxy_protocol\"";
    }

    return NULL;
}


void
wgw_port_find(ngx_cycle_t *cycle, wgw_offload_t *offload)
{
    offload->listening = port_listener(cycle, &offload->addr);
}


void
wgw_port_hand_over(ngx_stream_session_t *s, wgw_offload_t *offload)
{
    ngx_listening_t   *ls;
    ngx_connection_t  *c;

    c = s->connection;

    c->log->action = "handing connection over to http";

    ls = offload->listening;

    if (ls == NULL || (c->buffer && c->buffer->pos != c->buffer->last)) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0, "cannot hand over to \"%V\": %s",
                      &offload->addr.name, ls ? "the connection was read from"
                                      : "nobody listens");
        ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
        return;
    }

    if (port_local(c, ls) != NGX_OK) {
        ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
        return;
    }

    c->listening = ls;
    c->data = NULL;
    c->buffer = NULL;

    *c->log = ls->log;
    c->log->handler = NULL;
    c->log->data = NULL;

    ls->handler(c);
}


/*
 * http tells the type of its listener's structures by the family of this
 * address, which may differ from the socket's.  So it is of that family, and
 * a wildcard: who needs the address asks the socket then, and gets what the
 * client connected to.  The port in redirects is taken from here.
 */

static ngx_int_t
port_local(ngx_connection_t *c, ngx_listening_t *ls)
{
    in_port_t        port;
    ngx_sockaddr_t  *local;

    local = ngx_pcalloc(c->pool, sizeof(ngx_sockaddr_t));
    if (local == NULL) {
        return NGX_ERROR;
    }

    port = ngx_inet_get_port(c->local_sockaddr);

    c->local_socklen = sizeof(struct sockaddr_in);
    local->sockaddr.sa_family = AF_INET;

#if (NGX_HAVE_INET6)
    if (ls->sockaddr->sa_family == AF_INET6) {
        c->local_socklen = sizeof(struct sockaddr_in6);
        local->sockaddr.sa_family = AF_INET6;
    }
#endif

    ngx_inet_set_port(&local->sockaddr, port);

    c->local_sockaddr = &local->sockaddr;

    return NGX_OK;
}


static ngx_listening_t *
port_listener(ngx_cycle_t *cycle, ngx_addr_t *addr)
{
    ngx_uint_t        i;
    ngx_listening_t  *ls;

    ls = cycle->listening.elts;

    for (i = 0; i < cycle->listening.nelts; i++) {

        /* a TCP connection must not reach a listener for UDP (http/3) */

        if (ls[i].type == SOCK_STREAM
            && ls[i].handler == ngx_http_init_connection
            && ngx_cmp_sockaddr(ls[i].sockaddr, ls[i].socklen,
                                addr->sockaddr, addr->socklen, 1)
               == NGX_OK)
        {
            return &ls[i];
        }
    }

    return NULL;
}


/* A listener at an address of its own has exactly one entry. */

static ngx_http_addr_conf_t *
port_addr_conf(ngx_listening_t *ls)
{
    ngx_http_port_t      *port;
    ngx_http_in_addr_t   *addr;
#if (NGX_HAVE_INET6)
    ngx_http_in6_addr_t  *addr6;
#endif

    port = ls->servers;

#if (NGX_HAVE_INET6)
    if (ls->sockaddr->sa_family == AF_INET6) {
        addr6 = port->addrs;
        return &addr6[0].conf;
    }
#endif

    addr = port->addrs;
    return &addr[0].conf;
}
