
#include "meter/wrap.h"
#include "meter/brief.h"
#include "core/chain.h"

#include <ngx_event.h>


/* the most that one call may move under a soft cap */
#define WGW_WRAP_SOFT  524288


static ssize_t wgw_wrap_recv(ngx_connection_t *c, u_char *buf, size_t size);
static ssize_t wgw_wrap_send(ngx_connection_t *c, u_char *buf, size_t size);
static ngx_chain_t *wgw_wrap_send_chain(ngx_connection_t *c, ngx_chain_t *in,
    off_t limit);
static ngx_uint_t wgw_wrap_soft(wgw_flow_t *flow);
static ssize_t wgw_wrap_recv_bound(wgw_flow_t *flow, u_char *buf,
    size_t size);
static ssize_t wgw_wrap_recv_later(wgw_flow_t *flow, u_char *buf,
    size_t size, ngx_msec_t wait);
static ssize_t wgw_wrap_recv_nothing(wgw_flow_t *flow, u_char *buf,
    size_t size, int waiting);
static ngx_int_t wgw_wrap_input(ngx_connection_t *c);

static ssize_t wgw_wrap_send_bound(wgw_flow_t *flow, u_char *buf,
    size_t size);
static ssize_t wgw_wrap_send_later(wgw_flow_t *flow, size_t sent,
    int waiting, ngx_msec_t wait);
static ngx_chain_t *wgw_wrap_send_chain_long(wgw_flow_t *flow,
    ngx_chain_t *in, off_t limit);
static ngx_chain_t *wgw_wrap_left(wgw_flow_t *flow, ngx_chain_t *out);
static ngx_chain_t *wgw_wrap_send_chain_bound(wgw_flow_t *flow,
    ngx_chain_t *in, off_t limit);
static ngx_int_t wgw_wrap_piece(wgw_flow_t *flow, ngx_chain_t **in,
    off_t size, off_t limit, off_t *total);
static off_t wgw_wrap_head(wgw_flow_t *flow, ngx_uint_t *before);
static ngx_int_t wgw_wrap_torn(wgw_flow_t *flow, off_t head);
static ngx_chain_t *wgw_wrap_exhausted(wgw_flow_t *flow, ngx_chain_t *in,
    int waiting);
static ngx_chain_t *wgw_wrap_offer(wgw_flow_t *flow, ngx_chain_t *in,
    off_t allowed, ngx_uint_t shorten, off_t limit, ngx_uint_t *more);
static ngx_uint_t wgw_wrap_tls(ngx_connection_t *c);


const wgw_flow_wrap_t  wgw_wrap = {
    wgw_wrap_recv,
    wgw_wrap_send,
    wgw_wrap_send_chain,
    wgw_wrap_below,
    wgw_wrap_settle
};


/*
 * Looks at soft caps before a call moves bytes, as what others of the key moved
 * counts as well: a worker passes one by what a call may move.  1 when the flow
 * has been ended.
 */

static ngx_uint_t
wgw_wrap_soft(wgw_flow_t *flow)
{
    wgw_flow_flush(flow);
    wgw_flow_check(flow);

    return flow->cut && flow->connection->close;
}


static ssize_t
wgw_wrap_recv(ngx_connection_t *c, u_char *buf, size_t size)
{
    ssize_t      n;
    wgw_flow_t  *flow;

    flow = wgw_flow_find(c);

    if (flow == NULL) {
        return NGX_ERROR;
    }

    flow->settled = 0;

    if (flow->meters.soft && wgw_wrap_soft(flow)) {
        c->read->ready = 0;
        return NGX_AGAIN;
    }

    if (flow->class->recv && (flow->meters.hard | flow->meters.soft)) {
        return flow->class->recv(flow, buf, size);
    }

    if (wgw_flow_bound(flow, WGW_COUNT_RECEIVED)) {
        return wgw_wrap_recv_bound(flow, buf, size);
    }

    n = flow->recv(c, buf, size);

    if (n > 0) {
        flow->read += n;

        if (flow->read - flow->received >= WGW_WRAP_STEP) {
            wgw_flow_flush(flow);
        }
    }

    return n;
}


