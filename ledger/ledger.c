
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger/ledger.h"


volatile int  ledger_stop;


int
ledger_fail(int code, const char *format, ...)
{
    va_list  args;

    (void) fputs("wgw-ledger: ", stderr);

    va_start(args, format);
    (void) vfprintf(stderr, format, args);
    va_end(args);

    (void) fputc('\n', stderr);

    return code;
}


void
ledger_log(const char *format, ...)
{
    char       text[32];
    time_t     now;
    va_list    args;
    struct tm  tm;

    now = time(NULL);

    if (gmtime_r(&now, &tm)
        && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
    {
        (void) fprintf(stderr, "%s wgw-ledger: ", text);
    }

    va_start(args, format);
    (void) vfprintf(stderr, format, args);
    va_end(args);

    (void) fputc('\n', stderr);
}


int64_t
ledger_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return ts.tv_sec;
}


void
ledger_nap(int ms)
{
    struct timespec  ts;

    ts.tv_sec = ms / 1000;
    ts.tv_nsec = (long) (ms % 1000) * 1000000;

    /* a signal ends it */

    if (!ledger_stop) {
        (void) nanosleep(&ts, NULL);
    }
}
