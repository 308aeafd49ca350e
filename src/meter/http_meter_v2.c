
#include "meter/http_meter_v2.h"
#include "meter/http_meter_v2_end.h"
#include "meter/http_meter_v2_frame.h"
#include "meter/http_meter_v2_head.h"
#include "meter/http_meter_v2_out.h"
#include "meter/wrap.h"

#if (NGX_HTTP_V2)

#include <ngx_http_v2_module.h>


/* What one call of the stream is to take of a chain. */
typedef struct {
    off_t        payload;   /* at most */
    off_t        frame;     /* ... in one */
    off_t        want;      /* with frames and trailers */
    ngx_uint_t   last;      /* 1: the stream ends with it */
} ngx_http_wgw_meter_v2_piece_t;


static ngx_int_t ngx_http_wgw_meter_v2_resume(wgw_flow_t *flow);
static ngx_int_t ngx_http_wgw_meter_v2_lost(wgw_flow_t *flow);
static void ngx_http_wgw_meter_v2_wake(wgw_flow_t *flow, ngx_event_t *ev);
static off_t ngx_http_wgw_meter_v2_moved(wgw_flow_t *flow);
static void ngx_http_wgw_meter_v2_park(wgw_flow_t *flow);
static off_t ngx_http_wgw_meter_v2_ahead(wgw_flow_t *flow);
static off_t ngx_http_wgw_meter_v2_received(wgw_flow_t *flow);
static void ngx_http_wgw_meter_v2_take(wgw_flow_t *flow);
static off_t ngx_http_wgw_meter_v2_below(wgw_flow_t *flow);
static ngx_chain_t *ngx_http_wgw_meter_v2_send_chain(wgw_flow_t *flow,
    ngx_chain_t *in, off_t limit);
static ngx_int_t ngx_http_wgw_meter_v2_unkept(wgw_flow_t *flow);
static ngx_int_t ngx_http_wgw_meter_v2_step(wgw_flow_t *flow,
    ngx_chain_t **in, off_t limit, off_t *total);
static ngx_uint_t ngx_http_wgw_meter_v2_room(wgw_flow_t *flow,
    ngx_http_wgw_meter_v2_piece_t *piece, int *waiting, ngx_msec_t *wait);
static ngx_chain_t *ngx_http_wgw_meter_v2_offer(wgw_flow_t *flow,
    ngx_chain_t *in, const ngx_http_wgw_meter_v2_piece_t *piece, off_t limit,
    ngx_uint_t *more);
static off_t ngx_http_wgw_meter_v2_size(ngx_chain_t *in, ngx_uint_t *last);
static ngx_chain_t *ngx_http_wgw_meter_v2_exhausted(wgw_flow_t *flow,
    ngx_chain_t *in, int waiting);
static ngx_chain_t *ngx_http_wgw_meter_v2_delay(wgw_flow_t *flow,
    ngx_chain_t *in, ngx_msec_t wait);
static void ngx_http_wgw_meter_v2_cut(wgw_flow_t *flow);
static ngx_uint_t ngx_http_wgw_meter_v2_closable(wgw_flow_t *flow);


const wgw_flow_class_t  ngx_http_wgw_meter_v2 = {
    ngx_http_wgw_meter_v2_received,
    ngx_http_wgw_meter_v2_take,
    ngx_http_wgw_meter_v2_below,
    ngx_http_wgw_meter_v2_send_chain,
    NULL,
    NULL,
    NULL,
    ngx_http_wgw_meter_v2_wake,
    ngx_http_wgw_meter_v2_moved,
    ngx_http_wgw_meter_v2_park,
    ngx_http_wgw_meter_v2_cut,
    ngx_http_wgw_meter_v2_closable
};


/*
 * What was kept back goes on, the header or, when the client reads again,
 * frames that were paid for with the rates before.  NGX_OK, NGX_AGAIN when it
 * has to wait still, or NGX_ERROR.
 */

