
/*
 * What caps leave, and what is held of them.
 */

#include "table/counter.h"


/* so that holds of many processes cannot sum up to 2^64 */
#define WGW_HOLD_MAX      (UINT64_C(1) << 40)


static inline uint64_t wgw_cap_left(wgw_table_t *t, uint32_t record,
    uint64_t cap, uint64_t used);
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
    return wgw_cap_left(t, record, cap,
                        wgw_cap_used(t, record, period, count));
}


/* The one place where a record's cap meets what it used. */

static inline uint64_t
wgw_cap_left(wgw_table_t *t, uint32_t record, uint64_t cap, uint64_t used)
{
    (void) t;
    (void) record;

    return used < cap ? cap - used : 0;
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


/*
 * Of processes that hold at a time, each sees in `held` what those before it
 * took, and reads what was used after that; those before it are therefore
 * seen in one of both, whether they have sent or not.
 */

uint64_t
wgw_table_hold(wgw_table_t *t, uint32_t record, uint64_t period, int count,
    uint64_t cap, uint64_t want, int *waiting)
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

    used = wgw_counter_used(t, hot, period, count) + others;
    left = wgw_cap_left(t, record, cap, used);
    *waiting = left != 0 && left <= before;
    left = before < left ? left - before : 0;

    if (want <= left) {
        return want;
    }

    wgw_table_release(t, record, want - left);

    return left;
}


void
wgw_table_release(wgw_table_t *t, uint32_t record, uint64_t bytes)
{
    wgw_record_hot_t  *hot;

    hot = wgw_table_hot(t, record);

    (void) __atomic_fetch_sub(&hot->held, bytes, __ATOMIC_SEQ_CST);
}
