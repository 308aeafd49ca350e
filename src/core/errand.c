
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/errand.h"
#include "core/hook.h"
#include "core/nobody.h"


static void errand_start(ngx_event_t *ev);
static ngx_int_t errand_request(wgw_errand_t *errand, ngx_http_request_t *r);
static ngx_int_t errand_headers(wgw_errand_t *errand, ngx_http_request_t *r);
static ngx_int_t errand_body(wgw_errand_t *errand, ngx_http_request_t *r);
static void errand_timedout(ngx_event_t *ev);
static void errand_ended(void *data);
static void errand_finish(ngx_event_t *ev);
static ngx_int_t errand_rewrite_handler(ngx_http_request_t *r);
static ngx_int_t errand_header_filter(ngx_http_request_t *r);
static ngx_int_t errand_body_filter(ngx_http_request_t *r, ngx_chain_t *in);
static ngx_int_t errand_take(wgw_errand_t *errand, ngx_buf_t *buf);


static ngx_http_output_header_filter_pt  errand_next_header_filter;
static ngx_http_output_body_filter_pt    errand_next_body_filter;


ngx_int_t
wgw_errand_init(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    ngx_array_t                *handlers;
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    handlers = &cmcf->phases[NGX_HTTP_SERVER_REWRITE_PHASE].handlers;
    h = handlers->elts;

    for (i = 0; i < handlers->nelts; i++) {
        if (h[i] == errand_rewrite_handler) {
            return NGX_OK;
        }
    }

    if (wgw_hook_phase(cf, NGX_HTTP_SERVER_REWRITE_PHASE,
                       errand_rewrite_handler)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    errand_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = errand_header_filter;

    errand_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = errand_body_filter;

    return NGX_OK;
}


wgw_errand_t *
wgw_errand_create(ngx_log_t *log)
{
    ngx_pool_t    *pool;
    wgw_errand_t  *errand;

    pool = ngx_create_pool(2048, log);
    if (pool == NULL) {
        return NULL;
    }

    errand = ngx_pcalloc(pool, sizeof(wgw_errand_t));
    if (errand == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    errand->pool = pool;
    errand->date = (time_t) -1;
    errand->other = (ngx_socket_t) -1;

    return errand;
}


ngx_int_t
wgw_errand_run(wgw_errand_t *errand)
{
    errand->last = &errand->chain;
    errand->connection = wgw_nobody_connect(errand->place->server, errand,
                                            errand->pool->log,
                                            &errand->other);

    if (errand->connection == NULL) {
        wgw_errand_drop(errand);
        return NGX_ERROR;
    }

    errand->event.data = errand;
    errand->event.handler = errand_start;
    errand->event.log = errand->connection->log;

    errand->timer.data = errand;
    errand->timer.handler = errand_timedout;
    errand->timer.log = errand->connection->log;

    ngx_add_timer(&errand->timer, errand->timeout);
    ngx_post_event(&errand->event, &ngx_posted_events);

    return NGX_OK;
}


wgw_errand_t *
wgw_errand_get(ngx_http_request_t *r)
{
    return wgw_nobody_owner(r);
}


static void
errand_start(ngx_event_t *ev)
{
    wgw_errand_t *errand = ev->data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;
    ngx_pool_cleanup_t  *cln;

    c = errand->connection;

    /* closed: the worker ends, there is no time left */

    r = c->close ? NULL : ngx_http_create_request(c);

    if (r == NULL) {
        ngx_http_close_connection(c);
        errand_ended(errand);
        return;
    }

    c->data = r;
    errand->request = r;
    r->logged = 1;

    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (cln == NULL) {
        ngx_http_free_request(r, 0);
        ngx_http_close_connection(c);
        errand_ended(errand);
        return;
    }

    cln->handler = errand_ended;
    cln->data = errand;

    if (errand_request(errand, r) != NGX_OK) {
        r->logged = 1;
        ngx_http_finalize_request(r, NGX_HTTP_CLOSE);

    } else {
        ngx_http_process_request(r);
    }

    ngx_http_run_posted_requests(c);
}


static ngx_int_t
errand_request(wgw_errand_t *errand, ngx_http_request_t *r)
{
    ngx_uint_t  post;

    post = errand->method == NGX_HTTP_POST;

    r->method = errand->method;

    if (post) {
        ngx_str_set(&r->method_name, "POST");

    } else {
        ngx_str_set(&r->method_name, "GET");
    }

    ngx_str_set(&r->http_protocol, "HTTP/1.1");
    r->http_version = NGX_HTTP_VERSION_11;

    r->uri = errand->uri;
    r->args = errand->args;
    r->unparsed_uri = errand->uri;
    r->request_line = r->method_name;
    r->headers_in.server = r->connection->addr_text;

    r->internal = 1;
    r->logged = 1;
    r->filter_need_in_memory = 1;
    r->main_filter_need_in_memory = 1;

    if (errand_headers(errand, r) != NGX_OK) {
        return NGX_ERROR;
    }

    return post ? errand_body(errand, r) : NGX_OK;
}


static ngx_int_t
errand_headers(wgw_errand_t *errand, ngx_http_request_t *r)
{
    ngx_uint_t            i;
    ngx_table_elt_t      *h;
    wgw_errand_header_t  *header;

    if (ngx_list_init(&r->headers_in.headers, r->pool, errand->nheaders + 1,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < errand->nheaders; i++) {
        header = &errand->headers[i];

        h = ngx_list_push(&r->headers_in.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(h, sizeof(ngx_table_elt_t));

        h->hash = 1;
        h->key = header->name;
        h->value = header->value;

        h->lowcase_key = ngx_pnalloc(r->pool, header->name.len);
        if (h->lowcase_key == NULL) {
            return NGX_ERROR;
        }

        ngx_strlow(h->lowcase_key, header->name.data, header->name.len);
    }

    return NGX_OK;
}


static ngx_int_t
errand_body(wgw_errand_t *errand, ngx_http_request_t *r)
{
    ngx_buf_t                *b;
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));
    if (rb == NULL) {
        return NGX_ERROR;
    }

    r->request_body = rb;
    r->headers_in.content_length_n = errand->body.len;

    if (errand->body.len == 0) {
        return NGX_OK;
    }

    b = ngx_calloc_buf(r->pool);
    rb->bufs = ngx_alloc_chain_link(r->pool);

    if (b == NULL || rb->bufs == NULL) {
        return NGX_ERROR;
    }

    b->start = errand->body.data;
    b->pos = errand->body.data;
    b->last = errand->body.data + errand->body.len;
    b->end = b->last;
    b->memory = 1;
    b->last_buf = 1;

    rb->buf = b;
    rb->bufs->buf = b;
    rb->bufs->next = NULL;

    return NGX_OK;
}


/* Ends the request as a client does that goes away. */

static void
errand_timedout(ngx_event_t *ev)
{
    wgw_errand_t *errand = ev->data;

    ngx_connection_t     *c;
    ngx_http_request_t   *r;
    ngx_http_upstream_t  *u;

    r = errand->request;

    errand->timedout = 1;

    if (r == NULL) {
        return;
    }

    c = errand->connection;
    u = r->upstream;

    ngx_http_set_log_request(c->log, r);

    ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT, "errand timed out");

    if (u && u->cleanup) {

        /* which ends the upstream's part of the request, and no more */

        r->main->count++;
        (*u->cleanup)(r);
    }

    ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
    ngx_http_run_posted_requests(c);
}


/* The request is gone, and its pool is about to be. */

static void
errand_ended(void *data)
{
    wgw_errand_t *errand = data;

    errand->request = NULL;
    errand->connection = NULL;

    wgw_nobody_hang_up(&errand->other);

    errand->event.handler = errand_finish;
    errand->event.log = ngx_cycle->log;
    errand->timer.log = ngx_cycle->log;

    ngx_post_event(&errand->event, &ngx_posted_events);
}


static void
errand_finish(ngx_event_t *ev)
{
    wgw_errand_t *errand = ev->data;

    u_char       *p;
    ngx_chain_t  *cl;

    if (errand->timer.timer_set) {
        ngx_del_timer(&errand->timer);
    }

    if (!errand->whole || errand->too_long) {
        errand->status = 0;
        errand->size = 0;
    }

    if (errand->size) {
        p = ngx_pnalloc(errand->pool, errand->size);

        if (p == NULL) {
            errand->status = 0;

        } else {
            errand->answer.data = p;
            errand->answer.len = errand->size;

            for (cl = errand->chain; cl; cl = cl->next) {
                p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
            }
        }
    }

    errand->done(errand);

    wgw_errand_drop(errand);
}


void
wgw_errand_drop(wgw_errand_t *errand)
{
    errand->pool->log = ngx_cycle->log;

    ngx_destroy_pool(errand->pool);
}


/*
 * The first phase of an internal request: from here straight to the content,
 * since what lies between is for clients.
 */

static ngx_int_t
errand_rewrite_handler(ngx_http_request_t *r)
{
    wgw_errand_t               *errand;
    ngx_http_phase_handler_t   *ph;
    ngx_http_core_main_conf_t  *cmcf;

    errand = wgw_errand_get(r);

    if (errand == NULL) {
        return NGX_DECLINED;
    }

    r->loc_conf = errand->place->location;

    ngx_http_update_location_config(r);

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    ph = cmcf->phase_engine.handlers;

    while (ph[r->phase_handler].checker != ngx_http_core_content_phase) {
        r->phase_handler++;
    }

    ngx_http_core_run_phases(r);

    return NGX_DONE;
}


static ngx_int_t
errand_header_filter(ngx_http_request_t *r)
{
    wgw_errand_t     *errand;
    ngx_table_elt_t  *date, *encoding;

    errand = wgw_errand_get(r);

    if (errand == NULL) {
        return errand_next_header_filter(r);
    }

    r->header_sent = 1;

    errand->status = r->headers_out.status;

    encoding = r->headers_out.content_encoding;

    if (encoding) {
        errand->encoding.data = ngx_pstrdup(errand->pool, &encoding->value);

        if (errand->encoding.data == NULL) {
            return NGX_ERROR;
        }

        errand->encoding.len = encoding->value.len;
    }

    date = r->upstream ? r->upstream->headers_in.date : NULL;

    if (date) {
        errand->date = ngx_parse_http_time(date->value.data, date->value.len);
    }

    if (r->header_only) {
        errand->whole = 1;
        wgw_nobody_hang_up(&errand->other);
    }

    return NGX_OK;
}


static ngx_int_t
errand_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    wgw_errand_t  *errand;

    errand = wgw_errand_get(r);

    if (errand == NULL) {
        return errand_next_body_filter(r, in);
    }

    for ( /* void */ ; in; in = in->next) {

        if (errand_take(errand, in->buf) != NGX_OK) {
            return NGX_ERROR;
        }

        if (in->buf->last_buf) {
            errand->whole = 1;
            wgw_nobody_hang_up(&errand->other);
        }
    }

    return NGX_OK;
}


static ngx_int_t
errand_take(wgw_errand_t *errand, ngx_buf_t *buf)
{
    size_t        len;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (ngx_buf_special(buf) || !ngx_buf_in_memory(buf)) {
        return buf->in_file ? NGX_ERROR : NGX_OK;
    }

    len = buf->last - buf->pos;

    if (len > errand->max - errand->size) {
        errand->too_long = 1;
        return NGX_ERROR;
    }

    b = ngx_create_temp_buf(errand->pool, len ? len : 1);
    cl = ngx_alloc_chain_link(errand->pool);

    if (b == NULL || cl == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_cpymem(b->pos, buf->pos, len);
    buf->pos = buf->last;

    cl->buf = b;
    cl->next = NULL;

    *errand->last = cl;
    errand->last = &cl->next;
    errand->size += len;

    return NGX_OK;
}
