
/*
 * rfc3339: see rfc3339.h.
 */

#include "format/rfc3339.h"

#include <stdio.h>
#include <time.h>


/* 2026-01-02T03:04:05 */
#define WGW_RFC3339_FIXED  19


static int wgw_rfc3339_number(unsigned *number, wgw_text_t text, size_t at,
    size_t len, unsigned max);
static int wgw_rfc3339_fraction(wgw_text_t text, size_t *at);
static int wgw_rfc3339_offset(int64_t *seconds, wgw_text_t text, size_t at);
static unsigned wgw_rfc3339_month(unsigned year, unsigned month);
static int64_t wgw_rfc3339_days(unsigned year, unsigned month, unsigned day);


int
wgw_rfc3339_parse(int64_t *seconds, wgw_text_t text)
{
    size_t       at;
    int64_t      offset;
    unsigned     year, month, day, hour, minute, second;
    const char  *p;

    p = text.data;

    if (text.len <= WGW_RFC3339_FIXED || p[4] != '-' || p[7] != '-'
        || (p[10] != 'T' && p[10] != 't') || p[13] != ':' || p[16] != ':'
        || wgw_rfc3339_number(&year, text, 0, 4, 9999) != 0
        || wgw_rfc3339_number(&month, text, 5, 2, 12) != 0
        || wgw_rfc3339_number(&day, text, 8, 2, 31) != 0
        || wgw_rfc3339_number(&hour, text, 11, 2, 23) != 0
        || wgw_rfc3339_number(&minute, text, 14, 2, 59) != 0
        || wgw_rfc3339_number(&second, text, 17, 2, 60) != 0)
    {
        return -1;
    }

    if (month == 0 || day == 0 || day > wgw_rfc3339_month(year, month)) {
        return -1;
    }

    at = WGW_RFC3339_FIXED;

    if (wgw_rfc3339_fraction(text, &at) != 0
        || wgw_rfc3339_offset(&offset, text, at) != 0)
    {
        return -1;
    }

    /* a leap second belongs to the minute that it ends */

    if (second == 60) {
        second = 59;
    }

    *seconds = wgw_rfc3339_days(year, month, day) * 86400
               + (int64_t) (hour * 3600 + minute * 60 + second) - offset;

    return 0;
}


static int
wgw_rfc3339_number(unsigned *number, wgw_text_t text, size_t at, size_t len,
    unsigned max)
{
    uint64_t    n;
    wgw_text_t  digits = { text.data + at, len };

    if (text.len - at < len || wgw_text_uint(digits, max, &n) != 0) {
        return -1;
    }

    *number = (unsigned) n;

    return 0;
}


/* Moves behind the fraction if there is one. */

static int
wgw_rfc3339_fraction(wgw_text_t text, size_t *at)
{
    size_t  i;

    if (text.data[*at] != '.') {
        return 0;
    }

    for (i = *at + 1; i < text.len; i++) {

        if (text.data[i] < '0' || text.data[i] > '9') {
            break;
        }
    }

    if (i == *at + 1 || i > *at + 1 + 9) {
        return -1;
    }

    *at = i;

    return 0;
}


/* What local time is ahead of UTC.  It must end the text. */

static int
wgw_rfc3339_offset(int64_t *seconds, wgw_text_t text, size_t at)
{
    char      sign;
    unsigned  hour, minute;

    if (at == text.len) {
        return -1;
    }

    sign = text.data[at];

    if (sign == 'Z' || sign == 'z') {
        *seconds = 0;
        return at + 1 == text.len ? 0 : -1;
    }

    if ((sign != '+' && sign != '-') || text.len - at != 6
        || text.data[at + 3] != ':'
        || wgw_rfc3339_number(&hour, text, at + 1, 2, 23) != 0
        || wgw_rfc3339_number(&minute, text, at + 4, 2, 59) != 0)
    {
        return -1;
    }

    *seconds = (int64_t) hour * 3600 + (int64_t) minute * 60;

    if (sign == '-') {
        *seconds = -*seconds;
    }

    return 0;
}


static unsigned
wgw_rfc3339_month(unsigned year, unsigned month)
{
    static const uint8_t  days[] = { 31, 28, 31, 30, 31, 30,
                                     31, 31, 30, 31, 30, 31 };

    if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) {
        return 29;
    }

    return days[month - 1];
}


/*
 * Days since 1970-01-01.  A year is taken to begin in March, so that the
 * leap day ends it and months have lengths that a line through 153 / 5 gives.
 */

static int64_t
wgw_rfc3339_days(unsigned year, unsigned month, unsigned day)
{
    int64_t  y, m;

    /* by 400 years, which are whole weeks, so that nothing is negative */

    y = (int64_t) year + 400 - (month <= 2);
    m = (month + 9) % 12;

    return y * 365 + y / 4 - y / 100 + y / 400
           + (153 * m + 2) / 5 + (int64_t) day - 1
           - 719468 - 146097;
}


void
wgw_out_rfc3339(wgw_out_t *out, int64_t seconds)
{
    char       text[64];
    time_t     time;
    struct tm  tm;

    time = (time_t) seconds;

    if (gmtime_r(&time, &tm) == NULL || tm.tm_year < -1900
        || tm.tm_year > 9999 - 1900)
    {
        return;
    }

    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ",
             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
             tm.tm_min, tm.tm_sec);

    wgw_out_str(out, text);
}
