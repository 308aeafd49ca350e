
/*
 * http_meter_v2_wait: frames and streams that wait on a connection of HTTP/2.
 *
 * What nginx has queued on a connection leaves when the client reads, and
 * until then is held of a cap.  So streams with caps have a bound in common,
 * so many bytes in the queue of a connection: who comes later waits, in turn,
 * until some of that has left.
 *
 * And what is queued may be kept back: a response header that has to wait for
 * a rate or a cap, or, when the client stopped reading, all frames of a stream
 * but the connection's oldest, which may have begun to leave.  Nothing is held
 * for them.  They are put into the queue again, under a hold, or dropped.
 */

#ifndef WGW_HTTP_METER_V2_WAIT_H
#define WGW_HTTP_METER_V2_WAIT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/flow.h"

#if (NGX_HTTP_V2)

#pragma GCC visibility push(hidden)


#define NGX_HTTP_WGW_METER_V2_AHEAD  65536


/* Of a connection. */
typedef struct {
    ngx_connection_t         *connection;
    ngx_queue_t               streams;
    ngx_event_t               event;        /* some have their turn */
} ngx_http_wgw_meter_v2_wait_t;


/* Of a stream: flow->own, NULL before it had to wait. */
typedef struct {
    wgw_flow_t               *flow;
    ngx_http_v2_out_frame_t  *frames;       /* as in the queue: last first */
    off_t                     size;         /* of these */
    ngx_http_cleanup_pt       dropped;      /* nginx's, of a stream's frames */
    ngx_queue_t               queue;
    unsigned                  waiting:1;
} ngx_http_wgw_meter_v2_kept_t;


void ngx_http_wgw_meter_v2_wait_init(ngx_http_wgw_meter_v2_wait_t *wait,
    ngx_connection_t *c);
void ngx_http_wgw_meter_v2_wait_stop(ngx_http_wgw_meter_v2_wait_t *wait);

/* Something has left: those that wait have their turn soon. */
void ngx_http_wgw_meter_v2_wait_moved(ngx_http_wgw_meter_v2_wait_t *wait);

/* Bytes of streams with caps that may be queued now; 0: has to wait. */
off_t ngx_http_wgw_meter_v2_wait_room(ngx_http_v2_connection_t *h2c);

/* The write event comes in turn.  NGX_OK, or NGX_ERROR. */
ngx_int_t ngx_http_wgw_meter_v2_wait_turn(ngx_http_wgw_meter_v2_wait_t *wait,
    wgw_flow_t *flow);

/* 1 when frames are kept back. */
ngx_uint_t ngx_http_wgw_meter_v2_kept(wgw_flow_t *flow);

/*
 * Keeps back all frames of the stream that are in the queue; where they may
 * have begun to leave not the oldest one there.  NGX_OK, NGX_DECLINED when
 * there are none, or NGX_ERROR.
 */
ngx_int_t ngx_http_wgw_meter_v2_keep(wgw_flow_t *flow, ngx_uint_t begun);

/* Puts them back; returns the bytes. */
off_t ngx_http_wgw_meter_v2_release(wgw_flow_t *flow);

/* Drops them. */
void ngx_http_wgw_meter_v2_drop(wgw_flow_t *flow);


#pragma GCC visibility pop

#endif

#endif /* WGW_HTTP_METER_V2_WAIT_H */
