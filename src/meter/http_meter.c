
/*
 * The http side of the meter: what is metered, and when it is decided.
 */

#include "meter/http_key.h"
#include "meter/http_page.h"
#include "meter/http_rate.h"
#include "meter/meter_module.h"
#include "meter/http_meter_hints.h"
#include "meter/http_meter_refusal.h"
#include "meter/meter_vars.h"
#include "meter/sweep.h"
#include "meter/http_meter_v1.h"
#include "meter/http_told.h"
#include "meter/http_meter_v2.h"
#include "meter/http_meter_v2_head.h"
#include "meter/http_meter_v2_out.h"
#include "meter/pace.h"
#include "core/request.h"


typedef struct {
    ngx_uint_t  enabled;
    ngx_int_t   paused;         /* index of a variable, or NGX_ERROR */
} ngx_http_wgw_meter_main_conf_t;


static ngx_int_t ngx_http_wgw_meter_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_handler(ngx_http_request_t *r);
#if (nginx_version >= 1029000)
static ngx_int_t ngx_http_wgw_meter_early_hints(ngx_http_request_t *r);
#endif
static ngx_int_t ngx_http_wgw_meter_log_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_wgw_meter_precheck(ngx_http_request_t *r,
    wgw_flow_t *flow);
static ngx_int_t ngx_http_wgw_meter_status(ngx_http_request_t *r);
static wgw_flow_t *ngx_http_wgw_meter_find(ngx_http_request_t *r);
static wgw_flow_t *ngx_http_wgw_meter_start(ngx_http_request_t *r,
    ngx_uint_t n);
static ngx_int_t ngx_http_wgw_meter_admit(ngx_http_request_t *r,
    wgw_flow_t **found, ngx_uint_t may);
static ngx_int_t ngx_http_wgw_meter_decide(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf, ngx_http_wgw_meter_more_t *more,
    wgw_flow_t *flow, ngx_uint_t may);
static ngx_int_t ngx_http_wgw_meter_pace(ngx_http_request_t *r,
    wgw_flow_t *flow);
static ngx_int_t ngx_http_wgw_meter_keys(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf, ngx_http_wgw_meter_more_t *more,
    wgw_flow_t *flow);
static ngx_variable_value_t *ngx_http_wgw_meter_evaluate(void *data,
    ngx_uint_t index);
static off_t ngx_http_wgw_meter_length(ngx_http_request_t *r,
    wgw_flow_t *flow);

