
/*
 * steady: the clock that nobody sets, which is the same in all processes of a
 * boot and goes on while the machine sleeps.
 */

#ifndef WGW_STEADY_H
#define WGW_STEADY_H


#include <stdint.h>
#include <time.h>


/* In milliseconds. */

static inline uint64_t
wgw_steady_ms(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_BOOTTIME, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


#endif /* WGW_STEADY_H */
