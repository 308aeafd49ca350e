
/*
 * stream_datagram: sessions of UDP, to the datagram.
 *
 * A datagram goes as a whole or not at all.  One that does not fit under a hard
 * cap is dropped, and the session ends, so that the client's next one is
 * decided about anew; while others merely hold what is left it is only dropped,
 * as any network may do.
 */

#ifndef WGW_STREAM_DATAGRAM_H
#define WGW_STREAM_DATAGRAM_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "meter/flow.h"

#pragma GCC visibility push(hidden)


/* Of a class, see flow.h. */
ngx_chain_t *ngx_stream_wgw_datagram_send_chain(wgw_flow_t *flow,
    ngx_chain_t *in, off_t limit);
ssize_t ngx_stream_wgw_datagram_recv(wgw_flow_t *flow, u_char *buf,
    size_t size);


#pragma GCC visibility pop

#endif /* WGW_STREAM_DATAGRAM_H */
