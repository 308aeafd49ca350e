
/*
 * inner: a server and a location of our own making, for errands, which no
 * user's directive reaches: what is set at the level of http does not hold
 * there either.
 */

#ifndef WGW_INNER_H
#define WGW_INNER_H


#include "core/errand.h"

#pragma GCC visibility push(hidden)


/*
 * In postconfiguration: `text` is what stands in the location, simple
 * directives only.  Returns NGX_OK, or NGX_ERROR, logged.
 */
ngx_int_t wgw_inner_make(ngx_conf_t *cf, wgw_errand_place_t *place,
    const char *text);


#pragma GCC visibility pop

#endif /* WGW_INNER_H */
