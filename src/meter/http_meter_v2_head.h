
/*
 * http_meter_v2_head: the response header of a stream of HTTP/2 under a cap or
 * a rate.
 *
 * The response header is made with the connection's output stopped, so that
 * its size is known before a byte of it has left.  When it has to wait, for
 * a rate or for what others hold, it is taken out of the queue again.
 */

#ifndef WGW_HTTP_METER_V2_HEAD_H
#define WGW_HTTP_METER_V2_HEAD_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/flow.h"

#if (NGX_HTTP_V2)

#pragma GCC visibility push(hidden)


/* no response header of nginx is shorter */
#define NGX_HTTP_WGW_METER_V2_HEAD  16


/*
 * Sends the response header by the filters from `next` on, and attaches the
 * flow.  NGX_AGAIN: it waits for its turn, or for what others hold.  If it does
 * not fit under a cap, one with wgw_meter_status and nothing else goes instead,
 * and NGX_ERROR is returned.
 */
ngx_int_t ngx_http_wgw_meter_v2_header(wgw_flow_t *flow,
    ngx_http_output_header_filter_pt next);

/*
 * The header is in the queue, `size` with its frame, and no byte of it has
 * left.  It goes, or it is kept back until it may: NGX_AGAIN.
 */
ngx_int_t ngx_http_wgw_meter_v2_head_begin(wgw_flow_t *flow, off_t size);


#pragma GCC visibility pop

#endif

#endif /* WGW_HTTP_METER_V2_HEAD_H */
