
/*
 * asked: see asked.h.
 */

#include "table/asked.h"


/* the word */
#define ASKED_FLIGHT  UINT64_C(4)
#define ASKED_FAILS   3                 /* where they begin, three bits */
#define ASKED_GAP     6                 /* 26 bits */
#define ASKED_NEXT    32

#define ASKED_ZERO    (INT64_C(1) << 25)    /* a gap of nothing */
#define ASKED_MOST    6                 /* fails: 2^6 seconds, or the longest */

/* how long it is remembered that there was no answer, after the next time */
#define ASKED_LINGER  64

#define ASKED_TRIES   256


typedef struct {
    int64_t   next;                     /* may be asked for, from then on */
    int64_t   end;                      /* of the answer; 0: there is none */
    unsigned  fails;
    unsigned  flight;
} asked_t;


static uint64_t asked_pack(const asked_t *asked);
static void asked_unpack(asked_t *asked, uint64_t word);
static int64_t asked_end(const asked_t *asked);
static int asked_place(wgw_expiring_t *t, wgw_asked_queue_t queue,
    int64_t now, int64_t lease, wgw_asked_place_t *place);
static void asked_leave(wgw_expiring_t *t, const wgw_asked_place_t *place);
static int asked_read(const wgw_bucket_t *b, uint64_t tag, asked_t *asked,
    uint64_t *seen);
static int asked_write(wgw_bucket_t *b, int slot, uint64_t seen, uint64_t tag,
    const asked_t *asked, int64_t now);
static int asked_room(const wgw_bucket_t *b, int64_t now, uint64_t *seen);
static void asked_done(wgw_expiring_t *t, wgw_expiring_key_t key,
    const asked_t *answer, int64_t now);


wgw_asked_state_t
wgw_asked_look(wgw_expiring_t *t, wgw_expiring_key_t key, int64_t now,
    unsigned *due)
{
    asked_t        asked;
    uint64_t       seen;
    wgw_bucket_t  *b;

    b = &t->buckets[wgw_slot_bucket(t, key, 0)];

    if (wgw_slot_find(b, key.hash[1], &seen) < 0) {
        *due = 1;
        return WGW_ASKED_UNKNOWN;
    }

    asked_unpack(&asked, seen);

    *due = asked.next <= now;

    if (asked.end <= now) {
        return WGW_ASKED_UNKNOWN;
    }

    return *due || asked.flight || asked.fails ? WGW_ASKED_STALE
                                               : WGW_ASKED_FRESH;
}


wgw_asked_rc_t
wgw_asked_begin(wgw_expiring_t *t, wgw_expiring_key_t key,
    wgw_asked_queue_t queue, int64_t now, int64_t lease,
    wgw_asked_place_t *place)
{
    int            slot, tries;
    asked_t        asked;
    uint64_t       seen;
    wgw_bucket_t  *b;

    if (!asked_place(t, queue, now, lease, place)) {
        return WGW_ASKED_FULL;
    }

    b = &t->buckets[wgw_slot_bucket(t, key, 0)];

    for (tries = 0; tries < ASKED_TRIES; tries++) {
        slot = asked_read(b, key.hash[1], &asked, &seen);

        if (asked.next > now) {
            break;
        }

        asked.next = now + lease;
        asked.flight = 1;

        if (asked_write(b, slot, seen, key.hash[1], &asked, now)) {
            wgw_asked_count(t, WGW_ASKED_BEGUN);
            return WGW_ASKED_OK;
        }
    }

    asked_leave(t, place);

    return WGW_ASKED_NOT_NOW;
}


void
wgw_asked_answered(wgw_expiring_t *t, wgw_expiring_key_t key,
    const wgw_asked_place_t *place, int64_t now, int64_t fresh,
    int64_t stale)
{
    asked_t  answer;

    answer.next = now + fresh;
    answer.end = answer.next + stale;
    answer.fails = 0;
    answer.flight = 0;

    asked_done(t, key, &answer, now);

    asked_leave(t, place);
}


void
wgw_asked_failed(wgw_expiring_t *t, wgw_expiring_key_t key,
    const wgw_asked_place_t *place, int64_t now)
{
    asked_done(t, key, NULL, now);

    wgw_asked_count(t, WGW_ASKED_FAILED);

    asked_leave(t, place);
}


void
wgw_asked_count(wgw_expiring_t *t, wgw_asked_count_t what)
{
    wgw_add(&t->header->asking.counts[what], 1);
}


uint64_t
wgw_asked_counted(wgw_expiring_t *t, wgw_asked_count_t what)
{
    return wgw_load(&t->header->asking.counts[what]);
}


uint32_t
wgw_asked_places(wgw_expiring_t *t, int64_t now)
{
    uint32_t  i, n;

    n = 0;

    for (i = 0; i < WGW_PLACES; i++) {
        n += wgw_load(&t->header->asking.places[i]) > (uint64_t) now;
    }

    return n;
}


