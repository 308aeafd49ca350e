
/*
 * table: counters by key in memory that many processes share, without a
 * lock, so that a process may be killed at any instruction.
 *
 * This is the billable discipline: keys are only added, totals only grow,
 * nothing is evicted or zeroed.  The memory (a mapped file, see zone.h) is
 * little-endian, holds offsets only, and is laid out as
 *
 *     header   4096 bytes
 *     index    2 words of 32 bits per key: 8-bit tag and 24-bit record
 *              number; 0 is empty (record 0 is never in the index)
 *     records  64 bytes each, the words that change with every request
 *     cold     32 bytes each, what seldom changes
 *     keys     8-byte granules, `key_bytes` for each key on average
 *
 * A table that grew is a list of such segments, each with an index, records
 * and keys of its own; the first has the clock and the records without key.
 * Segments are added, never moved, so that processes which know fewer go on.
 * A key is looked for in all, from the first on, and added to the first with
 * room; records are numbered over all segments.  Where one process took the
 * last room of a segment and another went on to the next, both with the same
 * new key, that has two records: they are added up wherever one is read or
 * capped, and become one in a repair that rebuilds, or when the table is
 * rewritten; see growth.h.
 *
 * An insert writes key and record whole before the one compare-and-swap that
 * publishes them in the index; a process killed before it leaks one record.
 * A full table counts in WGW_TABLE_OTHER: no byte is ever lost.
 *
 * A key may have lives, one after the other, numbered as time goes on: each
 * has a record of its own, and the first that came is the one that is found
 * by the key alone; see life.c.
 *
 * Windows need no zeroing.  For each direction there are two words, for this
 * window and the last, {12-bit tag of a window, 52-bit total when it began},
 * set by one compare-and-swap at the window's first touch; what was used is
 * the total minus the base.  A clock that steps back stays in the newer
 * window, unless that was a leap which is undone: see wgw_table_now().  The
 * header numbers the windows that were seen in a ring of 8190, which the tags
 * are taken from, so that no leap of the clock brings an old tag back; see
 * wgw_table_sweep().
 *
 * Caps reserve in `held`, which is apart from the totals: hold, send, add,
 * release.  used + held is never above the cap.
 */

#ifndef WGW_TABLE_H
#define WGW_TABLE_H


#include "table/layout.h"

#pragma GCC visibility push(hidden)


/* What the table says of a record; see wgw_table_read(). */
typedef struct {
    wgw_text_t           key;           /* in the table's memory */
    uint64_t             life;          /* 0: its only one */
    int                  ended;         /* the key has a later one */
    uint64_t             sent;          /* bytes, since ever */
    uint64_t             received;
    uint64_t             requests;
    uint64_t             refused;       /* requests refused by a cap */
    uint64_t             cut;           /* transfers cut by a cap */
    uint64_t             cap;           /* last one in force; 0: none */
    uint64_t             held;
    struct {
        int64_t          start;         /* seconds since the epoch */
        uint64_t         sent;
        uint64_t         received;
    } window, last;
} wgw_usage_t;


/*
 * The record of a key, added if it is new; WGW_TABLE_OTHER when the table is
 * full, WGW_TABLE_UNKNOWN for an empty key.  Longer keys than
 * WGW_TABLE_KEY_MAX go to WGW_TABLE_OTHER.
 */
uint32_t wgw_table_get(wgw_table_t *table, wgw_text_t key);

/* The same for a life of the key; 0: it has none. */
uint32_t wgw_table_live(wgw_table_t *table, wgw_text_t key, uint64_t life);

/* The record of a key that is there, or WGW_TABLE_UNKNOWN. */
uint32_t wgw_table_find(wgw_table_t *table, wgw_text_t key);

/*
 * The records of all lives of a key, the last that came first, up to `max`;
 * returns their number.
 */
uint32_t wgw_table_lives(wgw_table_t *table, wgw_text_t key,
    uint32_t *records, uint32_t max);

