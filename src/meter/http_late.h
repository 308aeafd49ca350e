
/*
 * http_late: meters whose keys are known late, with the answer: those that
 * name whom a router asked.  Until then the others of the request count, and
 * what they have counted is theirs, too, once their keys are known.
 */

#ifndef WGW_HTTP_LATE_H
#define WGW_HTTP_LATE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/flow.h"

#pragma GCC visibility push(hidden)


/* How many there are among these; NULL: none. */
ngx_uint_t ngx_http_wgw_late_number(ngx_array_t *meters);

/* Those of flow->late, which is NULL then.  NGX_OK, or NGX_ERROR. */
ngx_int_t ngx_http_wgw_late_push(ngx_http_request_t *r, wgw_flow_t *flow);


#pragma GCC visibility pop

#endif /* WGW_HTTP_LATE_H */