static uint64_t
asked_pack(const asked_t *asked)
{
    int64_t  gap;

    gap = 0;

    if (asked->end) {
        gap = asked->end - asked->next + ASKED_ZERO;
        gap = gap < 1 ? 1 : gap > 2 * ASKED_ZERO - 1 ? 2 * ASKED_ZERO - 1
                                                     : gap;
    }

    return (uint64_t) asked->next << ASKED_NEXT
           | (uint64_t) gap << ASKED_GAP
           | (uint64_t) asked->fails << ASKED_FAILS
           | (asked->flight ? ASKED_FLIGHT : 0)
           | WGW_SLOT_LIVE;
}


static void
asked_unpack(asked_t *asked, uint64_t word)
{
    int64_t  gap;

    gap = word >> ASKED_GAP & (2 * ASKED_ZERO - 1);

    asked->next = (int64_t) (word >> ASKED_NEXT);
    asked->end = gap ? asked->next + gap - ASKED_ZERO : 0;
    asked->fails = word >> ASKED_FAILS & 7;
    asked->flight = (word & ASKED_FLIGHT) != 0;
}


/* When an entry says nothing any more. */

static int64_t
asked_end(const asked_t *asked)
{
    int64_t  end;

    end = asked->next + (asked->fails || asked->flight ? ASKED_LINGER : 0);

    return end > asked->end ? end : asked->end;
}


static int
asked_place(wgw_expiring_t *t, wgw_asked_queue_t queue, int64_t now,
    int64_t lease, wgw_asked_place_t *place)
{
    uint32_t   i, n;
    uint64_t   seen, *places;

    places = t->header->asking.places;

    for (n = 0; n < queue.n && n < WGW_PLACES; n++) {
        i = (queue.first % WGW_PLACES + n) % WGW_PLACES;
        seen = wgw_load(&places[i]);

        if (seen <= (uint64_t) now
            && wgw_swap(&places[i], seen, (uint64_t) (now + lease)))
        {
            place->number = i;
            place->until = (uint64_t) (now + lease);
            return 1;
        }
    }

    return 0;
}


static void
asked_leave(wgw_expiring_t *t, const wgw_asked_place_t *place)
{
    (void) wgw_swap(&t->header->asking.places[place->number], place->until,
                    0);
}


/* The slot of an entry, or -1 and one that says nothing. */

static int
asked_read(const wgw_bucket_t *b, uint64_t tag, asked_t *asked,
    uint64_t *seen)
{
    int  slot;

    slot = wgw_slot_find(b, tag, seen);

    memset(asked, 0, sizeof(asked_t));

    if (slot >= 0) {
        asked_unpack(asked, *seen);
    }

    return slot;
}


/* In that slot, if it is as it was seen, or, for -1, in a new one. */

static int
asked_write(wgw_bucket_t *b, int slot, uint64_t seen, uint64_t tag,
    const asked_t *asked, int64_t now)
{
    if (slot >= 0) {
        return wgw_swap(&b->when[slot], seen, asked_pack(asked));
    }

    slot = asked_room(b, now, &seen);

    return slot >= 0
           && wgw_slot_enter(b, slot, seen, tag, asked_pack(asked), now);
}


/* A slot that is free, or ends first; -1: all are claimed, or on their way. */

static int
asked_room(const wgw_bucket_t *b, int64_t now, uint64_t *seen)
{
    int       i, slot;
    asked_t   asked;
    int64_t   end, first;
    uint64_t  word;

    slot = -1;
    first = 0;
    *seen = 0;

    for (i = 0; i < WGW_SLOTS; i++) {
        word = wgw_load(&b->when[i]);

        if ((word & WGW_SLOT_STATE) == WGW_SLOT_CLAIM) {

            if (!wgw_slot_stale(word, now)) {
                continue;
            }

            end = 0;

        } else {
            asked_unpack(&asked, word);

            if (word && asked.flight && asked.next > now) {
                continue;
            }

            end = word ? asked_end(&asked) : 0;
        }

        if (slot < 0 || end < first) {
            first = end;
            slot = i;
            *seen = word;
        }
    }

    return slot;
}


/* What came, or, NULL, that nothing did. */

static void
asked_done(wgw_expiring_t *t, wgw_expiring_key_t key, const asked_t *answer,
    int64_t now)
{
    int            slot, tries;
    asked_t        asked;
    int64_t        wait;
    uint64_t       seen;
    wgw_bucket_t  *b;

    b = &t->buckets[wgw_slot_bucket(t, key, 0)];

    for (tries = 0; tries < ASKED_TRIES; tries++) {
        slot = asked_read(b, key.hash[1], &asked, &seen);

        if (answer) {
            asked = *answer;

        } else {
            wait = INT64_C(1) << asked.fails;
            asked.next = now + (wait < WGW_ASKED_WAIT ? wait
                                                      : WGW_ASKED_WAIT);
            asked.fails += asked.fails < ASKED_MOST;
            asked.flight = 0;
        }

        if (asked_write(b, slot, seen, key.hash[1], &asked, now)) {
            return;
        }
    }
}
