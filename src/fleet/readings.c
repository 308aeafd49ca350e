
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "fleet/readings.h"


/* keys that a node has written itself: nobody chooses them to collide twice */
static const uint8_t  wgw_readings_seed[WGW_HASH_SEED] = { 1, 2, 3 };


static int wgw_readings_put(wgw_readings_t *set, const wgw_reading_t *r,
    int opened);
static int wgw_readings_zone_add(wgw_readings_t *set, wgw_text_t zone);
static wgw_readings_one_t *wgw_readings_new(wgw_readings_t *set,
    const wgw_reading_t *r, uint64_t hash, int zone);
static int wgw_readings_room(wgw_readings_t *set, size_t len);
static int wgw_readings_rehash(wgw_readings_t *set, size_t size);
static void wgw_readings_link(wgw_readings_t *set, uint32_t number);
static wgw_readings_one_t *wgw_readings_look(const wgw_readings_t *set,
    uint64_t hash, int zone, unsigned class, wgw_text_t key, uint64_t life);
static uint64_t wgw_readings_hash(int zone, unsigned class, wgw_text_t key,
    uint64_t life);


void
wgw_readings_free(wgw_readings_t *set)
{
    free(set->elts);
    free(set->index);
    free(set->arena);

    memset(set, 0, sizeof(wgw_readings_t));
}


int
wgw_readings_take(wgw_readings_t *set, wgw_journal_record_t *record)
{
    int            opened, zone;
    wgw_reading_t  reading;

    /* readings that a file begins with are of zones that were opened */

    opened = record->kind == WGW_JOURNAL_STATE;

    while (wgw_journal_next(record, &reading)) {
        if (wgw_readings_put(set, &reading, opened) != 0) {
            return -1;
        }
    }

    if ((record->kind == WGW_JOURNAL_OPENED
         || record->kind == WGW_JOURNAL_FRESH)
        && record->rows)
    {
        zone = wgw_readings_zone(set, record->zone);

        if (zone >= 0) {
            set->opened[zone] = 1;
        }
    }

    return 0;
}


static int
wgw_readings_put(wgw_readings_t *set, const wgw_reading_t *r, int opened)
{
    int                  zone;
    uint64_t             hash;
    wgw_readings_one_t  *one;

    zone = wgw_readings_zone_add(set, r->zone);

    if (zone < 0) {
        return -1;
    }

    if (opened) {
        set->opened[zone] = 1;
    }

    hash = wgw_readings_hash(zone, r->class, r->key, r->life);
    one = wgw_readings_look(set, hash, zone, r->class, r->key, r->life);

    if (one == NULL) {
        one = wgw_readings_new(set, r, hash, zone);
    }

    if (one == NULL) {
        return -1;
    }

    one->sums = r->sums;
    one->window = r->window;
    one->window_sent = r->window_sent;
    one->window_received = r->window_received;

    return 0;
}


static int
wgw_readings_zone_add(wgw_readings_t *set, wgw_text_t name)
{
    int  zone;

    zone = wgw_readings_zone(set, name);

    if (zone >= 0 || set->nzones == WGW_READINGS_ZONES) {
        return zone;
    }

    memcpy(set->zones[set->nzones], name.data, name.len);
    set->zone_lens[set->nzones] = name.len;

    return (int) set->nzones++;
}


int
wgw_readings_zone(const wgw_readings_t *set, wgw_text_t name)
{
    size_t  i;

    for (i = 0; i < set->nzones; i++) {
        if (set->zone_lens[i] == name.len
            && memcmp(set->zones[i], name.data, name.len) == 0)
        {
            return (int) i;
        }
    }

    return -1;
}


