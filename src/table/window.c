
/*
 * All in UTC and in the proleptic Gregorian calendar, without time_t or the
 * C library's tables.  Years are counted from March, so that a leap day is
 * the last one of its year; an era is 400 years, 146097 days.
 */

#include <string.h>

#include "table/window.h"


#define WGW_MINUTE     60
#define WGW_HOUR       3600
#define WGW_DAY        86400

#define WGW_ERA        146097
#define WGW_EPOCH_DAY  719468   /* 1970-01-01 counted from 0000-03-01 */

#define WGW_LAST_TIME  INT64_C(253402300799)    /* 9999-12-31 23:59:59 */


static uint64_t wgw_window_month(uint8_t reset_day, int64_t day);
static int64_t wgw_month_start(uint8_t reset_day, int64_t month);
static int64_t wgw_days(int64_t year, int64_t month);


static const char  *wgw_window_names[] = {
    "month",
    "day",
    "hour",
    "minute",
    "total"
};

#define WGW_WINDOW_KINDS                                                      \
    (sizeof(wgw_window_names) / sizeof(wgw_window_names[0]))


uint64_t
wgw_window_period(wgw_window_t window, int64_t now)
{
    if (now < 0) {
        now = 0;

    } else if (now > WGW_LAST_TIME) {
        now = WGW_LAST_TIME;
    }

    switch (window.kind) {

    case WGW_WINDOW_MONTH:
        return wgw_window_month(window.reset_day, now / WGW_DAY);

    case WGW_WINDOW_DAY:
        return (uint64_t) now / WGW_DAY;

    case WGW_WINDOW_HOUR:
        return (uint64_t) now / WGW_HOUR;

    case WGW_WINDOW_MINUTE:
        return (uint64_t) now / WGW_MINUTE;

    default: /* WGW_WINDOW_TOTAL */
        return 0;
    }
}


int64_t
wgw_window_start(wgw_window_t window, uint64_t period)
{
    uint64_t  last;

    last = wgw_window_period(window, WGW_LAST_TIME);

    if (period > last) {
        period = last;
    }

    switch (window.kind) {

    case WGW_WINDOW_MONTH:
        return wgw_month_start(window.reset_day, (int64_t) period) * WGW_DAY;

    case WGW_WINDOW_DAY:
        return (int64_t) period * WGW_DAY;

    case WGW_WINDOW_HOUR:
        return (int64_t) period * WGW_HOUR;

    case WGW_WINDOW_MINUTE:
        return (int64_t) period * WGW_MINUTE;

    default: /* WGW_WINDOW_TOTAL */
        return 0;
    }
}


const char *
wgw_window_name(uint8_t kind)
{
    return kind < WGW_WINDOW_KINDS ? wgw_window_names[kind] : NULL;
}


int
wgw_window_kind(const char *name, uint64_t len)
{
    size_t  i;

    for (i = 0; i < WGW_WINDOW_KINDS; i++) {
        if (strlen(wgw_window_names[i]) == len
            && memcmp(wgw_window_names[i], name, len) == 0)
        {
            return (int) i;
        }
    }

    return -1;
}


/*
 * The number of the month whose window holds a day.  January 1970 is 1: with
 * a later reset day its first days belong to a month before it.
 */

static uint64_t
wgw_window_month(uint8_t reset_day, int64_t day)
{
    int64_t  era, year, of_era, of_year, month;

    day += WGW_EPOCH_DAY;

    era = day / WGW_ERA;
    of_era = day % WGW_ERA;
    year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    of_year = of_era - (365 * year + year / 4 - year / 100);

    /* months from March, of 30 and 31 days in turns: 153 days are five */

    month = (5 * of_year + 2) / 153 + 2;
    month += (era * 400 + year - 1970) * 12 + 1;

    if (day - WGW_EPOCH_DAY < wgw_month_start(reset_day, month)) {
        month--;
    }

    return (uint64_t) month;
}


/* The day on which the window of a month starts. */

static int64_t
wgw_month_start(uint8_t reset_day, int64_t month)
{
    int64_t  year, first, next, day;

    /* December 1969 is month 0 */

    month += 11;
    year = 1969 + month / 12;
    month %= 12;

    first = wgw_days(year, month);
    next = wgw_days(year + month / 11, (month + 1) % 12);
    day = reset_day ? reset_day - 1 : 0;

    return day < next - first ? first + day : next - 1;
}


/* The days from the epoch to the first of a month, January being 0. */

static int64_t
wgw_days(int64_t year, int64_t month)
{
    int64_t  of_era;

    month = (month + 10) % 12;
    year -= month >= 10;
    of_era = year % 400;

    return year / 400 * WGW_ERA + of_era * 365 + of_era / 4 - of_era / 100
           + (153 * month + 2) / 5 - WGW_EPOCH_DAY;
}
