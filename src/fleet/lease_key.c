
#include <stdlib.h>
#include <string.h>

#include "fleet/lease_key.h"
#include "fleet/shards.h"
#include "table/clock.h"


#define KEY_ROOM      256               /* at first */
#define KEY_LOOK      200               /* ms */
#define KEY_IDLE      10000
#define KEY_SECONDS   4                 /* that a grant lasts ... */
#define KEY_LOW       2                 /* ... and when it is asked again */
#define KEY_HOARD     60                /* seconds in hand: too much */


static int key_grow(wgw_leases_t *l);
static uint32_t key_hash(const wgw_leases_t *l, uint32_t record,
    uint64_t clock);
static uint64_t key_part(wgw_leases_t *l, wgw_lease_key_t *key,
    uint64_t used);
static void key_rate(wgw_leases_t *l, wgw_lease_key_t *key, uint64_t used);
static uint64_t key_least(wgw_leases_t *l, const wgw_lease_key_t *key);


wgw_lease_key_t *
wgw_lease_key_find(wgw_leases_t *l, uint32_t record, uint64_t clock)
{
    uint32_t          k;
    wgw_lease_key_t  *key;

    if (l->room == 0) {
        return NULL;
    }

    for (k = l->heads[key_hash(l, record, clock)]; k; k = key->link) {
        key = &l->keys[k - 1];

        if (key->record == record && key->clock == clock) {
            return key;
        }
    }

    return NULL;
}


wgw_lease_key_t *
wgw_lease_key_get(wgw_leases_t *l, uint32_t record, uint64_t clock)
{
    uint32_t          k, *head;
    wgw_lease_key_t  *key;

    key = wgw_lease_key_find(l, record, clock);

    if (key) {
        return key;
    }

    if (l->unused == 0 && l->used == l->room && key_grow(l) != 0) {
        return NULL;
    }

    if (l->unused) {
        k = l->unused;
        l->unused = l->keys[k - 1].link;

    } else {
        k = ++l->used;
    }

    key = &l->keys[k - 1];
    memset(key, 0, sizeof(wgw_lease_key_t));

    head = &l->heads[key_hash(l, record, clock)];

    key->record = record;
    key->clock = clock;
    key->link = *head;
    key->looked = l->now;
    key->moved = l->now;
    key->fed = l->now;

    *head = k;
    l->taken++;

    key->slot = wgw_lease_key_slot(l, record, clock);

    return key;
}


static int
key_grow(wgw_leases_t *l)
{
    uint32_t          k, room, *heads, *head;
    wgw_lease_key_t  *keys;

    room = l->room ? 2 * l->room : KEY_ROOM;

    if (room > WGW_LEASES_KEYS) {
        return -1;
    }

    heads = calloc(room, sizeof(uint32_t));
    if (heads == NULL) {
        return -1;
    }

    keys = realloc(l->keys, room * sizeof(wgw_lease_key_t));
    if (keys == NULL) {
        free(heads);
        return -1;
    }

    free(l->heads);

    l->keys = keys;
    l->heads = heads;
    l->room = room;

    for (k = 0; k < l->used; k++) {
        if (keys[k].record) {
            head = &heads[key_hash(l, keys[k].record, keys[k].clock)];
            keys[k].link = *head;
            *head = k + 1;
        }
    }

    return 0;
}


static uint32_t
key_hash(const wgw_leases_t *l, uint32_t record, uint64_t clock)
{
    return ((record * UINT32_C(2654435761)) >> 8 ^ (uint32_t) clock)
           & (l->room - 1);
}


void
wgw_lease_key_drop(wgw_leases_t *l, wgw_lease_key_t *key)
{
    uint32_t  k, *link;

    k = (uint32_t) (key - l->keys) + 1;
    link = &l->heads[key_hash(l, key->record, key->clock)];

    while (*link != k) {
        link = &l->keys[*link - 1].link;
    }

    *link = key->link;

    key->record = 0;
    key->link = l->unused;
    l->unused = k;
    l->taken--;
}


int
wgw_lease_key_measure(wgw_leases_t *l, wgw_lease_key_t *key)
{
    uint64_t      cap, used, limit;
    wgw_table_t  *t;

    t = l->conf.table;

    cap = wgw_load(&wgw_table_cold(t, key->record)->cap);
    cap = cap < WGW_LEASE_UNITS ? cap : WGW_LEASE_UNITS;

    if (key->record >= wgw_load(&l->lease->header->capacity)) {
        return -1;
    }

    used = wgw_table_used(t, key->record, 0, l->conf.count);

    key->lowered |= cap < key->cap;
    key->cap = cap;
    key->own = wgw_lease_own(&l->lease->records[key->record], key->clock);
    key->part = key_part(l, key, used);

    if (!key->measured) {
        key->measured = 1;
        key->known = key->own;
        key->spent = used;
        key->serial = key->own ? WGW_LEASE_NEVER : 0;
    }

    /* a soft cap was passed, or Redis was away and all were let through */

    if (used > key->part && used - key->part > key->known) {
        key->known = used - key->part;
    }

    limit = key->part + key->own;
    limit = limit < cap ? limit : cap;

    key->left = limit > used ? limit - used : 0;
    key->hand = key->own < key->left ? key->own : key->left;

    key_rate(l, key, used);

    return cap == 0 && key->hand == 0 ? -1 : 0;
}


