
/*
 * window: the calendar of a cap.  A window is a span of UTC time; its period
 * is its number, growing by one from each to the next, so that two times are
 * in one window when their periods are equal.
 *
 * Which window is in force in a table, and when it turns, is in clock.h; what
 * a record does then, in counter.c.
 */

#ifndef WGW_WINDOW_H
#define WGW_WINDOW_H


#include <stdint.h>

#pragma GCC visibility push(hidden)


typedef enum {
    WGW_WINDOW_MONTH = 0,
    WGW_WINDOW_DAY,
    WGW_WINDOW_HOUR,
    WGW_WINDOW_MINUTE,
    WGW_WINDOW_TOTAL            /* one window without end, period 0 */
} wgw_window_kind_t;


typedef struct {
    uint8_t      kind;
    uint8_t      reset_day;     /* months start on this day, 1 to 31; in a
                                   month without it, on its last day */
} wgw_window_t;


/* Times are seconds since the epoch, from 1970 to 9999. */
uint64_t wgw_window_period(wgw_window_t window, int64_t now);

/* The first second of a period; 0 for WGW_WINDOW_TOTAL. */
int64_t wgw_window_start(wgw_window_t window, uint64_t period);

/* "month"; NULL for a kind that does not exist. */
const char *wgw_window_name(uint8_t kind);

/* The kind of that name, or -1. */
int wgw_window_kind(const char *name, uint64_t len);


#pragma GCC visibility pop

#endif /* WGW_WINDOW_H */
