
/*
 * wrap: what stands in place of a connection's recv, send and send_chain
 * while a flow is attached; and what flow.c has for that.
 */

#ifndef WGW_WRAP_H
#define WGW_WRAP_H


#include "meter/flow.h"
#include "meter/pace.h"

#pragma GCC visibility push(hidden)


/* counted at least so often, and the most that one call may move */
#define WGW_WRAP_STEP  1048576


ssize_t wgw_wrap_recv(ngx_connection_t *c, u_char *buf, size_t size);
ssize_t wgw_wrap_send(ngx_connection_t *c, u_char *buf, size_t size);
ngx_chain_t *wgw_wrap_send_chain(ngx_connection_t *c, ngx_chain_t *in,
    off_t limit);


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

/* As wgw_flow_flush(), without a release; 1 when there was something. */
ngx_uint_t wgw_flow_count(wgw_flow_t *flow);

/* Ends what is over a soft cap, or idle and over any. */
void wgw_flow_check(wgw_flow_t *flow);

/* Ends a session by c->close, for the cap in meters.limit. */
void wgw_flow_end(wgw_flow_t *flow);

/* Nothing more may move: the caller returns an error. */
void wgw_flow_cut(wgw_flow_t *flow);

/*
 * Makes the event not ready, for a while.  Returns NGX_OK, or something else
 * when there have been pauses enough.
 */
ngx_int_t wgw_flow_pause(wgw_flow_t *flow, ngx_event_t *ev);

/* Delays the event until it is worth to ask again.  NGX_OK, or NGX_ERROR. */
ngx_int_t wgw_flow_delay(wgw_flow_t *flow, ngx_event_t *ev, ngx_msec_t wait);


/* 1 when bytes of a direction move by the calls below only. */

static inline ngx_uint_t
wgw_flow_bound(wgw_flow_t *flow, int count)
{
    return flow->over
           || (flow->meters.hard & count)
           || (flow->paces && (flow->paces->count & count));
}


/* wgw_paces_take() for the flow; all when nothing paces it. */

static inline off_t
wgw_flow_take(wgw_flow_t *flow, int count, off_t least, off_t want,
    ngx_msec_t *wait)
{
    if (flow->paces == NULL || !(flow->paces->count & count)) {
        return want;
    }

    return wgw_paces_take(flow->paces, count, least, want, wait);
}


/* So many of these are committed now, of the rest `again` only is kept. */

static inline void
wgw_flow_moved(wgw_flow_t *flow, int count, off_t bytes, off_t again)
{
    if (flow->paces && (flow->paces->count & count)) {
        wgw_paces_moved(flow->paces, count, bytes);
        wgw_paces_keep(flow->paces, count, again);
    }
}


#pragma GCC visibility pop

#endif /* WGW_WRAP_H */
