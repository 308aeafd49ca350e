
#include "meter/brief.h"
#include "meter/meter_hold.h"
#include "meter/wrap.h"
#include "core/chain.h"


/* links of a chain that are looked at */
#define WGW_BRIEF_LINKS  8


static off_t wgw_brief_size(ngx_chain_t *in);
static ngx_uint_t wgw_brief_room(wgw_flow_t *flow, off_t size);
static void wgw_brief_settle(wgw_flow_t *flow);


ngx_uint_t
wgw_brief_send(wgw_flow_t *flow, ngx_chain_t *in, off_t limit,
    ngx_chain_t **out)
{
    off_t              size;
    ngx_connection_t  *c;

    if (!flow->head || flow->over || flow->hints || flow->paces
        || flow->meters.n != 1 || flow->meters.soft
        || flow->class->send_chain)
    {
        return 0;
    }

    size = wgw_brief_size(in);

    if (size == 0
        || ((flow->meters.hard & WGW_COUNT_SENT)
            && size > flow->again && !wgw_brief_room(flow, size)))
    {
        return 0;
    }

    c = flow->connection;

    flow->head = 0;
    flow->pauses = 0;

    *out = flow->send_chain(c, in, limit);

    if (*out == NULL && wgw_chain_buffered(c) == 0) {
        wgw_brief_settle(flow);
        return 1;
    }

    size = (*out && *out != NGX_CHAIN_ERROR && wgw_chain_again(c))
           ? wgw_chain_size(*out, NGX_MAX_OFF_T_VALUE) : 0;

    wgw_wrap_settle(flow, size);

    return 1;
}


/* The bytes of an answer that is whole, up to what one call may move; or 0. */

static off_t
wgw_brief_size(ngx_chain_t *in)
{
    off_t       size;
    ngx_uint_t  n;

    size = 0;

    for (n = 0; in && n < WGW_BRIEF_LINKS; n++) {
        size += ngx_buf_size(in->buf);

        if (in->buf->last_buf) {
            return in->next || size > WGW_WRAP_STEP ? 0 : size;
        }

        in = in->next;
    }

    return 0;
}


/* 1 when all of it may go; what could be had is kept. */

static ngx_uint_t
wgw_brief_room(wgw_flow_t *flow, off_t size)
{
    int  waiting;

    flow->again += wgw_meters_hold(&flow->meters, WGW_COUNT_SENT,
                                   size - flow->again, &waiting);

    return size <= flow->again;
}


/* As wgw_wrap_settle(), for one meter and with nothing left to go. */

static void
wgw_brief_settle(wgw_flow_t *flow)
{
    off_t         sent, received;
    uint64_t      keep;
    wgw_meter_t  *meter;

    sent = flow->connection->sent - flow->sent;
    received = flow->class->received(flow) - flow->received;

    if (sent < 0 || received < 0) {
        wgw_wrap_settle(flow, 0);
        return;
    }

    wgw_meters_add(&flow->meters, sent, received, flow->requests);

    flow->requests = 0;
    flow->sent += sent;
    flow->received += received;
    flow->in = flow->in > received ? flow->in - received : 0;
    flow->out = 0;
    flow->again = 0;
    flow->settled = 1;

    meter = flow->meters.elts;
    keep = (meter->conf->count & WGW_COUNT_RECEIVED) ? flow->in : 0;

    if (meter->held > keep) {
        wgw_meter_drop(meter, meter->held - keep);
    }
}
