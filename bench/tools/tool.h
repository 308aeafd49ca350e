
/* What the tools without a server share. */

#ifndef TOOL_H_INCLUDED
#define TOOL_H_INCLUDED


#include <stdint.h>
#include <string.h>
#include <time.h>


#define TOOL_KEY     15                 /* n0000000.gw.test, without its 'n' */
#define TOOL_RANDOM  UINT64_C(88172645463325252)


/* The n-th name that wload asks for. */

static inline void
tool_key(char key[TOOL_KEY], uint64_t n)
{
    int  i;

    memcpy(key, "0000000.gw.test", TOOL_KEY);

    for (i = 6; i >= 0; i--, n /= 10) {
        key[i] = (char) ('0' + n % 10);
    }
}


/* The next one, of what begins as TOOL_RANDOM. */

static inline uint64_t
tool_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;

    return *random;
}


/* Seconds of processor that this process has had. */

static inline double
tool_seconds(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


#endif /* TOOL_H_INCLUDED */
