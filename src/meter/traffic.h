
/*
 * traffic: what all that is metered moved in the last hour, in steps of ten
 * seconds, for a plot.
 *
 * A process adds to its own sum, without a thought, and brings it to the
 * shared one once a second.  Totals only grow; at the first call of a step,
 * whoever makes it, they are noted in a ring, and what a step had is the
 * difference of two notes.  A note is claimed by one word and valid by
 * another, which is written last: a process that is killed in between leaves
 * a step that is not known, and whoever reads never waits.
 *
 * The memory is zeroes in the beginning, and nothing in it is a pointer.
 */

#ifndef WGW_TRAFFIC_H
#define WGW_TRAFFIC_H


#include <stdint.h>

#pragma GCC visibility push(hidden)


#define WGW_TRAFFIC_STEP   10       /* seconds */
#define WGW_TRAFFIC_STEPS  360      /* an hour */


typedef struct {
    uint64_t             sent;
    uint64_t             received;
    uint64_t             requests;
} wgw_traffic_sum_t;


typedef struct {
    uint64_t             claimed;   /* the step whose note this becomes ... */
    uint64_t             step;      /* ... and is; 0: none */
    wgw_traffic_sum_t    sum;       /* all that was before it */
} wgw_traffic_note_t;


typedef struct {
    wgw_traffic_sum_t    sum;

    /* one more, so that the oldest is not written while it is read */
    wgw_traffic_note_t   notes[WGW_TRAFFIC_STEPS + 2];
} wgw_traffic_t;


typedef struct {
    uint64_t             time;      /* of its begin, in seconds */
    unsigned             known;
    wgw_traffic_sum_t    sum;
} wgw_traffic_step_t;


/* Of this process, since its last call of wgw_traffic_turn(). */
extern wgw_traffic_sum_t  wgw_traffic_own;


/* Brings it to the shared sum; `now` in seconds, at least once a step. */
void wgw_traffic_turn(wgw_traffic_t *traffic, uint64_t now);

/*
 * The steps up to the one of `now`, which goes on, the oldest first.  One in
 * which nothing was noted shares what it and those beside it had.
 */
void wgw_traffic_read(wgw_traffic_t *traffic, uint64_t now,
    wgw_traffic_step_t steps[WGW_TRAFFIC_STEPS]);


#pragma GCC visibility pop

#endif /* WGW_TRAFFIC_H */
