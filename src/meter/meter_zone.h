
/*
 * meter_zone: a zone of counters as one worker sees it: which time it counts
 * by, and which records it used last.
 */

#ifndef WGW_METER_ZONE_H
#define WGW_METER_ZONE_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "table/zone.h"

#pragma GCC visibility push(hidden)


/*
 * Records a worker used last, found without a hash of the key: so many places
 * of two each, of which the one that came first goes.
 */
#define WGW_METER_RECENT_BITS  11
#define WGW_METER_RECENT       (1 << WGW_METER_RECENT_BITS)


/*
 * A record never changes its key, and a key not its record, so that this
 * needs no care; the key is compared all the same, with its text in the table,
 * which stays where it is.
 */
typedef struct {
    const char              *key;
    uint64_t                 life;
    uint32_t                 mark;      /* of the key, 8 bits are its length;
                                           0: none */
    uint32_t                 record;
    uint32_t                 labelled;  /* seconds, when that was done last */
    uint32_t                 cap;       /* that was told then, in 32 bits */
} wgw_meter_recent_t;


typedef struct wgw_meter_zone_s  wgw_meter_zone_t;


/* A zone of the configuration, as one worker sees it. */
struct wgw_meter_zone_s {
    wgw_zone_t               zone;
    uint64_t                 period;    /* the window in force at `time` */
    time_t                   time;
    int64_t                  now;       /* the time to count by, then */
    wgw_doubt_t              doubt;     /* see wgw_table_now() */
    time_t                   full;      /* when that was logged last */
    time_t                   hashed;    /* a key of that kind */
    time_t                   unlabelled;    /* a key had no room for them */
    ngx_uint_t               told;      /* see room.h */
    uint32_t                 swept;     /* records seen by the sweep ... */
    uint64_t                 sweeping;  /* ... of this turn of the clock */
    uint64_t                 clean;     /* all of them are, till the next */
    ngx_uint_t               named;     /* its keys are names: $wgw_name */
    const char              *kind;      /* what they are: "name", or NULL */
    ngx_uint_t               labels;    /* keys have some */
    ngx_str_t                archive;   /* a directory; empty: none */
    const void              *capped;    /* the first line with a cap */
    wgw_meter_recent_t       recent[WGW_METER_RECENT][2];

    /*
     * Before the window of zone->now begins, and after a leap of the clock
     * was undone which had left the window of `period`; NULL: nothing to do.
     */
    void                   (*turn)(wgw_meter_zone_t *zone);
    void                   (*undone)(wgw_meter_zone_t *zone,
                                     uint64_t period);
    void                    *job;       /* whose functions these are */
};


/* Works out the window in force, which is done once a second. */
void wgw_meter_tick(wgw_meter_zone_t *zone);

/* The window in force. */
uint64_t wgw_meter_period(wgw_meter_zone_t *zone);

/* The time to count by, of a process that does not count. */
int64_t wgw_meter_now(wgw_meter_zone_t *zone);


/* For the table: the window in force, which is known once a second. */

static inline uint64_t
wgw_meter_window(wgw_meter_zone_t *zone)
{
    if (zone->time != ngx_time()) {
        zone->time = ngx_time();
        wgw_meter_tick(zone);
    }

    return 0;
}


#pragma GCC visibility pop

#endif /* WGW_METER_ZONE_H */
