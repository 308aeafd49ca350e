
#include "table/clock.h"
#include "table/table.h"


/* a difference of clocks, so that it is not 0 */
#define WGW_CLOCK_KNOWN  (UINT64_C(1) << 62)


_Static_assert(WGW_TAGS < 1 << (64 - WGW_TOTAL_BITS), "tags fit");
_Static_assert(WGW_RING <= WGW_RING_MASK, "the ring fits the clock");


static int64_t wgw_clock_trusted(wgw_table_t *t, int64_t wall,
    int64_t difference, int64_t *now);
static int wgw_clock_doubt(wgw_doubt_t *doubt, int64_t difference,
    int64_t steady);
static void wgw_clock_believe(wgw_table_t *t, int64_t wall,
    int64_t difference);
static int wgw_clock_returns(wgw_table_t *t, uint64_t seen,
    uint64_t period);
static int wgw_clock_near(int64_t a, int64_t b);


uint64_t
wgw_table_seen(wgw_table_t *t)
{
    return wgw_load(&t->header->clock) >> WGW_RING_BITS;
}


uint64_t
wgw_table_period(wgw_table_t *t, int64_t now)
{
    return wgw_clock_see(t, wgw_window_period(wgw_clock_window(t), now))
           >> WGW_RING_BITS;
}


uint64_t
wgw_table_left(wgw_table_t *t)
{
    uint64_t  clock;

    clock = wgw_load(&t->header->clock);

    return wgw_clock_leapt(t, clock) ? wgw_clock_before(t, clock) : 0;
}


int
wgw_table_now(wgw_table_t *t, wgw_doubt_t *doubt, int64_t wall,
    int64_t steady, int64_t *now)
{
    int      rc;
    int64_t  difference;

    difference = wall - steady;

    if (wgw_clock_trusted(t, wall, difference, now)) {
        rc = doubt->since ? WGW_NOW_RIGHT : WGW_NOW_STEADY;
        doubt->since = 0;

        return rc;
    }

    rc = wgw_clock_doubt(doubt, difference, steady);

    if (rc == WGW_NOW_BELIEVED) {
        wgw_clock_believe(t, wall, difference);
        *now = wall;
    }

    return rc;
}


/*
 * 1 and the time, when the clock goes on as it did; else 0 and the time of
 * the steady one, or of the window in force.
 */

static int64_t
wgw_clock_trusted(wgw_table_t *t, int64_t wall, int64_t difference,
    int64_t *now)
{
    int64_t       known;
    uint64_t      clock, trust, seen;
    wgw_window_t  window;

    window = wgw_clock_window(t);
    trust = wgw_load(&t->header->trust);
    clock = wgw_load(&t->header->clock);
    seen = clock >> WGW_RING_BITS;

    if (trust) {
        known = (int64_t) (trust - WGW_CLOCK_KNOWN);

        if (!wgw_clock_near(known, difference)) {
            *now = wall - difference + known;
            return 0;
        }

    } else if (clock && wgw_window_period(window, wall) != seen) {
        *now = wgw_window_start(window, seen);
        return 0;
    }

    *now = wall;

    /* whoever was between two words of a leap is set right, see below */

    if (wgw_window_period(window, wall + WGW_CLOCK_LASTS) < seen) {
        wgw_table_leap(t, wall);
    }

    trust = (uint64_t) difference + WGW_CLOCK_KNOWN;

    if (wgw_load(&t->header->trust) != trust) {
        __atomic_store_n(&t->header->trust, trust, __ATOMIC_SEQ_CST);
    }

    return 1;
}


static int
wgw_clock_doubt(wgw_doubt_t *doubt, int64_t difference, int64_t steady)
{
    if (doubt->since == 0 || !wgw_clock_near(doubt->difference, difference)) {
        doubt->since = steady;
        doubt->difference = difference;

        return WGW_NOW_DOUBTED;
    }

    doubt->difference = difference;

    if (steady - doubt->since < WGW_CLOCK_LASTS) {
        return WGW_NOW_WAITS;
    }

    doubt->since = 0;

    return WGW_NOW_BELIEVED;
}


