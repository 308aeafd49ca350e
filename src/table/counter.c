
/*
 * What records count: totals and windows.
 */

#include <string.h>

#include "table/clock.h"
#include "table/counter.h"


static void wgw_counter_touch(wgw_table_t *t, uint64_t base[2],
    const uint64_t *total, uint64_t period);
static void wgw_counter_read(wgw_table_t *t, uint32_t record, int64_t now,
    wgw_usage_t *usage);
static void wgw_counter_join(wgw_usage_t *usage, const wgw_usage_t *twin);
static void wgw_counter_windows(wgw_table_t *t, wgw_record_hot_t *hot,
    int64_t now, wgw_usage_t *usage);
static inline uint64_t wgw_counter_this(wgw_table_t *t,
    const uint64_t base[2], const uint64_t *total, uint64_t clock, int whole);
static uint64_t wgw_counter_undone(wgw_table_t *t, const uint64_t base[2],
    uint64_t clock);
static uint64_t wgw_counter_last(wgw_table_t *t, const uint64_t base[2],
    const uint64_t *total, uint64_t clock);
static int wgw_counter_faded(const wgw_record_hot_t *hot);
static void wgw_counter_settle(wgw_table_t *t, uint32_t record,
    uint64_t clock);
static void wgw_counter_fade_base(wgw_table_t *t, uint64_t base[2]);
static void wgw_counter_merge_total(wgw_table_t *t, uint64_t base_into[2],
    uint64_t *total_into, uint64_t base[2], uint64_t *total);
static void wgw_counter_take(wgw_table_t *t, uint32_t into,
    wgw_record_hot_t *hot, const wgw_record_cold_t *cold);
static uint64_t wgw_counter_base(uint64_t tag, uint64_t total);


int
wgw_table_read(wgw_table_t *t, uint32_t record, int64_t now,
    wgw_usage_t *usage)
{
    uint32_t      i, n, mark, twins[WGW_TABLE_SEGMENTS];
    wgw_text_t    key;
    wgw_usage_t   twin;

    mark = wgw_table_key(t, record, &key);

    if (key.len == 0) {
        usage->key.len = 0;
        return -1;
    }

    n = wgw_table_twins(t, record, twins);

    if (n && twins[0] < record) {
        return -1;
    }

    do {
        wgw_counter_read(t, record, now, usage);

        for (i = 0; i < n; i++) {
            wgw_counter_read(t, twins[i], now, &twin);

            if (twin.window.start != usage->window.start) {
                break;
            }

            wgw_counter_join(usage, &twin);
        }

    } while (i < n);

    usage->key = key;
    usage->life = wgw_life_of(t, record, &usage->ended);

    if (record < WGW_TABLE_FIRST) {
        return 0;
    }

    /* one without counts may be of an insert that was never finished */

    if ((usage->sent | usage->received | usage->requests | usage->refused
         | usage->cut) == 0
        && !wgw_table_found(t, record))
    {
        return -1;
    }

    /* an insert that came second takes its key back */

    return __atomic_load_n(&wgw_table_cold(t, record)->mark, __ATOMIC_ACQUIRE)
           == mark ? 0 : -1;
}


static void
wgw_counter_read(wgw_table_t *t, uint32_t record, int64_t now,
    wgw_usage_t *usage)
{
    wgw_record_hot_t   *hot;
    wgw_record_cold_t  *cold;

    hot = wgw_table_hot(t, record);
    cold = wgw_table_cold(t, record);

    memset(usage, 0, sizeof(wgw_usage_t));

    wgw_counter_windows(t, hot, now, usage);

    usage->sent = wgw_load(&hot->sent);
    usage->received = wgw_load(&hot->received);
    usage->requests = wgw_load(&hot->requests);
    usage->held = wgw_load(&hot->held);
    usage->refused = wgw_load(&cold->refused);
    usage->cut = wgw_load(&cold->cut);
    usage->cap = wgw_load(&cold->cap);
}


static void
wgw_counter_join(wgw_usage_t *usage, const wgw_usage_t *twin)
{
    usage->sent += twin->sent;
    usage->received += twin->received;
    usage->requests += twin->requests;
    usage->refused += twin->refused;
    usage->cut += twin->cut;
    usage->cap = usage->cap ? usage->cap : twin->cap;
    usage->held += twin->held;

    usage->window.sent += twin->window.sent;
    usage->window.received += twin->window.received;
    usage->last.sent += twin->last.sent;
    usage->last.received += twin->last.received;
}


