
/*
 * counter: what a record used in the window in force, and what most requests do
 * with it, in few instructions: they add to it in a window that it has counted
 * in, and hold room under a cap that is this table's alone.
 */

#ifndef WGW_COUNTER_H
#define WGW_COUNTER_H


#include "table/clock.h"
#include "table/table.h"

#pragma GCC visibility push(hidden)


/* so that holds of many processes cannot sum up to 2^64 */
#define WGW_HOLD_MAX      (UINT64_C(1) << 40)


/* wgw_counter_used(), whatever the record knows of windows. */
uint64_t wgw_counter_used_at(wgw_table_t *table, const wgw_record_hot_t *hot,
    uint64_t period, int count);


/* The same for the window in force, in which it has counted; or 0. */

static inline int
wgw_counter_known(wgw_table_t *t, const wgw_record_hot_t *hot,
    uint64_t period, int count, uint64_t *used)
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
        return 0;
    }

    sent = (wgw_load(&hot->sent) - sent) & WGW_TOTAL_MASK;
    received = (wgw_load(&hot->received) - received) & WGW_TOTAL_MASK;

    *used = ((count & WGW_COUNT_SENT) ? sent : 0)
            + ((count & WGW_COUNT_RECEIVED) ? received : 0);

    return wgw_load(&t->header->clock) == clock;
}


/* What a record used in a window, whichever that is. */

static inline uint64_t
wgw_counter_used(wgw_table_t *t, const wgw_record_hot_t *hot, uint64_t period,
    int count)
{
    uint64_t  used;

    return wgw_counter_known(t, hot, period, count, &used)
           ? used : wgw_counter_used_at(t, hot, period, count);
}


/* wgw_table_add(); or 0, and nothing: it has not counted in this window. */

static inline int
wgw_counter_add(wgw_table_t *t, wgw_record_hot_t *hot, uint64_t sent,
    uint64_t received, uint64_t requests)
{
    uint64_t  clock, tag;

    /* a total may only grow in a window that knows where it began */

    clock = wgw_load(&t->header->clock);
    tag = wgw_clock_tag(clock);

    if (wgw_load(&hot->base_sent[clock & 1]) >> WGW_TOTAL_BITS != tag
        || wgw_load(&hot->base_received[clock & 1]) >> WGW_TOTAL_BITS != tag)
    {
        return 0;
    }

    wgw_add(&hot->sent, sent);
    wgw_add(&hot->received, received);
    wgw_add(&hot->requests, requests);

    return 1;
}


static inline void
wgw_counter_release(wgw_record_hot_t *hot, uint64_t bytes)
{
    (void) __atomic_fetch_sub(&hot->held, bytes, __ATOMIC_SEQ_CST);
}


/*
 * wgw_table_hold() of all that is wanted, in the window in force: 1; or 0, and
 * nothing is held: there is less, or others have a say.
 */

static inline int
wgw_counter_hold(wgw_table_t *t, wgw_record_hot_t *hot, int count,
    uint64_t cap, uint64_t want)
{
    uint64_t  used, before;

    if (t->lease || t->count > 1
        || want == 0 || want > cap || want > WGW_HOLD_MAX)
    {
        return 0;
    }

    before = __atomic_fetch_add(&hot->held, want, __ATOMIC_SEQ_CST);
    cap -= want;

    if (wgw_counter_known(t, hot, 0, count, &used)
        && used <= cap && before <= cap - used)
    {
        return 1;
    }

    wgw_counter_release(hot, want);

    return 0;
}


#pragma GCC visibility pop

#endif /* WGW_COUNTER_H */
