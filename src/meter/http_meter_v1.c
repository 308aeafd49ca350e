
#include "meter/http_meter_v1.h"
#include "core/chain.h"
#include "meter/meter_module.h"


/* HTTP/3, which nginx before 1.25 does not have */
#ifndef NGX_HTTP_VERSION_30
#define NGX_HTTP_VERSION_30  3000
#endif

#define NGX_HTTP_WGW_METER_V3_HEADERS  1
#define NGX_HTTP_WGW_METER_V3_STATIC   0x50
#define NGX_HTTP_WGW_METER_V3_LITERAL  0x20


static off_t ngx_http_wgw_meter_v1_received(wgw_flow_t *flow);
static void ngx_http_wgw_meter_v1_take(wgw_flow_t *flow);
static off_t ngx_http_wgw_meter_v1_head(wgw_flow_t *flow);
static void ngx_http_wgw_meter_v1_refuse(wgw_flow_t *flow);
static u_char *ngx_http_wgw_meter_v1_short(u_char *p, ngx_uint_t status,
    time_t wait);
static u_char *ngx_http_wgw_meter_v3_short(u_char *p, ngx_uint_t status,
    time_t wait);
static void ngx_http_wgw_meter_v1_cut(wgw_flow_t *flow);
static ngx_uint_t ngx_http_wgw_meter_v1_closable(wgw_flow_t *flow);


const wgw_flow_class_t  ngx_http_wgw_meter_v1 = {
    ngx_http_wgw_meter_v1_received,
    ngx_http_wgw_meter_v1_take,
    NULL,
    NULL,
    NULL,
    ngx_http_wgw_meter_v1_head,
    ngx_http_wgw_meter_v1_refuse,
    NULL,
    NULL,
    NULL,
    ngx_http_wgw_meter_v1_cut,
    ngx_http_wgw_meter_v1_closable
};


off_t
ngx_http_wgw_meter_v1_input(ngx_http_request_t *r, ngx_uint_t early)
{
    u_char     *start;
    ngx_buf_t  *b;

    b = r->header_in;

    if (b == NULL) {
        return r->request_length;
    }

    start = b->pos;

    if (early && r->state) {
        start = r->request_length ? r->header_name_start : r->request_start;
    }

    return r->request_length + (b->last - start);
}


off_t
ngx_http_wgw_meter_v1_expected(ngx_http_request_t *r)
{
    off_t  rest;

    rest = r->header_in->last - r->header_in->pos;

    /* a tunnel's, but none has begun */

    if (r->headers_in.chunked || r->headers_in.upgrade
        || r->method == NGX_HTTP_CONNECT)
    {
        return rest;
    }

    return ngx_min(rest, ngx_max(r->headers_in.content_length_n, 0));
}


/*
 * The unread rest of r->header_in belongs to the next request, unless the
 * connection was upgraded.
 */

static off_t
ngx_http_wgw_meter_v1_received(wgw_flow_t *flow)
{
    ngx_http_request_t  *r;

    r = flow->data;

    if (!flow->tail && r->upstream && r->upstream->upgrade) {
        flow->tail = 1;
    }

    if (flow->tail) {
        return flow->read;
    }

    return flow->read - (r->header_in->last - r->header_in->pos);
}


/* A client that left did so while a thread was sending, perhaps. */

static void
ngx_http_wgw_meter_v1_take(wgw_flow_t *flow)
{
    ngx_connection_t  *c;

    c = flow->connection;

    if (c->error || c->timedout || wgw_flow_leaving()) {
        (void) wgw_chain_collect(c, wgw_flow_leaving());
    }
}


static off_t
ngx_http_wgw_meter_v1_head(wgw_flow_t *flow)
{
    ngx_http_request_t  *r;

    r = flow->data;

    return r->header_sent ? (off_t) r->header_size : -1;
}


/*
 * The header has been made but does not fit under the cap: this short one
 * goes instead.  The filters have been passed, so it cannot have a body.
 */

