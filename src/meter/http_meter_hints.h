
/*
 * http_meter_hints: 103 (Early Hints), RFC 8297, of nginx 1.29 and later.
 *
 * What precedes a response goes as a whole or not at all, and what is left
 * under a cap, or comes when a rate allows it, is for the response: hints that
 * do not fit, or would have to wait, are dropped.
 */

#ifndef WGW_HTTP_METER_HINTS_H
#define WGW_HTTP_METER_HINTS_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/flow.h"

#pragma GCC visibility push(hidden)


/* Sends them by the filters from `next` on, if they may go. */
ngx_int_t ngx_http_wgw_meter_hints(wgw_flow_t *flow,
    ngx_http_output_header_filter_pt next);


#pragma GCC visibility pop

#endif /* WGW_HTTP_METER_HINTS_H */
