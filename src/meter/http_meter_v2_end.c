
#include "meter/http_meter_v2_end.h"
#include "meter/http_meter_v2_frame.h"
#include "meter/meter_module.h"

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


static u_char *ngx_http_wgw_meter_v2_fields(u_char *p, ngx_uint_t status,
    time_t wait);
static ngx_http_v2_out_frame_t *ngx_http_wgw_meter_v2_rst(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_v2_rst_handler(
    ngx_http_v2_connection_t *h2c, ngx_http_v2_out_frame_t *frame);


/*
 * Makes a header with a status only of the one that is queued.  That is
 * allowed, since nginx's encoder keeps no dynamic table.
 */

void
ngx_http_wgw_meter_v2_end_refuse(wgw_flow_t *flow)
{
    u_char                     *p;
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

    b->last = ngx_http_wgw_meter_v2_fields(p, mcf->status,
                                           wgw_meters_retry(&flow->meters));
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


/* A status, and after how many seconds, unless 0, to try again. */

static u_char *
ngx_http_wgw_meter_v2_fields(u_char *p, ngx_uint_t status, time_t wait)
{
    u_char  text[NGX_TIME_T_LEN];
    size_t  n;

    *p++ = NGX_HTTP_WGW_METER_V2_STATUS;
    *p++ = 3;
    p = ngx_sprintf(p, "%03ui", status);

    if (wait) {
        n = ngx_sprintf(text, "%T", wait) - text;

        *p++ = NGX_HTTP_WGW_METER_V2_RETRY;
        *p++ = NGX_HTTP_WGW_METER_V2_RETRY_REST;
        *p++ = (u_char) n;
        p = ngx_cpymem(p, text, n);
    }

    return p;
}


/*
 * At once, because a cache fill behind may go on for long.  The frame comes
 * behind all that are queued; while it is, the stream may not be freed.
 */

void
ngx_http_wgw_meter_v2_end_cut(wgw_flow_t *flow)
{
    ngx_http_request_t       *r;
    ngx_http_v2_stream_t     *stream;
    ngx_http_v2_out_frame_t  *frame;

    r = flow->data;
    stream = r->stream;

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


ngx_uint_t
ngx_http_wgw_meter_v2_ends(ngx_http_v2_out_frame_t *frame)
{
    return frame->handler == ngx_http_wgw_meter_v2_rst_handler;
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

#endif
