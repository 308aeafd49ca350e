
/*
 * meter_hold: what one meter holds of its cap, for meter.c and brief.c.
 */

#ifndef WGW_METER_HOLD_H
#define WGW_METER_HOLD_H


#include "meter/meter.h"

#pragma GCC visibility push(hidden)


/* The cap in force: a constant, or what its variable says now; 0: none. */
uint64_t wgw_meter_cap(wgw_meters_t *meters, wgw_meter_t *meter);

/* Notes what those hold that have no note. */
extern wgw_holder_t  wgw_meter_nobody;


/* After a hold and before a release, see holders.h; kept to the end. */

static inline void
wgw_meter_note(wgw_meter_t *meter)
{
    if (meter->holder == NULL) {
        meter->holder = wgw_holders_take(meter->conf->zone->zone.holders,
                                         meter->record);

        /* when there are none any more it goes without */

        if (meter->holder == NULL) {
            meter->holder = &wgw_meter_nobody;
        }
    }

    wgw_holders_note(meter->holder, meter->held);
}


static inline void
wgw_meter_drop(wgw_meter_t *meter, uint64_t bytes)
{
    meter->held -= bytes;

    wgw_meter_note(meter);

    wgw_table_release(&meter->conf->zone->zone.table, meter->record, bytes);
}


#pragma GCC visibility pop

#endif /* WGW_METER_HOLD_H */
