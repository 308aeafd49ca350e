
#include "meter/http_meter_v2_wait.h"

#if (NGX_HTTP_V2)

#include <ngx_http_v2_module.h>


/* the longest of nginx's frames: less room than that is none */
#define NGX_HTTP_WGW_METER_V2_FRAME                                           \
    (NGX_HTTP_V2_FRAME_HEADER_SIZE + 16384)

/* streams that are woken at once: as many as have a frame's room each */
#define NGX_HTTP_WGW_METER_V2_TURNS  8

/* RFC 7541, 6.3: the first header of a connection may begin with this */
#define NGX_HTTP_WGW_METER_V2_TABLE  0x20


static void ngx_http_wgw_meter_v2_wait_handler(ngx_event_t *ev);
static void ngx_http_wgw_meter_v2_wait_wake(
    ngx_http_wgw_meter_v2_kept_t *kept);
static void ngx_http_wgw_meter_v2_wait_leave(
    ngx_http_wgw_meter_v2_kept_t *kept);
static ngx_http_wgw_meter_v2_kept_t *ngx_http_wgw_meter_v2_kept_get(
    wgw_flow_t *flow);
static void ngx_http_wgw_meter_v2_kept_cleanup(void *data);
static ngx_uint_t ngx_http_wgw_meter_v2_frame_type(
    ngx_http_v2_out_frame_t *frame);
static ngx_http_cleanup_pt ngx_http_wgw_meter_v2_dropped(
    ngx_http_request_t *r);


void
ngx_http_wgw_meter_v2_wait_init(ngx_http_wgw_meter_v2_wait_t *wait,
    ngx_connection_t *c)
{
    ngx_queue_init(&wait->streams);

    wait->connection = c;

    wait->event.handler = ngx_http_wgw_meter_v2_wait_handler;
    wait->event.data = c;
    wait->event.log = c->log;
}


void
ngx_http_wgw_meter_v2_wait_stop(ngx_http_wgw_meter_v2_wait_t *wait)
{
    if (wait->event.posted) {
        ngx_delete_posted_event(&wait->event);
    }
}


void
ngx_http_wgw_meter_v2_wait_moved(ngx_http_wgw_meter_v2_wait_t *wait)
{
    if (!ngx_queue_empty(&wait->streams)) {
        ngx_post_event(&wait->event, &ngx_posted_events);
    }
}


/* Not all at once: those that find no room would have woken up in vain. */

static void
ngx_http_wgw_meter_v2_wait_handler(ngx_event_t *ev)
{
    ngx_uint_t                     n;
    ngx_queue_t                   *q;
    ngx_http_wgw_meter_v2_wait_t  *wait;

    wait = (ngx_http_wgw_meter_v2_wait_t *)
               ((u_char *) ev - offsetof(ngx_http_wgw_meter_v2_wait_t, event));

    for (n = 0; n < NGX_HTTP_WGW_METER_V2_TURNS; n++) {

        if (ngx_queue_empty(&wait->streams)
            || ngx_http_wgw_meter_v2_wait_room(wait->connection->data) == 0)
        {
            return;
        }

        q = ngx_queue_head(&wait->streams);

        ngx_http_wgw_meter_v2_wait_wake(
                    ngx_queue_data(q, ngx_http_wgw_meter_v2_kept_t, queue));
    }

    /* who is woken need not have anything to send any more */

    ngx_post_event(&wait->event, &ngx_posted_next_events);
}


static void
ngx_http_wgw_meter_v2_wait_wake(ngx_http_wgw_meter_v2_kept_t *kept)
{
    wgw_flow_t   *flow;
    ngx_event_t  *wev;

    flow = kept->flow;
    wev = flow->connection->write;

    ngx_http_wgw_meter_v2_wait_leave(kept);

    wev->active = 0;
    wev->ready = 1;

    flow->class->wake(flow, wev);

    if (!wev->delayed) {
        ngx_post_event(wev, &ngx_posted_events);
    }
}


