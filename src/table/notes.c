
/*
 * Notes.  A time in the table is {seconds, kind, state}.
 */

#include <assert.h>
#include <string.h>

#include "table/note_place.h"
#include "table/notes.h"


#define WGW_NOTE_WORDS     (WGW_NOTE_PAYLOAD / 8)
#define WGW_NOTE_KIND      2            /* where its 6 bits begin */


/* Another count, with `n`; 0: there is none. */
typedef int (*notes_count_pt)(uint32_t *count, uint32_t *n);


static int wgw_notes_put(wgw_expiring_t *t, wgw_expiring_key_t key,
    const wgw_note_t *note, int64_t now, uint32_t spare, wgw_place_t *place);
static uint64_t wgw_notes_when(const wgw_note_t *note, int64_t until);
static int wgw_notes_move(wgw_expiring_t *t, const wgw_place_t *from,
    int64_t now);
static int wgw_notes_twin(wgw_expiring_t *t, wgw_expiring_key_t key,
    const uint64_t *own);
static void wgw_notes_write(const wgw_place_t *place, wgw_expiring_key_t key,
    uint64_t when, const wgw_note_t *note);
static uint64_t wgw_notes_counted(wgw_expiring_key_t key, uint32_t count);
static int wgw_notes_read(const wgw_place_t *place, wgw_note_t *note);
static int notes_change(wgw_expiring_t *t, wgw_expiring_key_t key,
    notes_count_pt change, uint32_t *n, int64_t now);
static int notes_less_one(uint32_t *count, uint32_t *n);
static int notes_less_half(uint32_t *count, uint32_t *n);
static int notes_more(uint32_t *count, uint32_t *n);


int
wgw_notes_insert(wgw_expiring_t *t, wgw_expiring_key_t key,
    const wgw_note_t *note, int64_t now, int exclusive)
{
    int          rc;
    uint64_t     lost;
    wgw_place_t  place;

    assert(note->kind < WGW_NOTE_KINDS && note->until >= 0);

    if (exclusive && wgw_notes_twin(t, key, NULL)) {
        return WGW_NOTES_EXISTS;
    }

    if (wgw_load(&t->header->moved)) {
        return WGW_NOTES_FULL;
    }

    rc = wgw_notes_put(t, key, note, now, note->kind < WGW_NOTE_MARKED,
                       &place);

    if (rc != WGW_NOTES_OK || !exclusive) {
        return rc;
    }

    /*
     * Of two that insert one key at once, the second to get here sees the
     * first.  What was forgotten is looked at last: a note that the first
     * scan missed because its slot was being taken again is in it by now.
     */

    if (!wgw_notes_twin(t, key, place.when)) {
        lost = wgw_load(&t->header->stretched[note->kind]);

        if (note->until > wgw_notes_forgotten(t)
            && note->until > (int64_t) lost)
        {
            return WGW_NOTES_OK;
        }
    }

    (void) wgw_swap(place.when, wgw_notes_when(note, note->until), 0);

    return WGW_NOTES_EXISTS;
}


/* Publishes a note in a slot of its own. */

static int
wgw_notes_put(wgw_expiring_t *t, wgw_expiring_key_t key,
    const wgw_note_t *note, int64_t now, uint32_t spare, wgw_place_t *place)
{
    uint64_t  when;

    if (wgw_place_claim(t, key, now, spare, place) != 0) {
        return WGW_NOTES_FULL;
    }

    when = wgw_notes_when(note, note->until);

    wgw_notes_write(place, key, when, note);
    wgw_raise(&t->header->latest[note->kind], (uint64_t) note->until);

    if (note->kind >= WGW_NOTE_MARKED) {
        wgw_slot_mark(t, note->payload[0]);
    }

    return wgw_swap(place->when, place->seen, when) ? WGW_NOTES_OK
                                                    : WGW_NOTES_FULL;
}


