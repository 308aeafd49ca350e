
/*
 * http_flow: the flow of a request: when it begins, under which keys, and what
 * the caps say.
 */

#ifndef WGW_HTTP_FLOW_H
#define WGW_HTTP_FLOW_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/request.h"
#include "meter/flow.h"
#include "meter/meter_module.h"
#include "meter/meter_vars.h"

#pragma GCC visibility push(hidden)


/* One with room for `n` meters, which is on the connection, for HTTP/1. */
wgw_flow_t *ngx_http_wgw_meter_flow_start(ngx_http_request_t *r,
    ngx_uint_t n);

/*
 * Decides about a request, once.  NGX_OK, NGX_DECLINED when a cap refuses it,
 * or NGX_ERROR; where it `may` wait, NGX_AGAIN.  `found` is the flow, or NULL
 * where nothing is metered.
 */
ngx_int_t ngx_http_wgw_meter_flow_admit(ngx_http_request_t *r,
    wgw_flow_t **found, ngx_uint_t may);

/* The status of a refusal. */
ngx_int_t ngx_http_wgw_meter_flow_status(ngx_http_request_t *r);


/* That of the main request, or NULL. */

static inline wgw_flow_t *
ngx_http_wgw_meter_flow(ngx_http_request_t *r)
{
    return wgw_request_ctx(r->main, &ngx_http_wgw_meter_module,
                           ngx_wgw_meter_cleanup);
}


#pragma GCC visibility pop

#endif /* WGW_HTTP_FLOW_H */