static void
ngx_http_wgw_meter_v2_wait_leave(ngx_http_wgw_meter_v2_kept_t *kept)
{
    if (kept->waiting) {
        kept->waiting = 0;
        ngx_queue_remove(&kept->queue);
    }
}


off_t
ngx_http_wgw_meter_v2_wait_room(ngx_http_v2_connection_t *h2c)
{
    off_t                     size;
    wgw_flow_t               *flow;
    ngx_http_v2_out_frame_t  *frame;

    size = 0;

    for (frame = h2c->last_out; frame; frame = frame->next) {

        if (frame->stream == NULL) {
            continue;
        }

        flow = wgw_flow_find(frame->stream->request->connection);

        if (flow && (flow->meters.hard || flow->meters.soft)) {
            size += NGX_HTTP_V2_FRAME_HEADER_SIZE + frame->length;
        }
    }

    size = NGX_HTTP_WGW_METER_V2_AHEAD - size;

    return size >= NGX_HTTP_WGW_METER_V2_FRAME ? size : 0;
}


ngx_int_t
ngx_http_wgw_meter_v2_wait_turn(ngx_http_wgw_meter_v2_wait_t *wait,
    wgw_flow_t *flow)
{
    ngx_http_wgw_meter_v2_kept_t  *kept;

    kept = ngx_http_wgw_meter_v2_kept_get(flow);
    if (kept == NULL) {
        return NGX_ERROR;
    }

    if (!kept->waiting) {
        kept->waiting = 1;
        ngx_queue_insert_tail(&wait->streams, &kept->queue);
    }

    flow->connection->write->active = 1;
    flow->connection->write->ready = 0;

    return NGX_OK;
}


static ngx_http_wgw_meter_v2_kept_t *
ngx_http_wgw_meter_v2_kept_get(wgw_flow_t *flow)
{
    ngx_http_cleanup_t            *cln;
    ngx_http_request_t            *r;
    ngx_http_cleanup_pt            dropped;
    ngx_http_wgw_meter_v2_kept_t  *kept;

    if (flow->own) {
        return flow->own;
    }

    r = flow->data;

    dropped = ngx_http_wgw_meter_v2_dropped(r);
    if (dropped == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, sizeof(ngx_http_wgw_meter_v2_kept_t));
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_wgw_meter_v2_kept_cleanup;

    kept = cln->data;
    ngx_memzero(kept, sizeof(ngx_http_wgw_meter_v2_kept_t));

    kept->flow = flow;
    kept->dropped = dropped;
    flow->own = kept;

    return kept;
}


/* What nginx's filter has left there for each stream that has a header. */

static ngx_http_cleanup_pt
ngx_http_wgw_meter_v2_dropped(ngx_http_request_t *r)
{
    ngx_http_cleanup_t  *cln;

    for (cln = r->cleanup; cln; cln = cln->next) {
        if (cln->data == r->stream && cln->handler) {
            return cln->handler;
        }
    }

    return NULL;
}


/* The request ends: its frames would never leave. */

static void
ngx_http_wgw_meter_v2_kept_cleanup(void *data)
{
    ngx_http_wgw_meter_v2_kept_t *kept = data;

    ngx_http_wgw_meter_v2_wait_leave(kept);
    ngx_http_wgw_meter_v2_drop(kept->flow);
}


ngx_uint_t
ngx_http_wgw_meter_v2_kept(wgw_flow_t *flow)
{
    ngx_http_wgw_meter_v2_kept_t  *kept;

    kept = flow->own;

    return kept && kept->frames;
}


/*
 * nginx's encoder keeps no dynamic table, so that headers of other streams may
 * go before; but the first of a connection may say that the table has no room,
 * and then the next has to.
 */