static uint64_t
wgw_notes_when(const wgw_note_t *note, int64_t until)
{
    return (uint64_t) until << WGW_NOTE_UNTIL
           | (uint64_t) note->kind << WGW_NOTE_KIND | WGW_SLOT_LIVE;
}


int
wgw_notes_has(wgw_expiring_t *t, wgw_expiring_key_t key, uint32_t kind,
    int64_t now)
{
    wgw_scan_t   scan;
    wgw_place_t  place;

    wgw_scan_start(&scan, t, key);

    while (wgw_scan_next(&scan, key, &place)) {

        if (!wgw_place_ended(place.seen, now)
            && (place.seen >> WGW_NOTE_KIND & 0x3f) == kind)
        {
            return 1;
        }
    }

    return 0;
}


/* For the instant in which it is claimed the slot is nobody's. */

int
wgw_notes_turn(wgw_expiring_t *t, wgw_expiring_key_t key, uint32_t kind,
    const wgw_note_t *note, int64_t now)
{
    int          rc;
    int64_t      until;
    uint64_t     when;
    wgw_scan_t   scan;
    wgw_place_t  place;

    rc = WGW_NOTES_NONE;

    wgw_scan_start(&scan, t, key);

    while (!wgw_load(&t->header->moved) && wgw_scan_next(&scan, key, &place))
    {
        if (wgw_place_ended(place.seen, now)
            || (place.seen >> WGW_NOTE_KIND & 0x3f) != kind)
        {
            continue;
        }

        until = (int64_t) (place.seen >> WGW_NOTE_UNTIL);
        when = wgw_notes_when(note, until);

        wgw_raise(&t->header->latest[note->kind], (uint64_t) until);

        if (note->kind >= WGW_NOTE_MARKED) {
            wgw_slot_mark(t, note->payload[0]);
        }

        place.seen = wgw_slot_claim(place.when, place.seen, now);

        if (place.seen) {
            wgw_notes_write(&place, key, when, note);

            if (wgw_swap(place.when, place.seen, when)) {
                rc = WGW_NOTES_OK;
            }
        }
    }

    return rc;
}


int64_t
wgw_notes_count(wgw_expiring_t *t, wgw_expiring_key_t key, int64_t now)
{
    int64_t      highest;
    uint64_t     count;
    wgw_scan_t   scan;
    wgw_place_t  place;

    highest = -1;

    wgw_scan_start(&scan, t, key);

    while (wgw_scan_next(&scan, key, &place)) {

        count = wgw_load(&place.note->count);

        if (!wgw_place_ended(place.seen, now)
            && count >> 32 == (key.hash[0] & UINT32_MAX)
            && (int64_t) (count & UINT32_MAX) > highest)
        {
            highest = (int64_t) (count & UINT32_MAX);
        }
    }

    return highest;
}


int64_t
wgw_notes_until(wgw_expiring_t *t, wgw_expiring_key_t key, int64_t now)
{
    int64_t      until, latest;
    wgw_scan_t   scan;
    wgw_place_t  place;

    latest = -1;

    wgw_scan_start(&scan, t, key);

    while (wgw_scan_next(&scan, key, &place)) {
        until = (int64_t) (place.seen >> WGW_NOTE_UNTIL);

        if (!wgw_place_ended(place.seen, now) && until > latest) {
            latest = until;
        }
    }

    return latest;
}


int
wgw_notes_use(wgw_expiring_t *t, wgw_expiring_key_t key, int64_t now)
{
    uint32_t  n;

    return notes_change(t, key, notes_less_one, &n, now);
}


int
wgw_notes_halve(wgw_expiring_t *t, wgw_expiring_key_t key, uint32_t *n,
    int64_t now)
{
    return notes_change(t, key, notes_less_half, n, now);
}


int
wgw_notes_add(wgw_expiring_t *t, wgw_expiring_key_t key, uint32_t n,
    int64_t now)
{
    return notes_change(t, key, notes_more, &n, now);
}


