
/*
 * The calendar: periods and their first seconds.
 */

#define _GNU_SOURCE

#include <stdlib.h>
#include <time.h>

#include "table/window.h"

#include "t/unit/tap.h"


typedef struct {
    const char  *what;
    uint8_t      kind;
    uint8_t      reset_day;
    const char  *now;
    const char  *start;         /* of the window that holds it */
    const char  *next;          /* where the following one starts */
} window_case_t;


static int64_t at(const char *text);
static void contiguous(uint8_t kind, uint8_t reset_day);


static const window_case_t  cases[] = {
    { "a month", WGW_WINDOW_MONTH, 1, "2026-07-14 12:00:00",
      "2026-07-01 00:00:00", "2026-08-01 00:00:00" },
    { "its first second", WGW_WINDOW_MONTH, 1, "2026-07-01 00:00:00",
      "2026-07-01 00:00:00", "2026-08-01 00:00:00" },
    { "its last second", WGW_WINDOW_MONTH, 1, "2026-07-31 23:59:59",
      "2026-07-01 00:00:00", "2026-08-01 00:00:00" },
    { "the end of a year", WGW_WINDOW_MONTH, 1, "2026-12-31 23:59:59",
      "2026-12-01 00:00:00", "2027-01-01 00:00:00" },
    { "a leap day", WGW_WINDOW_MONTH, 1, "2028-02-29 23:59:59",
      "2028-02-01 00:00:00", "2028-03-01 00:00:00" },
    { "no leap day in 2100", WGW_WINDOW_MONTH, 1, "2100-02-28 23:59:59",
      "2100-02-01 00:00:00", "2100-03-01 00:00:00" },
    { "a leap day in 2000", WGW_WINDOW_MONTH, 1, "2000-02-29 00:00:00",
      "2000-02-01 00:00:00", "2000-03-01 00:00:00" },
    { "reset on the 15th, the day before", WGW_WINDOW_MONTH, 15,
      "2026-03-14 23:59:59", "2026-02-15 00:00:00", "2026-03-15 00:00:00" },
    { "reset on the 15th, that day", WGW_WINDOW_MONTH, 15,
      "2026-03-15 00:00:00", "2026-03-15 00:00:00", "2026-04-15 00:00:00" },
    { "reset on the 15th over a year's end", WGW_WINDOW_MONTH, 15,
      "2026-01-03 01:02:03", "2025-12-15 00:00:00", "2026-01-15 00:00:00" },
    { "reset on the 31st in a short month", WGW_WINDOW_MONTH, 31,
      "2026-04-30 00:00:00", "2026-04-30 00:00:00", "2026-05-31 00:00:00" },
    { "reset on the 31st, before February's last", WGW_WINDOW_MONTH, 31,
      "2026-02-27 23:59:59", "2026-01-31 00:00:00", "2026-02-28 00:00:00" },
    { "reset on the 30th in a leap year", WGW_WINDOW_MONTH, 30,
      "2028-02-29 00:00:00", "2028-02-29 00:00:00", "2028-03-30 00:00:00" },
    { "reset on the 29th without a leap day", WGW_WINDOW_MONTH, 29,
      "2027-03-28 23:59:59", "2027-02-28 00:00:00", "2027-03-29 00:00:00" },
    { "the epoch", WGW_WINDOW_MONTH, 1, "1970-01-01 00:00:00",
      "1970-01-01 00:00:00", "1970-02-01 00:00:00" },
    { "the epoch in a window that began before it", WGW_WINDOW_MONTH, 20,
      "1970-01-01 00:00:00", "1969-12-20 00:00:00", "1970-01-20 00:00:00" },
    { "the end of 9999", WGW_WINDOW_MONTH, 1, "9999-12-31 23:59:59",
      "9999-12-01 00:00:00", NULL },
    { "a day", WGW_WINDOW_DAY, 1, "2026-07-14 23:59:59",
      "2026-07-14 00:00:00", "2026-07-15 00:00:00" },
    { "a leap day as a day", WGW_WINDOW_DAY, 1, "2028-02-28 12:00:00",
      "2028-02-28 00:00:00", "2028-02-29 00:00:00" },
    { "an hour", WGW_WINDOW_HOUR, 1, "2026-12-31 23:59:59",
      "2026-12-31 23:00:00", "2027-01-01 00:00:00" },
    { "a minute", WGW_WINDOW_MINUTE, 1, "2026-07-14 10:11:12",
      "2026-07-14 10:11:00", "2026-07-14 10:12:00" }
};


