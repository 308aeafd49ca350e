
/*
 * http_router_metrics: what is known of providers, in Prometheus' text format
 * 0.0.4 or, for those who ask for it, in OpenMetrics 1.0.  Labels are bounded
 * by what the configuration names.
 */

#ifndef WGW_HTTP_ROUTER_METRICS_H
#define WGW_HTTP_ROUTER_METRICS_H


#include "format/text.h"
#include "router/router_module.h"

#pragma GCC visibility push(hidden)


/* How much room that takes, at most. */
size_t wgw_router_metrics_size(ngx_http_wgw_router_main_conf_t *rmcf);

void wgw_router_metrics(wgw_out_t *out,
    ngx_http_wgw_router_main_conf_t *rmcf, ngx_uint_t openmetrics);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_METRICS_H */
