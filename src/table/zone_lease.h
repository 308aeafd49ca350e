
/*
 * zone_lease: the file PATH.lease of a zone whose caps many nodes share; see
 * lease.h.
 *
 * It belongs to one table in one boot of the machine: after another boot, or
 * beside another file of counters, it is made anew, as another incarnation of
 * this node that does not know what its last one was granted.  So is one that
 * is missing, or is not what it should be.
 */

#ifndef WGW_ZONE_LEASE_H
#define WGW_ZONE_LEASE_H


#include "table/lease.h"
#include "table/zone_class.h"

#pragma GCC visibility push(hidden)


/*
 * After wgw_zone_open(): the zone's table has a lease from now on.  Under
 * `nginx -t` only looks.  NGX_ERROR, logged.
 */
ngx_int_t wgw_zone_lease(ngx_cycle_t *cycle, wgw_zone_t *zone,
    ngx_uint_t nodes);

/*
 * For the process that grants: NGX_OK, it is the only one until it ends, or
 * NGX_AGAIN: another one is.
 */
ngx_int_t wgw_zone_lease_lock(wgw_zone_t *zone);


#pragma GCC visibility pop

#endif /* WGW_ZONE_LEASE_H */
