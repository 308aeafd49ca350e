
#include "meter/http_meter_v2_end.h"
#include "meter/http_meter_v2_frame.h"
#include "meter/http_meter_v2_head.h"
#include "meter/http_meter_v2_out.h"
#include "meter/wrap.h"

#if (NGX_HTTP_V2)

#include <ngx_http_v2_module.h>


static ngx_int_t ngx_http_wgw_meter_v2_head_torn(wgw_flow_t *flow,
    off_t size);
static ngx_int_t ngx_http_wgw_meter_v2_head_wait(wgw_flow_t *flow,
    ngx_msec_t wait);


ngx_int_t
ngx_http_wgw_meter_v2_header(wgw_flow_t *flow,
    ngx_http_output_header_filter_pt next)
{
    ngx_int_t                 rc;
    ngx_event_t              *wev;
    ngx_uint_t                ready;
    ngx_http_request_t       *r;
    ngx_http_v2_out_frame_t  *frame;

    r = flow->data;

    if (!(flow->meters.hard & WGW_COUNT_SENT)
        && !(flow->paces && (flow->paces->count & WGW_COUNT_SENT)))
    {
        rc = next(r);

        if (rc != NGX_ERROR && !flow->attached) {
            wgw_flow_attach(flow);
        }

        return rc;
    }

    wev = r->stream->connection->connection->write;

    ready = wev->ready;
    wev->ready = 0;

    rc = next(r);

    wev->ready = ready;

    if (rc == NGX_ERROR || rc > NGX_OK || flow->attached) {
        return rc;
    }

    wgw_flow_attach(flow);

    frame = *ngx_http_wgw_meter_v2_headers(r->stream);

    return ngx_http_wgw_meter_v2_head_begin(flow, frame
                                             ? NGX_HTTP_V2_FRAME_HEADER_SIZE
                                               + (off_t) frame->length : 0);
}


ngx_int_t
ngx_http_wgw_meter_v2_head_begin(wgw_flow_t *flow, off_t size)
{
    int                  waiting;
    off_t                more;
    ngx_int_t            rc;
    ngx_msec_t           wait;
    ngx_http_request_t  *r;

    r = flow->data;

    if (size && wgw_flow_take(flow, WGW_COUNT_SENT, size, size, &wait) == 0) {
        return ngx_http_wgw_meter_v2_head_wait(flow, wait);
    }

    more = size - ngx_min(size, flow->again);

    if (more && (flow->meters.hard & WGW_COUNT_SENT)
        && wgw_meters_hold(&flow->meters, WGW_COUNT_SENT, more, &waiting)
           < (uint64_t) more)
    {
        return ngx_http_wgw_meter_v2_head_torn(flow, size);
    }

    /* what the header leaves of the credit is for the body */

    flow->again -= ngx_min(size, flow->again);
    flow->head = 0;
    flow->pauses = 0;

    wgw_flow_moved(flow, WGW_COUNT_SENT, size, 0);

    rc = ngx_http_wgw_meter_v2_out_send(flow);

    /* else the body settles it, too */

    if (r->stream->out_closed) {
        wgw_wrap_settle(flow, 0);
    }

    return rc;
}


/* As wgw_wrap_torn(): it waits for what others hold, or is refused. */

static ngx_int_t
ngx_http_wgw_meter_v2_head_torn(wgw_flow_t *flow, off_t size)
{
    if (wgw_meters_fit(&flow->meters, WGW_COUNT_SENT, size)
        && ngx_http_wgw_meter_v2_head_wait(flow, 0) == NGX_AGAIN)
    {
        return NGX_AGAIN;
    }

    wgw_flow_deny(flow);
    wgw_flow_moved(flow, WGW_COUNT_SENT, 0, 0);

    ngx_http_wgw_meter_v2_end_refuse(flow);

    (void) ngx_http_wgw_meter_v2_out_flush(flow);

    flow->connection->error = 1;

    return NGX_ERROR;
}


/*
 * Keeps the header back, for `wait`, or, if that is 0, while others hold what
 * is left.
 */

static ngx_int_t
ngx_http_wgw_meter_v2_head_wait(wgw_flow_t *flow, ngx_msec_t wait)
{
    ngx_event_t         *wev;
    ngx_http_request_t  *r;

    r = flow->data;
    wev = flow->connection->write;

    if ((wait ? wgw_flow_delay(flow, wev, wait) : wgw_flow_pause(flow, wev))
        != NGX_OK
        || ngx_http_wgw_meter_v2_keep(flow,
                                ngx_http_wgw_meter_v2_out_partial(r->stream))
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (flow->meters.hard & WGW_COUNT_SENT) {
        wgw_wrap_settle(flow, 0);
    }

    return NGX_AGAIN;
}

#endif
