
/*
 * ration: see ration.h.
 */

#include "table/ration.h"
#include "table/slots.h"


#define WGW_RATION_END    32             /* where the end begins */
#define WGW_RATION_SHIFT  2              /* where the count does */

/* seconds that workers' clocks are apart, at most */
#define WGW_RATION_LAG    2

/* rounds that others win: then there are none left */
#define WGW_RATION_TRIES  256


static uint64_t wgw_ration_word(int64_t end, uint32_t count);
static int64_t wgw_ration_end(uint64_t word);
static uint32_t wgw_ration_count(uint64_t word);
static int wgw_ration_room(const wgw_bucket_t *b, int64_t now,
    uint64_t *seen);
static int wgw_ration_enter(wgw_bucket_t *b, uint64_t tag, uint64_t word,
    int64_t now);


int
wgw_ration_take(wgw_expiring_t *t, wgw_expiring_key_t key, uint32_t limit,
    int64_t end, int64_t now, uint32_t *taken)
{
    int            slot, tries;
    uint32_t       count;
    uint64_t       seen;
    wgw_bucket_t  *b;

    *taken = 0;

    if (limit == 0) {
        return 0;
    }

    b = &t->buckets[wgw_slot_bucket(t, key, 0)];

    for (tries = 0; tries < WGW_RATION_TRIES; tries++) {

        slot = wgw_slot_find(b, key.hash[1], &seen);

        if (slot < 0) {

            if (wgw_ration_enter(b, key.hash[1], wgw_ration_word(end, 1),
                                 now))
            {
                *taken = 1;
                return 1;
            }

            continue;
        }

        count = wgw_ration_end(seen) < end ? 0 : wgw_ration_count(seen);
        *taken = count;

        /* a worker that has not seen the boundary yet; else a leap back */

        if (wgw_ration_end(seen) > end && end - now <= WGW_RATION_LAG) {
            end = wgw_ration_end(seen);
        }

        if (count >= limit) {

            if (wgw_ration_end(seen) > end) {
                (void) wgw_swap(&b->when[slot], seen,
                                wgw_ration_word(end, count));
            }

            return 0;
        }

        if (wgw_swap(&b->when[slot], seen, wgw_ration_word(end, count + 1))) {
            *taken = count + 1;
            return 1;
        }
    }

    return 0;
}


void
wgw_ration_give(wgw_expiring_t *t, wgw_expiring_key_t key, int64_t end)
{
    int            slot, tries;
    uint64_t       seen;
    wgw_bucket_t  *b;

    b = &t->buckets[wgw_slot_bucket(t, key, 0)];

    for (tries = 0; tries < WGW_RATION_TRIES; tries++) {

        slot = wgw_slot_find(b, key.hash[1], &seen);

        if (slot < 0 || wgw_ration_end(seen) != end
            || wgw_ration_count(seen) == 0)
        {
            return;
        }

        if (wgw_swap(&b->when[slot], seen,
                     wgw_ration_word(end, wgw_ration_count(seen) - 1)))
        {
            return;
        }
    }
}


uint32_t
wgw_ration_taken(wgw_expiring_t *t, wgw_expiring_key_t key, int64_t now)
{
    int       slot;
    uint64_t  seen;

    slot = wgw_slot_find(&t->buckets[wgw_slot_bucket(t, key, 0)],
                          key.hash[1], &seen);

    return slot < 0 || wgw_ration_end(seen) <= now ? 0 : wgw_ration_count(seen);
}


static uint64_t
wgw_ration_word(int64_t end, uint32_t count)
{
    return (uint64_t) end << WGW_RATION_END
           | (uint64_t) count << WGW_RATION_SHIFT | WGW_SLOT_LIVE;
}


static int64_t
wgw_ration_end(uint64_t word)
{
    return (int64_t) (word >> WGW_RATION_END);
}


static uint32_t
wgw_ration_count(uint64_t word)
{
    return (uint32_t) word >> WGW_RATION_SHIFT;
}


/* A slot for a new key: free, or the one used least; -1: all are claimed. */

static int
wgw_ration_room(const wgw_bucket_t *b, int64_t now, uint64_t *seen)
{
    int       i, slot;
    uint32_t  count, least;
    uint64_t  word;

    slot = -1;
    least = 0;
    *seen = 0;

    for (i = 0; i < WGW_SLOTS; i++) {
        word = wgw_load(&b->when[i]);

        if ((word & WGW_SLOT_STATE) == WGW_SLOT_CLAIM) {

            if (!wgw_slot_stale(word, now)) {
                continue;
            }

            count = 0;

        } else {
            count = word == 0 || wgw_ration_end(word) <= now
                    ? 0 : wgw_ration_count(word) + 1;
        }

        if (slot < 0 || count < least) {
            least = count;
            slot = i;
            *seen = word;
        }

        if (count == 0) {
            break;
        }
    }

    return slot;
}


/* 1 when the key is in. */

static int
wgw_ration_enter(wgw_bucket_t *b, uint64_t tag, uint64_t word, int64_t now)
{
    int       slot;
    uint64_t  seen;

    slot = wgw_ration_room(b, now, &seen);

    return slot >= 0 && wgw_slot_enter(b, slot, seen, tag, word, now);
}