ngx_int_t
ngx_http_wgw_meter_v2_keep(wgw_flow_t *flow, ngx_uint_t begun)
{
    ngx_uint_t                      n;
    ngx_http_request_t             *r;
    ngx_http_v2_out_frame_t        *frame, **fn, **last;
    ngx_http_v2_connection_t       *h2c;
    ngx_http_wgw_meter_v2_kept_t   *kept;

    r = flow->data;
    h2c = r->stream->connection;

    kept = ngx_http_wgw_meter_v2_kept_get(flow);
    if (kept == NULL) {
        return NGX_ERROR;
    }

    /* what is in the queue goes before what was kept from it earlier */

    for (last = &kept->frames; *last; last = &(*last)->next) { /* void */ }

    n = 0;

    for (fn = &h2c->last_out; *fn && ((*fn)->next || !begun); /* void */) {
        frame = *fn;

        if (frame->stream != r->stream
            || ngx_http_wgw_meter_v2_frame_type(frame)
               > NGX_HTTP_V2_HEADERS_FRAME)
        {
            fn = &frame->next;
            continue;
        }

        *fn = frame->next;

        frame->next = *last;
        *last = frame;
        last = &frame->next;

        kept->size += NGX_HTTP_V2_FRAME_HEADER_SIZE + frame->length;
        r->stream->queued--;
        n++;

        if (ngx_http_wgw_meter_v2_frame_type(frame)
            == NGX_HTTP_V2_HEADERS_FRAME
            && *frame->first->next->buf->pos == NGX_HTTP_WGW_METER_V2_TABLE)
        {
            h2c->table_update = 1;
        }
    }

    if (n == 0) {
        return NGX_DECLINED;
    }

    flow->connection->buffered |= NGX_HTTP_V2_BUFFERED;
    flow->connection->write->active = 1;

    return NGX_OK;
}


/* Of one that has not begun to leave. */

static ngx_uint_t
ngx_http_wgw_meter_v2_frame_type(ngx_http_v2_out_frame_t *frame)
{
    return frame->first->buf->pos[3];
}


/* The first one is the list's last. */

off_t
ngx_http_wgw_meter_v2_release(wgw_flow_t *flow)
{
    off_t                           size;
    ngx_http_request_t             *r;
    ngx_http_v2_out_frame_t        *frame, *fn, *first;
    ngx_http_v2_connection_t       *h2c;
    ngx_http_wgw_meter_v2_kept_t   *kept;

    r = flow->data;
    h2c = r->stream->connection;
    kept = flow->own;

    first = NULL;

    for (frame = kept->frames; frame; frame = fn) {
        fn = frame->next;
        frame->next = first;
        first = frame;
    }

    for (frame = first; frame; frame = fn) {
        fn = frame->next;

        if (frame == first
            && ngx_http_wgw_meter_v2_frame_type(frame)
               == NGX_HTTP_V2_HEADERS_FRAME)
        {
            ngx_http_v2_queue_blocked_frame(h2c, frame);

        } else {
            ngx_http_v2_queue_frame(h2c, frame);
        }

        r->stream->queued++;
    }

    size = kept->size;

    kept->frames = NULL;
    kept->size = 0;

    return size;
}


/*
 * What they took of the connection's window is others' again.  How nginx counts
 * that is not the same in all versions, and partly not to be had from here: so
 * it drops them itself, as those of a request that ends, from a queue that has
 * nothing else.
 */

void
ngx_http_wgw_meter_v2_drop(wgw_flow_t *flow)
{
    ngx_http_request_t            *r;
    ngx_http_v2_stream_t          *stream;
    ngx_http_v2_out_frame_t       *frame, *fn, *queue, **last;
    ngx_http_v2_connection_t      *h2c;
    ngx_http_wgw_meter_v2_kept_t  *kept;

    kept = flow->own;

    if (kept == NULL || kept->frames == NULL) {
        return;
    }

    r = flow->data;
    stream = r->stream;
    h2c = stream->connection;

    queue = h2c->last_out;
    last = &h2c->last_out;

    for (frame = kept->frames; frame; frame = fn) {
        fn = frame->next;

        /* only what is in DATA frames is of the window */

        if (ngx_http_wgw_meter_v2_frame_type(frame)
            == NGX_HTTP_V2_DATA_FRAME)
        {
            frame->blocked = 0;
            stream->queued++;

            *last = frame;
            last = &frame->next;
        }
    }

    *last = NULL;

    kept->frames = NULL;
    kept->size = 0;

    kept->dropped(stream);

    h2c->last_out = queue;
}

#endif
