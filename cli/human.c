
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/human.h"


static void human_scale(char text[CLI_HUMAN], double value, const char *tail);


char *
cli_human_bytes(char text[CLI_HUMAN], uint64_t bytes)
{
    human_scale(text, (double) bytes, "");

    return text;
}


char *
cli_human_rate(char text[CLI_HUMAN], double rate)
{
    human_scale(text, rate < 0 ? 0 : rate, "/s");

    return text;
}


/* Three digits, cut off rather than rounded: what is said is there. */

static void
human_scale(char text[CLI_HUMAN], double value, const char *tail)
{
    unsigned     n, digits;
    uint64_t     whole;
    const char  *units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };

    for (n = 0; value >= 1000 && n < 6; n++) {
        value /= 1000;
    }

    if (n == 0) {
        (void) snprintf(text, CLI_HUMAN, "%.0f B%s", value, tail);
        return;
    }

    digits = value < 10 ? 2 : value < 100 ? 1 : 0;
    whole = (uint64_t) (value * (digits == 2 ? 100 : digits == 1 ? 10 : 1)
                        + 1e-6);
    value = (double) whole / (digits == 2 ? 100 : digits == 1 ? 10 : 1);

    (void) snprintf(text, CLI_HUMAN, "%.*f %s%s", (int) digits, value,
                    units[n], tail);
}


char *
cli_human_count(char text[CLI_HUMAN], uint64_t number)
{
    int     i, len;
    char    plain[CLI_HUMAN], *p;

    len = snprintf(plain, sizeof(plain), "%llu", (unsigned long long) number);
    p = text;

    for (i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) {
            *p++ = ',';
        }

        *p++ = plain[i];
    }

    *p = '\0';

    return text;
}


char *
cli_human_percent(char text[CLI_HUMAN], uint64_t part, uint64_t whole)
{
    double  percent;

    if (whole == 0) {
        return strcpy(text, "-");
    }

    percent = 100.0 * (double) part / (double) whole;

    if (part && percent < 1) {
        return strcpy(text, "<1%");
    }

    if (part < whole && percent > 99) {
        percent = 99;
    }

    (void) snprintf(text, CLI_HUMAN, "%.0f%%", percent);

    return text;
}


char *
cli_human_time(char text[CLI_HUMAN], int64_t seconds)
{
    time_t     t;
    struct tm  tm;

    t = (time_t) seconds;

    if (gmtime_r(&t, &tm) == NULL
        || strftime(text, CLI_HUMAN, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
    {
        return strcpy(text, "-");
    }

    return text;
}


char *
cli_human_span(char text[CLI_HUMAN], int64_t seconds)
{
    long long  s;

    s = seconds < 0 ? 0 : (long long) seconds;

    if (s < 60) {
        (void) snprintf(text, CLI_HUMAN, "%llds", s);

    } else if (s < 3600) {
        (void) snprintf(text, CLI_HUMAN, "%lldm %llds", s / 60, s % 60);

    } else if (s < 86400) {
        (void) snprintf(text, CLI_HUMAN, "%lldh %lldm", s / 3600,
                        s / 60 % 60);

    } else {
        (void) snprintf(text, CLI_HUMAN, "%lldd %lldh", s / 86400,
                        s / 3600 % 24);
    }

    return text;
}