static ssize_t
wgw_wrap_recv_bound(wgw_flow_t *flow, u_char *buf, size_t size)
{
    int          waiting;
    ssize_t      n;
    uint64_t     got;
    ngx_msec_t   wait;

    /* what was read before has found its place by now */

    wgw_flow_flush(flow);

    waiting = 0;
    got = 0;

    if (!flow->over) {
        got = wgw_flow_take(flow, WGW_COUNT_RECEIVED, 1, size, &wait);

        if (got == 0) {
            return wgw_wrap_recv_later(flow, buf, size, wait);
        }

        got = wgw_meters_hold(&flow->meters, WGW_COUNT_RECEIVED, got,
                              &waiting);
    }

    if (got == 0) {
        return wgw_wrap_recv_nothing(flow, buf, size, waiting);
    }

    flow->pauses = 0;

    n = flow->recv(flow->connection, buf, got);

    if (n > 0) {
        flow->read += n;
        flow->in += n;
    }

    wgw_flow_moved(flow, WGW_COUNT_RECEIVED, ngx_max(n, 0), 0);

    if (flow->meters.soft) {
        wgw_flow_check(flow);
    }

    /* a tunnel's bytes are its own at once */

    if (flow->tail) {
        (void) wgw_flow_count(flow);
    }

    wgw_meters_keep(&flow->meters, flow->out, flow->in);

    return n;
}


/* Who has nothing to read needs no turn. */

static ssize_t
wgw_wrap_recv_later(wgw_flow_t *flow, u_char *buf, size_t size,
    ngx_msec_t wait)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = flow->connection;

    switch (wgw_wrap_input(c)) {

    case NGX_OK:
        return wgw_flow_delay(flow, c->read, wait) == NGX_OK ? NGX_AGAIN
                                                             : NGX_ERROR;
    case NGX_AGAIN:
        wgw_flow_moved(flow, WGW_COUNT_RECEIVED, 0, 0);
        c->read->ready = 0;
        return NGX_AGAIN;

    default: /* NGX_DONE */
        n = flow->recv(c, buf, size);

        if (n > 0) {
            flow->read += n;
        }

        wgw_flow_moved(flow, WGW_COUNT_RECEIVED, ngx_max(n, 0), 0);
        return n;
    }
}


/*
 * Nothing may come in any more: that is an error when something would.  The
 * stream proxy spins on an error that leaves the event ready.
 */

