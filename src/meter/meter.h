
/*
 * meter: the records that a request or session counts under, and its caps.
 *
 * A set of up to eight meters shares one verdict: bytes may move when every
 * hard cap that counts their direction has room for them.  Room is taken by
 * a hold before and given back after the bytes are in the totals, so that
 * used + held never passes a cap, whoever else uses the key:
 *
 *     hold -> move -> add -> release
 *
 * A refused set counts as `denied`, under no key and no cap.  Requests
 * without a key (`unknown`) have no cap either: it would not be theirs.  Nor
 * do keys that no longer fit (`other`): they are refused, but where the
 * configuration says that they are served.
 */

#ifndef WGW_METER_H
#define WGW_METER_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "meter/key.h"
#include "meter/label.h"
#include "meter/life.h"
#include "meter/meter_record.h"
#include "table/counter.h"

#pragma GCC visibility push(hidden)


#define WGW_METERS_MAX      8

/* the largest cap, 2^53, is what JSON numbers hold */
#define WGW_METER_CAP_MAX   9007199254740992

/* longer is not said to a client, as caps may be raised */
#define WGW_METER_RETRY_MAX 86400

/* what becomes of keys that do not fit */
#define WGW_METER_FULL_REFUSE  1
#define WGW_METER_FULL_OTHER   2

/* the verdict */
#define WGW_METER_PASSED    1
#define WGW_METER_REJECTED  2
#define WGW_METER_DRY_RUN   3           /* would have been rejected */


/* One line `wgw_meter` of the configuration. */
typedef struct {
    wgw_meter_zone_t        *zone;
    ngx_int_t                key_index; /* a variable, or NGX_ERROR: ... */
    void                    *key;       /* ... a complex value */
    ngx_uint_t               life;      /* 1 and the index of a variable, or
                                           0: keys have no lives */
    ngx_array_t             *labels;    /* of wgw_meter_label_t, or NULL */
    ngx_int_t                cap_index; /* a variable, or NGX_ERROR: ... */
    uint64_t                 cap;       /* ... a constant, 0: none */
    unsigned                 count:2;   /* WGW_COUNT_* */
    unsigned                 soft:1;
    unsigned                 dry_run:1;
    unsigned                 precheck:1;
    unsigned                 full:2;    /* WGW_METER_FULL_* */
    unsigned                 host:1;    /* its key is $host, of nginx itself */
    unsigned                 late:1;    /* its key is known with the answer;
                                           there is no cap */
} wgw_meter_conf_t;


typedef struct {
    wgw_meter_conf_t        *conf;
    uint64_t                 cap;       /* in force, 0: none */
    uint64_t                 held;      /* of this set, in the table */
    wgw_holder_t            *holder;    /* its note of that, kept, or NULL */
    wgw_meter_recent_t      *recent;    /* where the key is, or NULL: there
                                           may be another one by now */
    wgw_record_hot_t        *hot;       /* the record's, where it counts */
    uint32_t                 record;
    unsigned                 bad_cap:1; /* was logged */
} wgw_meter_t;


/* The caller sets elts, log, log_level, variable and data; zeroes the rest. */
typedef struct {
    wgw_meter_t             *elts;
    ngx_uint_t               n;

    ngx_log_t               *log;
    ngx_uint_t               log_level;

    wgw_meter_variable_pt    variable;  /* evaluates, by index */
    void                    *data;

    wgw_meter_t             *limit;     /* whose cap was met, or NULL */

    ngx_uint_t               status;
    ngx_uint_t               full;      /* refused, as a zone is full */
    ngx_uint_t               hard;      /* directions with hard caps; none
                                           is held without them */
    ngx_uint_t               soft;      /* there are soft caps */
    ngx_uint_t               precheck;
} wgw_meters_t;


/* Of wgw_meters_push(), for a key that is not kept. */
void wgw_meters_push_new(wgw_meters_t *meters, wgw_meter_conf_t *conf,
    wgw_text_t key, uint64_t life);

/* Tells what the meter's key is called besides. */
void wgw_meters_label(wgw_meters_t *meters, wgw_meter_t *meter);

/*
 * The same when it was decided already, for a key that is known late: with
 * what the others have counted so far.
 */
