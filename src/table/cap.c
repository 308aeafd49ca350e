
/*
 * What caps leave, and what is held of them.
 */

#include "table/counter.h"
#include "table/lease.h"


static inline uint64_t wgw_cap_left(uint64_t cap, uint64_t used);
static uint64_t wgw_cap_leased(wgw_table_t *t, uint32_t record,
    uint64_t period, int count, uint64_t cap, int soon);
static uint64_t wgw_cap_hold_leased(wgw_table_t *t, uint32_t record,
    uint64_t period, int count, uint64_t cap, uint64_t want, int *waiting);
static inline uint64_t wgw_cap_hold(wgw_table_t *t, uint32_t record,
    uint64_t period, int count, uint64_t cap, uint64_t want, int *waiting,
    const int leased);
static int wgw_cap_soon(wgw_table_t *t, uint32_t record, uint64_t period,
    uint64_t cap);
static uint32_t wgw_cap_record(wgw_table_t *t, uint32_t record);
static inline uint64_t wgw_cap_used(wgw_table_t *t, uint32_t record,
    uint64_t period, int count);
static uint64_t wgw_cap_used_all(wgw_table_t *t, uint32_t record,
    uint64_t period, int count);
static uint64_t wgw_cap_twins(wgw_table_t *t, uint32_t record,
    uint64_t period, int count, uint64_t *held);


uint64_t
wgw_table_spare(wgw_table_t *t, uint32_t record, uint64_t period, int count,
    uint64_t cap)
{
    if (t->lease) {
        return wgw_cap_leased(t, record, period, count, cap, 0);
    }

    return wgw_cap_left(cap, wgw_cap_used(t, record, period, count));
}


uint64_t
wgw_table_prospect(wgw_table_t *t, uint32_t record, uint64_t period,
    int count, uint64_t cap)
{
    if (t->lease) {
        return wgw_cap_leased(t, record, period, count, cap, 1);
    }

    return wgw_cap_left(cap, wgw_cap_used(t, record, period, count));
}


/* The one place where a cap meets what was used. */

static inline uint64_t
wgw_cap_left(uint64_t cap, uint64_t used)
{
    return used < cap ? cap - used : 0;
}


/*
 * Where many nodes share the cap.  What is held was read before; what was used
 * is read again, of the window that the limit is of.
 */

__attribute__((noinline))
static uint64_t
wgw_cap_leased(wgw_table_t *t, uint32_t record, uint64_t period, int count,
    uint64_t cap, int soon)
{
    uint64_t  seen, used, limit, own;
    uint32_t  first;

    first = wgw_cap_record(t, record);

    do {
        seen = wgw_load(&t->header->clock);
        used = wgw_cap_used(t, record, period, count);
        own = wgw_lease_limit(t->lease, first, wgw_clock_at(seen, period),
                              cap, 0);
        limit = soon ? wgw_lease_limit(t->lease, first,
                                       wgw_clock_at(seen, period), cap, 1)
                     : own;

    } while (wgw_load(&t->header->clock) != seen);

    if (own < cap && used >= own / 2) {
        wgw_lease_want(t->lease, first);
    }

    return wgw_cap_left(limit, used);
}


/* 1 when there may be more in a moment, though there is nothing now. */

static int
wgw_cap_soon(wgw_table_t *t, uint32_t record, uint64_t period, uint64_t cap)
{
    uint64_t  clock;

    clock = wgw_clock_at(wgw_load(&t->header->clock), period);

    return wgw_lease_soon(t->lease, wgw_cap_record(t, record), clock, cap);
}


/* The lease of a key with two records is that of the first. */

static uint32_t
wgw_cap_record(wgw_table_t *t, uint32_t record)
{
    uint32_t  twins[WGW_TABLE_SEGMENTS];

    if (t->count > 1 && wgw_table_twins(t, record, twins) != 0
        && twins[0] < record)
    {
        return twins[0];
    }

    return record;
}


uint64_t
wgw_table_used(wgw_table_t *t, uint32_t record, uint64_t period, int count)
{
    return wgw_cap_used(t, record, period, count);
}


static inline uint64_t
wgw_cap_used(wgw_table_t *t, uint32_t record, uint64_t period, int count)
{
    if (t->count > 1) {
        return wgw_cap_used_all(t, record, period, count);
    }

    assert(record < t->segments->end);

    return wgw_counter_used(t, &t->segments->hot[record], period, count);
}


static uint64_t
wgw_cap_used_all(wgw_table_t *t, uint32_t record, uint64_t period,
    int count)
{
    uint64_t  held;

    return wgw_counter_used(t, wgw_table_hot(t, record), period, count)
           + wgw_cap_twins(t, record, period, count, &held);
}


/* What other records of the same key used, and, read before that, hold. */

static uint64_t
wgw_cap_twins(wgw_table_t *t, uint32_t record, uint64_t period, int count,
    uint64_t *held)
{
    uint32_t           i, n, twins[WGW_TABLE_SEGMENTS];
    uint64_t           used;
    wgw_record_hot_t  *hot;

    n = wgw_table_twins(t, record, twins);
    *held = 0;
    used = 0;

    for (i = 0; i < n; i++) {
        hot = wgw_table_hot(t, twins[i]);

        *held += wgw_load(&hot->held);
        used += wgw_counter_used(t, hot, period, count);
    }

    return used;
}


uint64_t
wgw_table_hold(wgw_table_t *t, uint32_t record, uint64_t period, int count,
    uint64_t cap, uint64_t want, int *waiting)
{
    if (t->lease) {
        return wgw_cap_hold_leased(t, record, period, count, cap, want,
                                   waiting);
    }

    return wgw_cap_hold(t, record, period, count, cap, want, waiting, 0);
}


__attribute__((noinline))
static uint64_t
wgw_cap_hold_leased(wgw_table_t *t, uint32_t record, uint64_t period,
    int count, uint64_t cap, uint64_t want, int *waiting)
{
    return wgw_cap_hold(t, record, period, count, cap, want, waiting, 1);
}


/*
 * Of processes that hold at a time, each sees in `held` what those before it
 * took, and reads what was used after that; those before it are therefore
 * seen in one of both, whether they have sent or not.
 */

__attribute__((always_inline))
static inline uint64_t
wgw_cap_hold(wgw_table_t *t, uint32_t record, uint64_t period, int count,
    uint64_t cap, uint64_t want, int *waiting, const int leased)
{
    uint64_t           used, before, left, held, others;
    wgw_record_hot_t  *hot;

    *waiting = 0;

    want = want < cap ? want : cap;
    want = want < WGW_HOLD_MAX ? want : WGW_HOLD_MAX;

    if (want == 0) {
        return 0;
    }

    hot = wgw_table_hot(t, record);
    before = __atomic_fetch_add(&hot->held, want, __ATOMIC_SEQ_CST);

    others = 0;

    if (t->count > 1) {
        others = wgw_cap_twins(t, record, period, count, &held);
        before += held;
    }

    if (leased) {
        left = wgw_cap_leased(t, record, period, count, cap, 0);

    } else {
        used = wgw_counter_used(t, hot, period, count) + others;
        left = wgw_cap_left(cap, used);
    }

    *waiting = left != 0 && left <= before;
    left = before < left ? left - before : 0;

    if (leased && left == 0) {
        *waiting |= wgw_cap_soon(t, record, period, cap);
    }

    if (want <= left) {
        return want;
    }

    wgw_table_release(t, record, want - left);

    return left;
}


void
wgw_table_release(wgw_table_t *t, uint32_t record, uint64_t bytes)
{
    wgw_counter_release(wgw_table_hot(t, record), bytes);
}