void
wgw_table_sweep(wgw_table_t *t, uint64_t period, uint32_t from, uint32_t n)
{
    uint32_t  end;
    uint64_t  clock;

    clock = wgw_clock_see(t, period);

    /* what a leap has left is not old, but may be in force again */

    if (wgw_clock_leapt(t, clock)) {
        return;
    }

    wgw_clock_forget(t, clock);

    end = wgw_table_end(t);

    for ( /* void */ ; n != 0 && from < end; n--, from++) {

        if (wgw_clock_undone(t, clock)) {
            wgw_counter_settle(t, from, clock);

        } else {
            wgw_counter_fade(t, from);
        }
    }
}


uint64_t
wgw_table_turn(wgw_table_t *t)
{
    uint64_t  clock;

    clock = wgw_load(&t->header->clock);

    return wgw_clock_unsettled(t, clock) ? 0 : clock;
}


/* Who counted in a leap that was undone has counted in this window. */

static void
wgw_counter_settle(wgw_table_t *t, uint32_t record, uint64_t clock)
{
    wgw_record_hot_t  *hot;

    hot = wgw_table_hot(t, record);

    if (wgw_counter_undone(t, hot->base_sent, clock)
        || wgw_counter_undone(t, hot->base_received, clock))
    {
        wgw_counter_touch(t, hot->base_sent, &hot->sent, 0);
        wgw_counter_touch(t, hot->base_received, &hot->received, 0);
    }
}


uint64_t
wgw_table_idle(wgw_table_t *t, uint32_t record, int64_t now)
{
    int                i;
    uint64_t           clock, seen, period, begin, age, least;
    wgw_window_t       window;
    wgw_record_hot_t  *hot;

    window = wgw_clock_window(t);

    hot = wgw_table_hot(t, record);
    least = WGW_RING;

    for (i = 0; i < 2; i++) {
        begin = wgw_load(&hot->base_sent[i]);
        clock = wgw_load(&t->header->clock);

        if (begin != 0) {
            age = wgw_clock_age(clock, begin, i);
            least = age < least ? age : least;
        }
    }

    if (wgw_counter_faded(hot)) {
        least = WGW_TABLE_IDLE_MAX;
    }

    if (least < 2 || least >= WGW_RING) {
        return 0;
    }

    clock = wgw_load(&t->header->clock);

    if (wgw_clock_unsettled(t, clock)) {
        return 0;
    }

    seen = clock >> WGW_RING_BITS;
    period = wgw_window_period(window, now);

    return least + (period > seen ? period - seen : 0);
}


void
wgw_table_add(wgw_table_t *t, uint32_t record, uint64_t period, uint64_t sent,
    uint64_t received, uint64_t requests)
{
    wgw_record_hot_t  *hot;

    hot = wgw_table_hot(t, record);

    if (wgw_load(&t->header->clock) >> WGW_RING_BITS < period) {
        (void) wgw_clock_see(t, period);
    }

    while (!wgw_counter_add(t, hot, sent, received, requests)) {
        wgw_counter_touch(t, hot->base_sent, &hot->sent, 0);
        wgw_counter_touch(t, hot->base_received, &hot->received, 0);
    }
}


/* Touched, so that it is known when the key was last asked for. */

void
wgw_table_refused(wgw_table_t *t, uint32_t record)
{
    wgw_record_hot_t  *hot;

    hot = wgw_table_hot(t, record);

    wgw_counter_touch(t, hot->base_sent, &hot->sent, 0);
    wgw_counter_touch(t, hot->base_received, &hot->received, 0);

    wgw_add(&wgw_table_cold(t, record)->refused, 1);
}


void
wgw_table_cut(wgw_table_t *t, uint32_t record)
{
    wgw_add(&wgw_table_cold(t, record)->cut, 1);
}


void
wgw_table_cap(wgw_table_t *t, uint32_t record, uint64_t cap)
{
    uint64_t  *word;

    word = &wgw_table_cold(t, record)->cap;

    if (wgw_load(word) != cap) {
        __atomic_store_n(word, cap, __ATOMIC_SEQ_CST);
    }
}


uint64_t
wgw_counter_used_at(wgw_table_t *t, const wgw_record_hot_t *hot,
    uint64_t period, int count)
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


