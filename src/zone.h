
/*
 * zone: the memory of a table and its life in an nginx instance.
 *
 * With a file: made by the master as FILE.tmp, allocated whole (never
 * sparse: a full disk is an error at start, not a SIGBUS later), renamed and
 * mapped shared.  An flock(2) that all processes of an instance inherit says
 * who lives: the first one, alone, repairs; a second master of a binary
 * upgrade just maps it.  Without a file: anonymous shared memory, kept over
 * reloads by the master, gone with it.
 *
 * One process maps a file once, however many cycles use it: zones are in a
 * process-wide list, counted, and leave it with the last cycle.
 */

#ifndef WGW_ZONE_H
#define WGW_ZONE_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "table.h"

#pragma GCC visibility push(hidden)


typedef struct wgw_zone_s  wgw_zone_t;

struct wgw_zone_s {
    ngx_str_t            name;          /* in the configuration */
    ngx_str_t            file;          /* path, empty: anonymous */
    wgw_table_conf_t     conf;
    wgw_table_t          table;         /* valid after wgw_zone_open() */
    void                *mapping;       /* opaque: shared by cycles */
};


/*
 * Called from a core module's init_conf, once per cycle and zone.  Opens or
 * makes the memory and ties it to cycle->pool.  Under `nginx -t` (and -s)
 * only looks, at the header, without creating, locking or changing anything.
 * A table made with other keys= or window= than the configuration says is
 * refused.  Errors are logged as [emerg] with the file's name.
 */
ngx_int_t wgw_zone_open(ngx_cycle_t *cycle, wgw_zone_t *zone);


#pragma GCC visibility pop

#endif /* WGW_ZONE_H */
