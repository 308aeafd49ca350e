
#include "meter/http_meter_v2.h"
#include "meter/http_meter_v2_out.h"
#include "meter/meter_module.h"
#include "meter/wrap.h"

#if (NGX_HTTP_V2)

#include <ngx_http_v2_module.h>


#define NGX_HTTP_WGW_METER_V2_RST  4        /* bytes of an error code */

/* RFC 9113, 7 */
#define NGX_HTTP_WGW_METER_V2_INTERNAL_ERROR  2

/* RFC 7541, 6.3: a new size of the dynamic table, 0 */
#define NGX_HTTP_WGW_METER_V2_TABLE  0x20

/* RFC 7541, 6.2.2: a literal field, its name is the 8th of the table */
#define NGX_HTTP_WGW_METER_V2_STATUS  0x08

/* the same of the 53rd, retry-after: 15 in four bits, and the rest */
#define NGX_HTTP_WGW_METER_V2_RETRY       0x0f
#define NGX_HTTP_WGW_METER_V2_RETRY_REST  (53 - 15)

/* the header that is made of both; nginx's own has at least a date, too */
#define NGX_HTTP_WGW_METER_V2_SHORT  (sizeof("T8L429" "01L86400") - 1)


/* What one call of the stream is to take of a chain. */
typedef struct {
    off_t        payload;   /* at most */
    off_t        frame;     /* ... in one */
    off_t        want;      /* with frames and trailers */
    ngx_uint_t   last;      /* 1: the stream ends with it */
} ngx_http_wgw_meter_v2_piece_t;


static ngx_int_t ngx_http_wgw_meter_v2_begin(wgw_flow_t *flow, off_t size);
static ngx_int_t ngx_http_wgw_meter_v2_torn(wgw_flow_t *flow, off_t size);
static ngx_int_t ngx_http_wgw_meter_v2_wait(wgw_flow_t *flow,
    ngx_msec_t wait);
static ngx_int_t ngx_http_wgw_meter_v2_resume(wgw_flow_t *flow);
static ngx_int_t ngx_http_wgw_meter_v2_lost(wgw_flow_t *flow);
static void ngx_http_wgw_meter_v2_wake(wgw_flow_t *flow, ngx_event_t *ev);
static off_t ngx_http_wgw_meter_v2_moved(wgw_flow_t *flow);
static void ngx_http_wgw_meter_v2_park(wgw_flow_t *flow);
static off_t ngx_http_wgw_meter_v2_ahead(wgw_flow_t *flow);
static ngx_http_v2_out_frame_t **ngx_http_wgw_meter_v2_headers(
    ngx_http_v2_stream_t *stream);
static off_t ngx_http_wgw_meter_v2_received(wgw_flow_t *flow);
static void ngx_http_wgw_meter_v2_take(wgw_flow_t *flow);
static off_t ngx_http_wgw_meter_v2_below(wgw_flow_t *flow);
static ngx_chain_t *ngx_http_wgw_meter_v2_send_chain(wgw_flow_t *flow,
    ngx_chain_t *in, off_t limit);
static ngx_uint_t ngx_http_wgw_meter_v2_room(wgw_flow_t *flow,
    ngx_http_wgw_meter_v2_piece_t *piece, int *waiting, ngx_msec_t *wait);
static ngx_chain_t *ngx_http_wgw_meter_v2_offer(wgw_flow_t *flow,
    ngx_chain_t *in, const ngx_http_wgw_meter_v2_piece_t *piece, off_t limit,
    ngx_uint_t *more);
static off_t ngx_http_wgw_meter_v2_size(ngx_chain_t *in, ngx_uint_t *last);
static off_t ngx_http_wgw_meter_v2_window(ngx_http_v2_stream_t *stream);
static off_t ngx_http_wgw_meter_v2_frame(ngx_connection_t *fc,
    ngx_http_v2_stream_t *stream);
static off_t ngx_http_wgw_meter_v2_cost(off_t payload, off_t frame);
static off_t ngx_http_wgw_meter_v2_payload(off_t bytes, off_t frame);
static off_t ngx_http_wgw_meter_v2_trailers(ngx_http_request_t *r);
static ngx_chain_t *ngx_http_wgw_meter_v2_exhausted(wgw_flow_t *flow,
    ngx_chain_t *in, int waiting);
