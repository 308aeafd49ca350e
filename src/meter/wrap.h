
/*
 * wrap: what stands in place of a connection's recv, send and send_chain
 * while a flow is attached.
 */

#ifndef WGW_WRAP_H
#define WGW_WRAP_H


#include "meter/flow.h"

#pragma GCC visibility push(hidden)


/* counted at least so often, and the most that one call may move */
#define WGW_WRAP_STEP  1048576


/* For wgw_flow_setup(). */
extern const wgw_flow_wrap_t  wgw_wrap;


/*
 * How much of `want` both rates and caps let go now, `least` of it that is
 * not torn apart; with 0 no rate is waited for.  When it is 0, `wait` is how
 * long a rate takes, or, if that is 0, `waiting` says it of a cap.
 */
off_t wgw_wrap_room(wgw_flow_t *flow, off_t least, off_t want, int *waiting,
    ngx_msec_t *wait);

/* After bytes moved: counts, and holds what is below and `again` only. */
void wgw_wrap_settle(wgw_flow_t *flow, off_t again);

/* Bytes that are committed but not in c->sent. */
off_t wgw_wrap_below(wgw_flow_t *flow);


#pragma GCC visibility pop

#endif /* WGW_WRAP_H */
