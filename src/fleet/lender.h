
/*
 * lender: the leases of an nginx's zones, in the agent's process: who grants,
 * and when; what they are is in leases.h.
 */

#ifndef WGW_LENDER_H
#define WGW_LENDER_H


#include "fleet/fleet_conf.h"
#include "table/zone.h"

#pragma GCC visibility push(hidden)


/* The parameter "fleet" or "fleet=MODE": a mode of lease.h, or 0. */
ngx_uint_t wgw_lender_mode(ngx_str_t *value);

/*
 * In init_conf, after wgw_zone_open(): the zone's caps, of which each counts
 * the same directions, are the fleet's.  NGX_ERROR, logged.
 */
ngx_int_t wgw_lender_zone(ngx_cycle_t *cycle, wgw_fleet_t *fleet,
    wgw_zone_t *zone, ngx_uint_t mode, int count);


#pragma GCC visibility pop

#endif /* WGW_LENDER_H */
