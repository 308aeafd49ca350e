
#include "meter/meter_vars.h"


#define NGX_WGW_METER_SENT      0
#define NGX_WGW_METER_RECEIVED  1
#define NGX_WGW_METER_LEFT      2
#define NGX_WGW_METER_STATUS    3
#define NGX_WGW_METER_CUT       4


const ngx_wgw_meter_var_t  ngx_wgw_meter_vars[] = {
    { ngx_string("wgw_sent"), NGX_WGW_METER_SENT },
    { ngx_string("wgw_received"), NGX_WGW_METER_RECEIVED },
    { ngx_string("wgw_left"), NGX_WGW_METER_LEFT },
    { ngx_string("wgw_meter_status"), NGX_WGW_METER_STATUS },
    { ngx_string("wgw_cut"), NGX_WGW_METER_CUT },
    { ngx_null_string, 0 }
};


/* flows of one meter that have ended */
static wgw_context_t    *meter_spare;

static const ngx_str_t  ngx_wgw_meter_statuses[] = {
    ngx_null_string,
    ngx_string("PASSED"),
    ngx_string("REJECTED"),
    ngx_string("REJECTED_DRY_RUN")
};


ngx_int_t
ngx_wgw_meter_variable(wgw_flow_t *flow, ngx_pool_t *pool,
    ngx_variable_value_t *v, uintptr_t what)
{
    int64_t  n;

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    if (flow == NULL || flow->meters.status == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    switch (what) {

    case NGX_WGW_METER_STATUS:
        v->data = ngx_wgw_meter_statuses[flow->meters.status].data;
        v->len = ngx_wgw_meter_statuses[flow->meters.status].len;
        return NGX_OK;

    case NGX_WGW_METER_SENT:
        n = flow->connection->sent;
        break;

    case NGX_WGW_METER_RECEIVED:
        n = flow->class->received(flow);
        break;

    case NGX_WGW_METER_CUT:
        n = flow->cut;
        break;

    default: /* NGX_WGW_METER_LEFT */
        wgw_flow_flush(flow);
        n = (flow->meters.status == WGW_METER_REJECTED)
            ? 0 : wgw_meters_left(&flow->meters);
        break;
    }

    if (n == -1) {
        v->data = (u_char *) "";
        v->len = 0;
        return NGX_OK;
    }

    v->data = ngx_pnalloc(pool, NGX_INT64_LEN);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_sprintf(v->data, "%L", n) - v->data;

    return NGX_OK;
}


wgw_flow_t *
ngx_wgw_meter_create(ngx_pool_t *pool, ngx_uint_t n)
{
    wgw_flow_t  *flow;

    if (n <= 1) {
        flow = wgw_context_create(&meter_spare,
                                  sizeof(wgw_flow_t) + sizeof(wgw_meter_t),
                                  offsetof(wgw_flow_t, class), pool,
                                  ngx_wgw_meter_cleanup);
        if (flow) {
            flow->kept = 1;
        }

        return flow;
    }

    flow = ngx_pcalloc(pool, sizeof(wgw_flow_t) + n * sizeof(wgw_meter_t));

    if (flow) {
        wgw_context_cleanup(pool, &flow->context.cleanup,
                            ngx_wgw_meter_cleanup, flow);
    }

    return flow;
}


ngx_int_t
ngx_wgw_meter_pace(wgw_flow_t *flow, ngx_array_t *rates, wgw_rate_key_pt key,
    void *data, off_t length)
{
    wgw_paces_t  *paces;

    paces = ngx_pcalloc(flow->pool, sizeof(wgw_paces_t));
    if (paces == NULL) {
        return NGX_ERROR;
    }

    paces->log = flow->connection->log;
    paces->log_level = flow->meters.log_level;

    if (wgw_paces_open(paces, flow->pool, rates, key, data) != NGX_OK) {
        return NGX_ERROR;
    }

    wgw_flow_pace(flow, paces, length);

    return NGX_OK;
}


void
ngx_wgw_meter_cleanup(void *data)
{
    wgw_flow_t  *flow;

    flow = data;

    wgw_flow_done(flow);

    if (flow->kept) {
        wgw_context_free(&meter_spare, &flow->context);
    }
}
