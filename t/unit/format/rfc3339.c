
/*
 * Date-times.
 */

#define _DEFAULT_SOURCE     /* timegm() */

#include "t/unit/tap.h"
#include "format/rfc3339.h"

#include <stdlib.h>
#include <time.h>


#define REFUSED  INT64_MIN


typedef struct {
    const char  *text;
    int64_t      seconds;
} time_case_t;


static const time_case_t  cases[] = {
    { "1970-01-01T00:00:00Z", 0 },
    { "1969-12-31T23:59:59Z", -1 },
    { "2026-01-02T03:04:05Z", 1767323045 },
    { "2026-01-02t03:04:05z", 1767323045 },
    { "2026-01-02T03:04:05.6Z", 1767323045 },
    { "2026-01-02T03:04:05.678Z", 1767323045 },
    { "2026-01-02T03:04:05.999999999Z", 1767323045 },
    { "1969-12-31T23:59:59.9Z", -1 },
    { "2026-01-02T05:04:05+02:00", 1767323045 },
    { "2026-01-01T21:34:05.5-05:30", 1767323045 },
    { "2026-01-02T03:04:05-00:00", 1767323045 },
    { "2026-01-02T03:04:05+00:00", 1767323045 },
    { "2026-01-03T03:03:05+23:59", 1767323045 },
    { "2016-12-31T23:59:60Z", 1483228799 },
    { "2016-12-31T23:59:59Z", 1483228799 },
    { "2000-02-29T00:00:00Z", 951782400 },
    { "2024-02-29T00:00:00Z", 1709164800 },
    { "0000-01-01T00:00:00Z", -62167219200 },
    { "0000-02-29T00:00:00Z", -62162121600 },
    { "9999-12-31T23:59:59Z", 253402300799 },
    { "9999-12-31T23:59:59-23:59", 253402387139 },

    { "", REFUSED },
    { "2026-01-02", REFUSED },
    { "2026-01-02T03:04:05", REFUSED },
    { "2026-01-02T03:04:05.5", REFUSED },
    { "2026-01-02T03:04Z", REFUSED },
    { "2026-01-02 03:04:05Z", REFUSED },
    { "2026-01-02T03:04:05.Z", REFUSED },
    { "2026-01-02T03:04:05,5Z", REFUSED },
    { "2026-01-02T03:04:05.1234567890Z", REFUSED },
    { "2026-01-02T03:04:05Z ", REFUSED },
    { "2026-01-02T03:04:05ZZ", REFUSED },
    { " 2026-01-02T03:04:05Z", REFUSED },
    { "2026-01-02T03:04:05+0200", REFUSED },
    { "2026-01-02T03:04:05+02", REFUSED },
    { "2026-01-02T03:04:05+2:00", REFUSED },
    { "2026-01-02T03:04:05|02:00", REFUSED },
    { "2026-01-02T03:04:05+24:00", REFUSED },
    { "2026-01-02T03:04:05+02:60", REFUSED },
    { "2026-01-02T03:04:05+02:000", REFUSED },
    { "2026-02-31T03:04:05Z", REFUSED },
    { "2026-02-29T03:04:05Z", REFUSED },
    { "1900-02-29T03:04:05Z", REFUSED },
    { "2026-04-31T03:04:05Z", REFUSED },
    { "2026-00-01T03:04:05Z", REFUSED },
    { "2026-13-01T03:04:05Z", REFUSED },
    { "2026-01-00T03:04:05Z", REFUSED },
    { "2026-01-32T03:04:05Z", REFUSED },
    { "2026-01-02T24:00:00Z", REFUSED },
    { "2026-01-02T03:60:05Z", REFUSED },
    { "2026-01-02T03:04:61Z", REFUSED },
    { "12026-01-02T03:04:05Z", REFUSED },
    { "-026-01-02T03:04:05Z", REFUSED },
    { "+026-01-02T03:04:05Z", REFUSED },
    { "2026-1-02T03:04:05Z", REFUSED },
    { "2026-01-02T 3:04:05Z", REFUSED },
    { "2026-01-02T0x:04:05Z", REFUSED },
    { "2026/01/02T03:04:05Z", REFUSED },
    { "2026-01-02T03.04.05Z", REFUSED }
};


static int64_t
parse(const char *from)
{
    int          rc;
    char        *copy;
    int64_t      seconds;
    wgw_text_t   text;

    /* on the heap, where the sanitizer sees a byte too many */

    text.len = strlen(from);
    copy = malloc(text.len);
    memcpy(copy, from, text.len);
    text.data = copy;

    rc = wgw_rfc3339_parse(&seconds, text);

    free(copy);

    return rc == 0 ? seconds : REFUSED;
}


/* Each day of all the years, against the C library. */

static void
test_calendar(void)
{
    char       text[64];
    size_t     wrong;
    time_t     t;
    struct tm  tm;

    wrong = 0;

    for (t = -62167219200; t < 253402300800; t += 86400) {
        gmtime_r(&t, &tm);
        snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);

        wrong += parse(text) != t;
    }

    ok(wrong == 0, "every day from 0000 to 9999");
}


/* All cut ones are refused, at whatever byte. */

static void
test_cut(void)
{
    char         text[] = "2026-01-02T03:04:05.678+02:00";
    size_t       i, accepted;

    accepted = 0;

    for (i = sizeof(text) - 2; i; i--) {
        text[i] = '\0';
        accepted += parse(text) != REFUSED;
    }

    ok(accepted == 0, "cut short");
}


static void
test_write(void)
{
    char         text[64];
    size_t       bad;
    int64_t      seconds, read;
    wgw_out_t    out;

    bad = 0;

    for (seconds = -62167219200; seconds < 253402300800; seconds += 86399999) {
        wgw_out_init(&out, text, sizeof(text));
        wgw_out_rfc3339(&out, seconds);

        bad += wgw_rfc3339_parse(&read, (wgw_text_t) { text, (size_t)
                                                       (out.pos - text) })
               != 0 || read != seconds;
    }

    ok(bad == 0, "what is written is read");

    wgw_out_init(&out, text, sizeof(text));
    wgw_out_rfc3339(&out, 253402300800);
    ok(out.pos == text, "no year of five digits");
}


int
main(void)
{
    size_t   i;
    int64_t  seconds;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        seconds = parse(cases[i].text);

        ok(seconds == cases[i].seconds, "\"%s\"", cases[i].text);
    }

    test_calendar();
    test_cut();
    test_write();

    return done();
}
