
/*
 * gcra: rates, by the generic cell rate algorithm (ITU-T I.371): a leaky
 * bucket whose whole state is one time, the theoretical arrival time.
 *
 * `rate` units may go in each period, and `burst` more at once; in any span
 * of time no more than rate * span + burst + 1 do.  Times are nanoseconds of
 * a clock that never steps back, such as CLOCK_MONOTONIC, and that all
 * processes share.
 *
 * In a table of rates (expiring.h) an entry is free when its time has passed,
 * since it then says no more than none.  A full bucket drops the entry that
 * was met least often while it owed (up to seven times), of these the one
 * that is nearest to its end.  So a flood of throw-away keys drops keys of
 * its own kind, while a key that has met its limit stays: each key of the
 * flood would have to be used eight times, and to owe for longer.
 */

#ifndef WGW_GCRA_H
#define WGW_GCRA_H


#include "table/expiring.h"

#pragma GCC visibility push(hidden)


#define WGW_GCRA_UNITS_MAX  (UINT64_C(1) << 27)     /* taken at once */


typedef struct {
    uint64_t    rate;           /* units each period */
    uint64_t    period;         /* ns, at most 60 s */
    uint64_t    interval;       /* of one unit */
    uint64_t    tolerance;      /* how far ahead the time may get */
} wgw_gcra_t;


/* Returns 0, or -1 when that is out of range: no rate, more than a year. */
int wgw_gcra_init(wgw_gcra_t *limit, uint64_t rate, uint64_t period,
    uint64_t burst);

/*
 * Decides about `want` units, of which less than `least` are of no use, both
 * from 1 to WGW_GCRA_UNITS_MAX.  Returns how many may go, and the new time;
 * or 0, and the nanoseconds until `least` may.
 */
uint64_t wgw_gcra(const wgw_gcra_t *limit, uint64_t time, uint64_t now,
    uint64_t least, uint64_t want, uint64_t *next, uint64_t *wait);

/* The same for a key of a table. */
uint64_t wgw_gcra_take(wgw_expiring_t *table, wgw_expiring_key_t key,
    const wgw_gcra_t *limit, uint64_t now, uint64_t least, uint64_t want,
    uint64_t *wait);

/*
 * Takes `units` in any case, of what is still to come when there are none
 * left.  Returns the nanoseconds until they may go.  Who waits like this has
 * a turn of its own: it need not try again, and nobody overtakes it.
 */
uint64_t wgw_gcra_reserve(wgw_expiring_t *table, wgw_expiring_key_t key,
    const wgw_gcra_t *limit, uint64_t now, uint64_t units);

/*
 * Takes units that nobody waited for: a debt of those who come next, which is
 * never longer than `most` nanoseconds.  What is more is forgiven, so that no
 * key is shut out by what could not be held up.
 */
void wgw_gcra_charge(wgw_expiring_t *table, wgw_expiring_key_t key,
    const wgw_gcra_t *limit, uint64_t now, uint64_t units, uint64_t most);

/* Gives back what was taken, as far as the key is still known. */
void wgw_gcra_give(wgw_expiring_t *table, wgw_expiring_key_t key,
    const wgw_gcra_t *limit, uint64_t units);


#pragma GCC visibility pop

#endif /* WGW_GCRA_H */
