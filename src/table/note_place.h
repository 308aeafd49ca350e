
/*
 * note_place: where a note is, or may be: a key has sixteen slots, of two
 * buckets.
 */

#ifndef WGW_NOTE_PLACE_H
#define WGW_NOTE_PLACE_H


#include "table/expiring.h"

#pragma GCC visibility push(hidden)


#define WGW_NOTE_UNTIL     8


/* A place in the table, and the time that was seen there. */
typedef struct {
    uint64_t          *tag;
    uint64_t          *when;
    wgw_note_slot_t   *note;
    uint64_t           seen;
} wgw_place_t;


/* Steps through those of a key's sixteen slots that have its tag. */
typedef struct {
    wgw_expiring_t    *table;
    uint32_t           bucket[2];
    uint32_t           left;            /* a bit each */
} wgw_scan_t;


void wgw_scan_start(wgw_scan_t *scan, wgw_expiring_t *table,
    wgw_expiring_key_t key);

/* The next published slot of that key, its time passed or not. */
int wgw_scan_next(wgw_scan_t *scan, wgw_expiring_key_t key,
    wgw_place_t *place);

/*
 * Takes a slot of the emptier bucket, if it has more than `spare`.  Returns 0
 * and the claim as seen.
 */
int wgw_place_claim(wgw_expiring_t *table, wgw_expiring_key_t key,
    int64_t now, uint32_t spare, wgw_place_t *place);


static inline wgw_place_t
wgw_place_at(wgw_expiring_t *t, size_t slot)
{
    wgw_place_t    place;
    wgw_bucket_t  *b;

    b = &t->buckets[slot / WGW_SLOTS];

    place.tag = &b->tag[slot % WGW_SLOTS];
    place.when = &b->when[slot % WGW_SLOTS];
    place.note = &t->notes[slot];
    place.seen = wgw_load(place.when);

    return place;
}


static inline int
wgw_place_ended(uint64_t when, int64_t now)
{
    return (int64_t) (when >> WGW_NOTE_UNTIL) <= now;
}


#pragma GCC visibility pop

#endif /* WGW_NOTE_PLACE_H */