/*
 * Where there is no part in this window what was used before this node knew
 * of it is others' business: the fields of its last life say so.
 */

static uint64_t
key_part(wgw_leases_t *l, wgw_lease_key_t *key, uint64_t used)
{
    uint64_t             tag;
    wgw_lease_record_t  *r;

    r = &l->lease->records[key->record];
    tag = wgw_clock_tag(key->clock);

    if (key->clock >> WGW_RING_BITS <= wgw_load(&l->lease->header->partless)
        && wgw_load(&r->base) >> 52 != tag)
    {
        __atomic_store_n(&r->base, wgw_lease_word(used, tag),
                         __ATOMIC_SEQ_CST);
    }

    return wgw_lease_part(l->lease, key->record, key->clock, key->cap);
}


static void
key_rate(wgw_leases_t *l, wgw_lease_key_t *key, uint64_t used)
{
    uint64_t  ms, rate;

    if (used > key->spent || key->hungry) {
        key->moved = l->now;
    }

    ms = l->now - key->looked;

    if (ms < KEY_LOOK) {
        return;
    }

    rate = used > key->spent ? (used - key->spent) * 1000 / ms : 0;

    key->rate = rate > key->rate ? (key->rate + rate + 1) / 2
                                 : (key->rate * 3 + rate) / 4;
    key->spent = used;
    key->looked = l->now;
}


/* What nobody has, as far as this node knows. */

uint64_t
wgw_lease_key_pool(wgw_leases_t *l, const wgw_lease_key_t *key)
{
    uint64_t  taken;

    taken = wgw_lease_parts(l->lease, key->cap) + key->others + key->known;

    return taken < key->cap ? key->cap - taken : 0;
}


int
wgw_lease_key_low(wgw_leases_t *l, wgw_lease_key_t *key)
{
    if (l->now < key->next || key->cap == 0 || !wgw_lease_key_sure(l, key)) {
        return 0;
    }

    if (key->left < KEY_LOW * key->rate) {
        return 1;
    }

    if (!key->hungry) {
        return 0;
    }

    /* it was before the last grant */

    if (key->left > key->hunger && key->left > key_least(l, key)) {
        key->hungry = 0;
        return 0;
    }

    return 1;
}


int
wgw_lease_key_sure(wgw_leases_t *l, const wgw_lease_key_t *key)
{
    wgw_witness_t     *w;
    wgw_wire_place_t   place;

    w = wgw_lease_witness(l, key->slot);

    if (w == NULL || !wgw_witness_sure(w, l->now)) {
        return 0;
    }

    l->conf.wire->place(l->conf.wire, key->slot, &place);

    return place.serial == w->serial
           && (place.since == 0
               || l->now >= place.since + WGW_WITNESS_LEARN);
}


int
wgw_lease_key_idle(wgw_leases_t *l, wgw_lease_key_t *key)
{
    if (l->now >= key->moved + KEY_IDLE) {
        return 1;
    }

    if (key->hand == 0 || l->now < key->fed + KEY_IDLE
        || key->hand <= KEY_HOARD * key->rate + key_least(l, key))
    {
        return 0;
    }

    /* some of it stays */

    key->hand -= 2 * KEY_SECONDS * key->rate;

    return key->hand != 0;
}


static uint64_t
key_least(wgw_leases_t *l, const wgw_lease_key_t *key)
{
    uint64_t  nodes, least;

    nodes = wgw_load(&l->lease->header->nodes);
    least = key->cap / (WGW_LEASE_PARTS * (nodes ? nodes : l->alive));

    return least ? least : 1;
}


/* Hunger doubles as long as it is not stilled. */

uint64_t
wgw_lease_key_wants(wgw_leases_t *l, wgw_lease_key_t *key)
{
    uint64_t  want, most, least;

    if (!key->ahead && !key->hungry && key->left >= KEY_LOW * key->rate) {
        return 0;
    }

    least = key_least(l, key);

    if (key->hungry && l->now < key->fed + 1000) {
        key->hunger *= 2;

    } else {
        key->hunger /= 2;
    }

    key->hunger = key->hunger > least ? key->hunger : least;

    want = KEY_SECONDS * key->rate;
    want = want > key->hunger ? want : key->hunger;

    most = wgw_lease_key_pool(l, key) / (2 * l->alive);
    most = most ? most : 1;

    key->hunger = key->hunger < most ? key->hunger : most;
    key->hungry = 0;

    return want < most ? want : most;
}


wgw_witness_t *
wgw_lease_witness(wgw_leases_t *l, uint16_t slot)
{
    unsigned           i;
    wgw_witness_t     *w;
    wgw_wire_place_t   place;

    l->conf.wire->place(l->conf.wire, slot, &place);

    for (i = 0; i < l->nwitnesses; i++) {
        if (l->witnesses[i].home == place.home) {
            return &l->witnesses[i];
        }
    }

    if (l->nwitnesses == WGW_LEASE_SHARDS) {
        return NULL;
    }

    w = &l->witnesses[l->nwitnesses++];
    wgw_witness_init(w, l->conf.wire, l->lease->header, l->conf.random,
                     l->conf.prefix, place.home);

    return w;
}


uint64_t
wgw_lease_serial(wgw_leases_t *l, const wgw_lease_key_t *key)
{
    wgw_wire_place_t  place;

    l->conf.wire->place(l->conf.wire, key->slot, &place);

    return place.serial;
}
