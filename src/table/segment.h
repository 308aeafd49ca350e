
/*
 * segment: the keys of one segment of a table, numbered from 0 on: its index,
 * and the records and the arena that inserts take from.
 */

#ifndef WGW_SEGMENT_H
#define WGW_SEGMENT_H


#include <string.h>

#include "table/layout.h"

#pragma GCC visibility push(hidden)


/* Of its records, the first three included. */
uint32_t wgw_segment_taken(const wgw_segment_t *segment);

/*
 * Returns the key's record, or WGW_TABLE_UNKNOWN and the place where it can
 * be published, or WGW_TABLE_OTHER if it is nowhere and there is no place.
 */
uint32_t wgw_segment_probe(const wgw_segment_t *segment,
    const wgw_table_id_t *id, size_t *at);

/*
 * Adds a key that was not found at that place.  Returns its record, that of
 * another process which was faster, or WGW_TABLE_OTHER: there is no room.
 */
uint32_t wgw_segment_insert(const wgw_segment_t *segment,
    const wgw_table_id_t *id, size_t at);

/*
 * Gives a record that knows nothing of lives room for that, if there is any in
 * the arena.
 */
void wgw_segment_widen(const wgw_segment_t *segment, uint32_t record,
    const wgw_table_id_t *id);

/* Alone: names a record in the index, which had none of the key. */
void wgw_segment_name(const wgw_segment_t *segment, uint32_t record,
    const wgw_table_id_t *id, size_t at);


static inline uint32_t
wgw_segment_mark(uint64_t hash, size_t len)
{
    return (uint32_t) (hash & 0xffffff00) | (uint32_t) len;
}


static inline uint64_t
wgw_segment_granules(size_t len, int lives)
{
    return (len + WGW_GRANULE - 1) / WGW_GRANULE
           + (lives ? sizeof(wgw_record_life_t) / WGW_GRANULE : 0);
}


/* What a key takes, if it has lives, or just its text. */

static inline size_t
wgw_segment_bytes(uint32_t mark, uint32_t granule)
{
    if (granule & WGW_LIFE_BITS) {
        return wgw_segment_granules(mark & 0xff, 1) * WGW_GRANULE;
    }

    return mark & 0xff;
}


/* See wgw_table_key(). */

static inline uint32_t
wgw_segment_key(const wgw_segment_t *s, uint32_t record, wgw_text_t *key)
{
    size_t                    start;
    uint32_t                  mark, granule;
    const wgw_record_cold_t  *cold;

    key->data = s->arena;
    key->len = 0;

    if (record >= s->end - s->first) {
        return 0;
    }

    cold = &s->cold[record];
    mark = __atomic_load_n(&cold->mark, __ATOMIC_ACQUIRE);

    granule = __atomic_load_n(&cold->granule, __ATOMIC_RELAXED);
    start = (size_t) (granule & ~WGW_LIFE_BITS) * WGW_GRANULE;

    if (start > s->arena_size
        || wgw_segment_bytes(mark, granule) > s->arena_size - start)
    {
        return 0;
    }

    key->data = s->arena + start;
    key->len = mark & 0xff;

    return key->len ? mark : 0;
}


/* Of a record that has a key. */

static inline wgw_record_life_t *
wgw_segment_life(const wgw_segment_t *s, uint32_t record, uint32_t *kind)
{
    size_t                    len;
    uint32_t                  granule;
    const wgw_record_cold_t  *cold;

    cold = &s->cold[record];

    granule = __atomic_load_n(&cold->granule, __ATOMIC_ACQUIRE);
    *kind = granule & WGW_LIFE_BITS;

    if (*kind == 0) {
        return NULL;
    }

    len = __atomic_load_n(&cold->mark, __ATOMIC_RELAXED) & 0xff;

    return (wgw_record_life_t *)
           (s->arena + ((granule & ~WGW_LIFE_BITS)
                        + wgw_segment_granules(len, 0)) * WGW_GRANULE);
}


#pragma GCC visibility pop

#endif /* WGW_SEGMENT_H */