/* 1 when the record is that of the key, in this life. */
int wgw_table_is(wgw_table_t *table, uint32_t record, wgw_text_t key,
    uint64_t life);

/* One past the last record in use; records may be unused below it. */
uint32_t wgw_table_end(wgw_table_t *table);

/* Records that keys have taken. */
uint32_t wgw_table_taken(wgw_table_t *table);

/* Bytes that the keys' texts have taken, and all there are for them. */
uint64_t wgw_table_arena(wgw_table_t *table, uint64_t *max);

/*
 * Reads a record as of `now`.  Returns 0, or -1 for one that holds no key
 * (never published), or whose key is read with another record.
 */
int wgw_table_read(wgw_table_t *table, uint32_t record, int64_t now,
    wgw_usage_t *usage);

/* What wgw_table_now() found; after it the time to count by. */
#define WGW_NOW_STEADY    0     /* the clock is right */
#define WGW_NOW_DOUBTED   1     /* it leapt: the time is the steady clock's */
#define WGW_NOW_WAITS     2     /* the same, until the leap has lasted */
#define WGW_NOW_BELIEVED  3     /* it has: the table went there */
#define WGW_NOW_RIGHT     4     /* it has not: the clock is right again */


/* Of a process and table, zeroed at first. */
typedef struct {
    int64_t              since;         /* of the steady clock; 0: none */
    int64_t              difference;
} wgw_doubt_t;


/*
 * The time, in seconds since the epoch, of a machine whose clock says `wall`
 * and whose steady clock (CLOCK_BOOTTIME) `steady`; see clock.h for the rule.
 * To be called every second.
 */
int wgw_table_now(wgw_table_t *table, wgw_doubt_t *doubt, int64_t wall,
    int64_t steady, int64_t *now);

/*
 * Goes to the window of `now` by a leap, also back, and undoes one before if
 * it was not there.
 */
void wgw_table_leap(wgw_table_t *table, int64_t now);

/* The period that a leap left which can still be undone, or 0. */
uint64_t wgw_table_left(wgw_table_t *table);

/* The period in force, 0 for a table that was never used. */
uint64_t wgw_table_seen(wgw_table_t *table);

/*
 * Moves the table into the window of `now`; returns the period in force.
 * Where a function takes a period, 0 is that.
 */
uint64_t wgw_table_period(wgw_table_t *table, int64_t now);

/*
 * Clears what `n` records from `from` on still know of windows more than
 * WGW_TABLE_IDLE_MAX ago.  Each record must be swept once in 4000 windows, and
 * all of them when a leap was undone: who counted in that counted in the
 * window that is in force again.
 */
void wgw_table_sweep(wgw_table_t *table, uint64_t period, uint32_t from,
    uint32_t n);

/*
 * A number that is another when records have to be swept again that were; 0:
 * they have to be all the time.
 */
uint64_t wgw_table_turn(wgw_table_t *table);

/*
 * Windows since that in which a record last counted, 0 for this one; as many
 * as have certainly passed: those in which nothing at all was counted may be
 * left out.  0 as well when it is not known, and while the window is one that
 * the clock's last turn may still want to see; at least WGW_TABLE_IDLE_MAX when
 * the sweep has cleared what was known.
 */
uint64_t wgw_table_idle(wgw_table_t *table, uint32_t record, int64_t now);

void wgw_table_add(wgw_table_t *table, uint32_t record, uint64_t period,
    uint64_t sent, uint64_t received, uint64_t requests);
void wgw_table_refused(wgw_table_t *table, uint32_t record);
void wgw_table_cut(wgw_table_t *table, uint32_t record);
void wgw_table_cap(wgw_table_t *table, uint32_t record, uint64_t cap);

/* Directions a cap counts. */
#define WGW_COUNT_SENT      1
#define WGW_COUNT_RECEIVED  2
#define WGW_COUNT_BOTH      3