void wgw_meters_late(wgw_meters_t *meters, wgw_meter_conf_t *conf,
    ngx_str_t *key, uint64_t sent, uint64_t received, uint64_t requests);

/*
 * Decides, and sets status, where wgw_meters_usual() does not.  `length` bytes
 * have come for the request and stay held when it passes; `head` bytes at least
 * will be sent, and up to `credit` are held for that.  Returns how many: none
 * when others hold what is left, or when no hard cap counts them.  Where others
 * hold so much that it would be refused for that, and `waiting` is not NULL,
 * that is set to 1 and nothing is decided.
 */
uint64_t wgw_meters_decide(wgw_meters_t *meters, uint64_t length,
    uint64_t head, uint64_t credit, int *waiting);

/* The cap in force, 0: none. */
uint64_t wgw_meter_cap(wgw_meters_t *meters, wgw_meter_t *meter);

/*
 * 1 when a body of so many bytes, that is going to move in a direction, fits
 * under all caps with `precheck`; else 0 and the limit.
 */
int wgw_meters_precheck(wgw_meters_t *meters, int count, uint64_t bytes);

/*
 * Seconds after which there is room under meters->limit again, at most a
 * day; 0: never.
 */
time_t wgw_meters_retry(wgw_meters_t *meters);

/*
 * In place of pushes and a decision: refused, but not by a cap.  The key's
 * record is not looked for, as whoever floods would fill the table.
 */
void wgw_meters_reject(wgw_meters_t *meters, wgw_meter_conf_t *confs,
    ngx_uint_t n);

/* From now on all counts as denied, for the cap in meters->limit. */
void wgw_meters_deny(wgw_meters_t *meters);

/* Looks at the caps again: their variables may have changed. */
void wgw_meters_refresh(wgw_meters_t *meters);

void wgw_meters_add(wgw_meters_t *meters, uint64_t sent, uint64_t received,
    uint64_t requests);

/*
 * Takes up to `want` bytes of room for a direction.  Returns what was got; 0
 * when nothing is left under meters->limit, then `*waiting` is 1 if that is
 * only because of what others hold at the moment.
 */
uint64_t wgw_meters_hold(wgw_meters_t *meters, int count, uint64_t want,
    int *waiting);

/* Gives back what is held beyond so many bytes of each direction. */
void wgw_meters_keep(wgw_meters_t *meters, uint64_t sent, uint64_t received);

/* 1 when so many bytes would fit if nobody held any; else 0 and the limit. */
int wgw_meters_fit(wgw_meters_t *meters, int count, uint64_t bytes);

/* 1 when a cap, hard or soft, is used up; sets the limit. */
int wgw_meters_over(wgw_meters_t *meters);

/* A transfer was cut at meters->limit. */
void wgw_meters_cut(wgw_meters_t *meters);

/* Bytes left under the narrowest cap, -1 where there is none. */
int64_t wgw_meters_left(wgw_meters_t *meters);


/* Gives back what a meter holds. */
void wgw_meter_give(wgw_meter_t *meter);


/* Notes what those hold that have no note. */
extern wgw_holder_t  wgw_meter_nobody;


/* After a hold and before a release, see holders.h; kept to the end. */

static inline void
wgw_meter_note(wgw_meter_t *meter)
{
    if (meter->holder == NULL) {
        meter->holder = wgw_holders_take(meter->conf->zone->zone.holders,
                                         meter->record);

        /* when there are none any more it goes without */

        if (meter->holder == NULL) {
            meter->holder = &wgw_meter_nobody;
        }
    }

    wgw_holders_note(meter->holder, meter->held);
}


static inline void
wgw_meter_drop(wgw_meter_t *meter, uint64_t bytes)
{
    meter->held -= bytes;

    wgw_meter_note(meter);

    wgw_counter_release(meter->hot, bytes);
}


/* At the end: gives back what is held, and the notes of that. */

static inline void
wgw_meters_done(wgw_meters_t *meters)
{
    wgw_meter_t  *meter, *last;

    last = meters->elts + meters->n;

    for (meter = meters->elts; meter < last; meter++) {

        if (meter->held) {
            wgw_meter_give(meter);
        }

        if (meter->holder && meter->holder != &wgw_meter_nobody) {
            wgw_holders_free(meter->conf->zone->zone.holders, meter->holder);
        }

        meter->holder = NULL;
    }
}


