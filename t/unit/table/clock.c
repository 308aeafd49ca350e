
/*
 * The clock of a table: leaps that are not believed, that are, and that are
 * undone.
 */

#include "table/clock.h"

#include "t/unit/table/table.h"


#define START  (INT64_C(20000) * DAY + 1000)
#define YEARS  (3650 * DAY)


static wgw_table_t  t;
static wgw_doubt_t  doubt;
static int64_t      now;


/* The same clock and steady clock for `seconds`: what is said at last. */

static int
steady(int64_t wall, int64_t at, int64_t seconds)
{
    int      rc;
    int64_t  i;

    rc = WGW_NOW_STEADY;

    for (i = 0; i <= seconds; i++) {
        rc = wgw_table_now(&t, &doubt, wall + i, at + i, &now);
        (void) wgw_table_period(&t, now);
    }

    return rc;
}


static uint64_t
used(const char *key)
{
    return wgw_table_used(&t, wgw_table_get(&t, text(key)), 0,
                          WGW_COUNT_BOTH);
}


static void
add(const char *key, uint64_t bytes)
{
    wgw_table_add(&t, wgw_table_get(&t, text(key)), 0, bytes, 0, 1);
}


static uint64_t
last(const char *key)
{
    wgw_usage_t  usage;

    (void) wgw_table_read(&t, wgw_table_get(&t, text(key)), 0, &usage);

    return usage.last.sent;
}


static void
two_seconds(void)
{
    uint64_t  day;

    (void) make(&t, 100, 24, WGW_WINDOW_DAY);
    memset(&doubt, 0, sizeof(doubt));

    ok(steady(START, 500, 5) == WGW_NOW_STEADY && now == START + 5,
       "a table that is new believes");
    day = wgw_table_seen(&t);
    add("a", 100);

    ok(wgw_table_now(&t, &doubt, START + 10 + YEARS, 510, &now)
       == WGW_NOW_DOUBTED && now == START + 10,
       "field 11.5: a leap: the time of the steady clock");
    ok(steady(START + 11 + YEARS, 511, 1) == WGW_NOW_WAITS
       && wgw_table_seen(&t) == day, "field 11.5: two seconds: no window ends");
    add("a", 10);
    ok(wgw_table_now(&t, &doubt, START + 13, 513, &now) == WGW_NOW_RIGHT
       && now == START + 13, "field 11.5: right again");
    ok(used("a") == 110 && wgw_table_seen(&t) == day
       && wgw_table_left(&t) == 0, "field 11.5: as if it had not been");

    ok(steady(START + 14, 514, 2) == WGW_NOW_STEADY, "steady");
    ok(steady(START + 18, 516, 0) == WGW_NOW_STEADY
       && now == START + 18, "a second or two are followed");

    /* a clock that wanders is not steady */

    ok(steady(START + YEARS, 600, 50) == WGW_NOW_WAITS
       && steady(START + 2 * YEARS, 651, 50) == WGW_NOW_WAITS
       && steady(START + 3 * YEARS, 702, 50) == WGW_NOW_WAITS
       && wgw_table_seen(&t) == day,
       "field 11.5: nor one that goes on leaping");
    ok(steady(START + 500, 1000, 2) == WGW_NOW_STEADY, "right");

    /* a day that has passed by both */

    ok(steady(START + DAY, 500 + DAY, 0) == WGW_NOW_STEADY
       && wgw_table_seen(&t) == day + 1 && used("a") == 0 && last("a") == 110,
       "a turn that is due");
}


static void
lasting(void)
{
    uint64_t  day;

    (void) make(&t, 100, 24, WGW_WINDOW_DAY);
    memset(&doubt, 0, sizeof(doubt));

    (void) steady(START - DAY, 500, 5);
    add("a", 7);
    (void) steady(START, 500 + DAY, 5);
    day = wgw_table_seen(&t);
    add("a", 100);
    add("b", 1);

    ok(steady(START + YEARS, 600 + DAY, 59) == WGW_NOW_WAITS
       && wgw_table_seen(&t) == day, "field 11.5: it waits a minute");
    ok(steady(START + YEARS + 60, 660 + DAY, 0) == WGW_NOW_BELIEVED
       && wgw_table_seen(&t) == day + 3650 && now == START + YEARS + 60,
       "field 11.5: and is believed");
    ok(wgw_table_left(&t) == day && used("a") == 0 && last("a") == 100,
       "field 11.5: what it left is the last window");
    wgw_table_sweep(&t, 0, 0, UINT32_MAX);
    add("a", 50);
    add("c", 3);
    add("e", 2);
    ok(used("a") == 50 && used("c") == 3 && last("a") == 100 && last("c") == 0
       && last("b") == 1, "counted where it is");

    /* and back */

    ok(steady(START + 800, 800 + DAY, 59) == WGW_NOW_WAITS
       && used("a") == 50, "back: it waits");
    ok(steady(START + 860, 860 + DAY, 0) == WGW_NOW_BELIEVED
       && wgw_table_seen(&t) == day && wgw_table_left(&t) == 0,
       "field 11.5: undone when the clock is right again");
    add("d", 0);
    wgw_table_sweep(&t, 0, 0, UINT32_MAX);
    ok(used("a") == 150 && used("b") == 1 && used("c") == 3
       && wgw_table_idle(&t, wgw_table_find(&t, text("c")), START) == 0,
       "field 11.5: with all that was counted meanwhile");
    add("c", 4);
    add("a", 5);
    ok(used("c") == 7 && used("a") == 155, "which goes on");

    ok(steady(START + DAY, 2 * DAY, 1) == WGW_NOW_STEADY
       && wgw_table_seen(&t) == day + 1
       && last("a") == 155 && last("b") == 1 && last("c") == 7
       && last("e") == 2,
       "field 11.5: its end is its own");
    ok(used("a") == 0, "and the next one begins at nothing");
}


