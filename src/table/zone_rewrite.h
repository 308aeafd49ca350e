
/*
 * zone_rewrite: a zone's file that is written anew, as one segment, with the
 * room that the configuration says and without keys that rest: as FILE.tmp,
 * which is renamed when it is whole.
 */

#ifndef WGW_ZONE_REWRITE_H
#define WGW_ZONE_REWRITE_H


#include "table/zone_file.h"

#pragma GCC visibility push(hidden)


/*
 * Alone, and unless nothing would change.  NGX_OK, with the mapping of the
 * file there is then, or NGX_ERROR when that is logged.
 */
ngx_int_t wgw_zone_rewrite(ngx_cycle_t *cycle, wgw_zone_t *zone,
    wgw_mapping_t *m);


#pragma GCC visibility pop

#endif /* WGW_ZONE_REWRITE_H */
