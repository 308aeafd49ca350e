
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include <hiredis/hiredis.h>
#include <netdb.h>

#include "fleet/link.h"


#define LINK_TICK   250                 /* ms: how often it is looked at */
#define LINK_READ   16384
#define LINK_START  4096                /* bytes of `out` at first */


static void link_begin(wgw_link_t *link, ngx_int_t rc);
static ngx_int_t link_resolve(wgw_link_t *link);
static void link_connect(ngx_event_t *ev);
static ngx_int_t link_put(wgw_link_t *link, const char *data, size_t len);
static ngx_int_t link_room(wgw_link_t *link, size_t len);
static wgw_link_pending_t *link_push(wgw_link_t *link);
static void link_write(wgw_link_t *link);
static void link_flush(ngx_event_t *ev);
static void link_writable(ngx_event_t *ev);
static void link_readable(ngx_event_t *ev);
static ngx_int_t link_replies(wgw_link_t *link);
static void link_reply(wgw_link_t *link, const redisReply *reply);
static void link_pop(wgw_link_t *link, wgw_link_pending_t *pending);
static void link_answer(const wgw_link_pending_t *pending,
    const redisReply *reply);
static void link_timer(ngx_event_t *ev);
static void link_hang_up(wgw_link_t *link);


ngx_int_t
wgw_link_init(wgw_link_t *link, wgw_fleet_t *fleet, void *data)
{
    link->fleet = fleet;
    link->data = data;

    link->timer.handler = link_timer;
    link->timer.data = link;
    link->timer.log = ngx_cycle->log;
    link->timer.cancelable = 1;

    link->flush.handler = link_flush;
    link->flush.data = link;
    link->flush.log = ngx_cycle->log;

    link->pending = ngx_alloc(WGW_LINK_PENDING * sizeof(wgw_link_pending_t),
                              ngx_cycle->log);

    return link->pending ? NGX_OK : NGX_ERROR;
}


void
wgw_link_free(wgw_link_t *link)
{
    if (link->pending) {
        ngx_free(link->pending);
    }

    if (link->host.host.data) {
        ngx_free(link->host.host.data);
    }

    link->pending = NULL;
    link->host.host.data = NULL;
}


ngx_int_t
wgw_link_host(wgw_link_t *link, const char *host, size_t len, in_port_t port)
{
    u_char  *p;

    p = ngx_alloc(len + 1, ngx_cycle->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, host, len);
    p[len] = '\0';

    if (link->host.host.data) {
        ngx_free(link->host.host.data);
    }

    link->host.host.data = p;
    link->host.host.len = len;
    link->host.port = port;

    return NGX_OK;
}


void
wgw_link_open(wgw_link_t *link)
{
    ngx_int_t               rc;
    ngx_peer_connection_t  *pc;

    link->since = ngx_current_msec;
    link->connected = 0;
    link->serial = 0;

    if (link_resolve(link) != NGX_OK) {
        link->lost(link, "host not found");
        return;
    }

    pc = &link->peer;
    ngx_memzero(pc, sizeof(ngx_peer_connection_t));

    pc->sockaddr = &link->sockaddr.sockaddr;
    pc->socklen = pc->sockaddr->sa_family == AF_INET6
                  ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    pc->name = &link->host.host;
    pc->get = ngx_event_get_peer;
    pc->log = ngx_cycle->log;
    pc->log_error = NGX_ERROR_INFO;

    rc = ngx_event_connect_peer(pc);

    if (rc != NGX_OK && rc != NGX_AGAIN) {

        /* with NGX_DECLINED there is a connection, to be closed */

        if (pc->connection) {
            ngx_close_connection(pc->connection);
            pc->connection = NULL;
        }

        link->lost(link, "cannot connect");
        return;
    }

    link->connection = pc->connection;

    link_begin(link, rc);
}


static void
link_begin(wgw_link_t *link, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = link->connection;

    c->data = link;
    c->log = ngx_cycle->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->pool = ngx_create_pool(1024, c->log);
    link->reader = redisReaderCreate();

    if (c->pool == NULL || link->reader == NULL) {
        wgw_link_close(link, "no memory");
        return;
    }

    c->read->handler = link_connect;
    c->write->handler = link_connect;

    ngx_add_timer(&link->timer, LINK_TICK);

    if (rc == NGX_OK) {
        link_connect(c->write);
    }
}


/* Anew for each connection: names may move; and one address after another. */

