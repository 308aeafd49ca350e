
/*
 * zone_lock: whoever uses a file holds it shared, through a descriptor that
 * workers inherit, until the last process of the instance is gone.  Whoever
 * gets it exclusive is alone.  FILE.tmp is locked exclusive by the process
 * that makes it, and becomes FILE only while it holds that lock.
 */

#ifndef WGW_ZONE_LOCK_H
#define WGW_ZONE_LOCK_H


#include "table/zone_file.h"

#pragma GCC visibility push(hidden)


/*
 * Locks the mapped file, repairs and rewrites it if alone, grows it if need
 * be.  WGW_ZONE_RETRY: it has been replaced.
 */
ngx_int_t wgw_zone_lock(ngx_cycle_t *cycle, wgw_zone_t *zone,
    wgw_mapping_t *m);


#pragma GCC visibility pop

#endif /* WGW_ZONE_LOCK_H */