/* Half of the check in the word: the slot is still the key's. */

static int
notes_change(wgw_expiring_t *t, wgw_expiring_key_t key, notes_count_pt change,
    uint32_t *n, int64_t now)
{
    uint64_t     word;
    uint32_t     count;
    wgw_scan_t   scan;
    wgw_place_t  place;

    if (wgw_load(&t->header->moved)) {
        return WGW_NOTES_NONE;
    }

    wgw_scan_start(&scan, t, key);

    while (wgw_scan_next(&scan, key, &place)) {

        if (wgw_place_ended(place.seen, now)) {
            continue;
        }

        do {
            word = wgw_load(&place.note->count);
            count = (uint32_t) word;

            if (word >> 32 != (key.hash[0] & UINT32_MAX)) {
                return WGW_NOTES_NONE;
            }

            if (!change(&count, n)) {
                return WGW_NOTES_SPENT;
            }

        } while (!wgw_swap(&place.note->count, word,
                           word >> 32 << 32 | count));

        return WGW_NOTES_OK;
    }

    return WGW_NOTES_NONE;
}


static int
notes_less_one(uint32_t *count, uint32_t *n)
{
    *n = 1;

    return *count && (*count)--;
}


static int
notes_less_half(uint32_t *count, uint32_t *n)
{
    *n = *count - *count / 2;
    *count /= 2;

    return *n != 0;
}


static int
notes_more(uint32_t *count, uint32_t *n)
{
    return !__builtin_add_overflow(*count, *n, count);
}


int
wgw_notes_raise(wgw_expiring_t *t, wgw_expiring_key_t key, uint32_t count,
    int64_t until, int64_t now)
{
    uint64_t     from, to;
    wgw_scan_t   scan;
    wgw_place_t  place;

    if (wgw_load(&t->header->moved)) {
        return WGW_NOTES_NONE;
    }

    wgw_scan_start(&scan, t, key);

    while (wgw_scan_next(&scan, key, &place)) {

        if (wgw_place_ended(place.seen, now)) {
            continue;
        }

        to = wgw_notes_counted(key, count);

        do {
            from = wgw_load(&place.note->count);

            if (from >> 32 != to >> 32) {
                return WGW_NOTES_NONE;
            }

        } while (from < to && !wgw_swap(&place.note->count, from, to));

        wgw_raise(&t->header->latest[place.seen >> WGW_NOTE_KIND & 0x3f],
                  (uint64_t) until);

        do {
            from = wgw_load(place.when);

            if ((from & 0xff) != (place.seen & 0xff)
                || wgw_load(place.tag) != key.hash[1])
            {
                return WGW_NOTES_NONE;
            }

            to = (uint64_t) until << WGW_NOTE_UNTIL | (from & 0xff);

        } while (from < to && !wgw_swap(place.when, from, to));

        return WGW_NOTES_OK;
    }

    return WGW_NOTES_NONE;
}


int
wgw_notes_remove(wgw_expiring_t *t, wgw_expiring_key_t key, int64_t now)
{
    int          rc;
    wgw_scan_t   scan;
    wgw_place_t  place;

    rc = WGW_NOTES_NONE;

    if (wgw_load(&t->header->moved)) {
        return WGW_NOTES_NONE;
    }

    wgw_scan_start(&scan, t, key);

    while (wgw_scan_next(&scan, key, &place)) {

        if (!wgw_place_ended(place.seen, now)
            && wgw_swap(place.when, place.seen, 0))
        {
            rc = WGW_NOTES_OK;
        }
    }

    return rc;
}


