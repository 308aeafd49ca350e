
/*
 * http_meter_v2: a metered stream of HTTP/2.
 *
 * A stream has a connection of its own, whose send_chain() makes DATA frames
 * and whose `sent` grows as frames have left.  What counts is 9 bytes a frame
 * and what is in it, RFC 9113, 4.1; what is queued is held, and bounded for a
 * connection: others wait until it has left.
 *
 * Differently from HTTP/1 the chain is never shortened, because the frames of
 * the queue keep its buffers; nginx's own limit is exact here.  And the frames
 * of a response have to leave before it is cut, or they would be dropped.
 *
 * Input is what r->request_length says, header blocks and bodies without
 * their frame headers.  It has been read when it is seen, so that what is too
 * much is taken neither into the key's totals nor to a backend.
 */

#ifndef WGW_HTTP_METER_V2_H
#define WGW_HTTP_METER_V2_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/flow.h"

#if (NGX_HTTP_V2)

#pragma GCC visibility push(hidden)


extern const wgw_flow_class_t  ngx_http_wgw_meter_v2;


/* NGX_OK when what came of the body fits, or NGX_ERROR: it was cut. */
ngx_int_t ngx_http_wgw_meter_v2_body(wgw_flow_t *flow);


#pragma GCC visibility pop

#endif

#endif /* WGW_HTTP_METER_V2_H */
