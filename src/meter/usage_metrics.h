
/*
 * usage_metrics: what was counted, as text for Prometheus (0.0.4).
 *
 *     wgw_meter_sent_bytes_total{zone="names",key="shop.gw1.example"} 1
 *     wgw_meter_sent_bytes_total{zone="names",key="",class="denied"} 0
 *     wgw_meter_window_bytes{zone="names",key="shop.gw1.example",
 *       window="this",direction="sent"} 1
 *
 * That is also OpenMetrics 1.0, but for the names of the counters, which have
 * no _total where their types are said, and for an end, "# EOF".
 *
 * What belongs to no key has the empty one, which no key is, and a label
 * `class`; Prometheus takes an absent label for an empty one, so that both
 * are of one family.
 *
 * Labels of a key would begin a new series with each change: they have one of
 * their own, whose value is 1.
 *
 *     wgw_meter_key_info{zone="names",key="shop.gw1.example",owner="alice"} 1
 */

#ifndef WGW_USAGE_METRICS_H
#define WGW_USAGE_METRICS_H


#include "meter/usage_rows.h"

#pragma GCC visibility push(hidden)


/* As wgw_usage_json(). */
off_t wgw_usage_metrics(ngx_pool_t *pool, wgw_usage_query_t *query,
    ngx_chain_t **out);


#pragma GCC visibility pop

#endif /* WGW_USAGE_METRICS_H */
