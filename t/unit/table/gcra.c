
/*
 * Rates: the function, its table, and what a flood of keys does to a limit.
 */

#include "t/unit/table/expiring.h"


#define MS      UINT64_C(1000000)
#define SECOND  UINT64_C(1000000000)


static uint64_t  random_state = 88172645463325252;


static uint64_t
random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;

    return random_state % limit;
}


/* How many of `n` requests at one instant may go. */

static uint64_t
at_once(const wgw_gcra_t *limit, uint64_t *time, uint64_t now, int n)
{
    uint64_t  granted, wait;

    granted = 0;

    while (n--) {
        granted += wgw_gcra(limit, *time, now, 1, 1, time, &wait);
    }

    return granted;
}


static void
function(void)
{
    uint64_t    time, wait;
    wgw_gcra_t  limit;

    ok(wgw_gcra_init(&limit, 0, SECOND, 0) == -1
       && wgw_gcra_init(&limit, 1, 0, 0) == -1
       && wgw_gcra_init(&limit, 1, 60 * SECOND, 600000) == -1
       && wgw_gcra_init(&limit, UINT64_MAX, SECOND, UINT64_MAX) == 0,
       "ranges");

    ok(wgw_gcra_init(&limit, 10, SECOND, 0) == 0, "10 a second");
    time = 0;
    ok(at_once(&limit, &time, 5 * SECOND, 9) == 1, "one at once");

    ok(wgw_gcra(&limit, time, 5 * SECOND + 30 * MS, 1, 1, &time, &wait) == 0
       && wait == 70 * MS, "the next in 70 ms");
    ok(wgw_gcra(&limit, time, 5 * SECOND + 100 * MS - 1, 1, 1, &time, &wait)
       == 0 && wait == 1, "a nanosecond too early");
    ok(wgw_gcra(&limit, time, 5 * SECOND + 100 * MS, 1, 1, &time, &wait) == 1,
       "and now");

    ok(wgw_gcra_init(&limit, 600, 60 * SECOND, 5) == 0, "600 a minute");
    time = 0;
    ok(at_once(&limit, &time, 5 * SECOND, 9) == 6, "with a burst of 5");
    ok(at_once(&limit, &time, 5 * SECOND + 350 * MS, 9) == 3,
       "350 ms later 3 more");
    ok(at_once(&limit, &time, 50 * SECOND, 9) == 6, "rested: 6 again");

    /* bytes: up to what is there, but not less than is of use */

    ok(wgw_gcra_init(&limit, 1000000, SECOND, 99999) == 0, "1 MB a second");
    time = 0;
    ok(wgw_gcra(&limit, time, SECOND, 1, 65536, &time, &wait) == 65536
       && wgw_gcra(&limit, time, SECOND, 1, 65536, &time, &wait) == 34464,
       "100000 bytes at once");
    ok(wgw_gcra(&limit, time, SECOND + 1 * MS, 4096, 65536, &time, &wait) == 0
       && wait == 3096000, "4096 bytes in 3.096 ms");
    ok(wgw_gcra(&limit, time, SECOND + 1 * MS + wait, 4096, 65536, &time,
                &wait) == 4096, "so it is");
}


/* In any span of time no more than rate * span + burst + 1. */

static void
bound(uint64_t rate, uint64_t burst)
{
    int         wrong;
    uint64_t    now, time, wait, granted, i, start, times[4000];
    wgw_gcra_t  limit;

    (void) wgw_gcra_init(&limit, rate, SECOND, burst);

    time = 0;
    now = SECOND;
    granted = 0;
    wrong = 0;

    while (granted < 4000) {
        now += random_below(3 * limit.interval / 2)
               * (random_below(50) == 0 ? burst + 2 : 1);

        if (wgw_gcra(&limit, time, now, 1, 1, &time, &wait)) {
            times[granted++] = now;
        }
    }

    for (start = 0; start < granted; start += 7) {
        for (i = start; i < granted; i++) {
            wrong += (double) (i - start)
                     > (double) rate * (double) (times[i] - times[start])
                       / (double) SECOND + (double) burst + 1e-3;
        }
    }

    ok(wrong == 0, "%lu/s, burst %lu: never more in any span",
       (unsigned long) rate, (unsigned long) burst);
}


