
/*
 * counter: what a record used in the window in force, for cap.c.
 */

#ifndef WGW_COUNTER_H
#define WGW_COUNTER_H


#include "table/clock.h"
#include "table/table.h"

#pragma GCC visibility push(hidden)


/* wgw_counter_used(), whatever the record knows of windows. */
uint64_t wgw_counter_used_at(wgw_table_t *table, const wgw_record_hot_t *hot,
    uint64_t period, int count);


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