static ngx_int_t
ngx_http_wgw_meter_v2_resume(wgw_flow_t *flow)
{
    int                            waiting;
    off_t                          size, got;
    ngx_http_wgw_meter_v2_kept_t  *kept;

    kept = flow->own;
    size = kept->size;

    if (flow->head) {
        (void) ngx_http_wgw_meter_v2_release(flow);

        return ngx_http_wgw_meter_v2_head_begin(flow, size);
    }

    got = flow->over ? 0 : wgw_meters_hold(&flow->meters, WGW_COUNT_SENT, size,
                                           &waiting);

    if (got == size) {
        (void) ngx_http_wgw_meter_v2_release(flow);

        flow->pauses = 0;

        return ngx_http_wgw_meter_v2_out_flush(flow) == NGX_ERROR ? NGX_ERROR
                                                              : NGX_OK;
    }

    wgw_wrap_settle(flow, 0);

    if (!flow->over
        && wgw_meters_fit(&flow->meters, WGW_COUNT_SENT, size)
        && wgw_flow_pause(flow, flow->connection->write) == NGX_OK)
    {
        flow->connection->write->active = 1;
        return NGX_AGAIN;
    }

    return ngx_http_wgw_meter_v2_lost(flow);
}


/*
 * Others used up what the frames that are kept back need.  The buffers they
 * were made of would never be free again, so nothing above may be waited for:
 * the stream is cut, if need be when the frame has left that was begun.
 */

static ngx_int_t
ngx_http_wgw_meter_v2_lost(wgw_flow_t *flow)
{
    ngx_http_request_t  *r;

    r = flow->data;

    ngx_http_wgw_meter_v2_drop(flow);
    flow->over = 1;

    if (r->stream->queued == 0) {
        wgw_flow_cut(flow);
        return NGX_ERROR;
    }

    flow->connection->buffered |= NGX_HTTP_V2_BUFFERED;

    return ngx_http_wgw_meter_v2_wait_turn(
                         ngx_http_wgw_meter_v2_out_wait(r->stream), flow);
}


static void
ngx_http_wgw_meter_v2_wake(wgw_flow_t *flow, ngx_event_t *ev)
{
    ngx_http_request_t  *r;

    r = flow->data;

    if (!ev->write || flow->connection->error) {
        return;
    }

    if (ngx_http_wgw_meter_v2_kept(flow)) {
        (void) ngx_http_wgw_meter_v2_resume(flow);

    } else if (flow->over && r->stream->queued == 0
               && !r->stream->out_closed)
    {
        wgw_flow_cut(flow);
    }
}


static off_t
ngx_http_wgw_meter_v2_moved(wgw_flow_t *flow)
{
    ngx_http_request_t  *r;

    r = flow->data;

    return r->stream->connection->connection->sent;
}


/* A client that does not read: its frames wait, and so does the stream. */

static void
ngx_http_wgw_meter_v2_park(wgw_flow_t *flow)
{
    ngx_http_request_t  *r;

    r = flow->data;

    if (flow->attached && !flow->cut && !flow->connection->error
        && ngx_http_wgw_meter_v2_keep(flow, 1) == NGX_OK)
    {
        (void) ngx_http_wgw_meter_v2_wait_turn(
                         ngx_http_wgw_meter_v2_out_wait(r->stream), flow);
    }

    wgw_wrap_settle(flow, 0);
}


ngx_int_t
ngx_http_wgw_meter_v2_body(wgw_flow_t *flow)
{
    if (!(flow->meters.hard & WGW_COUNT_RECEIVED) && !flow->meters.soft) {
        return NGX_OK;
    }

    wgw_flow_flush(flow);

    if (flow->meters.soft) {
        wgw_flow_check(flow);
    }

    if (!flow->over) {
        return NGX_OK;
    }

    wgw_flow_cut(flow);

    return NGX_ERROR;
}


static off_t
ngx_http_wgw_meter_v2_received(wgw_flow_t *flow)
{
    ngx_http_request_t  *r;

    if (!(flow->meters.hard & WGW_COUNT_RECEIVED)) {
        r = flow->data;
        flow->read = r->request_length;
    }

    return flow->read;
}


/* What others hold is not waited for: who sends it would not know. */