static ngx_int_t
link_resolve(wgw_link_t *link)
{
    int               rc;
    ngx_uint_t        n, turn;
    struct addrinfo   hints, *res, *ai;

    ngx_memzero(&hints, sizeof(struct addrinfo));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;

    rc = getaddrinfo((char *) link->host.host.data, NULL, &hints, &res);

    if (rc != 0 || res == NULL) {
        return NGX_ERROR;
    }

    for (n = 0, ai = res; ai; ai = ai->ai_next) {
        n++;
    }

    turn = link->turn++ % n;

    for (ai = res; turn; ai = ai->ai_next) {
        turn--;
    }

    rc = NGX_ERROR;

    if (ai->ai_addrlen <= sizeof(ngx_sockaddr_t)) {
        ngx_memcpy(&link->sockaddr, ai->ai_addr, ai->ai_addrlen);
        ngx_inet_set_port(&link->sockaddr.sockaddr, link->host.port);
        rc = NGX_OK;
    }

    freeaddrinfo(res);

    return rc;
}


static void
link_connect(ngx_event_t *ev)
{
    int                err;
    socklen_t          len;
    wgw_link_t        *link;
    ngx_connection_t  *c;

    c = ev->data;
    link = c->data;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        ngx_log_error(NGX_LOG_INFO, c->log, err, "connect() failed");
        wgw_link_close(link, "cannot connect");
        return;
    }

    if (!ev->write && !c->write->ready) {
        return;
    }

    link->connected = 1;

    (void) ngx_tcp_nodelay(c);

#if (NGX_SSL)

    if (link->fleet->ssl) {
        wgw_link_tls(link);
        return;
    }

#endif

    wgw_link_established(link);
}


void
wgw_link_established(wgw_link_t *link)
{
    ngx_connection_t  *c;

    c = link->connection;

    c->read->handler = link_readable;
    c->write->handler = link_writable;

    wgw_link_hello(link);

    if (link->connection && ngx_handle_read_event(c->read, 0) != NGX_OK) {
        wgw_link_close(link, "no read event");
    }
}


ngx_int_t
wgw_link_send(wgw_link_t *link, unsigned flags, const wgw_text_t *args,
    ngx_uint_t n, wgw_wire_reply_pt reply, void *data)
{
    int                  len;
    char                *text;
    size_t               lens[WGW_WIRE_ARGS];
    ngx_int_t            rc;
    ngx_uint_t           i;
    const char          *argv[WGW_WIRE_ARGS];
    wgw_link_pending_t  *pending;

    if (link->connection == NULL || n > WGW_WIRE_ARGS
        || link->waiting == WGW_LINK_PENDING)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        argv[i] = args[i].data;
        lens[i] = args[i].len;
    }

    len = redisFormatCommandArgv(&text, (int) n, argv, lens);

    if (len <= 0) {
        return NGX_ERROR;
    }

    rc = link_put(link, text, (size_t) len);

    if (rc != NGX_OK || !link->keep || flags == 0) {
        redisFreeCommand(text);
        text = NULL;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    pending = link_push(link);

    pending->reply = reply;
    pending->data = data;
    pending->flags = flags;
    pending->tries = 0;
    pending->text = text;
    pending->len = (size_t) len;

    return NGX_OK;
}


ngx_int_t
wgw_link_again(wgw_link_t *link, const wgw_link_pending_t *from)
{
    wgw_link_pending_t  *pending;

    if (link->connection == NULL || link->waiting == WGW_LINK_PENDING
        || link_put(link, from->text, from->len) != NGX_OK)
    {
        return NGX_ERROR;
    }

    pending = link_push(link);

    *pending = *from;
    pending->sent = ngx_current_msec;
    pending->tries++;

    return NGX_OK;
}


static ngx_int_t
link_put(wgw_link_t *link, const char *data, size_t len)
{
    if (link_room(link, len) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memcpy(link->out + link->out_last, data, len);
    link->out_last += len;

    if (!link->flush.posted) {
        ngx_post_event(&link->flush, &ngx_posted_events);
    }

    return NGX_OK;
}


static ngx_int_t
link_room(wgw_link_t *link, size_t len)
{
    u_char  *out;
    size_t   size, used;

    if (link->out_size - link->out_last >= len) {
        return NGX_OK;
    }

    used = link->out_last - link->out_pos;
    size = link->out_size ? link->out_size : LINK_START;

    while (size - used < len) {
        size *= 2;
    }

    if (size > WGW_LINK_OUT) {
        return NGX_ERROR;
    }

    out = ngx_alloc(size, ngx_cycle->log);
    if (out == NULL) {
        return NGX_ERROR;
    }

    if (link->out) {
        ngx_memcpy(out, link->out + link->out_pos, used);
        ngx_free(link->out);
    }

    link->out = out;
    link->out_size = size;
    link->out_pos = 0;
    link->out_last = used;

    return NGX_OK;
}


/* There is room. */

static wgw_link_pending_t *
link_push(wgw_link_t *link)
{
    ngx_uint_t           i;
    wgw_link_pending_t  *pending;

    i = (link->head + link->waiting++) % WGW_LINK_PENDING;
    pending = &link->pending[i];
    pending->sent = ngx_current_msec;

    return pending;
}


static void
link_flush(ngx_event_t *ev)
{
    wgw_link_t  *link;

    link = ev->data;

    if (link->connection) {
        link_write(link);
    }
}


static void
link_writable(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    link_write(c->data);
}


static void
link_write(wgw_link_t *link)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = link->connection;

    while (link->out_pos < link->out_last && c->write->ready) {
        n = c->send(c, link->out + link->out_pos,
                    link->out_last - link->out_pos);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n <= 0) {
            wgw_link_close(link, "write failed");
            return;
        }

        link->out_pos += n;
    }

    if (link->out_pos == link->out_last) {
        link->out_pos = 0;
        link->out_last = 0;
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        wgw_link_close(link, "no write event");
    }
}


