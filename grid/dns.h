
/*
 * dns: the addresses of a name, by the machine's resolver or from a file:
 *
 *     {"shop.example":["203.0.113.10","2001:db8::1"]}
 *
 * read again at each look; a name that is not there does not resolve.  Names
 * are compared without regard to case.  Takes up to what the resolver takes.
 */

#ifndef WGW_GRID_DNS_H
#define WGW_GRID_DNS_H


#include "format/addr.h"
#include "grid/grid.h"


#define GRID_DNS_MAX  32                /* addresses of one name */


/*
 * GRID_OK and at least one address; GRID_NONE, the name has none; GRID_AWAY,
 * nobody could say.
 */
int grid_dns_look(const grid_options_t *options, const char *name,
    wgw_addr_t addresses[GRID_DNS_MAX], size_t *n);


#endif /* WGW_GRID_DNS_H */