void
wgw_counter_fade(wgw_table_t *t, uint32_t record)
{
    wgw_record_hot_t  *hot;

    hot = wgw_table_hot(t, record);

    wgw_counter_fade_base(t, hot->base_sent);
    wgw_counter_fade_base(t, hot->base_received);
}


void
wgw_counter_merge(wgw_table_t *t, uint32_t into, uint32_t record)
{
    wgw_record_hot_t   *hot;
    wgw_record_cold_t  *cold;

    hot = wgw_table_hot(t, record);
    cold = wgw_table_cold(t, record);

    wgw_counter_take(t, into, hot, cold);

    memset(hot, 0, sizeof(wgw_record_hot_t));
    memset(cold, 0, sizeof(wgw_record_cold_t));
}


/*
 * The first copy is one to the bit, so that it stays known when the key last
 * counted; where it is not known, it is said to be now.
 */

void
wgw_counter_copy(wgw_table_t *t, uint32_t into, wgw_table_t *from,
    uint32_t record)
{
    wgw_record_hot_t         *hot_into, hot;
    wgw_record_cold_t        *cold_into;
    const wgw_record_cold_t  *cold;

    hot = *wgw_table_hot(from, record);
    cold = wgw_table_cold(from, record);

    if (wgw_table_counted(t, into)) {
        wgw_counter_take(t, into, &hot, cold);
        return;
    }

    hot_into = wgw_table_hot(t, into);
    cold_into = wgw_table_cold(t, into);

    hot.held = 0;
    *hot_into = hot;

    cold_into->refused = cold->refused;
    cold_into->cut = cold->cut;
    cold_into->cap = cold->cap;

    if ((hot.base_sent[0] | hot.base_sent[1]) == 0
        && !wgw_counter_faded(&hot))
    {
        wgw_counter_touch(t, hot_into->base_sent, &hot_into->sent, 0);
        wgw_counter_touch(t, hot_into->base_received, &hot_into->received, 0);
    }
}


static void
wgw_counter_take(wgw_table_t *t, uint32_t into, wgw_record_hot_t *hot,
    const wgw_record_cold_t *cold)
{
    wgw_record_hot_t   *hot_into;
    wgw_record_cold_t  *cold_into;

    hot_into = wgw_table_hot(t, into);
    cold_into = wgw_table_cold(t, into);

    wgw_counter_merge_total(t, hot_into->base_sent, &hot_into->sent,
                            hot->base_sent, &hot->sent);
    wgw_counter_merge_total(t, hot_into->base_received, &hot_into->received,
                            hot->base_received, &hot->received);
    hot_into->requests += hot->requests;

    cold_into->refused += cold->refused;
    cold_into->cut += cold->cut;

    if (cold_into->cap == 0 && into >= WGW_TABLE_FIRST) {
        cold_into->cap = cold->cap;
    }
}


/*
 * Sets the base of this window unless it is.  The clock is read again after
 * the total, so that no byte of a later window can be in it.
 */

static void
wgw_counter_touch(wgw_table_t *t, uint64_t base[2], const uint64_t *total,
    uint64_t period)
{
    uint64_t  clock, tag, begin, sum;

    for ( ;; ) {
        clock = wgw_clock_see(t, period);
        tag = wgw_clock_tag(clock);
        begin = wgw_load(&base[clock & 1]);

        if (begin >> WGW_TOTAL_BITS == tag) {
            return;
        }

        sum = wgw_counter_undone(t, base, clock);
        sum = sum ? sum : wgw_load(total);

        if (wgw_load(&t->header->clock) != clock) {
            continue;
        }

        if (wgw_swap(&base[clock & 1], begin,
                     wgw_counter_base(tag, sum)))
        {
            return;
        }
    }
}


/* Both directions and the times are of the same windows. */

static void
wgw_counter_windows(wgw_table_t *t, wgw_record_hot_t *hot, int64_t now,
    wgw_usage_t *usage)
{
    int           whole;
    uint64_t      seen, clock, period;
    wgw_window_t  window;

    window = wgw_clock_window(t);
    period = wgw_window_period(window, now);
    whole = window.kind == WGW_WINDOW_TOTAL;

    do {
        seen = wgw_load(&t->header->clock);
        clock = wgw_clock_at(seen, period);

        usage->window.sent = wgw_counter_this(t, hot->base_sent, &hot->sent,
                                              clock, whole);
        usage->window.received = wgw_counter_this(t, hot->base_received,
                                                  &hot->received, clock,
                                                  whole);

        usage->last.sent = wgw_counter_last(t, hot->base_sent, &hot->sent,
                                            clock);
        usage->last.received = wgw_counter_last(t, hot->base_received,
                                                &hot->received, clock);

    } while (wgw_load(&t->header->clock) != seen);

    period = clock >> WGW_RING_BITS;

    usage->window.start = wgw_window_start(window, period);

    period = wgw_clock_before(t, clock);
    usage->last.start = wgw_window_start(window, period);
}


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
 * The word of a leap that was undone, which has the tag of the window that was
 * left and is in force again, if the record counted first in that.  0: there
 * is none.
 */