static ngx_int_t ngx_http_wgw_meter_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_wgw_meter_add_variables(ngx_conf_t *cf);
static void *ngx_http_wgw_meter_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_wgw_meter_create_conf(ngx_conf_t *cf);
static char *ngx_http_wgw_meter_merge_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_wgw_meter(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_wgw_meter_init(ngx_conf_t *cf);


static ngx_conf_num_bounds_t  ngx_wgw_meter_status_bounds = {
    ngx_conf_check_num_bounds, 400, 599
};


static ngx_command_t  ngx_http_wgw_meter_commands[] = {

    { ngx_string("wgw_meter"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_wgw_meter,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_meter_status"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_meter_conf_t, status),
      &ngx_wgw_meter_status_bounds },

    { ngx_string("wgw_meter_log_level"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_wgw_meter_conf_t, log_level),
      &ngx_wgw_meter_log_levels },

    { ngx_string("wgw_usage"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_wgw_usage,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("wgw_page"),
      NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_http_wgw_page,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_wgw_meter_module_ctx = {
    ngx_http_wgw_meter_add_variables,      /* preconfiguration */
    ngx_http_wgw_meter_init,               /* postconfiguration */

    ngx_http_wgw_meter_create_main_conf,   /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_wgw_meter_create_conf,        /* create location configuration */
    ngx_http_wgw_meter_merge_conf          /* merge location configuration */
};


ngx_module_t  ngx_http_wgw_meter_module = {
    NGX_MODULE_V1,
    &ngx_http_wgw_meter_module_ctx,        /* module context */
    ngx_http_wgw_meter_commands,           /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    wgw_sweep_init,                        /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


ngx_http_wgw_meter_more_pt  ngx_http_wgw_meter_more;

static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
#if (nginx_version >= 1029000)
static ngx_http_output_header_filter_pt  ngx_http_next_early_hints_filter;
#endif
static ngx_http_request_body_filter_pt   ngx_http_next_request_body_filter;


/*
 * A body may be discarded before the request is known to be metered, by
 * `return` in the rewrite phase: it has to be seen from the start.
 */

static ngx_int_t
ngx_http_wgw_meter_body_handler(ngx_http_request_t *r)
{
    if (r == r->main
        && (r->headers_in.content_length_n > 0 || r->headers_in.chunked)
        && ngx_http_wgw_meter_find(r) == NULL
        && ngx_http_wgw_meter_start(r, 0) == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_wgw_meter_handler(ngx_http_request_t *r)
{
    ngx_int_t    rc;
    wgw_flow_t  *flow;

    rc = ngx_http_wgw_meter_admit(r, &flow, 1);

    /* what came waits for its turn */

    if (rc == NGX_OK && flow && flow->owed) {
        rc = wgw_flow_turn(flow);
    }

    if (flow && r->read_event_handler == ngx_http_test_reading) {
        r->read_event_handler = ngx_http_block_reading;
    }

    switch (rc) {

    case NGX_AGAIN:

        /* the phase is entered again */

        r->read_event_handler = ngx_http_test_reading;
        return NGX_AGAIN;

    case NGX_DECLINED:
        return ngx_http_wgw_meter_status(r);

    case NGX_ERROR:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    default: /* NGX_OK */
        return NGX_DECLINED;
    }
}


/*
 * Here come requests that never reached the phases: `return`, errors in the
 * request line or header.  What is refused now ends with the connection,
 * because nginx drops what a content handler would have said.
 */

static ngx_int_t
ngx_http_wgw_meter_header_filter(ngx_http_request_t *r)
{
    ngx_int_t    rc;
    wgw_flow_t  *flow;

    if (r != r->main) {
        flow = ngx_http_wgw_meter_find(r);

        return flow && ngx_http_wgw_meter_refusal_proxied(r, flow)
               ? NGX_ERROR : ngx_http_next_header_filter(r);
    }

    rc = ngx_http_wgw_meter_admit(r, &flow, 0);

    if (flow == NULL || (flow->meters.status == 0 && flow->paces == NULL)) {
        return rc == NGX_OK ? ngx_http_next_header_filter(r) : NGX_ERROR;
    }

    if (flow->owed) {
        wgw_flow_owe(flow);
    }

    if (rc == NGX_OK && ngx_http_wgw_meter_precheck(r, flow) != NGX_OK) {
        wgw_flow_deny(flow);
        rc = NGX_DECLINED;
    }

    if (rc == NGX_OK && flow->meters.status == WGW_METER_REJECTED) {

        if (ngx_http_wgw_meter_refusal_proxied(r, flow)) {
            rc = NGX_DECLINED;

        } else if (flow->meters.limit
                   && ngx_http_wgw_meter_refusal_retry(r, flow) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    switch (rc) {

    case NGX_DECLINED:
        r->keepalive = 0;

        ngx_http_wgw_meter_refusal_begin(r, flow);

        return ngx_http_filter_finalize_request(r, &ngx_http_wgw_meter_module,
                                               ngx_http_wgw_meter_status(r));

    case NGX_ERROR:
        return NGX_ERROR;

    default: /* NGX_OK */
        break;
    }

#if (NGX_HTTP_V2)

    if (r->stream) {
        return ngx_http_wgw_meter_v2_header(flow,
                                            ngx_http_next_header_filter);
    }

#endif

    return ngx_http_next_header_filter(r);
}


/* What comes of a request's body, before a backend has it. */

static ngx_int_t
ngx_http_wgw_meter_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    wgw_flow_t  *flow;

    flow = ngx_http_wgw_meter_find(r);

    if (flow == NULL || flow->meters.status == 0) {
        return ngx_http_next_request_body_filter(r, in);
    }

    if (ngx_http_wgw_meter_refusal_proxied(r, flow)) {
        return ngx_http_wgw_meter_status(r);
    }

#if (NGX_HTTP_V2)

    if (r->stream && ngx_http_wgw_meter_v2_body(flow) != NGX_OK) {
        return NGX_ERROR;
    }

#endif

    return ngx_http_next_request_body_filter(r, in);
}


#if (nginx_version >= 1029000)

static ngx_int_t
ngx_http_wgw_meter_early_hints(ngx_http_request_t *r)
{
    wgw_flow_t  *flow;

    flow = (r == r->main) ? ngx_http_wgw_meter_find(r) : NULL;

    return flow ? ngx_http_wgw_meter_hints(flow,
                                           ngx_http_next_early_hints_filter)
                : ngx_http_next_early_hints_filter(r);
}

#endif


/* And here those that nothing was sent for. */

static ngx_int_t
ngx_http_wgw_meter_log_handler(ngx_http_request_t *r)
{
    wgw_flow_t  *flow;

    flow = ngx_http_wgw_meter_find(r);

    if (flow == NULL || flow->meters.status == 0) {
        (void) ngx_http_wgw_meter_admit(r, &flow, 0);
    }

    /* what left last, for the variables in the log */

    if (flow && (r->connection->error || r->connection->timedout)) {
        wgw_flow_flush(flow);
    }

    return NGX_OK;
}


/* A range is shorter than what it is of, so its length is not known yet. */

static ngx_int_t
ngx_http_wgw_meter_precheck(ngx_http_request_t *r, wgw_flow_t *flow)
{
    if (!flow->meters.precheck
        || flow->meters.status == WGW_METER_REJECTED
        || r->header_only
        || r->method == NGX_HTTP_HEAD
        || r->headers_in.range
        || r->headers_out.content_length_n <= 0
        || wgw_meters_precheck(&flow->meters, WGW_COUNT_SENT,
                               r->headers_out.content_length_n))
    {
        return NGX_OK;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_wgw_meter_status(ngx_http_request_t *r)
{
    wgw_flow_t                 *flow;
    ngx_http_wgw_meter_conf_t  *mcf;

    flow = ngx_http_wgw_meter_find(r);

    if (flow && flow->meters.full) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    return mcf->status;
}


static wgw_flow_t *
ngx_http_wgw_meter_find(ngx_http_request_t *r)
{
    return wgw_request_ctx(r->main, &ngx_http_wgw_meter_module,
                           ngx_wgw_meter_cleanup);
}


/* A flow with room for `n` meters, which is on the connection, for HTTP/1. */

static wgw_flow_t *
ngx_http_wgw_meter_start(ngx_http_request_t *r, ngx_uint_t n)
{
    size_t               size;
    wgw_flow_t          *flow;
    ngx_pool_cleanup_t  *cln;

    size = sizeof(wgw_flow_t) + n * sizeof(wgw_meter_t);

    cln = ngx_pool_cleanup_add(r->pool, size);
    if (cln == NULL) {
        return NULL;
    }

    flow = cln->data;
    ngx_memzero(flow, size);

    cln->handler = ngx_wgw_meter_cleanup;
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


/*
 * NGX_OK, NGX_DECLINED when a cap refuses the request, or NGX_ERROR; where it
 * `may` wait, NGX_AGAIN.  `found` is the flow, or NULL where nothing is
 * metered.
 */

static ngx_int_t
ngx_http_wgw_meter_admit(ngx_http_request_t *r, wgw_flow_t **found,
    ngx_uint_t may)
{
    ngx_int_t                   rc;
    ngx_uint_t                  n, paced;
    wgw_flow_t                 *flow;
    ngx_http_wgw_meter_more_t   more;
    ngx_http_wgw_meter_conf_t  *mcf;

    *found = NULL;

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    if (r != r->main) {
        return NGX_OK;
    }

    ngx_memzero(&more, sizeof(ngx_http_wgw_meter_more_t));

    if (ngx_http_wgw_meter_more) {
        ngx_http_wgw_meter_more(r, &more);
    }

    n = (mcf->meters ? mcf->meters->nelts : 0) + more.n;
    paced = wgw_rate_number(ngx_http_wgw_rates(r), 1);

    flow = ngx_http_wgw_meter_find(r);
    *found = flow;

    if (flow) {
        n = flow->meters.status ? 0 : n;
        paced = flow->paces ? 0 : paced;
    }

    if (n == 0 && paced == 0) {
        return NGX_OK;
    }

    if (flow == NULL) {
        flow = ngx_http_wgw_meter_start(r, n);
        if (flow == NULL) {
            return NGX_ERROR;
        }

        flow->meters.elts = (wgw_meter_t *) &flow[1];
        *found = flow;

    } else if (n && flow->meters.n == 0) {
        flow->meters.elts = ngx_pcalloc(r->pool, n * sizeof(wgw_meter_t));
        if (flow->meters.elts == NULL) {
            return NGX_ERROR;
        }
    }

    flow->meters.log_level = mcf->log_level;
    flow->meters.variable = ngx_http_wgw_meter_evaluate;

    if (n) {
        rc = ngx_http_wgw_meter_decide(r, mcf, &more, flow, may);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (flow->meters.status == WGW_METER_REJECTED) {
        if (n) {
            ngx_http_wgw_meter_refusal_begin(r, flow);
        }

        return n && flow->meters.limit ? NGX_DECLINED : NGX_OK;
    }

    return paced ? ngx_http_wgw_meter_pace(r, flow) : NGX_OK;
}


static ngx_int_t
ngx_http_wgw_meter_decide(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf, ngx_http_wgw_meter_more_t *more,
    wgw_flow_t *flow, ngx_uint_t may)
{
    size_t                           head;
    ngx_int_t                        rc;
    ngx_http_wgw_meter_main_conf_t  *mmcf;

    mmcf = ngx_http_get_module_main_conf(r, ngx_http_wgw_meter_module);

    /* a paused name pays as little for its refusals as a flooded one */

    if (ngx_http_wgw_rate_status(r) == WGW_RATE_REJECTED || more->refused
        || (!flow->tail && ngx_http_wgw_told(r, mmcf->paused)))
    {
        wgw_meters_reject(&flow->meters,
                          mcf->meters ? mcf->meters->elts : NULL,
                          mcf->meters ? mcf->meters->nelts : 0);
        flow->requests = 1;

        return NGX_OK;
    }

    /* it may have waited, with its keys */

    if (flow->meters.n == 0
        && ngx_http_wgw_meter_keys(r, mcf, more, flow) != NGX_OK)
    {
        return NGX_ERROR;
    }

    head = 0;

#if (NGX_HTTP_V2)

    if (r->stream) {
        head = NGX_HTTP_WGW_METER_V2_HEAD;
    }

#endif

    if (flow->attached) {
        head = (r->http_version < NGX_HTTP_VERSION_10) ? 0 : WGW_FLOW_HEAD;
    }

    rc = wgw_flow_admit(flow, ngx_http_wgw_meter_length(r, flow), head, may);

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


/* What is refused is not paced. */

static ngx_int_t
ngx_http_wgw_meter_pace(ngx_http_request_t *r, wgw_flow_t *flow)
{
    wgw_paces_t  *paces;

    if (flow->tail || ngx_http_wgw_rate_status(r) == WGW_RATE_REJECTED) {
        return NGX_OK;
    }

    paces = ngx_pcalloc(r->pool, sizeof(wgw_paces_t));
    if (paces == NULL) {
        return NGX_ERROR;
    }

    paces->log = r->connection->log;
    paces->log_level = flow->meters.log_level;

    if (wgw_paces_open(paces, r->pool, ngx_http_wgw_rates(r),
                       ngx_http_wgw_meter_key, r)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    wgw_flow_pace(flow, paces, ngx_http_wgw_meter_length(r, flow));

    return NGX_OK;
}


static ngx_int_t
ngx_http_wgw_meter_keys(ngx_http_request_t *r,
    ngx_http_wgw_meter_conf_t *mcf, ngx_http_wgw_meter_more_t *more,
    wgw_flow_t *flow)
{
    ngx_str_t          key;
    ngx_uint_t         i;
    wgw_meter_conf_t  *meters;

    meters = mcf->meters ? mcf->meters->elts : NULL;

    for (i = 0; mcf->meters && i < mcf->meters->nelts; i++) {
        ngx_str_null(&key);

        /* unknown, if it failed before it had a name to be trusted */

        if (!flow->tail
            && ngx_http_wgw_meter_key(r, meters[i].key_index, meters[i].key,
                                      &key)
               != NGX_OK)
        {
            /* the error's own page is decided about anew */

            flow->meters.n = 0;
            return NGX_ERROR;
        }

        wgw_meters_push(&flow->meters, &meters[i], &key);
    }

    for (i = 0; i < more->n; i++) {
        wgw_meters_push(&flow->meters, &more->meters[i], &more->keys[i]);
    }

    return NGX_OK;
}


static ngx_variable_value_t *
ngx_http_wgw_meter_evaluate(void *data, ngx_uint_t index)
{
    return ngx_http_get_flushed_variable(data, index);
}


/* The bytes of the request that have come. */

static off_t
ngx_http_wgw_meter_length(ngx_http_request_t *r, wgw_flow_t *flow)
{
    off_t  length;

    length = flow->class->received(flow);

    if (flow->attached && !flow->tail) {
        length += ngx_http_wgw_meter_v1_expected(r);
    }

    return length;
}


static ngx_int_t
ngx_http_wgw_meter_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    return ngx_wgw_meter_variable(ngx_http_wgw_meter_find(r), r->pool, v,
                                  data);
}


static ngx_int_t
ngx_http_wgw_meter_add_variables(ngx_conf_t *cf)
{
    ngx_str_t             name;
    ngx_uint_t            i;
    ngx_http_variable_t  *var;

    for (i = 0; ngx_wgw_meter_vars[i].name.len; i++) {
        name = ngx_wgw_meter_vars[i].name;

        var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = ngx_http_wgw_meter_variable;
        var->data = ngx_wgw_meter_vars[i].what;
    }

    return NGX_OK;
}


static void *
ngx_http_wgw_meter_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_wgw_meter_main_conf_t  *mmcf;

    mmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_meter_main_conf_t));
    if (mmcf == NULL) {
        return NULL;
    }

    mmcf->paused = NGX_ERROR;

    return mmcf;
}


static void *
ngx_http_wgw_meter_create_conf(ngx_conf_t *cf)
{
    ngx_http_wgw_meter_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_wgw_meter_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     mcf->usage = 0;
     *     mcf->hosts = NULL;
     *     mcf->page = NULL;
     */

    mcf->meters = NGX_CONF_UNSET_PTR;
    mcf->log_level = NGX_CONF_UNSET_UINT;
    mcf->status = NGX_CONF_UNSET_UINT;

    return mcf;
}


static char *
ngx_http_wgw_meter_merge_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_wgw_meter_conf_t *prev = parent;
    ngx_http_wgw_meter_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->meters, prev->meters, NULL);
    ngx_conf_merge_uint_value(conf->log_level, prev->log_level, NGX_LOG_ERR);
    ngx_conf_merge_uint_value(conf->status, prev->status,
                              NGX_HTTP_TOO_MANY_REQUESTS);

    if (conf->usage) {
        return conf->hosts ? wgw_request_hosts(cf, conf->hosts)
                           : NGX_CONF_OK;
    }

    if (prev->usage && wgw_request_inherits(cf, ngx_http_wgw_usage_handler)) {
        conf->usage = prev->usage;
        conf->hosts = prev->hosts;
    }

    return ngx_http_wgw_page_merge(cf, prev, conf);
}


void
ngx_http_wgw_meter_enable(ngx_conf_t *cf)
{
    ngx_http_wgw_meter_main_conf_t  *mmcf;

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_wgw_meter_module);
    mmcf->enabled = 1;
}


static char *
ngx_http_wgw_meter(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_meter_conf_t *mcf = conf;

    ngx_http_wgw_meter_enable(cf);

    return ngx_wgw_meter_parse(cf, &mcf->meters, &ngx_http_wgw_meter_proto);
}


static ngx_int_t
ngx_http_wgw_meter_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt             *h;
    ngx_http_core_main_conf_t       *cmcf;
    ngx_http_wgw_meter_main_conf_t  *mmcf;

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_wgw_meter_module);

    if (!mmcf->enabled && !ngx_http_wgw_rate_bytes(cf)) {
        return NGX_OK;
    }

    mmcf->paused = ngx_http_wgw_told_index(cf, "wgw_paused");

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_wgw_meter_body_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_wgw_meter_handler;

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_LOG_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_wgw_meter_log_handler;

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_wgw_meter_header_filter;

#if (nginx_version >= 1029000)

    ngx_http_next_early_hints_filter = ngx_http_top_early_hints_filter;
    ngx_http_top_early_hints_filter = ngx_http_wgw_meter_early_hints;

#endif

    ngx_http_next_request_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_http_wgw_meter_body_filter;

    return NGX_OK;
}
