
/*
 * http_meter_v2_out: the frames that leave on a connection of HTTP/2.
 *
 * nginx adds a frame to its stream's c->sent when it has left as a whole, and
 * looks after each call that sends.  When a call fails, what left in it, up
 * to a megabyte of each stream, would never be counted, and neither would the
 * part of a frame that left before.  So the connection's send_chain() is
 * watched: what it is given is read as frames, RFC 9113, 4.1, and after an
 * error they are added here as far as they have left.
 *
 * Bytes that TLS had taken but not sent count as nginx counts them: their
 * frames have left.
 */

#ifndef WGW_HTTP_METER_V2_OUT_H
#define WGW_HTTP_METER_V2_OUT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/http_meter_v2_wait.h"

#if (NGX_HTTP_V2)

#pragma GCC visibility push(hidden)


/* Once for a connection, again does nothing.  NGX_OK or NGX_ERROR. */
ngx_int_t ngx_http_wgw_meter_v2_out_watch(ngx_http_v2_stream_t *stream);

/* Those that wait on the stream's connection, which is watched. */
ngx_http_wgw_meter_v2_wait_t *ngx_http_wgw_meter_v2_out_wait(
    ngx_http_v2_stream_t *stream);

/* 1 when a part of the oldest frame in the connection's queue has left. */
ngx_uint_t ngx_http_wgw_meter_v2_out_partial(ngx_http_v2_stream_t *stream);

/*
 * When the frames of a stream will not leave any more: what has left of one,
 * again if there may be more of it.
 */
void ngx_http_wgw_meter_v2_out_end(ngx_http_v2_stream_t *stream);

/*
 * Sends what is queued on the stream's connection; then settles the flow.
 * NGX_OK, NGX_AGAIN when frames of the stream are left, or NGX_ERROR.
 */
ngx_int_t ngx_http_wgw_meter_v2_out_flush(wgw_flow_t *flow);

/* The same, and the flow is settled later. */
ngx_int_t ngx_http_wgw_meter_v2_out_send(wgw_flow_t *flow);


#pragma GCC visibility pop

#endif

#endif /* WGW_HTTP_METER_V2_OUT_H */
