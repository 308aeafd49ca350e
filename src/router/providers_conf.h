
/*
 * providers_conf: the block `wgw_providers NAME { ... }`: its lines, what they
 * must say together, and the hosts they name.
 */

#ifndef WGW_PROVIDERS_CONF_H
#define WGW_PROVIDERS_CONF_H


#include "router/providers.h"

#pragma GCC visibility push(hidden)


/*
 * The directive; adds to `list` (of wgw_providers_t *) and, for each host, to
 * `hosts` (of wgw_host_t *).
 */
char *wgw_providers_block(ngx_conf_t *cf, ngx_array_t *list,
    ngx_array_t *hosts);


#pragma GCC visibility pop

#endif /* WGW_PROVIDERS_CONF_H */