/*
 * Others, who still have the time of before, are never in a later window than
 * the table is: then they would move it.
 */

static void
wgw_clock_believe(wgw_table_t *t, int64_t wall, int64_t difference)
{
    int       back;
    uint64_t  trust;

    trust = (uint64_t) difference + WGW_CLOCK_KNOWN;
    back = wgw_window_period(wgw_clock_window(t), wall) < wgw_table_seen(t);

    if (back) {
        __atomic_store_n(&t->header->trust, trust, __ATOMIC_SEQ_CST);
    }

    wgw_table_leap(t, wall);

    if (!back) {
        __atomic_store_n(&t->header->trust, trust, __ATOMIC_SEQ_CST);
    }
}


void
wgw_table_leap(wgw_table_t *t, int64_t now)
{
    int       leapt, undone;
    uint64_t  clock, next, period, seen;

    period = wgw_window_period(wgw_clock_window(t), now);
    undone = 0;

    for ( ;; ) {
        clock = wgw_load(&t->header->clock);
        seen = clock >> WGW_RING_BITS;
        leapt = wgw_clock_leapt(t, clock);

        if (clock == 0 || period == seen
            || (period > seen
                && (undone || (leapt && !wgw_clock_returns(t, seen, period)))))
        {
            break;
        }

        if (leapt) {
            next = wgw_load(&t->header->leap);

        } else {
            __atomic_store_n(&t->header->leap, clock, __ATOMIC_SEQ_CST);
            next = period << WGW_RING_BITS
                   | ((clock & WGW_RING_MASK) + WGW_TAGS) % WGW_RING;
        }

        if (!wgw_swap(&t->header->clock, clock, next)) {
            continue;
        }

        if (!leapt) {
            break;
        }

        undone = 1;
    }

    (void) wgw_clock_see(t, period);
}


/* 1 when a leap went back, and the clock comes to where it was, or later. */

static int
wgw_clock_returns(wgw_table_t *t, uint64_t seen, uint64_t period)
{
    uint64_t  left;

    left = wgw_load(&t->header->leap) >> WGW_RING_BITS;

    return left > seen && period >= left;
}


uint64_t
wgw_clock_before(wgw_table_t *t, uint64_t clock)
{
    uint64_t  period;

    if (wgw_clock_leapt(t, clock)) {
        return wgw_load(&t->header->leap) >> WGW_RING_BITS;
    }

    period = clock >> WGW_RING_BITS;

    return period ? period - 1 : 0;
}


void
wgw_clock_forget(wgw_table_t *t, uint64_t clock)
{
    uint64_t  leap;

    leap = wgw_load(&t->header->leap);

    if (leap && wgw_clock_distance(clock, leap) != 0) {
        (void) wgw_swap(&t->header->leap, leap, 0);
    }
}


uint64_t
wgw_clock_see(wgw_table_t *t, uint64_t period)
{
    uint64_t  clock, next;

    for ( ;; ) {
        clock = wgw_load(&t->header->clock);
        next = wgw_clock_at(clock, period);

        if (next == clock || wgw_swap(&t->header->clock, clock, next)) {
            return next;
        }
    }
}


uint64_t
wgw_clock_age(uint64_t clock, uint64_t begin, int word)
{
    uint64_t  tag, ring;

    tag = begin >> WGW_TOTAL_BITS;

    if (tag == 0 || tag > WGW_TAGS) {
        return WGW_RING;
    }

    ring = tag - 1;

    if ((int) (ring & 1) != word) {
        ring += WGW_TAGS;
    }

    return wgw_clock_distance(clock, ring);
}


static int
wgw_clock_near(int64_t a, int64_t b)
{
    return a - b <= WGW_CLOCK_SLACK && b - a <= WGW_CLOCK_SLACK;
}
