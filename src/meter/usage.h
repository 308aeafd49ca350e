
/*
 * usage: what was counted, as JSON; see usage_metrics.h for Prometheus.
 *
 *     {"keys":[{"zone":"names","key":"shop.gw1.example","sent":1,
 *       "received":1,"requests":1,"refused":0,"cut":0,"held":0,"cap":null,
 *       "window":{"start":"2026-11-01T00:00:00Z","sent":1,"received":1},
 *       "last":{"start":"2026-10-01T00:00:00Z","sent":0,"received":0}}],
 *      "next":null,
 *      "zones":[{"zone":"names","keys_max":1000,"keys":1,
 *       "unknown":{"sent":0, ...},"key_bytes":{"used":16,"max":288000},
 *       "other":{ ... },"denied":{ ... }}],
 *      "version":"0.2.0"}
 *
 * In a zone whose keys are names a key has "owner" and "workload" of its
 * record as well, and names with a cap that have counted nothing yet follow
 * those that have, with zeros; `next` is then a string, "name:...".
 *
 * Figures are bytes and counts.  A window without end (window=total) has a
 * null start and an empty last one.  `next`, when it is not null, is the
 * value of `after` for the next page.  An answer for one key has only `keys`,
 * one for each zone that knows it.  A life of a key that has ended, see
 * table.h, is a key of its own, with a member "life"; the one that goes on is
 * first.  Labels of a key are members behind its name.
 *
 * Keys are any bytes, and are written so that two are never one: see
 * wgw_out_json_key().
 *
 * An answer is a chain of buffers in a pool, each of bounded size.
 */

#ifndef WGW_USAGE_H
#define WGW_USAGE_H


#include "meter/usage_rows.h"

#pragma GCC visibility push(hidden)


#define WGW_USAGE_LIMIT      1000       /* keys of a page, unless said */
#define WGW_USAGE_LIMIT_MAX  10000      /* and the most; also of metrics */

/* the longest name of a zone, so that a line of output has a bound */
#define WGW_USAGE_ZONE       64


/*
 * Returns the length of `*out`, NGX_DECLINED when a key or zone was asked
 * for that is not there, or NGX_ERROR.  The last buffer has last_buf set.
 */
off_t wgw_usage_json(ngx_pool_t *pool, wgw_usage_query_t *query,
    ngx_chain_t **out);


#pragma GCC visibility pop

#endif /* WGW_USAGE_H */
