
/*
 * brief: the usual answer by itself, in few instructions and few lines of
 * them: one meter counts it, whose cap is not soft, and it goes in one call, as
 * a whole.  What is not so goes the long way of wrap.h, to the same end.
 */

#ifndef WGW_BRIEF_H
#define WGW_BRIEF_H


#include "meter/flow.h"

#pragma GCC visibility push(hidden)


/*
 * Sends an answer, counts it and gives back what was held, if that is the
 * whole of it: 1, and what the caller returns; or 0, and nothing was sent.
 */
ngx_uint_t wgw_brief_send(wgw_flow_t *flow, ngx_chain_t *in, off_t limit,
    ngx_chain_t **out);


#pragma GCC visibility pop

#endif /* WGW_BRIEF_H */
