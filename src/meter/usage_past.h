
/*
 * usage_past: an earlier window, from the archives of the zones.
 *
 *     2026-10  2026-10-31  2026-10-31T23  2026-10-31T23:59
 *
 * names the one that began in that month, day, hour or minute; which of them
 * it must be is said by the zone's window.  The answer has the archive's
 * lines, see archive.h, in {"keys":[...],"next":...}, for a zone of names
 * with "owner" and "workload", as its records say now.
 */

#ifndef WGW_USAGE_PAST_H
#define WGW_USAGE_PAST_H


#include "meter/usage.h"

#pragma GCC visibility push(hidden)


/*
 * Returns the length of `*out`, NGX_DECLINED when no zone has such a window,
 * NGX_ABORT for a text that is none, or NGX_ERROR.
 */
off_t wgw_usage_past(ngx_pool_t *pool, wgw_usage_query_t *query,
    ngx_chain_t **out);


#pragma GCC visibility pop

#endif /* WGW_USAGE_PAST_H */
