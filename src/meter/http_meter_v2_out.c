
#include "meter/http_meter_v2_out.h"
#include "meter/wrap.h"
#include "core/chain.h"
#include "meter/flow.h"

#if (NGX_HTTP_V2)

#include <ngx_http_v2_module.h>


#define NGX_HTTP_WGW_METER_V2_OUT_FRAMES  256


/* begins with the id of the frame that has left in part, or 0 */
typedef struct {
    ngx_uint_t         id;
    off_t              part;        /* has left */
    off_t              rest;        /* has not */
    ngx_send_chain_pt  send_chain;  /* what was there before */

    ngx_http_wgw_meter_v2_wait_t  wait;
} ngx_http_wgw_meter_v2_out_t;


typedef struct {
    uint32_t           id;
    uint32_t           size;        /* that is to leave */
} ngx_http_wgw_meter_v2_out_frame_t;


static ngx_http_wgw_meter_v2_out_t *ngx_http_wgw_meter_v2_out_find(
    ngx_connection_t *c);
static void ngx_http_wgw_meter_v2_out_cleanup(void *data);
static void ngx_http_wgw_meter_v2_out_begun(ngx_http_wgw_meter_v2_out_t *out,
    ngx_http_v2_connection_t *h2c);
static ngx_chain_t *ngx_http_wgw_meter_v2_out_send_chain(ngx_connection_t *c,
    ngx_chain_t *in, off_t limit);
static ngx_uint_t ngx_http_wgw_meter_v2_out_read(
    ngx_http_wgw_meter_v2_out_t *out, ngx_chain_t *in);
static ngx_uint_t ngx_http_wgw_meter_v2_out_id(u_char *p);
static ngx_http_wgw_meter_v2_out_frame_t *ngx_http_wgw_meter_v2_out_push(
    ngx_uint_t n);
static void ngx_http_wgw_meter_v2_out_moved(ngx_http_wgw_meter_v2_out_t *out,
    ngx_uint_t n, off_t bytes);
static void ngx_http_wgw_meter_v2_out_failed(
    ngx_http_wgw_meter_v2_out_t *out, ngx_http_v2_connection_t *h2c,
    ngx_uint_t n, off_t bytes);
static void ngx_http_wgw_meter_v2_out_add(ngx_http_v2_connection_t *h2c,
    ngx_uint_t id, off_t bytes);


/* of the call that is being made: there is one at a time */
static ngx_http_wgw_meter_v2_out_frame_t  *frames;
static ngx_uint_t                          nalloc;


