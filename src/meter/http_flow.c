
#include "meter/http_flow.h"
#include "meter/http_key.h"
#include "meter/http_late.h"
#include "meter/http_meter_refusal.h"
#include "meter/http_meter_v1.h"
#include "meter/http_meter_v2.h"
#include "meter/http_meter_v2_head.h"
#include "meter/http_meter_v2_out.h"
#include "meter/http_rate.h"
#include "meter/http_told.h"
#include "meter/meter_module.h"
#include "meter/meter_vars.h"
#include "meter/pace.h"
#include "core/request.h"


static inline ngx_uint_t ngx_http_wgw_meter_flow_usual(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf);
static ngx_uint_t ngx_http_wgw_meter_flow_alone(ngx_http_request_t *r);
static inline ngx_int_t ngx_http_wgw_meter_flow_begin(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf, wgw_flow_t **found);
static ngx_uint_t ngx_http_wgw_meter_flow_count(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf, wgw_flow_t *flow, ngx_array_t **meters,
    ngx_http_wgw_meter_more_t *more);
static ngx_int_t ngx_http_wgw_meter_flow_refuse(ngx_http_request_t *r,
    wgw_flow_t *flow);
static wgw_flow_t *ngx_http_wgw_meter_flow_room(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf, wgw_flow_t *flow, ngx_uint_t n);
static ngx_int_t ngx_http_wgw_meter_flow_decide(ngx_http_request_t *r,
    ngx_array_t *meters, ngx_http_wgw_meter_more_t *more, wgw_flow_t *flow,
    ngx_uint_t may);
static ngx_uint_t ngx_http_wgw_meter_flow_outside(ngx_http_request_t *r,
    ngx_uint_t may);
static size_t ngx_http_wgw_meter_flow_head(ngx_http_request_t *r,
    wgw_flow_t *flow);
static ngx_int_t ngx_http_wgw_meter_flow_pace(ngx_http_request_t *r,
    wgw_flow_t *flow);
static ngx_int_t ngx_http_wgw_meter_flow_keys(ngx_http_request_t *r,
    ngx_array_t *meters, ngx_http_wgw_meter_more_t *more, wgw_flow_t *flow,
    ngx_uint_t may);
static ngx_variable_value_t *ngx_http_wgw_meter_flow_evaluate(void *data,
    ngx_uint_t index);
static off_t ngx_http_wgw_meter_flow_length(ngx_http_request_t *r,
    wgw_flow_t *flow);


ngx_http_wgw_meter_more_pt  ngx_http_wgw_meter_more;


wgw_flow_t *
ngx_http_wgw_meter_flow_start(ngx_http_request_t *r, ngx_uint_t n)
{
    wgw_flow_t  *flow;

    flow = ngx_wgw_meter_create(r->pool, n);
    if (flow == NULL) {
        return NULL;
    }

    ngx_http_set_ctx(r, flow, ngx_http_wgw_meter_module);

#if (NGX_HTTP_V2)

    if (r->stream) {
        wgw_flow_init(flow, &ngx_http_wgw_meter_v2, r, r->connection,
                      r->pool);
        wgw_flow_start(flow, 0);

        return ngx_http_wgw_meter_v2_out_watch(r->stream) == NGX_OK ? flow
                                                                    : NULL;
    }

#endif

    wgw_flow_init(flow, &ngx_http_wgw_meter_v1, r, r->connection, r->pool);

    /* the phases set it: who has none failed before them */

    flow->tail = (r->write_event_handler == NULL);
    flow->read = ngx_http_wgw_meter_v1_input(r, flow->tail);

    wgw_flow_start(flow, 1);

    return flow;
}


ngx_int_t
ngx_http_wgw_meter_flow_admit(ngx_http_request_t *r, wgw_flow_t **found,
    ngx_uint_t may)
{
    ngx_int_t                   rc;
    ngx_uint_t                  n, late, paced;
    wgw_flow_t                 *flow;
    ngx_array_t                *meters;
    ngx_http_wgw_meter_more_t   more;
    ngx_http_wgw_meter_conf_t  *mcf;

    *found = NULL;

    if (r != r->main) {
        return NGX_OK;
    }

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    flow = ngx_http_wgw_meter_flow(r);
    *found = flow;

    if (flow == NULL && may && ngx_http_wgw_meter_flow_usual(r, mcf)) {
        return ngx_http_wgw_meter_flow_begin(r, mcf, found);
    }

    paced = (flow && flow->paces) ? 0
            : wgw_rate_number(ngx_http_wgw_rates(r), 1);

    n = ngx_http_wgw_meter_flow_count(r, mcf, flow, &meters, &more);

    if (n == 0 && paced == 0) {
        return NGX_OK;
    }

    flow = ngx_http_wgw_meter_flow_room(r, mcf, flow, n);
    if (flow == NULL) {
        return NGX_ERROR;
    }

    *found = flow;

    if (n && may) {
        late = ngx_http_wgw_late_number(meters);
        flow->late = late ? meters : NULL;
        n -= late;
    }

    rc = n ? ngx_http_wgw_meter_flow_decide(r, meters, &more, flow, may)
           : NGX_OK;

    if (rc != NGX_OK) {
        return rc;
    }

    if (flow->meters.status == WGW_METER_REJECTED) {
        return n ? ngx_http_wgw_meter_flow_refuse(r, flow) : NGX_OK;
    }

    return paced ? ngx_http_wgw_meter_flow_pace(r, flow) : NGX_OK;
}