/* Who takes a turn waits for it, and those behind for theirs. */

static void
turns(wgw_expiring_t *t, uint64_t now)
{
    uint64_t    i, wait, sum;
    wgw_gcra_t  limit;

    /* 1000 a second, 100 at once */

    (void) wgw_gcra_init(&limit, 1000, SECOND, 99);

    ok(wgw_gcra_reserve(t, key_of(t, 9), &limit, now, 60) == 0
       && wgw_gcra_reserve(t, key_of(t, 9), &limit, now, 40) == 0,
       "turns at once");

    ok(wgw_gcra_reserve(t, key_of(t, 9), &limit, now, 50) == 50 * MS
       && wgw_gcra_reserve(t, key_of(t, 9), &limit, now, 50) == 100 * MS
       && wgw_gcra_reserve(t, key_of(t, 9), &limit, now, 500) == 600 * MS,
       "one after another, larger ones than the burst, too");

    ok(wgw_gcra_take(t, key_of(t, 9), &limit, now + 599 * MS, 1, 1, &wait)
       == 0 && wait == 2 * MS, "nobody overtakes");

    wgw_gcra_give(t, key_of(t, 9), &limit, 500);
    ok(wgw_gcra_reserve(t, key_of(t, 9), &limit, now, 20) == 120 * MS,
       "a turn given back");

    /* what nobody waited for is owed, but not for longer than is said */

    wgw_gcra_charge(t, key_of(t, 11), &limit, now, 350, SECOND);
    ok(wgw_gcra_take(t, key_of(t, 11), &limit, now, 1, 1, &wait) == 0
       && wait == 251 * MS, "a charge is owed");

    for (i = 0; i < 1000; i++) {
        wgw_gcra_charge(t, key_of(t, 11), &limit, now, 350, SECOND);
    }

    ok(wgw_gcra_take(t, key_of(t, 11), &limit, now, 1, 1, &wait) == 0
       && wait == 1001 * MS, "a thousand are for a second");

    ok(wgw_gcra_reserve(t, key_of(t, 11), &limit, now, 1000) == 2000 * MS,
       "who waits has a turn behind that");

    wgw_gcra_charge(t, key_of(t, 11), &limit, now, 350, SECOND);
    ok(wgw_gcra_take(t, key_of(t, 11), &limit, now, 1, 1, &wait) == 0
       && wait == 2001 * MS, "and a charge makes no turn shorter");

    /* rates that have less than a nanosecond for a unit */

    (void) wgw_gcra_init(&limit, UINT64_C(10000000000), SECOND, 1000000);
    sum = 0;

    for (i = 0; i < 1000; i++) {
        sum = wgw_gcra_reserve(t, key_of(t, 10), &limit, now, 1000001);
    }

    ok(sum > 99 * MS && sum < 101 * MS, "10 GB/s, 1 GB: 0.1 s");
}


static void
table(void)
{
    size_t           size;
    uint64_t         i, n, wait, now;
    wgw_gcra_t       limit;
    wgw_expiring_t   t;

    size = make(&t, WGW_EXPIRING_RATES, 100000);
    printf("# %zu bytes a key\n", size / 100000);
    ok(size < 100000 * 33, "memory of 100000 keys");

    (void) wgw_gcra_init(&limit, 10, SECOND, 4);
    now = 1000 * SECOND;
    n = 0;

    for (i = 0; i < 10; i++) {
        n += wgw_gcra_take(&t, key_of(&t, 1), &limit, now, 1, 1, &wait);
    }

    ok(n == 5 && wait == 100 * MS, "5 of 10, then a wait");
    ok(wgw_gcra_take(&t, key_of(&t, 2), &limit, now, 1, 1, &wait) == 1,
       "another key is another's");

    wgw_gcra_give(&t, key_of(&t, 1), &limit, 1);
    ok(wgw_gcra_take(&t, key_of(&t, 1), &limit, now, 1, 1, &wait) == 1
       && wgw_gcra_take(&t, key_of(&t, 1), &limit, now, 1, 1, &wait) == 0,
       "one given back, and taken");

    turns(&t, now);

    munmap(t.header, size);
}