static ngx_chain_t *ngx_http_wgw_meter_v2_delay(wgw_flow_t *flow,
    ngx_chain_t *in, ngx_msec_t wait);
static ngx_int_t ngx_http_wgw_meter_v2_flush(wgw_flow_t *flow);
static ngx_int_t ngx_http_wgw_meter_v2_output(wgw_flow_t *flow);
static void ngx_http_wgw_meter_v2_refuse(wgw_flow_t *flow);
static void ngx_http_wgw_meter_v2_cut(wgw_flow_t *flow);
static ngx_http_v2_out_frame_t *ngx_http_wgw_meter_v2_rst(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_v2_rst_handler(
    ngx_http_v2_connection_t *h2c, ngx_http_v2_out_frame_t *frame);
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

    return ngx_http_wgw_meter_v2_begin(flow, frame
                                             ? NGX_HTTP_V2_FRAME_HEADER_SIZE
                                               + (off_t) frame->length : 0);
}


/*
 * The header is in the queue, `size` with its frame, and no byte of it has
 * left.  It goes, or it is kept back until it may: NGX_AGAIN.
 */

static ngx_int_t
ngx_http_wgw_meter_v2_begin(wgw_flow_t *flow, off_t size)
{
    int                  waiting;
    off_t                more;
    ngx_int_t            rc;
    ngx_msec_t           wait;
    ngx_http_request_t  *r;

    r = flow->data;

    if (wgw_flow_take(flow, WGW_COUNT_SENT, size, size, &wait) == 0) {
        return ngx_http_wgw_meter_v2_wait(flow, wait);
    }

    more = size - ngx_min(size, flow->again);

    if (more && (flow->meters.hard & WGW_COUNT_SENT)
        && wgw_meters_hold(&flow->meters, WGW_COUNT_SENT, more, &waiting)
           < (uint64_t) more)
    {
        return ngx_http_wgw_meter_v2_torn(flow, size);
    }

    /* what the header leaves of the credit is for the body */

    flow->again -= ngx_min(size, flow->again);
    flow->head = 0;
    flow->pauses = 0;

    wgw_flow_moved(flow, WGW_COUNT_SENT, size, 0);

    rc = ngx_http_wgw_meter_v2_output(flow);

    /* else the body settles it, too */

    if (r->stream->out_closed) {
        wgw_wrap_settle(flow, 0);
    }

    return rc;
}


/* As wgw_wrap_torn(): it waits for what others hold, or is refused. */

static ngx_int_t
ngx_http_wgw_meter_v2_torn(wgw_flow_t *flow, off_t size)
{
    if (wgw_meters_fit(&flow->meters, WGW_COUNT_SENT, size)
        && ngx_http_wgw_meter_v2_wait(flow, 0) == NGX_AGAIN)
    {
        return NGX_AGAIN;
    }

    wgw_flow_deny(flow);
    wgw_flow_moved(flow, WGW_COUNT_SENT, 0, 0);

    ngx_http_wgw_meter_v2_refuse(flow);

    (void) ngx_http_wgw_meter_v2_flush(flow);

    flow->connection->error = 1;

    return NGX_ERROR;
}


/*
 * Keeps the header back, for `wait`, or, if that is 0, while others hold what
 * is left.
 */

