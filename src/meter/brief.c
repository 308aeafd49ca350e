
#include "meter/brief.h"
#include "meter/traffic.h"
#include "core/chain.h"


/* the most of an answer, and of links that it has */
#define WGW_BRIEF_SIZE   65536
#define WGW_BRIEF_LINKS  8


static off_t wgw_brief_size(ngx_chain_t *in);
static ngx_uint_t wgw_brief_room(wgw_flow_t *flow, off_t size);
static ngx_int_t wgw_brief_settle(wgw_flow_t *flow);


ngx_int_t
wgw_brief_send(wgw_flow_t *flow, ngx_chain_t *in, off_t limit,
    ngx_chain_t **out)
{
    off_t  size;

    if (!flow->brief || !flow->head || flow->over || flow->hints) {
        return NGX_DECLINED;
    }

    size = wgw_brief_size(in);

    if (size == 0
        || ((flow->meters.hard & WGW_COUNT_SENT)
            && size > flow->again && !wgw_brief_room(flow, size)))
    {
        return NGX_DECLINED;
    }

    flow->head = 0;
    flow->pauses = 0;

    *out = flow->send_chain(flow->connection, in, limit);

    return *out == NULL && wgw_chain_buffered(flow->connection) == 0
           ? wgw_brief_settle(flow) : NGX_AGAIN;
}


/* The bytes of an answer that is whole, and small; or 0. */

static off_t
wgw_brief_size(ngx_chain_t *in)
{
    off_t       size;
    ngx_uint_t  n;

    size = 0;

    for (n = 0; in && n < WGW_BRIEF_LINKS; n++) {
        size += ngx_buf_size(in->buf);

        if (in->buf->last_buf) {
            return in->next || size > WGW_BRIEF_SIZE ? 0 : size;
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


/* For one meter, and with nothing left to go. */

static ngx_int_t
wgw_brief_settle(wgw_flow_t *flow)
{
    off_t              sent, received;
    uint64_t           keep, window;
    wgw_meter_t       *meter;
    wgw_table_t       *table;

    sent = flow->connection->sent - flow->sent;
    received = flow->class->received(flow) - flow->received;

    if (sent < 0 || received < 0) {
        return NGX_AGAIN;
    }

    meter = flow->meters.elts;
    table = &meter->conf->zone->zone.table;
    window = wgw_meter_window(meter->conf->zone);

    wgw_traffic_own.sent += sent;
    wgw_traffic_own.received += received;
    wgw_traffic_own.requests += flow->requests;

    if (!wgw_counter_add(table, meter->hot, sent, received, flow->requests))
    {
        wgw_table_add(table, meter->record, window, sent, received,
                      flow->requests);
    }

    flow->requests = 0;
    flow->sent += sent;
    flow->received += received;
    flow->in = flow->in > received ? flow->in - received : 0;
    flow->out = 0;
    flow->again = 0;
    flow->settled = 1;

    keep = (meter->conf->count & WGW_COUNT_RECEIVED) ? flow->in : 0;

    if (meter->held > keep) {
        wgw_meter_drop(meter, meter->held - keep);
    }

    return NGX_OK;
}
