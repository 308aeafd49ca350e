
/*
 * Keys, over all segments.
 */

#include "table/segment.h"
#include "table/table.h"


static inline uint64_t wgw_table_hash(wgw_table_t *t, wgw_text_t key);


static const wgw_text_t  wgw_table_names[WGW_TABLE_FIRST] = {
    { "unknown", 7 },
    { "other", 5 },
    { "denied", 6 }
};


/*
 * Who adds a key to a segment behind the first looks before it again: another
 * may have come to the last room there meanwhile.
 */

uint32_t
wgw_table_put(wgw_table_t *t, const wgw_table_id_t *id)
{
    size_t                at[WGW_TABLE_SEGMENTS];
    uint32_t              n, record, found;
    const wgw_segment_t  *s;

    n = 0;

    do {
        s = &t->segments[n];
        at[n] = SIZE_MAX;
        record = wgw_segment_probe(s, id, &at[n]);

        if (record >= WGW_TABLE_FIRST) {
            return s->first + record;
        }

    } while (++n < t->count);

    for (n = 0; n < t->count; n++) {

        if (at[n] == SIZE_MAX) {
            continue;
        }

        s = &t->segments[n];
        record = wgw_segment_insert(s, id, at[n]);

        if (record != WGW_TABLE_OTHER) {
            found = n ? wgw_table_look_in(t, id, n) : WGW_TABLE_UNKNOWN;

            return found != WGW_TABLE_UNKNOWN ? found : s->first + record;
        }
    }

    return WGW_TABLE_OTHER;
}


uint32_t
wgw_table_find(wgw_table_t *t, wgw_text_t key)
{
    wgw_table_id_t  id;

    if (key.len == 0 || key.len > WGW_TABLE_KEY_MAX) {
        return WGW_TABLE_UNKNOWN;
    }

    wgw_table_first(t, &id, key);

    return wgw_table_lookup(t, &id);
}


int
wgw_table_is(wgw_table_t *t, uint32_t record, wgw_text_t key, uint64_t life)
{
    uint32_t                  kind;
    wgw_text_t                other;
    const wgw_segment_t      *s;

    if (record < WGW_TABLE_FIRST) {
        return 0;
    }

    s = t->segments;

    if (record >= s->end) {
        s = wgw_table_segment(t, record);

        if (s == NULL) {
            return 0;
        }
    }

    if (wgw_segment_key(s, record - s->first, &other) == 0
        || other.len != key.len
        || memcmp(other.data, key.data, key.len) != 0)
    {
        return 0;
    }

    kind = __atomic_load_n(&s->cold[record - s->first].granule,
                           __ATOMIC_ACQUIRE)
           & WGW_LIFE_BITS;

    if (kind == 0) {
        return life == 0;
    }

    return wgw_segment_life(s, record - s->first, &kind)->life == life;
}


uint32_t
wgw_table_end(wgw_table_t *t)
{
    uint32_t  n, taken;

    for (n = t->count - 1; n; n--) {
        taken = wgw_segment_taken(&t->segments[n]);

        if (taken > WGW_TABLE_FIRST) {
            return t->segments[n].first + taken;
        }
    }

    return wgw_segment_taken(&t->segments[0]);
}


uint32_t
wgw_table_taken(wgw_table_t *t)
{
    uint32_t  n, taken;

    taken = 0;

    for (n = 0; n < t->count; n++) {
        taken += wgw_segment_taken(&t->segments[n]) - WGW_TABLE_FIRST;
    }

    return taken;
}


uint64_t
wgw_table_arena(wgw_table_t *t, uint64_t *max)
{
    uint32_t  n;
    uint64_t  taken, size, granules;

    taken = 0;
    *max = 0;

    for (n = 0; n < t->count; n++) {
        size = t->segments[n].arena_size;
        *max += size;

        granules = wgw_load(&t->segments[n].header->granules);
        taken += granules < size / WGW_GRANULE ? granules * WGW_GRANULE
                                               : size;
    }

    return taken;
}


uint32_t
wgw_table_key(wgw_table_t *t, uint32_t record, wgw_text_t *key)
{
    const wgw_segment_t  *s;

    if (record < WGW_TABLE_FIRST) {
        *key = wgw_table_names[record];
        return 0;
    }

    s = t->segments;

    if (record >= s->end) {
        s = wgw_table_segment(t, record);

        if (s == NULL) {
            key->len = 0;
            return 0;
        }
    }

    return wgw_segment_key(s, record - s->first, key);
}


