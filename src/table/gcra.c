
/*
 * Rates.  A time in the table is {nanoseconds, how often the key was met
 * while it owed, state}.
 */

#include <assert.h>

#include "table/gcra.h"
#include "table/slots.h"


#define WGW_GCRA_MET       4            /* one of up to seven */
#define WGW_GCRA_OFTEN     28
#define WGW_GCRA_SHIFT     5
#define WGW_GCRA_RANK      59           /* that number comes before time */

#define WGW_GCRA_PERIOD    UINT64_C(60000000000)
#define WGW_GCRA_FAR       UINT64_C(31536000000000000)

/* rounds that others win: then the request goes, uncounted */
#define WGW_GCRA_TRIES     64


/* What is asked of a key's limit. */
typedef struct {
    const wgw_gcra_t  *limit;
    uint64_t           now;
    uint64_t           least;
    uint64_t           want;
    uint64_t           wait;        /* the answer */
    int                owe;         /* take it even so */
    uint64_t           most;        /* ... and owe no longer, ns */
} wgw_gcra_ask_t;


static uint64_t wgw_gcra_enter(wgw_expiring_t *t, wgw_expiring_key_t key,
    wgw_gcra_ask_t *ask);
static uint64_t wgw_gcra_answer(wgw_gcra_ask_t *ask, uint64_t time,
    uint64_t *next);
static uint64_t wgw_gcra_cost(const wgw_gcra_t *limit, uint64_t units);
static int wgw_gcra_room(const wgw_bucket_t *b, uint64_t now,
    uint64_t *seen);


int
wgw_gcra_init(wgw_gcra_t *limit, uint64_t rate, uint64_t period,
    uint64_t burst)
{
    double  tolerance;

    if (rate == 0 || period == 0 || period > WGW_GCRA_PERIOD) {
        return -1;
    }

    tolerance = ((double) burst + 1) * (double) period / (double) rate;

    if (tolerance > (double) WGW_GCRA_FAR) {
        return -1;
    }

    limit->rate = rate;
    limit->period = period;
    limit->interval = period / rate;
    limit->tolerance = (uint64_t) tolerance;

    return 0;
}


uint64_t
wgw_gcra(const wgw_gcra_t *limit, uint64_t time, uint64_t now, uint64_t least,
    uint64_t want, uint64_t *next, uint64_t *wait)
{
    uint64_t  start, cost, room, units;

    assert(least >= 1 && least <= want && want <= WGW_GCRA_UNITS_MAX);

    start = time > now ? time : now;
    units = want;
    cost = wgw_gcra_cost(limit, want);

    room = now + limit->tolerance;
    room = room > start ? room - start : 0;

    if (cost > room) {
        units = (uint64_t) ((double) room * (double) limit->rate
                            / (double) limit->period);

        units = units > least ? units : least;
        units = units < want ? units : want;

        /* a product of that size may have been rounded up */

        cost = wgw_gcra_cost(limit, units);

        if (cost > room) {
            units = least;
            cost = wgw_gcra_cost(limit, units);
        }

        if (cost > room) {
            *wait = start + cost - now - limit->tolerance;
            return 0;
        }
    }

    *next = start + cost;

    return units;
}


uint64_t
wgw_gcra_take(wgw_expiring_t *t, wgw_expiring_key_t key,
    const wgw_gcra_t *limit, uint64_t now, uint64_t least, uint64_t want,
    uint64_t *wait)
{
    wgw_gcra_ask_t  ask;

    ask.limit = limit;
    ask.now = now;
    ask.least = least;
    ask.want = want;
    ask.owe = 0;
    ask.wait = 0;

    want = wgw_gcra_enter(t, key, &ask);
    *wait = ask.wait;

    return want;
}


uint64_t
wgw_gcra_reserve(wgw_expiring_t *t, wgw_expiring_key_t key,
    const wgw_gcra_t *limit, uint64_t now, uint64_t units)
{
    wgw_gcra_ask_t  ask;

    ask.limit = limit;
    ask.now = now;
    ask.least = units;
    ask.want = units;
    ask.owe = 1;
    ask.most = UINT64_MAX;
    ask.wait = 0;

    (void) wgw_gcra_enter(t, key, &ask);

    return ask.wait;
}


void
wgw_gcra_charge(wgw_expiring_t *t, wgw_expiring_key_t key,
    const wgw_gcra_t *limit, uint64_t now, uint64_t units, uint64_t most)
{
    wgw_gcra_ask_t  ask;

    ask.limit = limit;
    ask.now = now;
    ask.least = units;
    ask.want = units;
    ask.owe = 1;
    ask.most = most;
    ask.wait = 0;

    (void) wgw_gcra_enter(t, key, &ask);
}