static ngx_int_t
ngx_http_wgw_meter_v2_wait(wgw_flow_t *flow, ngx_msec_t wait)
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

        return ngx_http_wgw_meter_v2_begin(flow, size);
    }

    got = flow->over ? 0 : wgw_meters_hold(&flow->meters, WGW_COUNT_SENT, size,
                                           &waiting);

    if (got == size) {
        (void) ngx_http_wgw_meter_v2_release(flow);

        flow->pauses = 0;

        return ngx_http_wgw_meter_v2_flush(flow) == NGX_ERROR ? NGX_ERROR
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


/* Where the frame with a stream's header is in the queue. */

static ngx_http_v2_out_frame_t **
ngx_http_wgw_meter_v2_headers(ngx_http_v2_stream_t *stream)
{
    ngx_http_v2_out_frame_t  **fn;

    for (fn = &stream->connection->last_out; *fn; fn = &(*fn)->next) {
        if ((*fn)->stream == stream
            && (*fn)->first->buf->pos[3] == NGX_HTTP_V2_HEADERS_FRAME)
        {
            break;
        }
    }

    return fn;
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
            && frame->handler != ngx_http_wgw_meter_v2_rst_handler)
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
    int                            waiting;
    off_t                          size, window, total, ahead;
    ngx_msec_t                     wait;
    ngx_uint_t                     last, more;
    ngx_connection_t              *fc;
    ngx_http_request_t            *r;
    ngx_http_wgw_meter_v2_piece_t  piece;

    r = flow->data;
    fc = flow->connection;
    total = 0;

    if (ngx_http_wgw_meter_v2_kept(flow)) {

        if (ngx_http_wgw_meter_v2_ahead(flow) == 0
            || ngx_http_wgw_meter_v2_resume(flow) == NGX_ERROR)
        {
            return fc->error ? NGX_CHAIN_ERROR : in;
        }

        if (ngx_http_wgw_meter_v2_kept(flow)) {
            return r->stream->queued
                   && ngx_http_wgw_meter_v2_flush(flow) == NGX_ERROR
                   ? NGX_CHAIN_ERROR : in;
        }
    }

    for ( ;; ) {

        if (flow->meters.soft) {
            wgw_flow_check(flow);
        }

        if (flow->over && !r->stream->out_closed) {
            return ngx_http_wgw_meter_v2_exhausted(flow, in, 0);
        }

        size = ngx_http_wgw_meter_v2_size(in, &last);
        window = ngx_http_wgw_meter_v2_window(r->stream);

        if (r->stream->out_closed || (size ? window == 0 : !last)) {
            in = flow->send_chain(fc, in, limit);
            wgw_wrap_settle(flow, 0);
            return in;
        }

        ahead = ngx_http_wgw_meter_v2_ahead(flow);

        if (ahead == 0) {
            return fc->error ? NGX_CHAIN_ERROR : in;
        }

        piece.payload = ngx_min(ngx_min(size, window), ahead);
        piece.payload = limit ? ngx_min(piece.payload, limit - total)
                              : piece.payload;
        piece.last = last && piece.payload == size;

        if (!ngx_http_wgw_meter_v2_room(flow, &piece, &waiting, &wait)) {
            return wait ? ngx_http_wgw_meter_v2_delay(flow, in, wait)
                        : ngx_http_wgw_meter_v2_exhausted(flow, in, waiting);
        }

        in = ngx_http_wgw_meter_v2_offer(flow, in, &piece, limit, &more);

        if (!more) {
            return in;
        }

        total += piece.payload;

        if (limit && total >= limit) {
            return in;
        }

        if (total >= WGW_WRAP_STEP) {
            ngx_post_event(fc->write, &ngx_posted_next_events);
            return in;
        }
    }
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

        if (ngx_http_wgw_meter_v2_flush(flow) == NGX_ERROR) {
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


static off_t
ngx_http_wgw_meter_v2_window(ngx_http_v2_stream_t *stream)
{
    if (stream->send_window <= 0) {
        return 0;
    }

    return ngx_min((off_t) stream->send_window,
                   (off_t) stream->connection->send_window);
}


/* The payload of a DATA frame; as nginx does, of the active subrequest. */

static off_t
ngx_http_wgw_meter_v2_frame(ngx_connection_t *fc,
    ngx_http_v2_stream_t *stream)
{
    ngx_http_request_t      *r;
    ngx_http_v2_loc_conf_t  *h2lcf;

    r = fc->data;
    h2lcf = ngx_http_get_module_loc_conf(r, ngx_http_v2_module);

    return ngx_min(h2lcf->chunk_size, stream->connection->frame_size);
}


static off_t
ngx_http_wgw_meter_v2_cost(off_t payload, off_t frame)
{
    off_t  frames;

    frames = payload ? (payload + frame - 1) / frame : 1;

    return payload + frames * NGX_HTTP_V2_FRAME_HEADER_SIZE;
}


/* And back: how much fits with its frames. */

static off_t
ngx_http_wgw_meter_v2_payload(off_t bytes, off_t frame)
{
    off_t  rest, whole;

    whole = frame + NGX_HTTP_V2_FRAME_HEADER_SIZE;
    rest = bytes % whole - NGX_HTTP_V2_FRAME_HEADER_SIZE;

    return bytes / whole * frame + ngx_max(rest, 0);
}


/* The most that the frames of trailers take. */

static off_t
ngx_http_wgw_meter_v2_trailers(ngx_http_request_t *r)
{
    off_t             size;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    size = 0;

    for (part = &r->headers_out.trailers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            size += 1 + NGX_HTTP_V2_INT_OCTETS + header[i].key.len
                    + NGX_HTTP_V2_INT_OCTETS + header[i].value.len;
        }
    }

    if (size == 0) {
        return 0;
    }

    return ngx_http_wgw_meter_v2_cost(size,
                                      r->stream->connection->frame_size);
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

    if (stream->queued && ngx_http_wgw_meter_v2_flush(flow) == NGX_ERROR) {
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
        && ngx_http_wgw_meter_v2_flush(flow) == NGX_ERROR)
    {
        return NGX_CHAIN_ERROR;
    }

    return wgw_flow_delay(flow, flow->connection->write, wait) == NGX_OK
           ? in : NGX_CHAIN_ERROR;
}


static ngx_int_t
ngx_http_wgw_meter_v2_flush(wgw_flow_t *flow)
{
    ngx_int_t  rc;

    rc = ngx_http_wgw_meter_v2_output(flow);

    wgw_wrap_settle(flow, 0);

    return rc;
}


/* As the stream's own filter does it, which is not to be had from here. */

static ngx_int_t
ngx_http_wgw_meter_v2_output(wgw_flow_t *flow)
{
    ngx_int_t              rc;
    ngx_connection_t      *fc;
    ngx_http_request_t    *r;
    ngx_http_v2_stream_t  *stream;

    r = flow->data;
    fc = flow->connection;
    stream = r->stream;

    stream->blocked = 1;
    rc = ngx_http_v2_send_output_queue(stream->connection);
    stream->blocked = 0;

    if (rc == NGX_ERROR) {
        fc->error = 1;
        return NGX_ERROR;
    }

    if (stream->queued) {
        fc->buffered |= NGX_HTTP_V2_BUFFERED;
        fc->write->active = 1;
        fc->write->ready = 0;
        return NGX_AGAIN;
    }

    if (ngx_http_wgw_meter_v2_kept(flow)) {
        return NGX_AGAIN;
    }

    fc->buffered &= ~NGX_HTTP_V2_BUFFERED;
    fc->write->active = 0;
    fc->write->ready = 1;

    return NGX_OK;
}


/*
 * Makes a header with a status only of the one that is queued.  That is
 * allowed, since nginx's encoder keeps no dynamic table.
 */

static void
ngx_http_wgw_meter_v2_refuse(wgw_flow_t *flow)
{
    u_char                     *p, text[NGX_TIME_T_LEN];
    size_t                      n;
    time_t                      wait;
    ngx_buf_t                  *b;
    ngx_chain_t                *cl;
    ngx_http_request_t         *r;
    ngx_http_v2_out_frame_t    *frame;
    ngx_http_wgw_meter_conf_t  *mcf;

    r = flow->data;

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    r->headers_out.status = mcf->status;
    r->err_status = 0;

    frame = *ngx_http_wgw_meter_v2_headers(r->stream);

    if (frame == NULL || frame->length < NGX_HTTP_WGW_METER_V2_SHORT) {
        return;
    }

    cl = frame->first;
    b = cl->next->buf;
    p = b->pos;

    if (*p == NGX_HTTP_WGW_METER_V2_TABLE) {
        p++;
    }

    *p++ = NGX_HTTP_WGW_METER_V2_STATUS;
    *p++ = 3;
    p = ngx_sprintf(p, "%03ui", mcf->status);

    wait = wgw_meters_retry(&flow->meters);

    if (wait) {
        n = ngx_sprintf(text, "%T", wait) - text;

        *p++ = NGX_HTTP_WGW_METER_V2_RETRY;
        *p++ = NGX_HTTP_WGW_METER_V2_RETRY_REST;
        *p++ = (u_char) n;
        p = ngx_cpymem(p, text, n);
    }

    b->last = p;
    b->last_buf = 1;

    cl->next->next = NULL;

    frame->last = cl->next;
    frame->length = b->last - b->pos;
    frame->fin = 1;

    p = cl->buf->pos;

    p[0] = 0;
    p[1] = 0;
    p[2] = (u_char) frame->length;
    p[4] = NGX_HTTP_V2_END_STREAM_FLAG|NGX_HTTP_V2_END_HEADERS_FLAG;
}


/*
 * At once, because a cache fill behind may go on for long.  The frame comes
 * behind all that are queued; while it is, the stream may not be freed.
 */

static void
ngx_http_wgw_meter_v2_cut(wgw_flow_t *flow)
{
    ngx_http_request_t       *r;
    ngx_http_v2_stream_t     *stream;
    ngx_http_v2_out_frame_t  *frame;

    r = flow->data;
    stream = r->stream;

    ngx_http_wgw_meter_v2_drop(flow);

    if (stream->rst_sent || stream->connection->connection->error) {
        return;
    }

    frame = ngx_http_wgw_meter_v2_rst(r);
    if (frame == NULL) {
        return;
    }

    ngx_http_v2_queue_ordered_frame(stream->connection, frame);

    stream->queued++;
    stream->rst_sent = 1;
    stream->skip_data = 1;

    stream->blocked = 1;
    (void) ngx_http_v2_send_output_queue(stream->connection);
    stream->blocked = 0;
}


static ngx_http_v2_out_frame_t *
ngx_http_wgw_meter_v2_rst(ngx_http_request_t *r)
{
    u_char                   *p;
    uint32_t                  id;
    ngx_buf_t                *b;
    ngx_http_v2_out_frame_t  *frame;

    frame = ngx_pcalloc(r->pool, sizeof(ngx_http_v2_out_frame_t));
    if (frame == NULL) {
        return NULL;
    }

    frame->first = ngx_alloc_chain_link(r->pool);
    if (frame->first == NULL) {
        return NULL;
    }

    b = ngx_create_temp_buf(r->pool, NGX_HTTP_V2_FRAME_HEADER_SIZE
                                     + NGX_HTTP_WGW_METER_V2_RST);
    if (b == NULL) {
        return NULL;
    }

    p = b->last;
    id = htonl((uint32_t) r->stream->node->id);

    *p++ = 0;
    *p++ = 0;
    *p++ = NGX_HTTP_WGW_METER_V2_RST;
    *p++ = NGX_HTTP_V2_RST_STREAM_FRAME;
    *p++ = NGX_HTTP_V2_NO_FLAG;
    p = ngx_cpymem(p, &id, sizeof(uint32_t));
    *p++ = 0;
    *p++ = 0;
    *p++ = 0;
    *p++ = NGX_HTTP_WGW_METER_V2_INTERNAL_ERROR;

    b->last = p;
    b->last_buf = 1;

    frame->first->buf = b;
    frame->first->next = NULL;
    frame->last = frame->first;
    frame->handler = ngx_http_wgw_meter_v2_rst_handler;
    frame->stream = r->stream;
    frame->length = NGX_HTTP_WGW_METER_V2_RST;

    /* the filter drops the others of a request that ends */

    frame->blocked = 1;

    return frame;
}


/* Belongs to the connection, as nginx counts it, and not to the stream. */

static ngx_int_t
ngx_http_wgw_meter_v2_rst_handler(ngx_http_v2_connection_t *h2c,
    ngx_http_v2_out_frame_t *frame)
{
    ngx_buf_t             *b;
    ngx_event_t           *wev;
    ngx_http_v2_stream_t  *stream;

    b = frame->first->buf;
    stream = frame->stream;

    if (b->pos != b->last) {
        return NGX_AGAIN;
    }

    h2c->total_bytes += NGX_HTTP_V2_FRAME_HEADER_SIZE + frame->length;

    stream->out_closed = 1;
    stream->queued--;

    if (!stream->blocked) {
        wev = stream->request->connection->write;

        wev->active = 0;
        wev->ready = 1;

        ngx_post_event(wev, &ngx_posted_events);
    }

    return NGX_OK;
}


/* c->close would end a cache fill, too */

static ngx_uint_t
ngx_http_wgw_meter_v2_closable(wgw_flow_t *flow)
{
    return 0;
}

#endif