/*
 * 1 for most requests: one key, all of them has come, and neither rates nor
 * another part have a say.
 */

static inline ngx_uint_t
ngx_http_wgw_meter_flow_usual(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf)
{
    return mcf->usual
           && r->http_version >= NGX_HTTP_VERSION_10
           && r->http_version <= NGX_HTTP_VERSION_11
           && !r->internal
           && (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_POST))
           && r->headers_in.content_length_n <= 0
           && !r->headers_in.chunked
           && r->headers_in.upgrade == NULL
           && ngx_http_wgw_rates(r) == NULL
           && (ngx_http_wgw_meter_more == NULL
               || ngx_http_wgw_meter_flow_alone(r));
}


/* 1 when no other part adds a meter, or has refused the request. */

static ngx_uint_t
ngx_http_wgw_meter_flow_alone(ngx_http_request_t *r)
{
    ngx_http_wgw_meter_more_t  more;

    ngx_memzero(&more, sizeof(ngx_http_wgw_meter_more_t));
    ngx_http_wgw_meter_more(r, &more);

    return more.n == 0 && !more.refused;
}


/* What the rest of this file does for it, in 35 instructions less. */

static inline ngx_int_t
ngx_http_wgw_meter_flow_begin(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf, wgw_flow_t **found)
{
    ngx_int_t          rc;
    ngx_str_t          key;
    wgw_flow_t        *flow;
    wgw_meter_conf_t  *conf;

    conf = mcf->meters->elts;

    if (conf->host && r->headers_in.server.len) {
        key = r->headers_in.server;

    } else if (ngx_http_wgw_meter_key(r, conf->key_index, conf->key, &key)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    flow = ngx_wgw_meter_create(r->pool, 1);
    if (flow == NULL) {
        return NGX_ERROR;
    }

    *found = flow;
    ngx_http_set_ctx(r, flow, ngx_http_wgw_meter_module);

    wgw_flow_init(flow, &ngx_http_wgw_meter_v1, r, r->connection, r->pool);

    flow->read = r->request_length + (r->header_in->last - r->header_in->pos);

    flow->meters.elts = (wgw_meter_t *) &flow[1];
    flow->meters.log_level = mcf->log_level;
    flow->meters.variable = ngx_http_wgw_meter_flow_evaluate;

    wgw_flow_start(flow, 1);

    wgw_meters_push(&flow->meters, conf, &key);

    rc = wgw_flow_admit(flow, r->request_length, WGW_FLOW_HEAD, 1);

    return rc == NGX_OK && flow->meters.status == WGW_METER_REJECTED
           ? ngx_http_wgw_meter_flow_refuse(r, flow) : rc;
}


/* NGX_OK for what another part has refused. */

static ngx_int_t
ngx_http_wgw_meter_flow_refuse(ngx_http_request_t *r, wgw_flow_t *flow)
{
    ngx_http_wgw_meter_refusal_begin(r, flow);

    return flow->meters.limit ? NGX_DECLINED : NGX_OK;
}


/* How many meters are to decide, with those of others; once they have, 0. */

static ngx_uint_t
ngx_http_wgw_meter_flow_count(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf, wgw_flow_t *flow, ngx_array_t **meters,
    ngx_http_wgw_meter_more_t *more)
{
    more->n = 0;
    more->refused = 0;
    *meters = NULL;

    if (flow && flow->meters.status) {
        return 0;
    }

    *meters = flow && flow->late ? flow->late : mcf->meters;

    if (ngx_http_wgw_meter_more) {
        ngx_memzero(more, sizeof(ngx_http_wgw_meter_more_t));
        ngx_http_wgw_meter_more(r, more);
    }

    return (*meters ? (*meters)->nelts : 0) + more->n;
}


/* A flow that has room for `n` meters: this one, or a new one. */

static wgw_flow_t *
ngx_http_wgw_meter_flow_room(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf, wgw_flow_t *flow, ngx_uint_t n)
{
    if (flow == NULL) {
        flow = ngx_http_wgw_meter_flow_start(r, n);
        if (flow == NULL) {
            return NULL;
        }

        flow->meters.elts = (wgw_meter_t *) &flow[1];

    } else if (n && flow->meters.n == 0) {
        flow->meters.elts = ngx_pcalloc(r->pool, n * sizeof(wgw_meter_t));
        if (flow->meters.elts == NULL) {
            return NULL;
        }
    }

    flow->meters.log_level = mcf->log_level;
    flow->meters.variable = ngx_http_wgw_meter_flow_evaluate;

    return flow;
}


static ngx_int_t
ngx_http_wgw_meter_flow_decide(ngx_http_request_t *r, ngx_array_t *meters,
    ngx_http_wgw_meter_more_t *more, wgw_flow_t *flow, ngx_uint_t may)
{
    ngx_int_t  rc;

    if (ngx_http_wgw_rate_status(r) == WGW_RATE_REJECTED || more->refused
        || (!flow->tail && ngx_http_wgw_meter_flow_outside(r, may)))
    {
        wgw_meters_reject(&flow->meters, meters ? meters->elts : NULL,
                          meters ? meters->nelts : 0);
        flow->requests = 1;

        return NGX_OK;
    }

    /* it may have waited, with its keys */

    if (flow->meters.n == 0
        && ngx_http_wgw_meter_flow_keys(r, meters, more, flow, may) != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = wgw_flow_admit(flow, ngx_http_wgw_meter_flow_length(r, flow),
                        ngx_http_wgw_meter_flow_head(r, flow), may);

    if (rc != NGX_OK) {
        return rc;
    }

    if (flow->meters.status != WGW_METER_REJECTED
        && r->headers_in.content_length_n > 0
        && !wgw_meters_precheck(&flow->meters, WGW_COUNT_RECEIVED,
                                r->headers_in.content_length_n))
    {
        wgw_meters_deny(&flow->meters);
    }

    return NGX_OK;
}


/*
 * Told by other modules: a paused name pays as little for its refusals as a
 * flooded one; an answered preflight comes before all limits, as a page that
 * may not ask cannot see the 429 it would get.  Of those that are paused the
 * phase that may wait sees the error page only.
 */

static ngx_uint_t
ngx_http_wgw_meter_flow_outside(ngx_http_request_t *r, ngx_uint_t may)
{
    ngx_http_wgw_meter_main_conf_t  *mmcf;

    mmcf = ngx_http_get_module_main_conf(r, ngx_http_wgw_meter_module);

    return ((!may || r->internal) && ngx_http_wgw_told(r, mmcf->paused))
           || (r->method == NGX_HTTP_OPTIONS
               && ngx_http_wgw_told(r, mmcf->preflight));
}


/* The least that is sent. */

static size_t
ngx_http_wgw_meter_flow_head(ngx_http_request_t *r, wgw_flow_t *flow)
{
    if (flow->attached) {
        return (r->http_version < NGX_HTTP_VERSION_10) ? 0 : WGW_FLOW_HEAD;
    }

#if (NGX_HTTP_V2)

    if (r->stream) {
        return NGX_HTTP_WGW_METER_V2_HEAD;
    }

#endif

    return 0;
}


/* What is refused is not paced. */

static ngx_int_t
ngx_http_wgw_meter_flow_pace(ngx_http_request_t *r, wgw_flow_t *flow)
{
    if (flow->tail || ngx_http_wgw_rate_status(r) == WGW_RATE_REJECTED) {
        return NGX_OK;
    }

    return ngx_wgw_meter_pace(flow, ngx_http_wgw_rates(r),
                              ngx_http_wgw_meter_key, r,
                              ngx_http_wgw_meter_flow_length(r, flow));
}


/* All of them or, while it `may` wait, those that are known. */

static ngx_int_t
ngx_http_wgw_meter_flow_keys(ngx_http_request_t *r, ngx_array_t *meters,
    ngx_http_wgw_meter_more_t *more, wgw_flow_t *flow, ngx_uint_t may)
{
    ngx_str_t          key;
    ngx_uint_t         i;
    wgw_meter_conf_t  *conf;

    conf = meters ? meters->elts : NULL;

    for (i = 0; meters && i < meters->nelts; i++) {

        if (conf[i].late && may) {
            continue;
        }

        ngx_str_null(&key);

        /* unknown, if it failed before it had a name to be trusted */

        if (!flow->tail
            && ngx_http_wgw_meter_key(r, conf[i].key_index, conf[i].key, &key)
               != NGX_OK)
        {
            /* the error's own page is decided about anew */

            flow->meters.n = 0;
            return NGX_ERROR;
        }

        wgw_meters_push(&flow->meters, &conf[i], &key);
    }

    /* those that are late were among them */

    if (!may) {
        flow->late = NULL;
    }

    for (i = 0; i < more->n; i++) {
        wgw_meters_push(&flow->meters, &more->meters[i], &more->keys[i]);
    }

    return NGX_OK;
}


static ngx_variable_value_t *
ngx_http_wgw_meter_flow_evaluate(void *data, ngx_uint_t index)
{
    return ngx_http_get_flushed_variable(data, index);
}


/* The bytes of the request that have come. */

static off_t
ngx_http_wgw_meter_flow_length(ngx_http_request_t *r, wgw_flow_t *flow)
{
    off_t  length;

    length = flow->class->received(flow);

    if (flow->attached && !flow->tail) {
        length += ngx_http_wgw_meter_v1_expected(r);
    }

    return length;
}


ngx_int_t
ngx_http_wgw_meter_flow_status(ngx_http_request_t *r)
{
    wgw_flow_t                 *flow;
    ngx_http_wgw_meter_conf_t  *mcf;

    flow = ngx_http_wgw_meter_flow(r);

    if (flow && flow->meters.full) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    return mcf->status;
}
