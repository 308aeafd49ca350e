
/*
 * ration: how often something may happen in a window of the calendar, counted
 * in a table of rations (expiring.h).
 *
 * An entry is one word: when its window ends (32 bits of seconds), the count
 * (30 bits) and the slot's state.  It is free once the window has ended.  A
 * full bucket drops the entry that was used least: an exhausted one outlasts
 * any flood of keys that are used less often.  Of two that bring a key at once
 * one counts: no unit is lost.
 */

#ifndef WGW_RATION_H
#define WGW_RATION_H


#include "table/expiring.h"

#pragma GCC visibility push(hidden)


#define WGW_RATION_MAX  ((UINT32_C(1) << 30) - 1)


/*
 * Takes one of `limit` (at most WGW_RATION_MAX) in the window that ends at
 * `end`, which is behind `now`; seconds.  Returns 1 and how many were taken
 * so far, or 0 when there are no more.  When a clock steps back, what was
 * taken in the newer window counts for the one that is now: nothing is free,
 * and nobody is locked out for longer than a window.
 */
int wgw_ration_take(wgw_expiring_t *table, wgw_expiring_key_t key,
    uint32_t limit, int64_t end, int64_t now, uint32_t *taken);

/* Gives one back, if that window is the one still. */
void wgw_ration_give(wgw_expiring_t *table, wgw_expiring_key_t key,
    int64_t end);

/* How many were taken in the window that is now. */
uint32_t wgw_ration_taken(wgw_expiring_t *table, wgw_expiring_key_t key,
    int64_t now);


#pragma GCC visibility pop

#endif /* WGW_RATION_H */