uint32_t
wgw_table_twins(wgw_table_t *t, uint32_t record,
    uint32_t twins[WGW_TABLE_SEGMENTS])
{
    size_t                at;
    uint32_t              i, n, found;
    wgw_table_id_t        id;
    const wgw_segment_t  *s;

    if (t->count == 1 || wgw_table_id(t, record, &id) != 0) {
        return 0;
    }

    /* after what the caller wrote: of two that look, one sees the other's */

    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    n = 0;

    for (i = 0; i < t->count; i++) {
        s = &t->segments[i];

        if (record >= s->first && record < s->end) {
            continue;
        }

        found = wgw_segment_probe(s, &id, &at);

        if (found >= WGW_TABLE_FIRST) {
            twins[n++] = s->first + found;
        }
    }

    return n;
}


static inline uint64_t
wgw_table_hash(wgw_table_t *t, wgw_text_t key)
{
    return wgw_hash(t->header->made.seed, key.data, key.len);
}


void
wgw_table_first(wgw_table_t *t, wgw_table_id_t *id, wgw_text_t key)
{
    id->text = key;
    id->life = 0;
    id->later = 0;
    id->hash = wgw_table_hash(t, key);
}


void
wgw_table_later(wgw_table_t *t, wgw_table_id_t *id, wgw_text_t key,
    uint64_t life)
{
    char        bytes[WGW_TABLE_KEY_MAX + sizeof(uint64_t)];
    wgw_text_t  both;

    memcpy(bytes, key.data, key.len);
    memcpy(bytes + key.len, &life, sizeof(uint64_t));

    both.data = bytes;
    both.len = key.len + sizeof(uint64_t);

    id->text = key;
    id->life = life;
    id->later = WGW_LIFE_LATER;
    id->hash = wgw_table_hash(t, both);
}


int
wgw_table_id(wgw_table_t *t, uint32_t record, wgw_table_id_t *id)
{
    uint32_t                  kind;
    wgw_text_t                key;
    wgw_record_life_t        *own;
    const wgw_segment_t      *s;

    if (record < WGW_TABLE_FIRST || wgw_table_key(t, record, &key) == 0) {
        return -1;
    }

    s = wgw_table_segment(t, record);
    own = wgw_segment_life(s, record - s->first, &kind);

    if (kind == WGW_LIFE_LATER) {
        wgw_table_later(t, id, key, own->life);

    } else {
        wgw_table_first(t, id, key);
        id->life = own ? own->life : 0;
    }

    return 0;
}


uint32_t
wgw_table_lookup(wgw_table_t *t, const wgw_table_id_t *id)
{
    return wgw_table_look_in(t, id, t->count);
}


int
wgw_table_found(wgw_table_t *t, uint32_t record)
{
    wgw_table_id_t  id;

    return wgw_table_id(t, record, &id) == 0
           && wgw_table_lookup(t, &id) == record;
}


wgw_record_life_t *
wgw_table_life(wgw_table_t *t, uint32_t record)
{
    uint32_t              kind;
    const wgw_segment_t  *s;

    s = wgw_table_segment(t, record);

    return s && record >= WGW_TABLE_FIRST
           ? wgw_segment_life(s, record - s->first, &kind) : NULL;
}


wgw_record_life_t *
wgw_table_widen(wgw_table_t *t, uint32_t record)
{
    wgw_table_id_t        id;
    const wgw_segment_t  *s;

    if (wgw_table_id(t, record, &id) != 0) {
        return NULL;
    }

    s = wgw_table_segment(t, record);
    wgw_segment_widen(s, record - s->first, &id);

    return wgw_table_life(t, record);
}


uint32_t
wgw_table_look_in(wgw_table_t *t, const wgw_table_id_t *id, uint32_t count)
{
    size_t    at;
    uint32_t  n, record;

    for (n = 0; n < count; n++) {
        record = wgw_segment_probe(&t->segments[n], id, &at);

        if (record >= WGW_TABLE_FIRST) {
            return t->segments[n].first + record;
        }
    }

    return WGW_TABLE_UNKNOWN;
}


int
wgw_table_counted(wgw_table_t *t, uint32_t record)
{
    const wgw_record_hot_t   *hot;
    const wgw_record_cold_t  *cold;

    hot = wgw_table_hot(t, record);
    cold = wgw_table_cold(t, record);

    return (hot->sent | hot->received | hot->requests | cold->refused
            | cold->cut) != 0;
}