static void
ngx_http_wgw_meter_v2_take(wgw_flow_t *flow)
{
    int                  waiting;
    off_t                size, got;
    ngx_http_request_t  *r;

    r = flow->data;

    if ((flow->connection->error && r->stream->queued == 0)
        || wgw_flow_leaving())
    {
        ngx_http_wgw_meter_v2_out_end(r->stream);
    }

    if (!(flow->meters.hard & WGW_COUNT_RECEIVED) || flow->over) {
        return;
    }

    size = r->request_length - flow->read;

    if (size <= 0) {
        return;
    }

    got = wgw_meters_hold(&flow->meters, WGW_COUNT_RECEIVED, size, &waiting);

    flow->read += got;
    flow->in += got;

    if (got < size) {
        flow->over = 1;
    }
}


/* The frames of the stream that are queued. */

static off_t
ngx_http_wgw_meter_v2_below(wgw_flow_t *flow)
{
    off_t                     size;
    ngx_http_request_t       *r;
    ngx_http_v2_out_frame_t  *frame;

    r = flow->data;
    size = 0;

    if (r->stream->queued == 0) {
        return 0;
    }

    for (frame = r->stream->connection->last_out; frame; frame = frame->next) {
        if (frame->stream == r->stream
            && !ngx_http_wgw_meter_v2_ends(frame))
        {
            size += NGX_HTTP_V2_FRAME_HEADER_SIZE + frame->length;
        }
    }

    return size;
}


static ngx_chain_t *
ngx_http_wgw_meter_v2_send_chain(wgw_flow_t *flow, ngx_chain_t *in,
    off_t limit)
{
    off_t               total;
    ngx_int_t           rc;
    ngx_http_request_t  *r;

    r = flow->data;
    rc = ngx_http_wgw_meter_v2_unkept(flow);

    for (total = 0; rc == NGX_OK; /* void */ ) {

        if (flow->meters.soft) {
            wgw_flow_check(flow);
        }

        if (flow->over && !r->stream->out_closed) {
            return ngx_http_wgw_meter_v2_exhausted(flow, in, 0);
        }

        rc = ngx_http_wgw_meter_v2_step(flow, &in, limit, &total);
    }

    return rc == NGX_ERROR ? NGX_CHAIN_ERROR : in;
}


/*
 * What was kept back goes first.  NGX_OK when nothing is, NGX_AGAIN, or
 * NGX_ERROR.
 */

static ngx_int_t
ngx_http_wgw_meter_v2_unkept(wgw_flow_t *flow)
{
    ngx_http_request_t  *r;

    if (!ngx_http_wgw_meter_v2_kept(flow)) {
        return NGX_OK;
    }

    r = flow->data;

    if (ngx_http_wgw_meter_v2_ahead(flow) == 0
        || ngx_http_wgw_meter_v2_resume(flow) == NGX_ERROR)
    {
        return flow->connection->error ? NGX_ERROR : NGX_AGAIN;
    }

    if (!ngx_http_wgw_meter_v2_kept(flow)) {
        return NGX_OK;
    }

    return r->stream->queued
           && ngx_http_wgw_meter_v2_out_flush(flow) == NGX_ERROR ? NGX_ERROR
                                                             : NGX_AGAIN;
}


/*
 * One piece of the chain.  NGX_OK when there is more to do, NGX_DONE with what
 * is left of the chain, or NGX_ERROR.
 */

