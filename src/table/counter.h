
/*
 * counter: what a record counted in the window in force, for counter.c and
 * cap.c.
 */

#ifndef WGW_COUNTER_H
#define WGW_COUNTER_H


#include "table/clock.h"
#include "table/table.h"

#pragma GCC visibility push(hidden)


/*
 * The word of a leap that was undone, which has the tag of the window that was
 * left and is in force again, if the record counted first in that.  0: there
 * is none.
 */
uint64_t wgw_counter_undone(wgw_table_t *table, const uint64_t base[2],
    uint64_t clock);


/*
 * What a total grew by in a window, or as a whole: nothing, if it was not
 * touched.
 */

static inline uint64_t
wgw_counter_this(wgw_table_t *t, const uint64_t base[2],
    const uint64_t *total, uint64_t clock, int whole)
{
    uint64_t  begin;

    if (whole) {
        return wgw_load(total);
    }

    begin = wgw_load(&base[clock & 1]);

    if (begin >> WGW_TOTAL_BITS != wgw_clock_tag(clock)) {
        begin = wgw_counter_undone(t, base, clock);

        if (begin == 0) {
            return 0;
        }
    }

    return (wgw_load(total) - begin) & WGW_TOTAL_MASK;
}


static inline uint64_t
wgw_counter_used(wgw_table_t *t, const wgw_record_hot_t *hot, uint64_t period,
    int count)
{
    int       whole;
    uint64_t  seen, clock, used;

    whole = t->header->made.window == WGW_WINDOW_TOTAL;

    do {
        seen = wgw_load(&t->header->clock);
        clock = wgw_clock_at(seen, period);
        used = 0;

        if (count & WGW_COUNT_SENT) {
            used += wgw_counter_this(t, hot->base_sent, &hot->sent, clock,
                                     whole);
        }

        if (count & WGW_COUNT_RECEIVED) {
            used += wgw_counter_this(t, hot->base_received, &hot->received,
                                     clock, whole);
        }

    } while (wgw_load(&t->header->clock) != seen);

    return used;
}


#pragma GCC visibility pop

#endif /* WGW_COUNTER_H */
