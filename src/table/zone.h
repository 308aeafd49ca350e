
/*
 * zone: the memory of a table, of any kind, and its life in an nginx instance.
 *
 * With a file: made by the master as FILE.tmp, allocated whole (never
 * sparse: a full disk is an error at start, not a SIGBUS later), renamed and
 * mapped shared.  An flock(2) that all processes of an instance inherit says
 * who lives: the first one, alone, repairs; a second master of a binary
 * upgrade just maps it.  Without a file: anonymous shared memory, kept over
 * reloads by the master, gone with it.
 *
 * A table of counters grows, in a file or in memory, while it is used: it
 * gets one more segment, see growth.h.  The first of an instance, alone, may
 * make it one again, smaller, or without keys that rest: as FILE.tmp, renamed.
 *
 * A file that is deleted or replaced while it is used stays in use, also over
 * a reload, as long as the master lives; of one that is shortened the pages
 * that are gone are empty ones, in each process, and zone->lost says so.
 *
 * One process maps a file once, however many cycles use it: zones are in a
 * process-wide list, counted, and leave it with the last cycle.
 */

#ifndef WGW_ZONE_H
#define WGW_ZONE_H


#include "table/zone_class.h"

#pragma GCC visibility push(hidden)


extern const wgw_zone_class_t  wgw_zone_billable;
extern const wgw_zone_class_t  wgw_zone_expiring;


/*
 * The zone of that name, of those in an array of wgw_zone_t *, added if it is
 * not there: it may be defined further down.  `size` zeroed bytes begin with
 * it.  NULL: no memory.
 */
wgw_zone_t *wgw_zone_get(ngx_conf_t *cf, ngx_array_t *zones, ngx_str_t *name,
    const wgw_zone_class_t *class, size_t size);

/* It is defined here.  NGX_OK, or NGX_ERROR, logged, when it has been. */
ngx_int_t wgw_zone_define(ngx_conf_t *cf, wgw_zone_t *zone);

/* Refuses, in init_conf, a zone that `directive` has not defined. */
ngx_int_t wgw_zone_defined(ngx_cycle_t *cycle, ngx_array_t *zones,
    const char *directive);

/*
 * Called from a core module's init_conf, once per cycle and zone.  Opens or
 * makes the memory and ties it to cycle->pool.  Under `nginx -t` (and -s)
 * only looks, at the header, without creating, locking or changing anything.
 * A table made with another window= than the configuration says, with more
 * keys= while others use it, or of another kind, is refused.  Errors are
 * logged as [emerg] with the file's name.
 */
ngx_int_t wgw_zone_open(ngx_cycle_t *cycle, wgw_zone_t *zone);

/*
 * Every second in a worker: logs what became of the file, and sees that it was
 * shortened before a page is touched.
 */
void wgw_zone_watch(wgw_zone_t *zone, ngx_log_t *log);


#pragma GCC visibility pop

#endif /* WGW_ZONE_H */
