
#include "flow.h"
#include "chain.h"

#include <ngx_event.h>

#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif


#define WGW_FLOW_BUCKETS  4096

/* counted at least so often, and the most that one call may move */
#define WGW_FLOW_STEP     1048576

/*
 * A flow waits for what others hold, some milliseconds and so many times.
 * They hold for longer when their clients do not read: that is as good as
 * used, and who waits is cut.
 */
#define WGW_FLOW_PAUSE    10
#define WGW_FLOW_PAUSES   50


static ssize_t wgw_flow_recv(ngx_connection_t *c, u_char *buf, size_t size);
static ssize_t wgw_flow_recv_capped(wgw_flow_t *flow, u_char *buf,
    size_t size);
static ssize_t wgw_flow_recv_nothing(wgw_flow_t *flow, u_char *buf,
    size_t size);
static ngx_int_t wgw_flow_input(ngx_connection_t *c);

static ssize_t wgw_flow_send(ngx_connection_t *c, u_char *buf, size_t size);
static ssize_t wgw_flow_send_capped(wgw_flow_t *flow, u_char *buf,
    size_t size);
static ngx_chain_t *wgw_flow_send_chain(ngx_connection_t *c, ngx_chain_t *in,
    off_t limit);
static ngx_chain_t *wgw_flow_send_chain_capped(wgw_flow_t *flow,
    ngx_chain_t *in, off_t limit);
static ngx_chain_t *wgw_flow_offer(wgw_flow_t *flow, ngx_chain_t *in,
    off_t allowed, off_t limit, ngx_uint_t *more);
static ngx_chain_t *wgw_flow_exhausted(wgw_flow_t *flow, ngx_chain_t *in,
    int waiting);
static void wgw_flow_settle(wgw_flow_t *flow, off_t again);
static off_t wgw_flow_below(ngx_connection_t *c);
static ngx_uint_t wgw_flow_again(ngx_connection_t *c);
static ngx_int_t wgw_flow_head(wgw_flow_t *flow, off_t allowed,
    int *waiting);

static void wgw_flow_cut(wgw_flow_t *flow);
static void wgw_flow_check(wgw_flow_t *flow);
static ngx_int_t wgw_flow_pause(wgw_flow_t *flow, ngx_event_t *ev);
static void wgw_flow_wake(ngx_event_t *ev);
static void wgw_flow_attach(wgw_flow_t *flow);
static void wgw_flow_detach(wgw_flow_t *flow);
static wgw_flow_t **wgw_flow_bucket(ngx_connection_t *c);


/* of this process: a worker begins with none */
static ngx_queue_t   wgw_flows;
static wgw_flow_t   *wgw_flow_buckets[WGW_FLOW_BUCKETS];


void
wgw_flow_setup(void)
{
    if (wgw_flows.next == NULL) {
        ngx_queue_init(&wgw_flows);
    }
}


void
wgw_flow_init(wgw_flow_t *flow, const wgw_flow_class_t *class, void *data,
    ngx_connection_t *c, ngx_pool_t *pool)
{
    flow->class = class;
    flow->data = data;
    flow->connection = c;
    flow->pool = pool;

    flow->meters.log = c->log;
    flow->meters.data = data;
}


void
wgw_flow_start(wgw_flow_t *flow, ngx_uint_t attach)
{
    wgw_flow_t  *old;

    if (attach) {
        old = wgw_flow_find(flow->connection);

        if (old) {
            wgw_flow_done(old);
        }

        wgw_flow_attach(flow);
    }

    ngx_queue_insert_tail(&wgw_flows, &flow->queue);
    flow->started = 1;
}


void
wgw_flow_admit(wgw_flow_t *flow, off_t length, size_t head)
{
    wgw_meters_admit(&flow->meters, length, head);

    flow->head = 1;
    flow->in = (flow->meters.hard & WGW_COUNT_RECEIVED) ? length : 0;

    wgw_flow_flush(flow);
}


/* After a session was handed over, c->sent is another's and may be 0. */

void
wgw_flow_flush(wgw_flow_t *flow)
{
    off_t  sent, received, total;

    if (flow->meters.status == 0) {
        return;
    }

    sent = flow->connection->sent;

    if (sent < flow->sent) {
        flow->sent = 0;
    }

    sent -= flow->sent;

    total = flow->class->received(flow);
    received = total > flow->received ? total - flow->received : 0;

    if (sent == 0 && received == 0) {
        return;
    }

    wgw_meters_add(&flow->meters, sent, received, 0);

    flow->sent += sent;
    flow->received += received;

    received = ngx_min(received, flow->in);

    if (received) {
        flow->in -= received;
        wgw_meters_release(&flow->meters, WGW_COUNT_RECEIVED, received);
    }
}