static ssize_t
wgw_wrap_recv_nothing(wgw_flow_t *flow, u_char *buf, size_t size, int waiting)
{
    ngx_connection_t  *c;

    c = flow->connection;

    wgw_flow_moved(flow, WGW_COUNT_RECEIVED, 0, 0);

    if (waiting && wgw_flow_pause(flow, c->read) == NGX_OK) {
        return NGX_AGAIN;
    }

    if (!flow->over) {
        switch (wgw_wrap_input(c)) {

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
wgw_wrap_input(ngx_connection_t *c)
{
    u_char   byte;
    ssize_t  n;

#if (NGX_HTTP_V3)

    if (c->quic) {
        return c->quic->recv.size ? NGX_OK : NGX_DONE;
    }

#endif

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
wgw_wrap_send(ngx_connection_t *c, u_char *buf, size_t size)
{
    ssize_t      n;
    wgw_flow_t  *flow;

    flow = wgw_flow_find(c);

    if (flow == NULL) {
        return NGX_ERROR;
    }

    flow->settled = 0;

    if (flow->meters.soft && wgw_wrap_soft(flow)) {
        return NGX_AGAIN;
    }

    if (wgw_flow_bound(flow, WGW_COUNT_SENT)) {
        return wgw_wrap_send_bound(flow, buf, size);
    }

    n = flow->send(c, buf, size);

    if (c->sent - flow->sent >= WGW_WRAP_STEP) {
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
wgw_wrap_send_bound(wgw_flow_t *flow, u_char *buf, size_t size)
{
    int                waiting;
    off_t              allowed;
    size_t             sent;
    ssize_t            n;
    ngx_msec_t         wait;
    ngx_connection_t  *c;

    c = flow->connection;
    sent = 0;
    waiting = 0;
    wait = 0;

    wgw_flow_flush(flow);

    while (!flow->over && sent < size) {

        /* `100 Continue` goes at once: nginx does not try again */

        allowed = wgw_wrap_room(flow, flow->tail, size - sent, &waiting,
                                &wait);

        if (allowed == 0) {
            break;
        }

        flow->pauses = 0;

        n = flow->send(c, buf + sent, allowed);

        wgw_wrap_settle(flow, n == NGX_AGAIN && wgw_wrap_tls(c)
                              ? allowed : 0);

        wgw_flow_moved(flow, WGW_COUNT_SENT, ngx_max(n, 0), flow->again);

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

    return sent == size ? (ssize_t) sent
                        : wgw_wrap_send_later(flow, sent, waiting, wait);
}


/* After what has gone, for a rate, for what others hold, or never. */

static ssize_t
wgw_wrap_send_later(wgw_flow_t *flow, size_t sent, int waiting,
    ngx_msec_t wait)
{
    ngx_event_t  *wev;

    wev = flow->connection->write;

    if (wait) {
        return wgw_flow_delay(flow, wev, wait) == NGX_OK
               ? (sent ? (ssize_t) sent : NGX_AGAIN) : NGX_ERROR;
    }

    if (waiting && wgw_flow_pause(flow, wev) == NGX_OK) {
        return sent ? (ssize_t) sent : NGX_AGAIN;
    }

    wgw_flow_cut(flow);

    return NGX_ERROR;
}


static ngx_chain_t *
wgw_wrap_send_chain(ngx_connection_t *c, ngx_chain_t *in, off_t limit)
{
    wgw_flow_t   *flow;
    ngx_chain_t  *out;

    flow = wgw_flow_find(c);

    if (flow == NULL) {
        return NGX_CHAIN_ERROR;
    }

    flow->settled = 0;

    switch (wgw_brief_send(flow, in, limit, &out)) {

    case NGX_OK:
        return out;

    case NGX_AGAIN:
        return wgw_wrap_left(flow, out);

    default: /* NGX_DECLINED */
        return wgw_wrap_send_chain_long(flow, in, limit);
    }
}


__attribute__((noinline))
static ngx_chain_t *
wgw_wrap_send_chain_long(wgw_flow_t *flow, ngx_chain_t *in, off_t limit)
{
    ngx_uint_t         ends;
    ngx_chain_t       *out;
    ngx_connection_t  *c;

    c = flow->connection;

    if (flow->meters.soft && wgw_wrap_soft(flow)) {
        return in;
    }

    if (wgw_flow_bound(flow, WGW_COUNT_SENT)) {
        return flow->class->send_chain
               ? flow->class->send_chain(flow, in, limit)
               : wgw_wrap_send_chain_bound(flow, in, limit);
    }

    if (flow->meters.soft && flow->class->send_chain) {
        return flow->class->send_chain(flow, in, limit);
    }

    if (flow->meters.soft) {
        limit = limit ? ngx_min(limit, WGW_WRAP_SOFT) : WGW_WRAP_SOFT;
    }

    ends = flow->meters.soft || wgw_chain_ends(in);

    out = flow->send_chain(c, in, limit);

    if ((out == NULL && ends) || c->sent - flow->sent >= WGW_WRAP_STEP) {
        wgw_flow_flush(flow);

        if (out != NGX_CHAIN_ERROR && (out || flow->meters.soft)) {
            wgw_flow_check(flow);
        }
    }

    /* stopped by our limit, which nobody above knows of */

    if (flow->meters.soft && out && out != NGX_CHAIN_ERROR
        && c->write->ready)
    {
        ngx_post_event(c->write, &ngx_posted_next_events);
    }

    return out;
}


/* An answer that went without being offered in pieces, but not all of it. */

__attribute__((noinline))
static ngx_chain_t *
wgw_wrap_left(wgw_flow_t *flow, ngx_chain_t *out)
{
    off_t  rest;

    rest = 0;

    if (out && out != NGX_CHAIN_ERROR && wgw_chain_again(flow->connection)) {
        rest = wgw_chain_size(out, NGX_MAX_OFF_T_VALUE);
    }

    wgw_wrap_settle(flow, rest);

    return out;
}


static ngx_chain_t *
wgw_wrap_send_chain_bound(wgw_flow_t *flow, ngx_chain_t *in, off_t limit)
{
    off_t              size, total;
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = flow->connection;
    total = 0;

    do {
        size = wgw_chain_size(in, WGW_WRAP_STEP);

        if (size == 0) {
            in = flow->send_chain(c, in, limit);
            wgw_wrap_settle(flow, 0);
            return in;
        }

        if (flow->over) {
            return wgw_wrap_exhausted(flow, in, 0);
        }

        rc = wgw_wrap_piece(flow, &in, size, limit, &total);

        if (rc != NGX_OK || (limit && total >= limit)) {
            return in;
        }

    } while (total < WGW_WRAP_STEP);

    ngx_post_event(c->write, &ngx_posted_next_events);

    return in;
}


/*
 * What may go of `size` bytes.  NGX_OK when all of that went, and there is
 * more; or NGX_DONE with what the caller returns.
 */

static ngx_int_t
wgw_wrap_piece(wgw_flow_t *flow, ngx_chain_t **in, off_t size, off_t limit,
    off_t *total)
{
    int           waiting;
    off_t         head, allowed;
    ngx_msec_t    wait;
    ngx_uint_t    more, before;

    before = 0;
    head = flow->head ? wgw_wrap_head(flow, &before) : 0;

    /* a header may be longer than a step */

    allowed = wgw_wrap_room(flow, ngx_max(head, 1),
                            ngx_min(size, ngx_max(head, WGW_WRAP_STEP)),
                            &waiting, &wait);

    if (wait) {
        *in = wgw_flow_delay(flow, flow->connection->write, wait) == NGX_OK
              ? *in : NGX_CHAIN_ERROR;
        return NGX_DONE;
    }

    if (allowed < head) {
        *in = wgw_wrap_torn(flow, head) == NGX_AGAIN ? *in : NGX_CHAIN_ERROR;
        return NGX_DONE;
    }

    if (allowed == 0) {
        *in = wgw_wrap_exhausted(flow, *in, waiting);
        return NGX_DONE;
    }

    if (flow->head) {
        flow->head = before;
        flow->hints = before;
    }

    flow->pauses = 0;

    *in = wgw_wrap_offer(flow, *in, allowed, size > allowed,
                         limit ? limit - *total : 0, &more);

    *total += allowed;

    return *in && *in != NGX_CHAIN_ERROR && more ? NGX_OK : NGX_DONE;
}


/* The bytes of the header that is next, `before` is 1 if it is an early one. */

static off_t
wgw_wrap_head(wgw_flow_t *flow, ngx_uint_t *before)
{
    off_t  head;

    head = flow->class->head ? flow->class->head(flow) : 0;

    if (head < 0) {
        *before = 1;
        return 0;
    }

    /* with what preceded it and has not left yet */

    return head && flow->hints ? head + flow->again : head;
}


off_t
wgw_wrap_room(wgw_flow_t *flow, off_t least, off_t want, int *waiting,
    ngx_msec_t *wait)
{
    off_t  total, allowed;

    *waiting = 0;
    *wait = 0;

    total = least ? wgw_flow_take(flow, WGW_COUNT_SENT, ngx_min(least, want),
                                  want, wait)
                  : want;

    if (total == 0) {
        return 0;
    }

    allowed = flow->again;

    if (total > allowed) {
        allowed += wgw_meters_hold(&flow->meters, WGW_COUNT_SENT,
                                   total - allowed, waiting);
    }

    if (allowed == 0) {
        wgw_flow_moved(flow, WGW_COUNT_SENT, 0, 0);
    }

    return ngx_min(allowed, total);
}


/*
 * A response header goes as a whole or not at all: a client could not tell
 * its beginning from another answer.  NGX_AGAIN when there may be room for it
 * later, or NGX_DECLINED: it was refused.
 */

static ngx_int_t
wgw_wrap_torn(wgw_flow_t *flow, off_t head)
{
    off_t  rest;

    rest = flow->hints ? flow->again : 0;

    wgw_wrap_settle(flow, rest);
    wgw_flow_moved(flow, WGW_COUNT_SENT, 0, 0);

    if (wgw_meters_fit(&flow->meters, WGW_COUNT_SENT, head)
        && wgw_flow_pause(flow, flow->connection->write) == NGX_OK)
    {
        return NGX_AGAIN;
    }

    if (rest) {
        wgw_flow_cut(flow);
        return NGX_DECLINED;
    }

    wgw_flow_deny(flow);
    flow->class->refuse(flow);

    return NGX_DECLINED;
}


static ngx_chain_t *
wgw_wrap_exhausted(wgw_flow_t *flow, ngx_chain_t *in, int waiting)
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
        wgw_wrap_settle(flow, 0);

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


/* Offers the first bytes of a chain; `shorten` is 0 when that is all. */

static ngx_chain_t *
wgw_wrap_offer(wgw_flow_t *flow, ngx_chain_t *in, off_t allowed,
    ngx_uint_t shorten, off_t limit, ngx_uint_t *more)
{
    off_t              rest;
    ngx_chain_t       *out, *next;
    ngx_connection_t  *c;
    wgw_chain_t        cut;

    c = flow->connection;

    cut.link = NULL;

    if (shorten) {
        wgw_chain_shorten(&cut, in, allowed);
    }

    out = flow->send_chain(c, in, limit);

    rest = 0;

    if (out != NULL && out != NGX_CHAIN_ERROR) {
        rest = wgw_chain_size(out, NGX_MAX_OFF_T_VALUE);
    }

    next = wgw_chain_restore(&cut);

    *more = out == NULL && next != NULL;

    wgw_wrap_settle(flow, rest && (flow->hints || wgw_chain_again(c))
                          ? rest : 0);

    wgw_flow_moved(flow, WGW_COUNT_SENT,
                   out == NGX_CHAIN_ERROR ? 0 : allowed - rest, flow->again);

    if (flow->meters.soft) {
        wgw_flow_check(flow);
    }

    return out == NULL ? next : out;
}


void
wgw_wrap_settle(wgw_flow_t *flow, off_t again)
{
    (void) wgw_flow_count(flow);

    flow->again = again;
    flow->out = again + wgw_wrap_below(flow);

    wgw_meters_keep(&flow->meters, flow->out, flow->in);
}


off_t
wgw_wrap_below(wgw_flow_t *flow)
{
    if (flow->class->below) {
        return flow->class->below(flow);
    }

    return wgw_chain_buffered(flow->connection);
}


static ngx_uint_t
wgw_wrap_tls(ngx_connection_t *c)
{
#if (NGX_SSL)

    return c->ssl != NULL;

#else

    return 0;

#endif
}
