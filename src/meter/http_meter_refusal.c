
#include "meter/http_meter_refusal.h"


ngx_int_t
ngx_http_wgw_meter_refusal_retry(ngx_http_request_t *r, wgw_flow_t *flow)
{
    time_t            wait;
    ngx_table_elt_t  *h;

    wait = wgw_meters_retry(&flow->meters);

    if (wait == 0) {
        return NGX_OK;
    }

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->value.data = ngx_pnalloc(r->pool, NGX_TIME_T_LEN);

    if (h->value.data == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    ngx_str_set(&h->key, "Retry-After");
    h->value.len = ngx_sprintf(h->value.data, "%T", wait) - h->value.data;

    return NGX_OK;
}


void
ngx_http_wgw_meter_refusal_begin(ngx_http_request_t *r, wgw_flow_t *flow)
{
    flow->answered = r->upstream;
}


/* Each proxied location makes one of its own; subrequests are in the page. */

ngx_uint_t
ngx_http_wgw_meter_refusal_proxied(ngx_http_request_t *r, wgw_flow_t *flow)
{
    return flow->meters.status == WGW_METER_REJECTED
           && r->upstream
           && r->upstream != flow->answered
           && (r == r->main || !r->header_only);
}
