
/*
 * The http side of the meter: what is metered, and when it is decided.
 */

#include "meter/http_flow.h"
#include "meter/http_key.h"
#include "meter/http_late.h"
#include "meter/http_grid.h"
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
#include "core/hook.h"
#include "core/request.h"


static ngx_int_t ngx_http_wgw_meter_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_handler(ngx_http_request_t *r);
#if (nginx_version >= 1029000)
static ngx_int_t ngx_http_wgw_meter_early_hints(ngx_http_request_t *r);
#endif
static ngx_int_t ngx_http_wgw_meter_log_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_wgw_meter_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static inline ngx_uint_t ngx_http_wgw_meter_goes(ngx_http_request_t *r,
    wgw_flow_t *flow);
static ngx_int_t ngx_http_wgw_meter_answer(ngx_http_request_t *r,
    wgw_flow_t *flow);
static ngx_int_t ngx_http_wgw_meter_precheck(ngx_http_request_t *r,
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

    { ngx_string("wgw_grid_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_wgw_grid_status,
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
        && ngx_http_wgw_meter_flow(r) == NULL
        && ngx_http_wgw_meter_flow_start(r, 0) == NULL)
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

    rc = ngx_http_wgw_meter_flow_admit(r, &flow, 1);

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
        return ngx_http_wgw_meter_flow_status(r);

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
    wgw_flow_t  *flow;

    flow = r->ctx[ngx_http_wgw_meter_module.ctx_index];

    return flow && ngx_http_wgw_meter_goes(r, flow)
           ? ngx_http_next_header_filter(r) : ngx_http_wgw_meter_header(r);
}


__attribute__((noinline))
static ngx_int_t
ngx_http_wgw_meter_header(ngx_http_request_t *r)
{
    ngx_int_t    rc;
    wgw_flow_t  *flow;

    if (r != r->main) {
        flow = ngx_http_wgw_meter_flow(r);

        return flow && ngx_http_wgw_meter_refusal_proxied(r, flow)
               ? NGX_ERROR : ngx_http_next_header_filter(r);
    }

    rc = ngx_http_wgw_meter_flow_admit(r, &flow, 0);

    if (flow == NULL || (flow->meters.status == 0 && flow->paces == NULL)) {
        return rc == NGX_OK ? ngx_http_next_header_filter(r) : NGX_ERROR;
    }

    if (flow->owed) {
        wgw_flow_owe(flow);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_wgw_meter_answer(r, flow);
    }

    switch (rc) {

    case NGX_DECLINED:
        r->keepalive = 0;

        ngx_http_wgw_meter_refusal_begin(r, flow);

        return ngx_http_filter_finalize_request(r, &ngx_http_wgw_meter_module,
                                        ngx_http_wgw_meter_flow_status(r));

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


/*
 * 1 for most answers: it was decided where the request still is, by what cannot
 * have changed since, and nothing is asked of the answer's length or key.
 */

static inline ngx_uint_t
ngx_http_wgw_meter_goes(ngx_http_request_t *r, wgw_flow_t *flow)
{
    return flow->brief && flow->meters.status == WGW_METER_PASSED
           && r == r->main && !r->internal && flow->late == NULL
           && !flow->meters.precheck;
}


/*
 * NGX_OK when the response may go as it is, which says when to come again if
 * it is a refusal; NGX_DECLINED when it is too long, or a refusal's page is
 * one of a backend; or NGX_ERROR.
 */

static ngx_int_t
ngx_http_wgw_meter_answer(ngx_http_request_t *r, wgw_flow_t *flow)
{
    if (ngx_http_wgw_meter_precheck(r, flow) != NGX_OK) {
        wgw_flow_deny(flow);
        return NGX_DECLINED;
    }

    if (flow->meters.status == WGW_METER_REJECTED) {

        if (ngx_http_wgw_meter_refusal_proxied(r, flow)) {
            return NGX_DECLINED;
        }

        if (flow->meters.limit
            && ngx_http_wgw_meter_refusal_retry(r, flow) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return flow->late ? ngx_http_wgw_late_push(r, flow) : NGX_OK;
}


/* What comes of a request's body, before a backend has it. */

static ngx_int_t
ngx_http_wgw_meter_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    wgw_flow_t  *flow;

    flow = ngx_http_wgw_meter_flow(r);

    if (flow == NULL || flow->meters.status == 0) {
        return ngx_http_next_request_body_filter(r, in);
    }

    if (ngx_http_wgw_meter_refusal_proxied(r, flow)) {
        return ngx_http_wgw_meter_flow_status(r);
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

    flow = (r == r->main) ? ngx_http_wgw_meter_flow(r) : NULL;

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

    flow = ngx_http_wgw_meter_flow(r);

    if (flow == NULL || flow->meters.status == 0) {
        (void) ngx_http_wgw_meter_flow_admit(r, &flow, 0);
    }

    if (flow && flow->late) {
        (void) ngx_http_wgw_late_push(r, flow);
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
ngx_http_wgw_meter_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    return ngx_wgw_meter_variable(ngx_http_wgw_meter_flow(r), r->pool, v,
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
    mmcf->preflight = NGX_ERROR;

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
     *     mcf->usual = 0;
     *     mcf->usage = 0;
     *     mcf->hosts = NULL;
     *     mcf->page = NULL;
     *     mcf->grid = NULL;
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

    char  *rc;

    ngx_conf_merge_ptr_value(conf->meters, prev->meters, NULL);

    conf->usual = conf->meters && conf->meters->nelts == 1
                  && ngx_http_wgw_late_number(conf->meters) == 0;

    ngx_conf_merge_uint_value(conf->log_level, prev->log_level, NGX_LOG_ERR);
    ngx_conf_merge_uint_value(conf->status, prev->status,
                              NGX_HTTP_TOO_MANY_REQUESTS);

    rc = ngx_http_wgw_grid_status_merge(cf, prev, conf);

    if (rc != NGX_CONF_OK) {
        return rc;
    }

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
    ngx_http_wgw_meter_main_conf_t  *mmcf;

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_wgw_meter_module);

    if (!mmcf->enabled && !ngx_http_wgw_rate_bytes(cf)) {
        return NGX_OK;
    }

    mmcf->paused = ngx_http_wgw_told_index(cf, "wgw_paused");
    mmcf->preflight = ngx_http_wgw_told_index(cf, "wgw_auth_preflight");

    if (wgw_hook_phase(cf, NGX_HTTP_POST_READ_PHASE,
                       ngx_http_wgw_meter_body_handler)
        != NGX_OK
        || wgw_hook_phase(cf, NGX_HTTP_PREACCESS_PHASE,
                          ngx_http_wgw_meter_handler)
           != NGX_OK
        || wgw_hook_phase(cf, NGX_HTTP_LOG_PHASE,
                          ngx_http_wgw_meter_log_handler)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

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