static uint64_t
wgw_counter_undone(wgw_table_t *t, const uint64_t base[2], uint64_t clock)
{
    uint64_t  begin;

    if (!wgw_clock_undone(t, clock)) {
        return 0;
    }

    begin = wgw_load(&base[~clock & 1]);

    return begin >> WGW_TOTAL_BITS == wgw_clock_tag(clock) ? begin : 0;
}


/*
 * And in the window before it, which ends where this one begins, or has not
 * ended.  The total is read first: no byte of a window touched later is in it.
 */

static uint64_t
wgw_counter_last(wgw_table_t *t, const uint64_t base[2],
    const uint64_t *total, uint64_t clock)
{
    uint64_t  before, begin, end, tag;

    tag = wgw_clock_leapt(t, clock) ? wgw_clock_tag(clock)
                                    : wgw_clock_last_tag(clock);

    before = wgw_load(&base[~clock & 1]);

    if (before >> WGW_TOTAL_BITS != tag) {
        return 0;
    }

    end = wgw_load(total);
    begin = wgw_load(&base[clock & 1]);

    if (begin >> WGW_TOTAL_BITS == wgw_clock_tag(clock)) {
        end = begin;
    }

    return (end - before) & WGW_TOTAL_MASK;
}


/* Who counted has touched its windows: they were cleared since. */

static int
wgw_counter_faded(const wgw_record_hot_t *hot)
{
    return (hot->base_sent[0] | hot->base_sent[1]
            | hot->base_received[0] | hot->base_received[1]) == 0
           && (hot->sent | hot->received | hot->requests) != 0;
}


/*
 * Clears base words that are so old that their tag could come again; a new
 * one cannot be hit, as the clock is read after the word.
 */

static void
wgw_counter_fade_base(wgw_table_t *t, uint64_t base[2])
{
    int       i;
    uint64_t  begin, clock;

    for (i = 0; i < 2; i++) {
        begin = wgw_load(&base[i]);

        if (begin == 0) {
            continue;
        }

        clock = wgw_load(&t->header->clock);

        /* most are of the window in force */

        if ((clock & 1) == (uint64_t) i
            && begin >> WGW_TOTAL_BITS == wgw_clock_tag(clock))
        {
            continue;
        }

        if (wgw_clock_age(clock, begin, i) > WGW_TABLE_IDLE_MAX
            && !wgw_clock_unsettled(t, clock))
        {
            (void) wgw_swap(&base[i], begin, 0);
        }
    }
}


/* Both shall know this window; then bases add up as the totals do. */

static void
wgw_counter_merge_total(wgw_table_t *t, uint64_t base_into[2],
    uint64_t *total_into, uint64_t base[2], uint64_t *total)
{
    int       now, last;
    uint64_t  clock, tag, tag_into, before, before_into;

    wgw_counter_touch(t, base_into, total_into, 0);
    wgw_counter_touch(t, base, total, 0);

    clock = wgw_load(&t->header->clock);
    now = clock & 1;
    last = !now;

    tag = wgw_clock_last_tag(clock);
    tag_into = base_into[last] >> WGW_TOTAL_BITS;

    before = base[last];
    before_into = base_into[last];

    if (before >> WGW_TOTAL_BITS == tag || tag_into == tag) {

        if (before >> WGW_TOTAL_BITS != tag) {
            before = base[now];
        }

        if (tag_into != tag) {
            before_into = base_into[now];
        }

        base_into[last] = wgw_counter_base(tag, before + before_into);
    }

    base_into[now] = wgw_counter_base(wgw_clock_tag(clock),
                                      base[now] + base_into[now]);
    *total_into += *total;
}


static uint64_t
wgw_counter_base(uint64_t tag, uint64_t total)
{
    return tag << WGW_TOTAL_BITS | (total & WGW_TOTAL_MASK);
}
