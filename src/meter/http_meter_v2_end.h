
/*
 * http_meter_v2_end: how a cap ends a stream of HTTP/2: by a header with a
 * status and nothing else instead of its own, or by RST_STREAM.
 */

#ifndef WGW_HTTP_METER_V2_END_H
#define WGW_HTTP_METER_V2_END_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/flow.h"

#if (NGX_HTTP_V2)

#pragma GCC visibility push(hidden)


/* The header that is queued becomes one that refuses. */
void ngx_http_wgw_meter_v2_end_refuse(wgw_flow_t *flow);

/* The stream's frames that were kept back have been dropped. */
void ngx_http_wgw_meter_v2_end_cut(wgw_flow_t *flow);

/* 1 for the frame that does. */
ngx_uint_t ngx_http_wgw_meter_v2_ends(ngx_http_v2_out_frame_t *frame);


#pragma GCC visibility pop

#endif

#endif /* WGW_HTTP_METER_V2_END_H */