/* Of a line, and holds nothing. */

static inline void
wgw_meter_begin(wgw_meter_t *meter, wgw_meter_conf_t *conf)
{
    meter->conf = conf;
    meter->cap = 0;
    meter->held = 0;
    meter->holder = NULL;
    meter->recent = NULL;
    meter->bad_cap = 0;
}


/* The record that it counts under from now on. */

static inline void
wgw_meter_under(wgw_meter_t *meter, uint32_t record)
{
    meter->record = record;
    meter->hot = wgw_table_hot(&meter->conf->zone->zone.table, record);
}


/* Adds a meter; the text of the key is not kept. */

__attribute__((always_inline))
static inline void
wgw_meters_push(wgw_meters_t *meters, wgw_meter_conf_t *conf, ngx_str_t *key)
{
    uint64_t             life;
    wgw_text_t           text;
    wgw_meter_t         *meter;
    wgw_meter_zone_t    *zone;
    wgw_meter_recent_t  *recent;

    text.data = (const char *) key->data;
    text.len = key->len;

    zone = conf->zone;
    life = conf->life
           ? wgw_meter_life(meters->variable(meters->data, conf->life - 1))
           : 0;

    recent = text.len == 0 || wgw_key_hashed(text) || *zone->zone.lost
             ? NULL
             : wgw_meter_recall(zone, text, life, wgw_meter_hash(text, life));

    if (recent == NULL) {
        wgw_meters_push_new(meters, conf, text, life);
        return;
    }

    meter = &meters->elts[meters->n++];
    wgw_meter_begin(meter, conf);
    meter->recent = recent;
    wgw_meter_under(meter, recent->record);

    meters->precheck |= conf->precheck;

    if (wgw_meter_stale(recent) && conf->labels) {
        wgw_meters_label(meters, meter);
    }
}


/* Tells the record its cap; also none, which it may have had. */

static inline void
wgw_meter_tell(wgw_meter_t *meter, uint64_t cap)
{
    uint32_t             told;
    wgw_meter_recent_t  *recent;

    told = (uint32_t) (cap ^ cap >> 32) | 1;
    recent = meter->recent;

    if (recent) {

        if (recent->cap == told) {
            return;
        }

        recent->cap = told;
    }

    wgw_table_cap(&meter->conf->zone->zone.table, meter->record, cap);
}


/*
 * The usual case by itself: one meter, whose cap is hard and has room, or
 * none.  1, and the credit there is; or 0, and nothing is decided or held.
 */

__attribute__((always_inline))
static inline ngx_uint_t
wgw_meters_usual(wgw_meters_t *meters, uint64_t length, uint64_t *credit)
{
    int                waiting;
    uint64_t           cap, want, window;
    ngx_uint_t         count;
    wgw_meter_t       *meter;
    wgw_table_t       *table;
    wgw_meter_conf_t  *conf;

    meter = meters->elts;

    if (meters->n != 1 || meter->record < WGW_TABLE_FIRST) {
        return 0;
    }

    conf = meter->conf;

    if (conf->soft || conf->dry_run) {
        return 0;
    }

    table = &conf->zone->zone.table;
    window = wgw_meter_window(conf->zone);

    cap = conf->cap_index == NGX_ERROR ? conf->cap
                                       : wgw_meter_cap(meters, meter);
    count = 0;

    if (cap) {
        count = conf->count;

        want = (count & WGW_COUNT_RECEIVED) ? length : 0;
        want += (count & WGW_COUNT_SENT) ? *credit : 0;

        meter->held = wgw_counter_hold(table, meter->hot, count, cap, want)
                      ? want
                      : wgw_table_hold(table, meter->record, window, count,
                                       cap, want, &waiting);
        wgw_meter_note(meter);

        if (meter->held < want || want == 0) {
            wgw_meter_drop(meter, meter->held);
            return 0;
        }
    }

    if (cap || conf->cap_index != NGX_ERROR) {
        wgw_meter_tell(meter, cap);
    }

    meter->cap = cap;

    meters->status = WGW_METER_PASSED;
    meters->hard = count;
    meters->soft = 0;

    *credit = (count & WGW_COUNT_SENT) ? *credit : 0;

    return 1;
}


#pragma GCC visibility pop

#endif /* WGW_METER_H */