void
wgw_flow_done(wgw_flow_t *flow)
{
    if (!flow->started) {
        return;
    }

    wgw_flow_flush(flow);
    wgw_meters_release_all(&flow->meters);

    if (flow->attached) {
        wgw_flow_detach(flow);
    }

    ngx_queue_remove(&flow->queue);
    flow->started = 0;
}


wgw_flow_t *
wgw_flow_find(ngx_connection_t *c)
{
    wgw_flow_t  *flow;

    for (flow = *wgw_flow_bucket(c); flow; flow = flow->next) {
        if (flow->connection == c) {
            return flow;
        }
    }

    return NULL;
}


void
wgw_flow_flush_all(void)
{
    ngx_queue_t  *q;

    for (q = ngx_queue_head(&wgw_flows);
         q != ngx_queue_sentinel(&wgw_flows);
         q = ngx_queue_next(q))
    {
        wgw_flow_flush(ngx_queue_data(q, wgw_flow_t, queue));
    }
}


void
wgw_flow_leave(void)
{
    ngx_queue_t  *q;
    wgw_flow_t   *flow;

    for (q = ngx_queue_head(&wgw_flows);
         q != ngx_queue_sentinel(&wgw_flows);
         q = ngx_queue_next(q))
    {
        flow = ngx_queue_data(q, wgw_flow_t, queue);

        wgw_flow_flush(flow);
        wgw_meters_release_all(&flow->meters);
    }
}


void
wgw_flow_sweep(void)
{
    ngx_queue_t  *q;
    wgw_flow_t   *flow;

    for (q = ngx_queue_head(&wgw_flows);
         q != ngx_queue_sentinel(&wgw_flows);
         q = ngx_queue_next(q))
    {
        flow = ngx_queue_data(q, wgw_flow_t, queue);

        wgw_flow_flush(flow);

        if (flow->meters.status != WGW_METER_REJECTED) {
            wgw_meters_refresh(&flow->meters);
            wgw_flow_check(flow);
        }
    }
}


/*
 * Soft caps are enforced here.  Hard ones are by the calls themselves, but
 * who says nothing would never be told.  Only events are posted: a handler
 * could free flows of the queue that is being walked.
 */

static void
wgw_flow_check(wgw_flow_t *flow)
{
    ngx_connection_t  *c;

    if (flow->cut
        || !(flow->meters.hard || flow->meters.soft)
        || !wgw_meters_over(&flow->meters))
    {
        return;
    }

    c = flow->connection;

    if (flow->class->closable(flow)) {
        flow->cut = 1;
        wgw_meters_cut(&flow->meters);

        c->close = 1;
        c->error = 1;

        ngx_post_event(c->read, &ngx_posted_events);
        return;
    }

    if (flow->meters.soft) {
        flow->over = 1;
    }
}


static ssize_t
wgw_flow_recv(ngx_connection_t *c, u_char *buf, size_t size)
{
    ssize_t      n;
    wgw_flow_t  *flow;

    flow = wgw_flow_find(c);

    if (flow == NULL) {
        return NGX_ERROR;
    }

    if (flow->over || (flow->meters.hard & WGW_COUNT_RECEIVED)) {
        return wgw_flow_recv_capped(flow, buf, size);
    }

    n = flow->recv(c, buf, size);

    if (n > 0) {
        flow->read += n;

        if (flow->read - flow->received >= WGW_FLOW_STEP) {
            wgw_flow_flush(flow);
        }
    }

    return n;
}


static ssize_t
wgw_flow_recv_capped(wgw_flow_t *flow, u_char *buf, size_t size)
{
    int       waiting;
    ssize_t   n;
    uint64_t  got;

    /* what was read before has found its place by now */

    wgw_flow_flush(flow);

    waiting = 0;
    got = 0;

    if (!flow->over) {
        got = wgw_meters_hold(&flow->meters, WGW_COUNT_RECEIVED, size,
                              &waiting);
    }

    if (got == 0) {
        if (waiting && wgw_flow_pause(flow, flow->connection->read) == NGX_OK)
        {
            return NGX_AGAIN;
        }

        return wgw_flow_recv_nothing(flow, buf, size);
    }

    flow->pauses = 0;

    n = flow->recv(flow->connection, buf, got);

    if (n > 0) {
        flow->read += n;
        flow->in += n;
        got -= n;
    }

    wgw_meters_release(&flow->meters, WGW_COUNT_RECEIVED, got);

    if (flow->tail) {
        wgw_flow_flush(flow);
    }

    return n;
}