static ngx_int_t
ngx_http_wgw_meter_v2_step(wgw_flow_t *flow, ngx_chain_t **in, off_t limit,
    off_t *total)
{
    int                            waiting;
    off_t                          size, window, ahead;
    ngx_msec_t                     wait;
    ngx_uint_t                     last, more;
    ngx_http_request_t            *r;
    ngx_http_wgw_meter_v2_piece_t  piece;

    r = flow->data;

    size = ngx_http_wgw_meter_v2_size(*in, &last);
    window = ngx_http_wgw_meter_v2_window(r->stream);

    if (r->stream->out_closed || (size ? window == 0 : !last)) {
        *in = flow->send_chain(flow->connection, *in, limit);
        wgw_wrap_settle(flow, 0);
        return NGX_DONE;
    }

    ahead = ngx_http_wgw_meter_v2_ahead(flow);

    if (ahead == 0) {
        return flow->connection->error ? NGX_ERROR : NGX_DONE;
    }

    piece.payload = ngx_min(ngx_min(size, window), ahead);
    piece.payload = limit ? ngx_min(piece.payload, limit - *total)
                          : piece.payload;
    piece.last = last && piece.payload == size;

    if (!ngx_http_wgw_meter_v2_room(flow, &piece, &waiting, &wait)) {
        *in = wait ? ngx_http_wgw_meter_v2_delay(flow, *in, wait)
                   : ngx_http_wgw_meter_v2_exhausted(flow, *in, waiting);
        return NGX_DONE;
    }

    *in = ngx_http_wgw_meter_v2_offer(flow, *in, &piece, limit, &more);

    *total += piece.payload;

    if (!more || (limit && *total >= limit)) {
        return NGX_DONE;
    }

    if (*total >= WGW_WRAP_STEP) {
        ngx_post_event(flow->connection->write, &ngx_posted_next_events);
        return NGX_DONE;
    }

    return NGX_OK;
}


/*
 * How much of the stream may be queued: what a call may move, or, under a cap,
 * what the connection has room for; if that is nothing its turn comes later.
 */

static off_t
ngx_http_wgw_meter_v2_ahead(wgw_flow_t *flow)
{
    off_t                room, frame;
    ngx_http_request_t  *r;

    r = flow->data;

    if (!(flow->meters.hard || flow->meters.soft) || flow->over) {
        return WGW_WRAP_STEP;
    }

    room = ngx_http_wgw_meter_v2_wait_room(r->stream->connection);

    if (room == 0 && r->stream->queued) {

        /* this call may say that a thread has ended, as in exhausted() */

        if (ngx_http_wgw_meter_v2_out_flush(flow) == NGX_ERROR) {
            return 0;
        }

        room = ngx_http_wgw_meter_v2_wait_room(r->stream->connection);
    }

    if (room == 0
        && ngx_http_wgw_meter_v2_wait_turn(
                         ngx_http_wgw_meter_v2_out_wait(r->stream), flow)
           != NGX_OK)
    {
        flow->connection->error = 1;
    }

    /* whole frames, so that a cap can be used to its last byte */

    frame = ngx_http_wgw_meter_v2_frame(flow->connection, r->stream);

    return room / (frame + NGX_HTTP_V2_FRAME_HEADER_SIZE) * frame;
}


/*
 * Shortens the piece to what may go now.  Returns 0 when that is nothing:
 * for `wait`, or, if that is 0, for a cap, as with wgw_wrap_room().
 */

static ngx_uint_t
ngx_http_wgw_meter_v2_room(wgw_flow_t *flow,
    ngx_http_wgw_meter_v2_piece_t *piece, int *waiting, ngx_msec_t *wait)
{
    off_t                got;
    ngx_http_request_t  *r;

    r = flow->data;

    piece->frame = ngx_http_wgw_meter_v2_frame(flow->connection, r->stream);
    piece->want = ngx_http_wgw_meter_v2_cost(piece->payload, piece->frame)
                  + (piece->last ? ngx_http_wgw_meter_v2_trailers(r) : 0);

    got = 0;
    *waiting = 0;
    *wait = 0;

    /* a frame with one byte, or the end as a whole */

    if (!flow->over) {
        got = wgw_wrap_room(flow,
                            piece->payload > 1
                            ? NGX_HTTP_V2_FRAME_HEADER_SIZE + 1 : piece->want,
                            piece->want, waiting, wait);
    }

    if (got == piece->want) {
        return 1;
    }

    if (*wait) {
        return 0;
    }

    got = ngx_http_wgw_meter_v2_payload(got, piece->frame);

    /* the end must not go when its trailers do not fit */

    piece->payload = ngx_min(got, piece->payload - (off_t) piece->last);
    piece->last = 0;

    if (piece->payload > 0) {
        return 1;
    }

    wgw_wrap_settle(flow, 0);
    wgw_flow_moved(flow, WGW_COUNT_SENT, 0, 0);

    return 0;
}


