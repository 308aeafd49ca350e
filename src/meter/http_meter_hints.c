
#include "meter/http_meter_hints.h"
#include "meter/wrap.h"


/* a field's bytes beside name and value, whatever the version: two lengths */
#define NGX_HTTP_WGW_METER_HINTS_FIELD  12

/* and those of the whole: a status line, or frames of 16 KiB */
#define NGX_HTTP_WGW_METER_HINTS_LINE   64
#define NGX_HTTP_WGW_METER_HINTS_FRAME  16384


static size_t ngx_http_wgw_meter_hints_size(ngx_http_request_t *r);


ngx_int_t
ngx_http_wgw_meter_hints(wgw_flow_t *flow,
    ngx_http_output_header_filter_pt next)
{
    int                  waiting;
    off_t                size, more, got, before;
    ngx_int_t            rc;
    ngx_msec_t           wait;
    ngx_http_request_t  *r;

    r = flow->data;

    if (flow->meters.status == WGW_METER_REJECTED) {
        return NGX_OK;
    }

    if (!wgw_flow_bound(flow, WGW_COUNT_SENT)) {
        return next(r);
    }

    size = ngx_http_wgw_meter_hints_size(r);

    if (flow->over
        || wgw_flow_take(flow, WGW_COUNT_SENT, size, size, &wait) == 0)
    {
        wgw_flow_moved(flow, WGW_COUNT_SENT, 0, 0);
        return NGX_OK;
    }

    more = size - ngx_min(size, flow->again);
    got = (more && (flow->meters.hard & WGW_COUNT_SENT))
          ? (off_t) wgw_meters_hold(&flow->meters, WGW_COUNT_SENT, more,
                                    &waiting)
          : more;

    if (got < more) {
        wgw_wrap_settle(flow, flow->again);
        wgw_flow_moved(flow, WGW_COUNT_SENT, 0, 0);
        return NGX_OK;
    }

    flow->again += got;
    before = flow->connection->sent + wgw_wrap_below(flow);

    rc = next(r);

    /* on HTTP/1 the wrapped calls have done it */

    if (!flow->attached) {
        wgw_wrap_settle(flow, 0);
        wgw_flow_moved(flow, WGW_COUNT_SENT, flow->connection->sent
                       + wgw_wrap_below(flow) - before, 0);
    }

    return rc;
}


/* The most that they take. */

static size_t
ngx_http_wgw_meter_hints_size(ngx_http_request_t *r)
{
    size_t            size;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    size = NGX_HTTP_WGW_METER_HINTS_LINE;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            size += header[i].key.len + header[i].value.len
                    + NGX_HTTP_WGW_METER_HINTS_FIELD;
        }
    }

    return size + size / NGX_HTTP_WGW_METER_HINTS_FRAME
                  * NGX_HTTP_WGW_METER_HINTS_LINE;
}
