
/*
 * http_meter_v2_frame: frames of a stream of HTTP/2: what they cost, RFC 9113,
 * 4.1, and where they are in the queue.
 */

#ifndef WGW_HTTP_METER_V2_FRAME_H
#define WGW_HTTP_METER_V2_FRAME_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#if (NGX_HTTP_V2)

#pragma GCC visibility push(hidden)


/* Where the frame with a stream's header is in the queue. */
ngx_http_v2_out_frame_t **ngx_http_wgw_meter_v2_headers(
    ngx_http_v2_stream_t *stream);

/* The payload of a DATA frame; as nginx does, of the active subrequest. */
off_t ngx_http_wgw_meter_v2_frame(ngx_connection_t *fc,
    ngx_http_v2_stream_t *stream);

/* A payload, with its frames. */
off_t ngx_http_wgw_meter_v2_cost(off_t payload, off_t frame);

/* And back: how much fits with its frames. */
off_t ngx_http_wgw_meter_v2_payload(off_t bytes, off_t frame);

/* The most that the frames of trailers take. */
off_t ngx_http_wgw_meter_v2_trailers(ngx_http_request_t *r);

/* What flow control lets through. */
off_t ngx_http_wgw_meter_v2_window(ngx_http_v2_stream_t *stream);


#pragma GCC visibility pop

#endif

#endif /* WGW_HTTP_METER_V2_FRAME_H */