/*
 * Nothing may come in any more: that is an error when something would.  The
 * stream proxy spins on an error that leaves the event ready.
 */

static ssize_t
wgw_flow_recv_nothing(wgw_flow_t *flow, u_char *buf, size_t size)
{
    ngx_connection_t  *c;

    c = flow->connection;

    if (!flow->over) {
        switch (wgw_flow_input(c)) {

        case NGX_AGAIN:
            c->read->ready = 0;
            return NGX_AGAIN;

        case NGX_DONE:
            return flow->recv(c, buf, size);
        }
    }

    c->read->ready = 0;
    c->read->error = 1;
    c->read->eof = 1;

    wgw_flow_cut(flow);

    return NGX_ERROR;
}


/* NGX_OK: there are bytes, NGX_AGAIN: none yet, NGX_DONE: the end */

static ngx_int_t
wgw_flow_input(ngx_connection_t *c)
{
    u_char   byte;
    ssize_t  n;

#if (NGX_SSL)

    if (c->ssl) {
        n = SSL_peek(c->ssl->connection, &byte, 1);

        if (n > 0) {
            return NGX_OK;
        }

        n = SSL_get_error(c->ssl->connection, n);
        ERR_clear_error();

        return n == SSL_ERROR_WANT_READ ? NGX_AGAIN : NGX_DONE;
    }

#endif

    n = recv(c->fd, &byte, 1, MSG_PEEK);

    if (n > 0) {
        return NGX_OK;
    }

    return n == -1 && ngx_socket_errno == NGX_EAGAIN ? NGX_AGAIN : NGX_DONE;
}


static ssize_t
wgw_flow_send(ngx_connection_t *c, u_char *buf, size_t size)
{
    ssize_t      n;
    wgw_flow_t  *flow;

    flow = wgw_flow_find(c);

    if (flow == NULL) {
        return NGX_ERROR;
    }

    if (flow->over || (flow->meters.hard & WGW_COUNT_SENT)) {
        return wgw_flow_send_capped(flow, buf, size);
    }

    n = flow->send(c, buf, size);

    if (c->sent - flow->sent >= WGW_FLOW_STEP) {
        wgw_flow_flush(flow);
        wgw_flow_check(flow);
    }

    return n;
}


/*
 * The error is returned in the call in which the last byte went out: after a
 * short count nginx would wait for the socket to become writable, which it
 * is.
 */

static ssize_t
wgw_flow_send_capped(wgw_flow_t *flow, u_char *buf, size_t size)
{
    int                waiting;
    size_t             sent;
    off_t              want, allowed;
    ssize_t            n;
    ngx_connection_t  *c;

    c = flow->connection;
    sent = 0;
    waiting = 0;

    while (!flow->over && sent < size) {
        want = size - sent - flow->again;
        allowed = flow->again;

        if (want > 0) {
            allowed += wgw_meters_hold(&flow->meters, WGW_COUNT_SENT, want,
                                       &waiting);
            flow->out += allowed - flow->again;
        }

        if (allowed == 0) {
            break;
        }

        flow->pauses = 0;

        n = flow->send(c, buf + sent, allowed);

        wgw_flow_settle(flow, n == NGX_AGAIN && c->ssl ? allowed : 0);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (n <= 0) {
            return sent ? (ssize_t) sent : n;
        }

        sent += n;

        if (n < allowed) {
            return sent;
        }
    }

    if (sent == size) {
        return sent;
    }

    if (waiting && wgw_flow_pause(flow, c->write) == NGX_OK) {
        return sent ? (ssize_t) sent : NGX_AGAIN;
    }

    wgw_flow_cut(flow);

    return NGX_ERROR;
}


static ngx_chain_t *
wgw_flow_send_chain(ngx_connection_t *c, ngx_chain_t *in, off_t limit)
{
    wgw_flow_t   *flow;
    ngx_chain_t  *out;

    flow = wgw_flow_find(c);

    if (flow == NULL) {
        return NGX_CHAIN_ERROR;
    }

    if (flow->over || (flow->meters.hard & WGW_COUNT_SENT)) {
        return wgw_flow_send_chain_capped(flow, in, limit);
    }

    out = flow->send_chain(c, in, limit);

    /* at the end of a response: its client may look at the totals next */

    if (out == NULL || c->sent - flow->sent >= WGW_FLOW_STEP) {
        wgw_flow_flush(flow);

        if (out && out != NGX_CHAIN_ERROR) {
            wgw_flow_check(flow);
        }
    }

    return out;
}


