
/*
 * http_meter_refusal: what the answer to a refused request may be.
 *
 * It counts as `denied`, under no cap and at no rate, and so may be a page of
 * the gateway's own, by `return` or from a file, and never what a backend
 * says: an error_page that leads to one would be free traffic for everybody
 * who is over a cap.  In its place goes nginx's plain page, and no body of the
 * request reaches that backend.  A page that includes one is not gone on with.
 */

#ifndef WGW_HTTP_METER_REFUSAL_H
#define WGW_HTTP_METER_REFUSAL_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/flow.h"

#pragma GCC visibility push(hidden)


/* Retry-After, for whoever asks again: when the window ends. */
ngx_int_t ngx_http_wgw_meter_refusal_retry(ngx_http_request_t *r,
    wgw_flow_t *flow);

/* It is refused now: what answered before is not the refusal's. */
void ngx_http_wgw_meter_refusal_begin(ngx_http_request_t *r,
    wgw_flow_t *flow);

/* 1 when a backend is to answer a request that was refused. */
ngx_uint_t ngx_http_wgw_meter_refusal_proxied(ngx_http_request_t *r,
    wgw_flow_t *flow);


#pragma GCC visibility pop

#endif /* WGW_HTTP_METER_REFUSAL_H */