/* Scans one bucket: two lines of the cache. */

static uint64_t
wgw_gcra_enter(wgw_expiring_t *t, wgw_expiring_key_t key,
    wgw_gcra_ask_t *ask)
{
    int            slot, tries;
    uint64_t       seen, claim, time, next, units, word;
    wgw_bucket_t  *b;

    b = &t->buckets[wgw_slot_bucket(t, key, 0)];
    units = ask->want;

    for (tries = 0; tries < WGW_GCRA_TRIES; tries++) {

        slot = wgw_slot_find(b, key.hash[1], &seen);

        if (slot >= 0) {
            time = seen >> WGW_GCRA_SHIFT;
            units = wgw_gcra_answer(ask, time, &next);

            next = units ? next : time;
            word = next << WGW_GCRA_SHIFT
                   | (seen & (WGW_GCRA_OFTEN|WGW_SLOT_STATE));

            if (time > ask->now && (word & WGW_GCRA_OFTEN) != WGW_GCRA_OFTEN) {
                word += WGW_GCRA_MET;
            }

            if (word == seen || wgw_swap(&b->when[slot], seen, word)) {
                return units;
            }

            continue;
        }

        units = wgw_gcra_answer(ask, 0, &next);
        slot = wgw_gcra_room(b, ask->now, &seen);

        if (units == 0 || slot < 0) {
            return units;
        }

        claim = wgw_slot_claim(&b->when[slot], seen,
                               (int64_t) (ask->now / 1000000000));
        if (claim == 0) {
            continue;
        }

        __atomic_store_n(&b->tag[slot], key.hash[1], __ATOMIC_SEQ_CST);

        (void) wgw_swap(&b->when[slot], claim,
                        next << WGW_GCRA_SHIFT | WGW_SLOT_LIVE);

        return units;
    }

    return units;
}


static uint64_t
wgw_gcra_answer(wgw_gcra_ask_t *ask, uint64_t time, uint64_t *next)
{
    uint64_t  units, start, end;

    ask->wait = 0;

    units = wgw_gcra(ask->limit, time, ask->now, ask->least, ask->want, next,
                     &ask->wait);

    if (units || !ask->owe) {
        return units;
    }

    start = time > ask->now ? time : ask->now;
    *next = start + wgw_gcra_cost(ask->limit, ask->want);

    if (ask->most != UINT64_MAX) {
        end = ask->now + ask->limit->tolerance + ask->most;
        end = end > start ? end : start;
        *next = *next < end ? *next : end;
    }

    return ask->want;
}


void
wgw_gcra_give(wgw_expiring_t *t, wgw_expiring_key_t key,
    const wgw_gcra_t *limit, uint64_t units)
{
    int            slot, tries;
    uint64_t       seen, time, cost;
    wgw_bucket_t  *b;

    b = &t->buckets[wgw_slot_bucket(t, key, 0)];
    cost = wgw_gcra_cost(limit, units);

    for (tries = 0; tries < WGW_GCRA_TRIES; tries++) {

        slot = wgw_slot_find(b, key.hash[1], &seen);

        if (slot < 0) {
            return;
        }

        time = seen >> WGW_GCRA_SHIFT;
        time = time > cost ? time - cost : 0;

        if (wgw_swap(&b->when[slot], seen,
                     time << WGW_GCRA_SHIFT
                     | (seen & (WGW_GCRA_OFTEN|WGW_SLOT_STATE))))
        {
            return;
        }
    }
}


static uint64_t
wgw_gcra_cost(const wgw_gcra_t *limit, uint64_t units)
{
    if (units == 1) {
        return limit->interval;
    }

    return units / limit->rate * limit->period
           + units % limit->rate * limit->period / limit->rate;
}


/* A slot for a new key; -1 while others claim all eight. */

static int
wgw_gcra_room(const wgw_bucket_t *b, uint64_t now, uint64_t *seen)
{
    int       i, slot;
    uint64_t  when, rank, least;

    slot = -1;
    least = UINT64_MAX;

    for (i = 0; i < WGW_SLOTS; i++) {
        when = wgw_load(&b->when[i]);

        if ((when & WGW_SLOT_STATE) == WGW_SLOT_CLAIM) {

            if (!wgw_slot_stale(when, (int64_t) (now / 1000000000))) {
                continue;
            }

            rank = 0;

        } else if (when >> WGW_GCRA_SHIFT <= now) {
            rank = 0;

        } else {
            rank = when >> WGW_GCRA_SHIFT
                   | (when & WGW_GCRA_OFTEN) << WGW_GCRA_RANK;
        }

        if (slot < 0 || rank < least) {
            least = rank;
            slot = i;
            *seen = when;
        }

        if (rank == 0) {
            break;
        }
    }

    return slot;
}
