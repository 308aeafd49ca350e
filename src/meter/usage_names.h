
/*
 * usage_names: metrics of names that are a fleet's, for Prometheus, by the
 * numbers that the route module has of them: see fleet/herald.h.
 */

#ifndef WGW_USAGE_NAMES_H
#define WGW_USAGE_NAMES_H


#include "meter/usage_page.h"

#pragma GCC visibility push(hidden)


/* Nothing where names are not a fleet's. */
ngx_int_t wgw_usage_names(wgw_usage_page_t *page);


#pragma GCC visibility pop

#endif /* WGW_USAGE_NAMES_H */
