
/*
 * meter_archive: when closed windows are written, and by whom; see archive.h
 * for what.
 *
 * The first worker looks every second.  Some seconds after a window's turn,
 * when no byte can be late any more, it starts a thread that writes the last
 * one, and tries again every minute if that fails.
 *
 * Counters know the two windows that were counted last until they are used in
 * a new one.  If the gateway was down at a turn the master writes what is not
 * there of them, at the start; if it was stopped for more than a whole window
 * (a machine that slept, a clock that was set), the first worker that sees so
 * does, and the others wait for it.
 *
 * A window that a leap of the clock left (table/clock.h) is written when that
 * has lasted for ten minutes, or at the next turn, and what was written is put
 * aside, as FILE.undone, when the leap is undone: it will be written whole.
 */

#ifndef WGW_METER_ARCHIVE_H
#define WGW_METER_ARCHIVE_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "meter/meter.h"

#pragma GCC visibility push(hidden)


/*
 * Of a zone with archive=, after it was opened; in the master, or -t.  Gives
 * the zone what is to be called at a turn.
 */
ngx_int_t wgw_meter_archive_open(ngx_cycle_t *cycle, wgw_meter_zone_t *zone);

/*
 * Writes what the keys that a start is about to drop counted, see zone.h.
 * The zone is one of a wgw_meter_zone_t, whose first member it is.
 */
ngx_int_t wgw_meter_archive_purged(ngx_cycle_t *cycle, wgw_zone_t *zone);

/* Every second, in one worker. */
void wgw_meter_archive_look(wgw_meter_zone_t *zone, ngx_log_t *log);

/* Before the worker exits: what is being written is given up. */
void wgw_meter_archive_stop(wgw_meter_zone_t *zone);


#pragma GCC visibility pop

#endif /* WGW_METER_ARCHIVE_H */
