
/*
 * asked: what is asked of somebody elsewhere, by one of many processes for
 * all of them, and when it may be asked again; kept in an expiring table
 * (expiring.h) of that kind.
 *
 * A key is in it from when it is asked for the first time on.  An answer is
 * fresh for a time, then stale, while it is asked for again, then unknown.
 * Where there was none it is asked for again after 1, 2, 4 ... 60 seconds; so
 * it is after one who asked and was killed, when his lease ends.  At most so
 * many are on their way at once: each has a place, which has a lease, too.
 *
 * Keys enter only with a place: a flood of them does not fill the table faster
 * than answers come.  A full bucket drops what ends first; not what is on its
 * way.
 *
 * An entry is one word: when it may be asked for (32 bits of seconds), how
 * long before or after that the answer ends (26 bits, 0: there is none), how
 * often there was none (3), whether it is on its way, and the slot's state.
 * Seconds are those of a clock that nobody sets.
 */

#ifndef WGW_ASKED_H
#define WGW_ASKED_H


#include "table/expiring.h"

#pragma GCC visibility push(hidden)


#define WGW_ASKED_PLACES  WGW_PLACES
#define WGW_ASKED_TIME    (INT64_C(1) << 24)    /* seconds: 194 days */
#define WGW_ASKED_WAIT    60                    /* the longest, between two */


typedef enum {
    WGW_ASKED_UNKNOWN = 0,
    WGW_ASKED_STALE,
    WGW_ASKED_FRESH
} wgw_asked_state_t;


typedef enum {
    WGW_ASKED_OK = 0,
    WGW_ASKED_NOT_NOW,                  /* it is on its way, or was lately */
    WGW_ASKED_FULL                      /* there is no place */
} wgw_asked_rc_t;


/*
 * Places of those who ask one service: others do not take them, so that one
 * that hangs is in nobody else's way.  Past the last the first comes again.
 */
typedef struct {
    uint32_t   first;
    uint32_t   n;
} wgw_asked_queue_t;


/* A place that was taken; who comes late ends no other's. */
typedef struct {
    uint32_t   number;
    uint64_t   until;
} wgw_asked_place_t;


/* What happened, in all processes, since the table was made. */
typedef enum {
    WGW_ASKED_BEGUN = 0,
    WGW_ASKED_FOUND,
    WGW_ASKED_NONE,
    WGW_ASKED_FAILED,
    WGW_ASKED_DROPPED
} wgw_asked_count_t;


/* What is known, and whether it may be asked for. */
wgw_asked_state_t wgw_asked_look(wgw_expiring_t *table,
    wgw_expiring_key_t key, int64_t now, unsigned *due);

/*
 * Asks: OK and the place, of those in the queue; it ends with answered or
 * failed, or when the lease does.
 */
wgw_asked_rc_t wgw_asked_begin(wgw_expiring_t *table, wgw_expiring_key_t key,
    wgw_asked_queue_t queue, int64_t now, int64_t lease,
    wgw_asked_place_t *place);

void wgw_asked_answered(wgw_expiring_t *table, wgw_expiring_key_t key,
    const wgw_asked_place_t *place, int64_t now, int64_t fresh,
    int64_t stale);

void wgw_asked_failed(wgw_expiring_t *table, wgw_expiring_key_t key,
    const wgw_asked_place_t *place, int64_t now);

void wgw_asked_count(wgw_expiring_t *table, wgw_asked_count_t what);
uint64_t wgw_asked_counted(wgw_expiring_t *table, wgw_asked_count_t what);

/* How many are on their way. */
uint32_t wgw_asked_places(wgw_expiring_t *table, int64_t now);


#pragma GCC visibility pop

#endif /* WGW_ASKED_H */
