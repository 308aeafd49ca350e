
/*
 * clock: which window a table is in.
 *
 * The table's clock is one word, so that it is always read whole: the period
 * in force and that window's number in a ring of 8190.  The number grows by 1
 * when the next period comes and by 2 when periods were skipped, so that the
 * window before it is the last period or none.  Its low bit chooses the base
 * word; the ring's length is twice the number of tags, which is odd: word and
 * tag together name one window of the ring.
 *
 * The clock of the machine is not the truth: it is wrong until something sets
 * it right, and is set wrong by hand.  The rule is: it is right as long as it
 * goes on as the steady clock does (CLOCK_BOOTTIME, which nobody sets), by a
 * second or two at most in each look; the difference of both is kept in the
 * table.  A leap is believed when it has lasted for WGW_CLOCK_LASTS seconds,
 * and until then the time is that of the steady clock.  After a start of the
 * machine there is no difference to compare with: a window other than the one
 * that was in force is believed when the clock has been steady for as long.
 *
 * Who believes in a leap goes to its window by half the ring, which leaves the
 * base words of the window that was in force as they are: until the next turn
 * it can be undone, and is when the clock comes back, so that what was counted
 * meanwhile belongs to where it was.
 */

#ifndef WGW_CLOCK_H
#define WGW_CLOCK_H


#include "table/layout.h"

#pragma GCC visibility push(hidden)


#define WGW_CLOCK_LASTS   60            /* seconds */
#define WGW_CLOCK_SLACK   2

#define WGW_TAGS          4095
#define WGW_RING          (2 * WGW_TAGS)
#define WGW_RING_BITS     13
#define WGW_RING_MASK     ((UINT64_C(1) << WGW_RING_BITS) - 1)

#define WGW_TOTAL_BITS    52
#define WGW_TOTAL_MASK    ((UINT64_C(1) << WGW_TOTAL_BITS) - 1)


/* The clock once a period was seen. */

static inline uint64_t
wgw_clock_at(uint64_t clock, uint64_t period)
{
    uint64_t  seen, ring;

    seen = clock >> WGW_RING_BITS;

    if (period <= seen) {
        return clock;
    }

    ring = clock & WGW_RING_MASK;
    ring += period - seen == 1 ? 1 : 2;

    return period << WGW_RING_BITS | ring % WGW_RING;
}


/* How long a table's windows are. */

static inline wgw_window_t
wgw_clock_window(const wgw_table_t *t)
{
    wgw_window_t  window;

    window.kind = t->header->made.window;
    window.reset_day = t->header->made.reset_day;

    return window;
}


/* 1 to 4095: the words of a new record belong to no window. */

static inline uint64_t
wgw_clock_tag(uint64_t clock)
{
    uint64_t  ring;

    ring = clock & WGW_RING_MASK;

    return 1 + (ring < WGW_TAGS ? ring : ring - WGW_TAGS);
}


static inline uint64_t
wgw_clock_last_tag(uint64_t clock)
{
    return 1 + ((clock & WGW_RING_MASK) + WGW_RING - 1) % WGW_TAGS;
}


/* How far one clock is from another in the ring. */

static inline uint64_t
wgw_clock_distance(uint64_t clock, uint64_t from)
{
    return ((clock & WGW_RING_MASK) + WGW_RING - (from & WGW_RING_MASK))
           % WGW_RING;
}


/*
 * 1 when a clock is that of a leap that can be undone.  Half the ring away
 * both have one tag, in different words.
 */

static inline int
wgw_clock_leapt(const wgw_table_t *t, uint64_t clock)
{
    uint64_t  leap;

    leap = wgw_load(&t->header->leap);

    return leap != 0 && wgw_clock_distance(clock, leap) == WGW_TAGS;
}


/* 1 when a leap was undone since the last turn. */

static inline int
wgw_clock_undone(const wgw_table_t *t, uint64_t clock)
{
    return clock != 0 && wgw_load(&t->header->leap) == clock;
}


/* Either: no word is old. */

static inline int
wgw_clock_unsettled(const wgw_table_t *t, uint64_t clock)
{
    return wgw_clock_leapt(t, clock) || wgw_clock_undone(t, clock);
}


/*
 * How far back in the ring the window of a base word is; the ring's length
 * for a word that is of none.
 */
uint64_t wgw_clock_age(uint64_t clock, uint64_t begin, int word);

/* The period before that of a clock: that which a leap left, or period - 1. */
uint64_t wgw_clock_before(wgw_table_t *table, uint64_t clock);

/* Moves the table's clock on, and returns it. */
uint64_t wgw_clock_see(wgw_table_t *table, uint64_t period);

/* A leap that the clock has gone on from cannot be undone any more. */
void wgw_clock_forget(wgw_table_t *table, uint64_t clock);


#pragma GCC visibility pop

#endif /* WGW_CLOCK_H */