uint64_t
wgw_notes_next(wgw_expiring_t *t, uint32_t kind, uint64_t from, int64_t now,
    wgw_note_t *note)
{
    uint64_t     end;
    wgw_place_t  place;

    end = (uint64_t) t->n * WGW_SLOTS;

    for ( /* void */ ; from < end; from++) {
        place = wgw_place_at(t, from);

        if ((place.seen & 0xff) == (kind << WGW_NOTE_KIND | WGW_SLOT_LIVE)
            && !wgw_place_ended(place.seen, now)
            && wgw_notes_read(&place, note) == 0)
        {
            return from + 1;
        }
    }

    return WGW_NOTES_END;
}


int
wgw_notes_marked(wgw_expiring_t *t, uint64_t word)
{
    uint64_t  bit, *place;

    place = wgw_slot_filter(t, word, &bit);

    return (wgw_load(place) & bit) != 0;
}


uint64_t
wgw_notes_live(wgw_expiring_t *t, uint32_t kind, int64_t now)
{
    uint32_t  i, j;
    uint64_t  n, when;

    n = 0;

    for (i = 0; i < t->n; i++) {
        for (j = 0; j < WGW_SLOTS; j++) {
            when = wgw_load(&t->buckets[i].when[j]);

            n += (when & 0xff) == (kind << WGW_NOTE_KIND | WGW_SLOT_LIVE)
                 && !wgw_place_ended(when, now);
        }
    }

    return n;
}


int64_t
wgw_notes_latest(wgw_expiring_t *t, uint32_t kind)
{
    assert(kind < WGW_NOTE_KINDS);

    return (int64_t) wgw_load(&t->header->latest[kind]);
}


int64_t
wgw_notes_forgotten(wgw_expiring_t *t)
{
    return (int64_t) wgw_load(&t->header->forgotten);
}


int64_t
wgw_notes_span(wgw_expiring_t *t, uint32_t kind)
{
    assert(kind < WGW_NOTE_KINDS);

    return (int64_t) wgw_load(&t->header->span[kind]);
}


/* The span is there for others before what they have noted is stretched. */

void
wgw_notes_set_span(wgw_expiring_t *t, uint32_t kind, int64_t span)
{
    uint64_t     i, end, more, was, when, lost;
    wgw_place_t  place;

    was = wgw_load(&t->header->span[kind]);
    __atomic_store_n(&t->header->span[kind], (uint64_t) span,
                     __ATOMIC_SEQ_CST);

    if (was == 0 || was >= (uint64_t) span) {
        return;
    }

    more = (uint64_t) span - was;

    lost = wgw_load(&t->header->stretched[kind]);

    if (lost < (uint64_t) wgw_notes_forgotten(t)) {
        lost = (uint64_t) wgw_notes_forgotten(t);
    }

    __atomic_store_n(&t->header->stretched[kind], lost + more,
                     __ATOMIC_SEQ_CST);
    wgw_raise(&t->header->latest[kind],
              wgw_load(&t->header->latest[kind]) + more);

    end = (uint64_t) t->n * WGW_SLOTS;

    for (i = 0; i < end; i++) {
        place = wgw_place_at(t, i);

        while ((place.seen & 0xff) == (kind << WGW_NOTE_KIND | WGW_SLOT_LIVE))
        {
            when = place.seen + (more << WGW_NOTE_UNTIL);

            if (wgw_swap(place.when, place.seen, when)) {
                break;
            }

            place.seen = wgw_load(place.when);
        }
    }
}