/* Sets `more` to 1 when all of the piece has left, and there is more. */

static ngx_chain_t *
ngx_http_wgw_meter_v2_offer(wgw_flow_t *flow, ngx_chain_t *in,
    const ngx_http_wgw_meter_v2_piece_t *piece, off_t limit,
    ngx_uint_t *more)
{
    off_t                  size, window;
    ngx_http_request_t    *r;
    ngx_http_v2_stream_t  *stream;

    r = flow->data;
    stream = r->stream;

    flow->pauses = 0;
    window = stream->send_window;

    in = flow->send_chain(flow->connection, in,
                          piece->payload ? piece->payload : limit);

    wgw_wrap_settle(flow, 0);

    size = window - (off_t) stream->send_window;

    wgw_flow_moved(flow, WGW_COUNT_SENT,
                   piece->last && in == NULL
                   ? piece->want
                   : ngx_http_wgw_meter_v2_cost(size, piece->frame), 0);

    if (flow->meters.soft) {
        wgw_flow_check(flow);
    }

    *more = in != NULL && in != NGX_CHAIN_ERROR && stream->queued == 0
            && size >= piece->payload;

    return in;
}


/* Looks no further than one call may go; sets `last` to 1 at the end. */

static off_t
ngx_http_wgw_meter_v2_size(ngx_chain_t *in, ngx_uint_t *last)
{
    off_t  size;

    size = 0;
    *last = 0;

    for ( /* void */ ; in && size <= WGW_WRAP_STEP; in = in->next) {
        size += ngx_buf_size(in->buf);
        *last = in->buf->last_buf;
    }

    return size;
}


/*
 * Frames that are queued post the event when they have left.  They are sent
 * on from here, as this call may be the one that says that a sendfile() in a
 * thread has ended.
 */

static ngx_chain_t *
ngx_http_wgw_meter_v2_exhausted(wgw_flow_t *flow, ngx_chain_t *in,
    int waiting)
{
    ngx_event_t           *wev;
    ngx_http_request_t    *r;
    ngx_http_v2_stream_t  *stream;

    r = flow->data;
    stream = r->stream;
    wev = flow->connection->write;

    if (stream->queued && ngx_http_wgw_meter_v2_out_flush(flow) == NGX_ERROR) {
        return NGX_CHAIN_ERROR;
    }

    if (waiting && wgw_flow_pause(flow, wev) == NGX_OK) {
        wev->active = 1;
        return in;
    }

    if (stream->queued == 0) {
        wgw_flow_cut(flow);
        return NGX_CHAIN_ERROR;
    }

    /* or they would wait for a window that is not needed any more */

    stream->exhausted = 0;

    if (stream->waiting) {
        stream->waiting = 0;
        ngx_queue_remove(&stream->queue);
    }

    wev->active = 1;
    wev->ready = 0;

    return in;
}


/* Frames that are queued leave in the meantime. */

static ngx_chain_t *
ngx_http_wgw_meter_v2_delay(wgw_flow_t *flow, ngx_chain_t *in,
    ngx_msec_t wait)
{
    ngx_http_request_t  *r;

    r = flow->data;

    if (r->stream->queued
        && ngx_http_wgw_meter_v2_out_flush(flow) == NGX_ERROR)
    {
        return NGX_CHAIN_ERROR;
    }

    return wgw_flow_delay(flow, flow->connection->write, wait) == NGX_OK
           ? in : NGX_CHAIN_ERROR;
}


static void
ngx_http_wgw_meter_v2_cut(wgw_flow_t *flow)
{
    ngx_http_wgw_meter_v2_drop(flow);
    ngx_http_wgw_meter_v2_end_cut(flow);
}


/* c->close would end a cache fill, too */

static ngx_uint_t
ngx_http_wgw_meter_v2_closable(wgw_flow_t *flow)
{
    return 0;
}

#endif
