
#include "table/note_place.h"


/* rounds that others win: then the table is as good as full */
#define WGW_NOTES_TRIES    64


static inline uint32_t wgw_scan_tags(const wgw_bucket_t *b, uint64_t tag);
static uint32_t wgw_place_room(wgw_expiring_t *t, uint32_t bucket,
    int64_t now, wgw_place_t *place);


void
wgw_scan_start(wgw_scan_t *scan, wgw_expiring_t *t, wgw_expiring_key_t key)
{
    wgw_bucket_t  *a, *b;

    scan->table = t;
    scan->bucket[0] = wgw_slot_bucket(t, key, 0);
    scan->bucket[1] = wgw_slot_bucket(t, key, 1);

    a = &t->buckets[scan->bucket[0]];
    b = &t->buckets[scan->bucket[1]];

    __builtin_prefetch(b->tag);

    scan->left = wgw_scan_tags(a, key.hash[1])
                 | wgw_scan_tags(b, key.hash[1]) << WGW_SLOTS;
}


static inline uint32_t
wgw_scan_tags(const wgw_bucket_t *b, uint64_t tag)
{
    return (uint32_t) (wgw_load(&b->tag[0]) == tag)
           | (uint32_t) (wgw_load(&b->tag[1]) == tag) << 1
           | (uint32_t) (wgw_load(&b->tag[2]) == tag) << 2
           | (uint32_t) (wgw_load(&b->tag[3]) == tag) << 3
           | (uint32_t) (wgw_load(&b->tag[4]) == tag) << 4
           | (uint32_t) (wgw_load(&b->tag[5]) == tag) << 5
           | (uint32_t) (wgw_load(&b->tag[6]) == tag) << 6
           | (uint32_t) (wgw_load(&b->tag[7]) == tag) << 7;
}


int
wgw_scan_next(wgw_scan_t *scan, wgw_expiring_key_t key, wgw_place_t *place)
{
    uint32_t  i, bucket;

    while (scan->left) {
        i = (uint32_t) __builtin_ctz(scan->left);
        bucket = scan->bucket[i / WGW_SLOTS];

        scan->left &= scan->left - 1;

        *place = wgw_place_at(scan->table, (size_t) bucket * WGW_SLOTS
                                              + i % WGW_SLOTS);

        /* what belongs to the time that was seen has not changed since */

        if ((place->seen & WGW_SLOT_STATE) == WGW_SLOT_LIVE
            && wgw_load(place->tag) == key.hash[1]
            && wgw_load(&place->note->check) == key.hash[0]
            && (wgw_load(place->when) & 0xff) == (place->seen & 0xff))
        {
            return 1;
        }
    }

    return 0;
}


int
wgw_place_claim(wgw_expiring_t *t, wgw_expiring_key_t key, int64_t now,
    uint32_t spare, wgw_place_t *place)
{
    int          tries;
    uint32_t     room[2];
    uint64_t     claim;
    wgw_place_t  places[2];

    for (tries = 0; tries < WGW_NOTES_TRIES; tries++) {

        room[0] = wgw_place_room(t, wgw_slot_bucket(t, key, 0), now,
                                 &places[0]);
        room[1] = wgw_place_room(t, wgw_slot_bucket(t, key, 1), now,
                                 &places[1]);

        if (room[0] <= spare && room[1] <= spare) {
            return -1;
        }

        *place = places[room[1] > room[0]];

        if ((place->seen & WGW_SLOT_STATE) == WGW_SLOT_LIVE) {
            wgw_raise(&t->header->forgotten, place->seen >> WGW_NOTE_UNTIL);
        }

        claim = wgw_slot_claim(place->when, place->seen, now);

        if (claim) {
            place->seen = claim;
            return 0;
        }
    }

    return -1;
}


/*
 * How many slots of a bucket are free, and the best of them: an empty one
 * forgets nothing, else the one that ended first.
 */

static uint32_t
wgw_place_room(wgw_expiring_t *t, uint32_t bucket, int64_t now,
    wgw_place_t *best)
{
    uint32_t     i, n;
    uint64_t     rank, least;
    wgw_place_t  place;

    n = 0;
    least = UINT64_MAX;

    for (i = 0; i < WGW_SLOTS; i++) {
        place = wgw_place_at(t, (size_t) bucket * WGW_SLOTS + i);

        if (place.seen == 0 || wgw_slot_stale(place.seen, now)) {
            rank = 0;

        } else if ((place.seen & WGW_SLOT_STATE) == WGW_SLOT_LIVE
                   && wgw_place_ended(place.seen, now))
        {
            rank = place.seen;

        } else {
            continue;
        }

        n++;

        if (rank < least) {
            least = rank;
            *best = place;
        }
    }

    return n;
}