uint32_t
wgw_notes_carry(wgw_expiring_t *t, wgw_expiring_t *from, int64_t now)
{
    uint32_t     i, lost;
    uint64_t     slot, end;
    wgw_place_t  place;

    __atomic_store_n(&from->header->moved, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&t->header->moved, 0, __ATOMIC_SEQ_CST);

    wgw_raise(&t->header->forgotten, wgw_load(&from->header->forgotten));

    for (i = 0; i < WGW_NOTE_KINDS; i++) {
        wgw_raise(&t->header->latest[i], wgw_load(&from->header->latest[i]));
        wgw_raise(&t->header->stretched[i],
                  wgw_load(&from->header->stretched[i]));
        t->header->span[i] = wgw_load(&from->header->span[i]);
    }

    lost = 0;
    end = (uint64_t) from->n * WGW_SLOTS;

    for (slot = 0; slot < end; slot++) {
        place = wgw_place_at(from, slot);

        if ((place.seen & WGW_SLOT_STATE) != WGW_SLOT_LIVE) {
            continue;
        }

        if (wgw_place_ended(place.seen, now)) {
            wgw_raise(&t->header->forgotten, place.seen >> WGW_NOTE_UNTIL);

        } else if (wgw_notes_move(t, &place, now) != WGW_NOTES_OK) {
            wgw_raise(&t->header->forgotten, place.seen >> WGW_NOTE_UNTIL);
            lost++;
        }
    }

    return lost;
}


int
wgw_notes_moved(wgw_expiring_t *t)
{
    return wgw_load(&t->header->moved) != 0;
}


static int
wgw_notes_move(wgw_expiring_t *t, const wgw_place_t *from, int64_t now)
{
    wgw_note_t          note;
    wgw_place_t         place;
    wgw_expiring_key_t  key;

    key.hash[0] = wgw_load(&from->note->check);
    key.hash[1] = wgw_load(from->tag);

    if (wgw_notes_read(from, &note) != 0 || note.kind >= WGW_NOTE_KINDS) {
        return WGW_NOTES_NONE;
    }

    (void) wgw_notes_remove(t, key, now);

    return wgw_notes_put(t, key, &note, now, 0, &place);
}


/* 1 when the key has a note, ended or not, in another place than this. */

static int
wgw_notes_twin(wgw_expiring_t *t, wgw_expiring_key_t key,
    const uint64_t *own)
{
    wgw_scan_t   scan;
    wgw_place_t  place;

    wgw_scan_start(&scan, t, key);

    while (wgw_scan_next(&scan, key, &place)) {
        if (place.when != own) {
            return 1;
        }
    }

    return 0;
}


static void
wgw_notes_write(const wgw_place_t *place, wgw_expiring_key_t key,
    uint64_t when, const wgw_note_t *note)
{
    uint32_t          i;
    wgw_note_slot_t   slot;

    slot.check = key.hash[0];
    memcpy(slot.payload, note->payload, WGW_NOTE_PAYLOAD);

    __atomic_store_n(place->tag, key.hash[1], __ATOMIC_SEQ_CST);
    __atomic_store_n(&place->note->check, key.hash[0], __ATOMIC_SEQ_CST);
    __atomic_store_n(&place->note->count, wgw_notes_counted(key, note->count),
                     __ATOMIC_SEQ_CST);
    __atomic_store_n(&place->note->sum, wgw_slot_sum(key.hash[1], when, &slot),
                     __ATOMIC_RELAXED);

    for (i = 0; i < WGW_NOTE_WORDS; i++) {
        __atomic_store_n(&place->note->payload[i], note->payload[i],
                         __ATOMIC_RELEASE);
    }
}


static uint64_t
wgw_notes_counted(wgw_expiring_key_t key, uint32_t count)
{
    return key.hash[0] << 32 | count;
}


/* Returns -1 when the slot changed meanwhile. */

static int
wgw_notes_read(const wgw_place_t *place, wgw_note_t *note)
{
    uint32_t  i;
    uint64_t  tag;

    tag = wgw_load(place->tag);

    note->kind = place->seen >> WGW_NOTE_KIND & 0x3f;
    note->until = (int64_t) (place->seen >> WGW_NOTE_UNTIL);
    note->count = (uint32_t) wgw_load(&place->note->count);

    for (i = 0; i < WGW_NOTE_WORDS; i++) {
        note->payload[i] = __atomic_load_n(&place->note->payload[i],
                                           __ATOMIC_ACQUIRE);
    }

    return wgw_load(place->when) == place->seen
           && wgw_load(place->tag) == tag ? 0 : -1;
}