static void
ngx_http_wgw_meter_v1_refuse(wgw_flow_t *flow)
{
    u_char                      text[256];
    time_t                      wait;
    ngx_buf_t                   b;
    ngx_chain_t                 out;
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_wgw_meter_conf_t  *mcf;

    r = flow->data;
    c = flow->connection;

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    r->headers_out.status = mcf->status;
    r->err_status = 0;
    r->keepalive = 0;

    ngx_memzero(&b, sizeof(ngx_buf_t));

    wait = wgw_meters_retry(&flow->meters);

    b.pos = text;
    b.last = r->http_version == NGX_HTTP_VERSION_30
             ? ngx_http_wgw_meter_v3_short(text, mcf->status, wait)
             : ngx_http_wgw_meter_v1_short(text, mcf->status, wait);
    b.temporary = 1;
    b.last_buf = 1;
    b.flush = 1;

    out.buf = &b;
    out.next = NULL;

    (void) flow->send_chain(c, &out, 0);

#if (NGX_HTTP_V3)

    /* the error would reset the stream: who has its end needs no more */

    if (c->quic) {
        (void) ngx_quic_shutdown_stream(c, NGX_WRITE_SHUTDOWN);
    }

#endif

    c->error = 1;

    wgw_flow_flush(flow);
}


static u_char *
ngx_http_wgw_meter_v1_short(u_char *p, ngx_uint_t status, time_t wait)
{
    p = ngx_sprintf(p, "HTTP/1.1 %ui " CRLF
                       "Date: %V" CRLF
                       "Content-Length: 0" CRLF
                       "Connection: close" CRLF,
                    status, &ngx_cached_http_time);

    if (wait) {
        p = ngx_sprintf(p, "Retry-After: %T" CRLF, wait);
    }

    *p++ = CR;
    *p++ = LF;

    return p;
}


/*
 * A HEADERS frame, RFC 9114, 7.2.2, of literal fields, RFC 9204, 4.5: none
 * refers to the dynamic table.
 */

static u_char *
ngx_http_wgw_meter_v3_short(u_char *p, ngx_uint_t status, time_t wait)
{
    u_char  *start, *value;

    *p++ = NGX_HTTP_WGW_METER_V3_HEADERS;
    start = p++;

    *p++ = 0;
    *p++ = 0;

    /* :status is the 24th name of the static table: 15 in four bits, and 9 */

    *p++ = NGX_HTTP_WGW_METER_V3_STATIC | 15;
    *p++ = 24 - 15;
    *p++ = 3;
    p = ngx_sprintf(p, "%03ui", status);

    if (wait) {
        *p++ = NGX_HTTP_WGW_METER_V3_LITERAL | 7;
        *p++ = sizeof("retry-after") - 1 - 7;
        p = ngx_cpymem(p, "retry-after", sizeof("retry-after") - 1);

        value = p++;
        p = ngx_sprintf(p, "%T", wait);
        *value = (u_char) (p - value - 1);
    }

    /* less than 64: a length of one byte */

    *start = (u_char) (p - start - 1);

    return p;
}


/*
 * At once, because a cache fill behind may go on for long.  Only a reset can
 * tell that a body is cut which ends with the connection.
 */

static void
ngx_http_wgw_meter_v1_cut(wgw_flow_t *flow)
{
    struct linger        linger;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = flow->data;
    c = flow->connection;

#if (NGX_HTTP_V3)

    /* its descriptor is everybody's */

    if (c->quic) {
        (void) ngx_quic_reset_stream(c, NGX_HTTP_V3_ERR_INTERNAL_ERROR);
        return;
    }

#endif

    if (r->header_sent
        && r->headers_out.content_length_n == -1
        && !(r->upstream && r->upstream->upgrade)
        && !r->chunked
#if (NGX_SSL)
        && c->ssl == NULL
#endif
       )
    {
        linger.l_onoff = 1;
        linger.l_linger = 0;

        if (setsockopt(c->fd, SOL_SOCKET, SO_LINGER,
                       (const void *) &linger, sizeof(struct linger))
            == -1)
        {
            ngx_log_error(NGX_LOG_ALERT, c->log, ngx_socket_errno,
                          "setsockopt(SO_LINGER) failed");
        }

        return;
    }

    (void) ngx_shutdown_socket(c->fd, NGX_WRITE_SHUTDOWN);
}


/* c->close ends a request, and with it a cache fill; not so a tunnel's */

static ngx_uint_t
ngx_http_wgw_meter_v1_closable(wgw_flow_t *flow)
{
    return flow->tail;
}