static int64_t
at(const char *text)
{
    struct tm  tm;

    memset(&tm, 0, sizeof(tm));

    if (strptime(text, "%Y-%m-%d %H:%M:%S", &tm) == NULL) {
        printf("Bail out! \"%s\" is no time\n", text);
        exit(1);
    }

    return timegm(&tm);
}


/*
 * From 1970 to 2400: each window starts where the one before it ends, has its
 * own number, and the C library agrees on the day.
 */

static void
contiguous(uint8_t kind, uint8_t reset_day)
{
    int           wrong;
    time_t        start;
    int64_t       next;
    uint64_t      period, last;
    struct tm     tm;
    wgw_window_t  window;

    window.kind = kind;
    window.reset_day = reset_day;
    wrong = 0;

    last = wgw_window_period(window, at("2400-06-15 00:00:00"));

    for (period = 1; period <= last; period++) {
        start = wgw_window_start(window, period);
        next = wgw_window_start(window, period + 1);

        wrong += next <= start;
        wrong += wgw_window_period(window, start) != period;
        wrong += wgw_window_period(window, next - 1) != period;

        gmtime_r(&start, &tm);
        wrong += tm.tm_hour + tm.tm_min + tm.tm_sec != 0;

        if (kind == WGW_WINDOW_MONTH && tm.tm_mday != reset_day) {
            start += 86400;
            gmtime_r(&start, &tm);
            wrong += tm.tm_mday != 1;
        }
    }

    ok(wrong == 0, "%s windows, reset day %d: contiguous to 2400",
       wgw_window_name(kind), reset_day);
}


int
main(void)
{
    size_t                i;
    int64_t               start;
    uint64_t              period;
    const char           *name;
    wgw_window_t          window;
    const window_case_t  *c;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        c = &cases[i];
        window.kind = c->kind;
        window.reset_day = c->reset_day;

        period = wgw_window_period(window, at(c->now));
        start = wgw_window_start(window, period);

        ok(start == at(c->start)
           && (c->next == NULL
               || wgw_window_start(window, period + 1) == at(c->next)),
           "%s: %s", c->what, c->now);
    }

    for (i = 1; i <= 31; i++) {
        contiguous(WGW_WINDOW_MONTH, (uint8_t) i);
    }

    contiguous(WGW_WINDOW_DAY, 1);

    window.kind = WGW_WINDOW_TOTAL;
    window.reset_day = 1;

    ok(wgw_window_period(window, at("2026-07-14 00:00:00")) == 0
       && wgw_window_start(window, 0) == 0
       && wgw_window_start(window, 77) == 0, "total is one window");

    window.kind = WGW_WINDOW_DAY;

    ok(wgw_window_period(window, -5) == 0, "before the epoch");
    ok(wgw_window_start(window, UINT64_MAX) == at("9999-12-31 00:00:00"),
       "a period beyond 9999 is the last one");

    for (i = 0; i < 5; i++) {
        name = wgw_window_name((uint8_t) i);
        ok(wgw_window_kind(name, strlen(name)) == (int) i, "name %s", name);
    }

    ok(wgw_window_name(5) == NULL, "a kind that does not exist");
    ok(wgw_window_kind("mont", 4) == -1, "a name cut short");
    ok(wgw_window_kind("months", 6) == -1, "a name too long");
    ok(wgw_window_kind("", 0) == -1, "no name");

    return done();
}
