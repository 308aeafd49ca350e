
/*
 * http_meter_v1: a metered request of HTTP/1 or, in its own connection, of
 * HTTP/3.
 *
 * Its bytes are the connection's: the response header is in send_chain(), the
 * body in recv().  What was read before the flow was attached is in
 * r->header_in.
 */

#ifndef WGW_HTTP_METER_V1_H
#define WGW_HTTP_METER_V1_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/flow.h"

#pragma GCC visibility push(hidden)


extern const wgw_flow_class_t  ngx_http_wgw_meter_v1;


/*
 * What came before recv() was wrapped.  A request that failed (`early`) has
 * parsed a part of its lines; the line it failed at begins where the parser
 * was, and nothing can follow it.
 */
off_t ngx_http_wgw_meter_v1_input(ngx_http_request_t *r, ngx_uint_t early);

/*
 * What will be counted without another recv(): the body in the buffer.
 * Where its end is not known, some of that may be of the next request.
 */
off_t ngx_http_wgw_meter_v1_expected(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_HTTP_METER_V1_H */
