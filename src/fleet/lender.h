
/*
 * lender: the leases of an nginx's zones, in the agent's process: who grants,
 * and when; what they are is in leases.h.
 */

#ifndef WGW_LENDER_H
#define WGW_LENDER_H


#include "fleet/fleet_conf.h"
#include "table/zone.h"

#pragma GCC visibility push(hidden)


/*
 * In init_conf, after wgw_zone_open(), of a zone with `fleet`: its caps, of
 * which each counts the same directions, are leased.  NGX_ERROR, logged.
 */
ngx_int_t wgw_lender_zone(ngx_cycle_t *cycle, wgw_fleet_t *fleet,
    wgw_zone_t *zone, int count);

/*
 * The same of one whose limits are divided by the nodes that live, which only
 * have to be counted: see wgw_fleet_count().
 */
ngx_int_t wgw_lender_members(ngx_cycle_t *cycle, wgw_fleet_t *fleet,
    wgw_zone_t *zone);


#pragma GCC visibility pop

#endif /* WGW_LENDER_H */