static wgw_readings_one_t *
wgw_readings_new(wgw_readings_t *set, const wgw_reading_t *r, uint64_t hash,
    int zone)
{
    wgw_readings_one_t  *one;

    if (wgw_readings_room(set, r->key.len) != 0) {
        return NULL;
    }

    one = &set->elts[set->n];
    memset(one, 0, sizeof(wgw_readings_one_t));

    one->hash = hash;
    one->life = r->life;
    one->zone = (uint16_t) zone;
    one->class = (uint8_t) r->class;
    one->len = (uint8_t) r->key.len;
    one->key = set->arena_len;

    if (r->key.len) {
        memcpy(set->arena + set->arena_len, r->key.data, r->key.len);
        set->arena_len += r->key.len;
    }

    wgw_readings_link(set, (uint32_t) set->n++);

    return one;
}


static int
wgw_readings_room(wgw_readings_t *set, size_t len)
{
    char                *arena;
    size_t               size;
    wgw_readings_one_t  *elts;

    if (set->n == set->size) {
        size = set->size ? 2 * set->size : 1024;

        if (size > UINT32_MAX / 4) {
            return -1;
        }

        elts = realloc(set->elts, size * sizeof(wgw_readings_one_t));

        if (elts == NULL) {
            return -1;
        }

        set->elts = elts;

        if (wgw_readings_rehash(set, size) != 0) {
            return -1;
        }

        set->size = size;
    }

    if (set->arena == NULL || set->arena_size - set->arena_len < len) {
        size = set->arena_size ? 2 * set->arena_size : 65536;
        arena = realloc(set->arena, size);

        if (arena == NULL) {
            return -1;
        }

        set->arena = arena;
        set->arena_size = size;
    }

    return 0;
}


static int
wgw_readings_rehash(wgw_readings_t *set, size_t size)
{
    size_t     i;
    uint32_t  *index;

    index = calloc(2 * size, sizeof(uint32_t));

    if (index == NULL) {
        return -1;
    }

    free(set->index);

    set->index = index;
    set->mask = 2 * size - 1;

    for (i = 0; i < set->n; i++) {
        wgw_readings_link(set, (uint32_t) i);
    }

    return 0;
}


static void
wgw_readings_link(wgw_readings_t *set, uint32_t number)
{
    size_t  i;

    i = set->elts[number].hash & set->mask;

    while (set->index[i]) {
        i = (i + 1) & set->mask;
    }

    set->index[i] = number + 1;
}


wgw_readings_one_t *
wgw_readings_find(const wgw_readings_t *set, wgw_text_t zone, unsigned class,
    wgw_text_t key, uint64_t life)
{
    int  number;

    number = wgw_readings_zone(set, zone);

    if (number < 0) {
        return NULL;
    }

    return wgw_readings_look(set, wgw_readings_hash(number, class, key, life),
                             number, class, key, life);
}


static wgw_readings_one_t *
wgw_readings_look(const wgw_readings_t *set, uint64_t hash, int zone,
    unsigned class, wgw_text_t key, uint64_t life)
{
    size_t               i;
    wgw_readings_one_t  *one;

    if (set->n == 0) {
        return NULL;
    }

    for (i = hash & set->mask; set->index[i]; i = (i + 1) & set->mask) {
        one = &set->elts[set->index[i] - 1];

        if (one->hash == hash && one->zone == zone && one->class == class
            && one->life == life
            && wgw_text_equal(wgw_readings_key(set, one), key))
        {
            return one;
        }
    }

    return NULL;
}


static uint64_t
wgw_readings_hash(int zone, unsigned class, wgw_text_t key, uint64_t life)
{
    return wgw_hash(wgw_readings_seed, key.data, key.len)
           ^ (life + 1) * UINT64_C(0x9e3779b97f4a7c15)
           ^ (uint64_t) (zone * 4 + (int) class) * UINT64_C(0xc2b2ae3d27d4eb4f);
}


wgw_text_t
wgw_readings_key(const wgw_readings_t *set, const wgw_readings_one_t *one)
{
    wgw_text_t  key;

    key.data = set->arena + one->key;
    key.len = one->len;

    return key;
}
