
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

/* wgw_counter_used(), whatever the record knows of windows. */
uint64_t wgw_counter_used_at(wgw_table_t *table, const wgw_record_hot_t *hot,
    uint64_t period, int count);


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


/*
 * What a record used in a window, which is most often the one in force, in
 * which it has counted before.
 */

static inline uint64_t
wgw_counter_used(wgw_table_t *t, const wgw_record_hot_t *hot, uint64_t period,
    int count)
{
    uint64_t  clock, tag, sent, received;

    clock = wgw_load(&t->header->clock);
    tag = wgw_clock_tag(clock);

    sent = wgw_load(&hot->base_sent[clock & 1]);
    received = wgw_load(&hot->base_received[clock & 1]);

    if (sent >> WGW_TOTAL_BITS != tag || received >> WGW_TOTAL_BITS != tag
        || clock >> WGW_RING_BITS < period
        || t->header->made.window == WGW_WINDOW_TOTAL)
    {
        return wgw_counter_used_at(t, hot, period, count);
    }

    sent = (wgw_load(&hot->sent) - sent) & WGW_TOTAL_MASK;
    received = (wgw_load(&hot->received) - received) & WGW_TOTAL_MASK;

    if (wgw_load(&t->header->clock) != clock) {
        return wgw_counter_used_at(t, hot, period, count);
    }

    return ((count & WGW_COUNT_SENT) ? sent : 0)
           + ((count & WGW_COUNT_RECEIVED) ? received : 0);
}


#pragma GCC visibility pop

#endif /* WGW_COUNTER_H */
