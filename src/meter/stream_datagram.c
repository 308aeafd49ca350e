
#include "meter/stream_datagram.h"
#include "core/chain.h"
#include "meter/wrap.h"

#include <ngx_event.h>


static ngx_uint_t ngx_stream_wgw_datagram_fits(wgw_flow_t *flow, int count,
    off_t size);
static off_t ngx_stream_wgw_datagram_size(ngx_chain_t *in,
    ngx_chain_t **last);


ngx_chain_t *
ngx_stream_wgw_datagram_send_chain(wgw_flow_t *flow, ngx_chain_t *in,
    off_t limit)
{
    off_t         size;
    ngx_chain_t  *last, *next, *out;

    while (in) {
        size = ngx_stream_wgw_datagram_size(in, &last);

        if (last == NULL) {
            return flow->send_chain(flow->connection, in, limit);
        }

        next = last->next;

        if (!ngx_stream_wgw_datagram_fits(flow, WGW_COUNT_SENT, size)) {

            for ( /* void */ ; in != next; in = in->next) {
                in->buf->pos = in->buf->last;
            }

            continue;
        }

        last->next = NULL;
        out = flow->send_chain(flow->connection, in, limit);
        last->next = next;

        wgw_wrap_settle(flow, 0);

        if (out) {
            return out;
        }

        in = next;
    }

    return NULL;
}


/* It has come when its size is known: one that does not fit goes no further. */

ssize_t
ngx_stream_wgw_datagram_recv(wgw_flow_t *flow, u_char *buf, size_t size)
{
    ssize_t  n;

    wgw_flow_flush(flow);

    n = flow->recv(flow->connection, buf, size);

    if (n <= 0) {
        return n;
    }

    if (!ngx_stream_wgw_datagram_fits(flow, WGW_COUNT_RECEIVED, n)) {
        return NGX_AGAIN;
    }

    if (flow->meters.hard & WGW_COUNT_RECEIVED) {
        flow->in += n;
    }

    wgw_meters_keep(&flow->meters, flow->out, flow->in);

    return n;
}


/* 1 when it may go, and what a hard cap counts is held. */

static ngx_uint_t
ngx_stream_wgw_datagram_fits(wgw_flow_t *flow, int count, off_t size)
{
    int       waiting;
    uint64_t  got;

    if (flow->cut) {
        return 0;
    }

    if (flow->meters.soft) {
        wgw_flow_check(flow);

        if (flow->cut) {
            return 0;
        }
    }

    got = wgw_meters_hold(&flow->meters, count, size, &waiting);

    if (got == (uint64_t) size) {
        return 1;
    }

    wgw_meters_keep(&flow->meters, flow->out, flow->in);

    if (!wgw_meters_fit(&flow->meters, count, size)) {
        wgw_flow_end(flow);
    }

    return 0;
}


/* The bytes of the first one and its last link, NULL when it is not whole. */

static off_t
ngx_stream_wgw_datagram_size(ngx_chain_t *in, ngx_chain_t **last)
{
    off_t  size;

    size = 0;

    for ( /* void */ ; in; in = in->next) {
        size += ngx_buf_size(in->buf);

        if (in->buf->flush || in->buf->last_buf) {
            break;
        }
    }

    *last = in;

    return size;
}
