
/*
 * usage_leases: metrics of zones whose caps are a fleet's, for Prometheus; what
 * they are is said in the agent's part of their lease files.
 */

#ifndef WGW_USAGE_LEASES_H
#define WGW_USAGE_LEASES_H


#include "meter/usage_page.h"

#pragma GCC visibility push(hidden)


/* Nothing where no zone has `fleet`. */
ngx_int_t wgw_usage_leases(wgw_usage_page_t *page);


#pragma GCC visibility pop

#endif /* WGW_USAGE_LEASES_H */