/* The same for one that goes back; and what comes after it. */

static void
back(void)
{
    uint64_t  day;

    (void) make(&t, 100, 24, WGW_WINDOW_DAY);
    memset(&doubt, 0, sizeof(doubt));

    (void) steady(START + 5 * DAY, 500, 5);
    day = wgw_table_seen(&t);
    add("a", 100);
    add("b", 1);

    ok(steady(START, 600, 60) == WGW_NOW_BELIEVED
       && wgw_table_seen(&t) == day - 5 && wgw_table_left(&t) == day,
       "tf 59: five days back");
    add("a", 50);
    add("c", 3);
    ok(used("a") == 50 && last("a") == 100, "counted where it is");

    ok(steady(START + 5 * DAY + 200, 700, 60) == WGW_NOW_BELIEVED
       && wgw_table_seen(&t) == day && wgw_table_left(&t) == 0,
       "tf 59: undone when the clock is right again");
    wgw_table_sweep(&t, 0, 0, UINT32_MAX);
    ok(used("a") == 150 && used("b") == 1 && used("c") == 3,
       "tf 59: with all that was counted: no second allowance");
    ok(steady(START + 6 * DAY, 700 + DAY - 200, 1) == WGW_NOW_STEADY
       && wgw_table_seen(&t) == day + 1 && last("a") == 150 && used("a") == 0,
       "its end is its own");

    /* right again when that window has ended: it ends with all of it */

    add("a", 7);
    (void) steady(START, 800 + DAY, 60);
    add("a", 2);
    ok(wgw_table_left(&t) == day + 1, "back again");
    ok(steady(START + 7 * DAY, 900 + DAY, 60) == WGW_NOW_BELIEVED
       && wgw_table_seen(&t) == day + 2 && wgw_table_left(&t) == 0
       && used("a") == 0 && last("a") == 9,
       "right when the next one has begun: it has ended with all of it");

    /* a part of the way is another window */

    add("a", 5);
    (void) steady(START, 1000 + DAY, 60);
    (void) steady(START + 3 * DAY, 1100 + DAY, 60);
    ok(wgw_table_seen(&t) == day - 2 && used("a") == 0,
       "half of the way back is none of them");
}


/* What lasts for longer than a window is over. */

static void
final(void)
{
    uint64_t  day;
    int64_t   i;

    (void) make(&t, 100, 24, WGW_WINDOW_DAY);
    memset(&doubt, 0, sizeof(doubt));

    (void) steady(START, 500, 5);
    day = wgw_table_seen(&t);
    add("a", 100);
    (void) steady(START + YEARS, 600, 60);
    add("a", 50);
    ok(wgw_table_left(&t) == day, "a leap");

    ok(steady(START + YEARS + DAY, 600 + DAY, 1) == WGW_NOW_STEADY
       && wgw_table_seen(&t) == day + 3651 && wgw_table_left(&t) == 0
       && last("a") == 50 && used("a") == 0, "the next turn ends it");
    wgw_table_sweep(&t, 0, 0, UINT32_MAX);
    ok(t.header->leap == 0, "and it is forgotten");

    for (i = 2; i < 4200; i++) {
        (void) steady(START + YEARS + i * DAY, 600 + i * DAY, 0);
        wgw_table_sweep(&t, 0, 0, UINT32_MAX);
    }

    ok(wgw_table_left(&t) == 0 && used("a") == 0 && last("a") == 0,
       "nothing comes round again");

    /* back for years, without a leap that could be undone */

    (void) steady(START, 900 + i * DAY, 61);
    ok(wgw_table_seen(&t) == day && used("a") == 0,
       "field 11.5: no window lasts for years");
    add("a", 1);
    ok(used("a") == 1 && last("a") == 0, "counted");
}


/* After a start of the machine only another window is doubted. */

static void
boots(void)
{
    uint64_t  day;

    (void) make(&t, 100, 24, WGW_WINDOW_DAY);
    memset(&doubt, 0, sizeof(doubt));

    (void) steady(START, 500, 5);
    day = wgw_table_seen(&t);
    add("a", 9);

    (void) wgw_table_repair(&t, 1);
    ok(wgw_table_now(&t, &doubt, START + 300, 3, &now) == WGW_NOW_STEADY
       && now == START + 300, "another boot, the same window");

    (void) wgw_table_repair(&t, 1);
    ok(wgw_table_now(&t, &doubt, START + DAY, 3, &now) == WGW_NOW_DOUBTED
       && wgw_table_period(&t, now) == day && used("a") == 9,
       "field 11.5: another boot, another window: it waits");
    ok(steady(START + DAY + 1, 4, 59) == WGW_NOW_BELIEVED
       && wgw_table_seen(&t) == day + 1 && used("a") == 0 && last("a") == 9,
       "and is believed");

    (void) wgw_table_repair(&t, 1);
    ok(steady(START + DAY + 500, 5, 0) == WGW_NOW_STEADY
       && wgw_table_left(&t) == day && last("a") == 9, "so it stays");
}


int
main(void)
{
    two_seconds();
    lasting();
    back();
    final();
    boots();

    return done();
}