/* Used in the window of `period`, without what is held. */
uint64_t wgw_table_used(wgw_table_t *table, uint32_t record, uint64_t period,
    int count);

/* What `cap` leaves of that, also without what is held. */
uint64_t wgw_table_spare(wgw_table_t *table, uint32_t record, uint64_t period,
    int count, uint64_t cap);

/*
 * The same where many nodes share the cap, see lease.h, with what this one may
 * still get.
 */
uint64_t wgw_table_prospect(wgw_table_t *table, uint32_t record,
    uint64_t period, int count, uint64_t cap);

/*
 * Reserves up to `want` bytes under `cap`.  Returns what was got, 0 if
 * nothing is left; then `*waiting` is 1 when that is only because of what
 * others hold at the moment.
 */
uint64_t wgw_table_hold(wgw_table_t *table, uint32_t record, uint64_t period,
    int count, uint64_t cap, uint64_t want, int *waiting);

/* Gives back, after wgw_table_add() of what was used of it. */
void wgw_table_release(wgw_table_t *table, uint32_t record, uint64_t bytes);


/* For the table's own parts. */

/*
 * The key a record holds, published or not.  Returns its mark; 0 and an empty
 * key if it holds none or names bytes that are not in the arena; 0 and their
 * names for the records that every table has.
 */
uint32_t wgw_table_key(wgw_table_t *table, uint32_t record, wgw_text_t *key);

/* The first record of a key, and that of a later life. */
void wgw_table_first(wgw_table_t *table, wgw_table_id_t *id, wgw_text_t key);
void wgw_table_later(wgw_table_t *table, wgw_table_id_t *id, wgw_text_t key,
    uint64_t life);

/* What a record that holds a key is found by; 0, or -1 if it holds none. */
int wgw_table_id(wgw_table_t *table, uint32_t record, wgw_table_id_t *id);

/* The record of an id, or WGW_TABLE_UNKNOWN; in the first segments only. */
uint32_t wgw_table_lookup(wgw_table_t *table, const wgw_table_id_t *id);
uint32_t wgw_table_look_in(wgw_table_t *table, const wgw_table_id_t *id,
    uint32_t count);

/* 1 when a record is the one that is found by its id. */
int wgw_table_found(wgw_table_t *table, uint32_t record);

/*
 * The record of an id, added with id->life; WGW_TABLE_OTHER when the table
 * is full.
 */
uint32_t wgw_table_put(wgw_table_t *table, const wgw_table_id_t *id);

/* What a record knows of lives; NULL: nothing. */
wgw_record_life_t *wgw_table_life(wgw_table_t *table, uint32_t record);

/*
 * Gives a record that knows nothing of lives room for that.  NULL: there is
 * none in the arena.
 */
wgw_record_life_t *wgw_table_widen(wgw_table_t *table, uint32_t record);

/* The life of a record, and whether a later one has come. */
uint64_t wgw_life_of(wgw_table_t *table, uint32_t record, int *ended);

/* Other records of the same key, in other segments; returns their number. */
uint32_t wgw_table_twins(wgw_table_t *table, uint32_t record,
    uint32_t twins[WGW_TABLE_SEGMENTS]);

/* 1 when a record has counted anything. */
int wgw_table_counted(wgw_table_t *table, uint32_t record);

/* Clears base words of windows more than WGW_TABLE_IDLE_MAX ago. */
void wgw_counter_fade(wgw_table_t *table, uint32_t record);

/* Alone: moves what a record counted into another. */
void wgw_counter_merge(wgw_table_t *table, uint32_t into, uint32_t record);

/*
 * Alone: adds what a record of another table, of the same clock, counted; that
 * stays as it is.
 */
void wgw_counter_copy(wgw_table_t *table, uint32_t into, wgw_table_t *from,
    uint32_t record);


#pragma GCC visibility pop

#endif /* WGW_TABLE_H */