/*
 * A client at its limit among throw-away keys, `load` times as many in each
 * interval as the table holds keys.  Returns requests granted each interval.
 */

static double
flooded(uint64_t burst, double load, int uses)
{
    int              i, j;
    size_t           size;
    uint64_t         now, wait, n, fresh, end;
    wgw_gcra_t       limit;
    wgw_expiring_t   t;

    size = make(&t, WGW_EXPIRING_RATES, 1000);

    (void) wgw_gcra_init(&limit, 1, SECOND, burst);

    n = 0;
    fresh = 1000000;
    end = 1030 * SECOND;

    for (now = 1000 * SECOND; now < end; now += 10 * MS) {
        n += wgw_gcra_take(&t, key_of(&t, 1), &limit, now, 1, 1, &wait);

        for (i = 0; i < (int) (10 * load); i++) {
            fresh++;

            for (j = 0; j < uses; j++) {
                (void) wgw_gcra_take(&t, key_of(&t, fresh), &limit, now, 1, 1,
                                     &wait);
            }
        }
    }

    munmap(t.header, size);

    return ((double) n - (double) burst) / 30;
}


static void
floods(void)
{
    int     b, l;
    double  once, often, hard;

    static const uint64_t  bursts[] = { 0, 1, 10 };
    static const double    loads[] = { 0.5, 1, 5, 20 };

    for (b = 0; b < 3; b++) {
        for (l = 0; l < 4; l++) {
            once = flooded(bursts[b], loads[l], 1);
            often = flooded(bursts[b], loads[l], 4);
            hard = l < 2 ? flooded(bursts[b], loads[l], 9) : 0;

            printf("# burst %lu, %.1f tables of new keys an interval: %.2f of"
                   " the rate; each key used 4 times: %.2f, 9: %.2f\n",
                   (unsigned long) bursts[b], loads[l], once, often, hard);

            ok(once <= 1.05, "burst %lu, load %.1f: the limit holds",
               (unsigned long) bursts[b], loads[l]);
            ok(often <= (l < 3 ? 1.05 : 2), "each key used four times");
            ok(hard <= 1.1, "nine times: as far as there is room");
        }
    }
}


/* How many of `keys` limited clients keep their place in a table of them. */

static void
crowd(double share)
{
    size_t           size;
    uint64_t         i, n, wait, kept;
    wgw_gcra_t       limit;
    wgw_expiring_t   t;

    n = (uint64_t) (share * 50000);
    size = make(&t, WGW_EXPIRING_RATES, 50000);

    (void) wgw_gcra_init(&limit, 1, SECOND, 0);

    for (i = 0; i < n; i++) {
        (void) wgw_gcra_take(&t, key_of(&t, i), &limit, SECOND, 1, 1, &wait);
    }

    kept = 0;

    for (i = 0; i < n; i++) {
        kept += wgw_gcra_take(&t, key_of(&t, n - 1 - i), &limit, SECOND, 1, 1,
                              &wait) == 0;
    }

    printf("# %.0f %% of the keys at once: %.2f %% keep their limit\n",
           100 * share, 100.0 * (double) kept / (double) n);
    ok((double) kept >= 0.98 * (double) n, "%.0f %% live", 100 * share);

    munmap(t.header, size);
}


int
main(void)
{
    function();

    bound(1, 0);
    bound(10, 1);
    bound(1000, 100);
    bound(7, 10);

    table();
    floods();
    crowd(0.5);
    crowd(0.8);
    crowd(1);

    return done();
}