static void
link_readable(ngx_event_t *ev)
{
    ssize_t            n;
    u_char             buf[LINK_READ];
    wgw_link_t        *link;
    ngx_connection_t  *c;

    c = ev->data;
    link = c->data;

    while (c->read->ready) {
        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            break;
        }

        if (n <= 0) {
            wgw_link_close(link, n == 0 ? "closed by the server"
                                        : "read failed");
            return;
        }

        link->fed += n;

        if (redisReaderFeed(link->reader, (char *) buf, n) != REDIS_OK
            || link->fed > WGW_LINK_IN)
        {
            wgw_link_close(link, "a reply is too long");
            return;
        }

        if (link_replies(link) != NGX_OK) {
            return;
        }
    }

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        wgw_link_close(link, "no read event");
    }
}


/* NGX_ERROR: the connection is gone, or another one. */

static ngx_int_t
link_replies(wgw_link_t *link)
{
    void         *reply;
    redisReader  *reader;

    reader = link->reader;

    for ( ;; ) {
        reply = NULL;

        if (redisReaderGetReply(reader, &reply) != REDIS_OK
            || (reply && link->waiting == 0))
        {
            if (reply) {
                freeReplyObject(reply);
            }

            wgw_link_close(link, "a reply is not understood");
            return NGX_ERROR;
        }

        if (reply == NULL) {
            return NGX_OK;
        }

        link->fed = 0;
        link_reply(link, reply);
        freeReplyObject(reply);

        if (link->connection == NULL || link->reader != reader) {
            return NGX_ERROR;
        }
    }
}


static void
link_reply(wgw_link_t *link, const redisReply *reply)
{
    wgw_link_pending_t  pending;

    link_pop(link, &pending);

    if (reply->type == REDIS_REPLY_ERROR && link->error
        && link->error(link, &pending, reply))
    {
        return;
    }

    link_answer(&pending, reply);
}


/* The one that was sent first. */

static void
link_pop(wgw_link_t *link, wgw_link_pending_t *pending)
{
    *pending = link->pending[link->head];

    link->head = (link->head + 1) % WGW_LINK_PENDING;
    link->waiting--;
}


static void
link_answer(const wgw_link_pending_t *pending, const redisReply *reply)
{
    if (pending->text) {
        redisFreeCommand(pending->text);
    }

    if (pending->reply) {
        pending->reply(pending->data, reply);
    }
}


static void
link_timer(ngx_event_t *ev)
{
    wgw_link_t  *link;

    link = ev->data;

    if (link->connection == NULL) {
        return;
    }

    if (link->serial == 0
        && ngx_current_msec - link->since > WGW_LINK_CONNECT)
    {
        wgw_link_close(link, link->connected ? "no answer to the hello"
                                             : "connecting timed out");
        return;
    }

    if (link->waiting
        && ngx_current_msec - link->pending[link->head].sent
           > WGW_LINK_REPLY)
    {
        wgw_link_close(link, "a reply timed out");
        return;
    }

    ngx_add_timer(&link->timer, LINK_TICK);
}


void
wgw_link_close(wgw_link_t *link, const char *why)
{
    wgw_link_pending_t  pending;

    if (link->connection == NULL) {
        return;
    }

    link_hang_up(link);

    /* nothing is sent from these functions: there is no connection */

    while (link->waiting) {
        link_pop(link, &pending);
        link_answer(&pending, NULL);
    }

    link->lost(link, why);
}


static void
link_hang_up(wgw_link_t *link)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    c = link->connection;
    pool = c->pool;

    link->connection = NULL;
    link->serial = 0;

    if (link->timer.timer_set) {
        ngx_del_timer(&link->timer);
    }

    if (link->flush.posted) {
        ngx_delete_posted_event(&link->flush);
    }

    if (link->reader) {
        redisReaderFree(link->reader);
        link->reader = NULL;
    }

    if (link->out) {
        ngx_explicit_memzero(link->out, link->out_size);
        ngx_free(link->out);
        link->out = NULL;
    }

    link->out_size = 0;
    link->out_pos = 0;
    link->out_last = 0;
    link->fed = 0;

#if (NGX_SSL)

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;
        (void) ngx_ssl_shutdown(c);
    }

#endif

    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }
}
