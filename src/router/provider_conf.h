
/*
 * provider_conf: the lines of `wgw_providers` that are about one provider:
 *
 *     provider  URL [priority=N] [weight=N] [sessions=N] [name=NAME]
 *               [auth=URL|off] [methods=METHOD,...];
 *     header    URL|NAME FIELD VALUE;
 */

#ifndef WGW_PROVIDER_CONF_H
#define WGW_PROVIDER_CONF_H


#include "router/providers.h"

#pragma GCC visibility push(hidden)


/*
 * Of the line in cf->args.  NGX_CONF_OK, NGX_CONF_ERROR, logged, or a phrase
 * to be put after the line's name.
 */
char *wgw_provider_conf(ngx_conf_t *cf, wgw_providers_t *providers);
char *wgw_provider_conf_header(ngx_conf_t *cf, wgw_providers_t *providers);


#pragma GCC visibility pop

#endif /* WGW_PROVIDER_CONF_H */