static ngx_chain_t *
wgw_flow_send_chain_capped(wgw_flow_t *flow, ngx_chain_t *in, off_t limit)
{
    int          waiting;
    off_t        size, total, want, allowed;
    ngx_uint_t   more;

    total = 0;

    for ( ;; ) {
        size = wgw_chain_size(in, WGW_FLOW_STEP);

        if (size == 0) {
            in = flow->send_chain(flow->connection, in, limit);
            wgw_flow_settle(flow, 0);
            return in;
        }

        if (flow->over) {
            return wgw_flow_exhausted(flow, in, 0);
        }

        waiting = 0;
        want = ngx_max(ngx_min(size, WGW_FLOW_STEP) - flow->again, 0);
        allowed = flow->again;

        if (want > 0) {
            allowed += wgw_meters_hold(&flow->meters, WGW_COUNT_SENT, want,
                                       &waiting);
            flow->out += allowed - flow->again;
        }

        if (flow->head
            && wgw_flow_head(flow, allowed, &waiting) != NGX_OK)
        {
            return waiting ? in : NGX_CHAIN_ERROR;
        }

        if (allowed == 0) {
            return wgw_flow_exhausted(flow, in, waiting);
        }

        flow->head = 0;
        flow->pauses = 0;

        in = wgw_flow_offer(flow, in, size > allowed ? allowed : 0, limit,
                            &more);

        if (in == NULL || in == NGX_CHAIN_ERROR || !more) {
            return in;
        }

        /* all that was allowed went, and there is more */

        total += allowed;

        if (total >= WGW_FLOW_STEP) {
            ngx_post_event(flow->connection->write,
                           &ngx_posted_next_events);
            return in;
        }
    }
}


/*
 * A response header goes as a whole or not at all: a client could not tell
 * its beginning from another answer.
 */

static ngx_int_t
wgw_flow_head(wgw_flow_t *flow, off_t allowed, int *waiting)
{
    off_t  head;

    head = flow->class->head ? flow->class->head(flow) : 0;

    if (allowed >= head) {
        return NGX_OK;
    }

    wgw_flow_settle(flow, 0);

    if (wgw_meters_fit(&flow->meters, WGW_COUNT_SENT, head)
        && wgw_flow_pause(flow, flow->connection->write) == NGX_OK)
    {
        *waiting = 1;
        return NGX_AGAIN;
    }

    *waiting = 0;
    wgw_meters_deny(&flow->meters);
    flow->class->refuse(flow);

    return NGX_DECLINED;
}


static ngx_chain_t *
wgw_flow_exhausted(wgw_flow_t *flow, ngx_chain_t *in, int waiting)
{
    ngx_chain_t       *out;
    ngx_connection_t  *c;

    c = flow->connection;

    if (waiting && wgw_flow_pause(flow, c->write) == NGX_OK) {
        return in;
    }

    /* what TLS has taken is paid for and must leave first */

    if (c->buffered & NGX_LOWLEVEL_BUFFERED) {
        out = flow->send_chain(c, NULL, 0);
        wgw_flow_settle(flow, 0);

        if (out == NGX_CHAIN_ERROR) {
            return out;
        }

        if (c->buffered & NGX_LOWLEVEL_BUFFERED) {
            return in;
        }
    }

    wgw_flow_cut(flow);

    return NGX_CHAIN_ERROR;
}


/* Offers the first bytes of a chain, all of it when `allowed` is 0. */

static ngx_chain_t *
wgw_flow_offer(wgw_flow_t *flow, ngx_chain_t *in, off_t allowed, off_t limit,
    ngx_uint_t *more)
{
    off_t              rest;
    ngx_chain_t       *out, *next;
    ngx_connection_t  *c;
    wgw_chain_t        cut;

    c = flow->connection;

    cut.link = NULL;

    if (allowed) {
        wgw_chain_shorten(&cut, in, allowed);
    }

    out = flow->send_chain(c, in, limit);

    rest = 0;

    if (out != NULL && out != NGX_CHAIN_ERROR) {
        rest = wgw_chain_size(out, NGX_MAX_OFF_T_VALUE);
    }

    next = wgw_chain_restore(&cut);

    *more = out == NULL && next != NULL;

    wgw_flow_settle(flow, rest && wgw_flow_again(c) ? rest : 0);

    return out == NULL ? next : out;
}


