
/*
 * provision: what a workload means for the gateway, found out by asking the
 * chain, DNS and the gateway, and done there, by one thread.
 *
 * In this order: the contract is there, of this node, of this twin, with this
 * hash; its name is reserved by this twin, or DNS leads here; nobody else has
 * it; its record is put.  Each workload that is served is gone through again
 * hourly, but for hash and DNS.  What could not be asked changes nothing and
 * is asked again; what is wrong is told, and looked at again, less and less
 * often, since contracts and DNS get cured.
 */

#ifndef WGW_GRID_PROVISION_H
#define WGW_GRID_PROVISION_H


#include "grid/grid.h"


/* Returns when the daemon is to end. */
void grid_provision_run(const grid_t *grid);


#endif /* WGW_GRID_PROVISION_H */