ngx_int_t
ngx_http_wgw_meter_v2_out_watch(ngx_http_v2_stream_t *stream)
{
    ngx_connection_t             *c;
    ngx_pool_cleanup_t           *cln;
    ngx_http_wgw_meter_v2_out_t  *out;

    c = stream->connection->connection;

    if (ngx_http_wgw_meter_v2_out_find(c)) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(c->pool, sizeof(ngx_http_wgw_meter_v2_out_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    out = cln->data;
    cln->handler = ngx_http_wgw_meter_v2_out_cleanup;

    ngx_memzero(out, sizeof(ngx_http_wgw_meter_v2_out_t));
    ngx_http_wgw_meter_v2_out_begun(out, stream->connection);
    ngx_http_wgw_meter_v2_wait_init(&out->wait, c);

    out->send_chain = c->send_chain;
    c->send_chain = ngx_http_wgw_meter_v2_out_send_chain;

    return NGX_OK;
}


ngx_http_wgw_meter_v2_wait_t *
ngx_http_wgw_meter_v2_out_wait(ngx_http_v2_stream_t *stream)
{
    ngx_http_wgw_meter_v2_out_t  *out;

    out = ngx_http_wgw_meter_v2_out_find(stream->connection->connection);

    return &out->wait;
}


ngx_uint_t
ngx_http_wgw_meter_v2_out_partial(ngx_http_v2_stream_t *stream)
{
    ngx_http_wgw_meter_v2_out_t  *out;

    out = ngx_http_wgw_meter_v2_out_find(stream->connection->connection);

    return out->rest != 0;
}


void
ngx_http_wgw_meter_v2_out_end(ngx_http_v2_stream_t *stream)
{
    ngx_connection_t             *c;
    ngx_http_wgw_meter_v2_out_t  *out;

    c = stream->connection->connection;
    out = ngx_http_wgw_meter_v2_out_find(c);

    if (out && out->id && out->id == stream->node->id) {
        stream->request->connection->sent += out->part;
        out->part = 0;

        /* a thread may be sending the rest: the stream waits for it */

        stream->request->connection->sent +=
                                  wgw_chain_collect(c, wgw_flow_leaving());
    }
}


static ngx_http_wgw_meter_v2_out_t *
ngx_http_wgw_meter_v2_out_find(ngx_connection_t *c)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = c->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_wgw_meter_v2_out_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


/* Also there to be found: the connection's pool keeps what it marks. */

static void
ngx_http_wgw_meter_v2_out_cleanup(void *data)
{
    ngx_http_wgw_meter_v2_out_t *out = data;

    ngx_http_wgw_meter_v2_wait_stop(&out->wait);
}


/* Of what was queued before the first frame may have been begun. */

static void
ngx_http_wgw_meter_v2_out_begun(ngx_http_wgw_meter_v2_out_t *out,
    ngx_http_v2_connection_t *h2c)
{
    off_t                     size;
    ngx_chain_t              *cl;
    ngx_http_v2_out_frame_t  *frame;

    frame = h2c->last_out;

    if (frame == NULL) {
        return;
    }

    while (frame->next) {
        frame = frame->next;
    }

    size = NGX_HTTP_V2_FRAME_HEADER_SIZE + frame->length;

    for (cl = frame->first; /* void */ ; cl = cl->next) {
        out->rest += ngx_buf_size(cl->buf);

        if (cl == frame->last) {
            break;
        }
    }

    if (out->rest < size) {
        out->id = frame->stream ? frame->stream->node->id : 0;
        out->part = size - out->rest;

    } else {
        out->rest = 0;
    }
}


static ngx_chain_t *
ngx_http_wgw_meter_v2_out_send_chain(ngx_connection_t *c, ngx_chain_t *in,
    off_t limit)
{
    off_t                         sent, buffered;
    ngx_uint_t                    n;
    ngx_chain_t                  *cl;
    ngx_http_wgw_meter_v2_out_t  *out;

    out = ngx_http_wgw_meter_v2_out_find(c);

    n = ngx_http_wgw_meter_v2_out_read(out, in);

    sent = c->sent;
    buffered = wgw_chain_buffered(c);

    cl = out->send_chain(c, in, limit);

    sent = c->sent - sent - buffered;

    if (cl == NGX_CHAIN_ERROR) {
        ngx_http_wgw_meter_v2_out_failed(out, c->data, n, ngx_max(sent, 0));
        return cl;
    }

    ngx_http_wgw_meter_v2_out_moved(out, n, sent + wgw_chain_buffered(c));

    if (c->write->ready || sent > 0) {
        ngx_http_wgw_meter_v2_wait_moved(&out->wait);
    }

    return cl;
}


/*
 * The frames of a chain, and how many.  A frame's header is in one buffer,
 * what follows it is not looked at.
 */

static ngx_uint_t
ngx_http_wgw_meter_v2_out_read(ngx_http_wgw_meter_v2_out_t *out,
    ngx_chain_t *in)
{
    off_t                               size, rest;
    u_char                             *p;
    ngx_uint_t                          n;
    ngx_http_wgw_meter_v2_out_frame_t  *frame;

    n = 0;
    rest = out->rest;

    if (rest) {
        frame = ngx_http_wgw_meter_v2_out_push(n);
        if (frame == NULL) {
            return 0;
        }

        frame->id = out->id;
        frame->size = rest;
        n++;
    }

    for ( /* void */ ; in; in = in->next) {
        size = ngx_buf_size(in->buf);

        if (rest == 0 && size) {
            if (size < NGX_HTTP_V2_FRAME_HEADER_SIZE
                || !ngx_buf_in_memory(in->buf))
            {
                return n;
            }

            frame = ngx_http_wgw_meter_v2_out_push(n);
            if (frame == NULL) {
                return n;
            }

            p = in->buf->pos;

            rest = NGX_HTTP_V2_FRAME_HEADER_SIZE
                   + ngx_http_v2_parse_length(ngx_http_v2_parse_uint32(p));

            frame->id = ngx_http_wgw_meter_v2_out_id(p);
            frame->size = rest;
            n++;
        }

        rest -= ngx_min(size, rest);
    }

    return n;
}


/* 0 for frames that no stream's bytes are counted by */

static ngx_uint_t
ngx_http_wgw_meter_v2_out_id(u_char *p)
{
    switch (p[3]) {

    case NGX_HTTP_V2_DATA_FRAME:
    case NGX_HTTP_V2_HEADERS_FRAME:
    case NGX_HTTP_V2_CONTINUATION_FRAME:
        return ngx_http_v2_parse_sid(&p[5]);

    default:
        return 0;
    }
}


static ngx_http_wgw_meter_v2_out_frame_t *
ngx_http_wgw_meter_v2_out_push(ngx_uint_t n)
{
    ngx_uint_t                          new;
    ngx_http_wgw_meter_v2_out_frame_t  *p;

    if (n == nalloc) {
        new = n ? 2 * n : NGX_HTTP_WGW_METER_V2_OUT_FRAMES;

        p = ngx_alloc(new * sizeof(ngx_http_wgw_meter_v2_out_frame_t),
                      ngx_cycle->log);
        if (p == NULL) {
            return NULL;
        }

        if (n) {
            ngx_memcpy(p, frames,
                       n * sizeof(ngx_http_wgw_meter_v2_out_frame_t));
            ngx_free(frames);
        }

        frames = p;
        nalloc = new;
    }

    return &frames[n];
}


/* One that has not been begun may be dropped yet, and is not kept. */

static void
ngx_http_wgw_meter_v2_out_moved(ngx_http_wgw_meter_v2_out_t *out,
    ngx_uint_t n, off_t bytes)
{
    off_t       part;
    ngx_uint_t  i;

    part = out->part;

    for (i = 0; i < n && bytes >= frames[i].size; i++) {
        bytes -= frames[i].size;
        part = 0;
    }

    out->id = 0;
    out->part = 0;
    out->rest = 0;

    if (i < n && part + bytes) {
        out->id = frames[i].id;
        out->part = part + bytes;
        out->rest = frames[i].size - bytes;
    }
}


static void
ngx_http_wgw_meter_v2_out_failed(ngx_http_wgw_meter_v2_out_t *out,
    ngx_http_v2_connection_t *h2c, ngx_uint_t n, off_t bytes)
{
    off_t       size;
    ngx_uint_t  i;

    for (i = 0; i < n && (bytes || out->part); i++) {
        size = ngx_min(bytes, frames[i].size);
        bytes -= size;

        ngx_http_wgw_meter_v2_out_add(h2c, frames[i].id, size + out->part);

        out->part = 0;
    }

    out->id = 0;
    out->rest = 0;
}


/* Streams end later than their frames, or with the connection. */

static void
ngx_http_wgw_meter_v2_out_add(ngx_http_v2_connection_t *h2c, ngx_uint_t id,
    off_t bytes)
{
    ngx_http_v2_node_t      *node;
    ngx_http_v2_srv_conf_t  *h2scf;

    h2scf = ngx_http_get_module_srv_conf(h2c->http_connection->conf_ctx,
                                         ngx_http_v2_module);

    node = h2c->streams_index[(id >> 1) & h2scf->streams_index_mask];

    for ( /* void */ ; node; node = node->index) {
        if (node->id == id && node->stream) {
            node->stream->request->connection->sent += bytes;
            return;
        }
    }
}


ngx_int_t
ngx_http_wgw_meter_v2_out_flush(wgw_flow_t *flow)
{
    ngx_int_t  rc;

    rc = ngx_http_wgw_meter_v2_out_send(flow);

    wgw_wrap_settle(flow, 0);

    return rc;
}


/* As the stream's own filter does it, which is not to be had from here. */

ngx_int_t
ngx_http_wgw_meter_v2_out_send(wgw_flow_t *flow)
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

#endif
