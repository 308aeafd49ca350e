
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
 * Sends an answer, if that is the whole of it.  NGX_OK when all of it has
 * left, is counted, and nothing is held for it any more; NGX_AGAIN, and what is
 * left: the caller counts; or NGX_DECLINED, and nothing was sent.
 */
ngx_int_t wgw_brief_send(wgw_flow_t *flow, ngx_chain_t *in, off_t limit,
    ngx_chain_t **out);


#pragma GCC visibility pop

#endif /* WGW_BRIEF_H */