static void
wgw_flow_settle(wgw_flow_t *flow, off_t again)
{
    off_t  keep;

    wgw_flow_flush(flow);

    flow->again = again;
    keep = again + wgw_flow_below(flow->connection);

    if (flow->out > keep) {
        wgw_meters_release(&flow->meters, WGW_COUNT_SENT, flow->out - keep);
        flow->out = keep;
    }
}


static off_t
wgw_flow_below(ngx_connection_t *c)
{
#if (NGX_SSL)

    if (c->ssl && c->ssl->buf) {
        return c->ssl->buf->last - c->ssl->buf->pos;
    }

#endif

    return 0;
}


/* 1 when what is left of a chain is committed already */

static ngx_uint_t
wgw_flow_again(ngx_connection_t *c)
{
#if (NGX_THREADS)

    if (c->sendfile_task
        && (c->sendfile_task->event.active
            || c->sendfile_task->event.complete))
    {
        return 1;
    }

#endif

#if (NGX_SSL)

    if (c->ssl) {
        return !c->ssl->buffer;
    }

#endif

    return 0;
}


static void
wgw_flow_cut(wgw_flow_t *flow)
{
    flow->connection->error = 1;

    if (flow->cut) {
        return;
    }

    flow->cut = 1;

    wgw_meters_cut(&flow->meters);

    if (flow->class->cut) {
        flow->class->cut(flow);
    }
}


/*
 * An event of its own, because nginx sets and deletes the timers of the
 * connection's events all the time.
 */

static ngx_int_t
wgw_flow_pause(wgw_flow_t *flow, ngx_event_t *ev)
{
    ngx_event_t       *wake;
    ngx_connection_t  *c;

    if (flow->pauses++ == WGW_FLOW_PAUSES) {
        return NGX_DECLINED;
    }

    c = flow->connection;
    wake = flow->wake;

    if (wake == NULL) {
        wake = ngx_pcalloc(flow->pool, sizeof(ngx_event_t));
        if (wake == NULL) {
            return NGX_ERROR;
        }

        wake->handler = wgw_flow_wake;
        wake->data = c;
        wake->log = c->log;

        flow->wake = wake;
    }

    if (ev->write) {
        flow->wake_write = 1;

    } else {
        flow->wake_read = 1;
    }

    ev->ready = 0;

    if (!wake->timer_set) {
        ngx_add_timer(wake, WGW_FLOW_PAUSE);
    }

    return NGX_OK;
}


static void
wgw_flow_wake(ngx_event_t *ev)
{
    wgw_flow_t        *flow;
    ngx_connection_t  *c;

    c = ev->data;
    flow = wgw_flow_find(c);

    if (flow == NULL) {
        return;
    }

    if (flow->wake_write) {
        flow->wake_write = 0;
        c->write->ready = 1;
        ngx_post_event(c->write, &ngx_posted_events);
    }

    if (flow->wake_read) {
        flow->wake_read = 0;
        c->read->ready = 1;
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


static void
wgw_flow_attach(wgw_flow_t *flow)
{
    wgw_flow_t        **bucket;
    ngx_connection_t   *c;

    c = flow->connection;

    flow->recv = c->recv;
    flow->send = c->send;
    flow->send_chain = c->send_chain;

    c->recv = wgw_flow_recv;
    c->send = wgw_flow_send;
    c->send_chain = wgw_flow_send_chain;

    bucket = wgw_flow_bucket(c);

    flow->next = *bucket;
    *bucket = flow;

    flow->attached = 1;
}


/* TLS puts a field back to the plain one when it shuts down. */

static void
wgw_flow_detach(wgw_flow_t *flow)
{
    wgw_flow_t        **p;
    ngx_connection_t   *c;

    c = flow->connection;

    if (c->recv == wgw_flow_recv) {
        c->recv = flow->recv;
    }

    if (c->send == wgw_flow_send) {
        c->send = flow->send;
    }

    if (c->send_chain == wgw_flow_send_chain) {
        c->send_chain = flow->send_chain;
    }

    for (p = wgw_flow_bucket(c); *p; p = &(*p)->next) {
        if (*p == flow) {
            *p = flow->next;
            break;
        }
    }

    if (flow->wake && flow->wake->timer_set) {
        ngx_del_timer(flow->wake);
    }

    flow->attached = 0;
}


/* connections are an array: neighbours get neighbouring buckets */

static wgw_flow_t **
wgw_flow_bucket(ngx_connection_t *c)
{
    return &wgw_flow_buckets[(uintptr_t) c / sizeof(ngx_connection_t)
                             % WGW_FLOW_BUCKETS];
}
