
#include "table/segment.h"


#define WGW_RECORD_BITS   24
#define WGW_RECORD_MASK   ((UINT32_C(1) << WGW_RECORD_BITS) - 1)


_Static_assert(WGW_TABLE_FIRST + WGW_TABLE_KEYS_MAX <= WGW_RECORD_MASK,
               "a record's number fits the index");
_Static_assert(WGW_TABLE_KEY_MAX <= 0xff, "a key's length fits the mark");
_Static_assert((uint64_t) WGW_TABLE_KEYS_MAX * WGW_TABLE_KEY_ROOM / WGW_GRANULE
               < WGW_LIFE_FIRST, "a granule's number leaves room");
_Static_assert((WGW_TABLE_KEY_MAX + WGW_GRANULE - 1) / WGW_GRANULE * WGW_GRANULE
               + sizeof(wgw_record_life_t) <= WGW_TABLE_KEY_ROOM,
               "any key has room");


static inline int wgw_segment_is(const wgw_segment_t *s, uint32_t record,
    uint32_t mark, const wgw_table_id_t *id);
static uint32_t wgw_segment_publish(const wgw_segment_t *s,
    const wgw_table_id_t *id, size_t at, uint32_t record);
static uint32_t wgw_segment_write(const wgw_segment_t *s,
    const wgw_table_id_t *id, uint64_t granule, int lives);
static inline uint32_t wgw_segment_word(const wgw_table_id_t *id,
    uint32_t record);


uint32_t
wgw_segment_taken(const wgw_segment_t *s)
{
    uint64_t  taken, limit;

    taken = wgw_load(&s->header->records);
    limit = s->end - s->first;

    if (taken < WGW_TABLE_FIRST) {
        return WGW_TABLE_FIRST;
    }

    return (uint32_t) (taken < limit ? taken : limit);
}


static inline int
wgw_segment_is(const wgw_segment_t *s, uint32_t record, uint32_t mark,
    const wgw_table_id_t *id)
{
    uint32_t            kind;
    wgw_text_t          other;
    wgw_record_life_t  *own;

    if (wgw_segment_key(s, record, &other) != mark
        || memcmp(other.data, id->text.data, id->text.len) != 0)
    {
        return 0;
    }

    own = wgw_segment_life(s, record, &kind);

    return (kind & WGW_LIFE_LATER) == id->later
           && (!id->later || own->life == id->life);
}


uint32_t
wgw_segment_probe(const wgw_segment_t *s, const wgw_table_id_t *id,
    size_t *at)
{
    size_t    n, i, left;
    uint32_t  word, record, mark;

    n = 2 * (size_t) s->header->made.keys;
    i = (size_t) ((id->hash >> 32) * n >> 32);
    mark = wgw_segment_mark(id->hash, id->text.len);

    for (left = n; left; left--) {
        word = __atomic_load_n(&s->index[i], __ATOMIC_ACQUIRE);

        if (word == 0) {
            *at = i;
            return WGW_TABLE_UNKNOWN;
        }

        if (word >> WGW_RECORD_BITS == (id->hash & 0xff)) {
            record = word & WGW_RECORD_MASK;

            __builtin_prefetch(&s->hot[record], 1);

            if (wgw_segment_is(s, record, mark, id)) {
                return record;
            }
        }

        i = i + 1 < n ? i + 1 : 0;
    }

    return WGW_TABLE_OTHER;
}


/*
 * Takes room in the arena before a record: long keys that find none must not
 * use up the records of shorter ones.
 */

uint32_t
wgw_segment_insert(const wgw_segment_t *s, const wgw_table_id_t *id,
    size_t at)
{
    int                  lives;
    uint32_t             found;
    uint64_t             granules, granule, limit, record;
    wgw_record_cold_t   *cold;
    wgw_table_header_t  *header;

    header = s->header;
    lives = id->later || id->life;
    granules = wgw_segment_granules(id->text.len, lives);
    limit = s->arena_size / WGW_GRANULE;

    if (wgw_take(&header->granules, granules, limit, &granule) != 0) {
        return WGW_TABLE_OTHER;
    }

    limit = WGW_TABLE_FIRST + (uint64_t) header->made.keys;

    if (wgw_take(&header->records, 1, limit, &record) != 0) {
        wgw_untake(&header->granules, granules, granule);
        return WGW_TABLE_OTHER;
    }

    cold = &s->cold[record];

    __atomic_store_n(&cold->granule,
                     wgw_segment_write(s, id, granule, lives),
                     __ATOMIC_RELAXED);
    __atomic_store_n(&cold->mark, wgw_segment_mark(id->hash, id->text.len),
                     __ATOMIC_RELEASE);

    found = wgw_segment_publish(s, id, at, (uint32_t) record);

    if (found != record) {
        __atomic_store_n(&cold->mark, 0, __ATOMIC_RELEASE);
        wgw_untake(&header->records, 1, record);
        wgw_untake(&header->granules, granules, granule);
    }

    return found;
}


/* Text and life; returns what the record says of where they are. */

static uint32_t
wgw_segment_write(const wgw_segment_t *s, const wgw_table_id_t *id,
    uint64_t granule, int lives)
{
    char               *p;
    wgw_record_life_t   life;

    p = s->arena + granule * WGW_GRANULE;

    memcpy(p, id->text.data, id->text.len);

    if (!lives) {
        return (uint32_t) granule;
    }

    life.life = id->life;
    life.newest = id->later ? 0 : id->life;
    life.link = 0;

    memcpy(p + wgw_segment_granules(id->text.len, 0) * WGW_GRANULE, &life,
           sizeof(wgw_record_life_t));

    return (uint32_t) granule | (id->later ? WGW_LIFE_LATER : WGW_LIFE_FIRST);
}


/* Returns the record, or that of another process which was faster. */

static uint32_t
wgw_segment_publish(const wgw_segment_t *s, const wgw_table_id_t *id,
    size_t at, uint32_t record)
{
    uint32_t  word, empty, found;

    word = wgw_segment_word(id, record);

    do {
        empty = 0;

        if (__atomic_compare_exchange_n(&s->index[at], &empty, word, 0,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        {
            return record;
        }

        found = wgw_segment_probe(s, id, &at);

    } while (found == WGW_TABLE_UNKNOWN);

    return found;
}


static inline uint32_t
wgw_segment_word(const wgw_table_id_t *id, uint32_t record)
{
    return (uint32_t) (id->hash & 0xff) << WGW_RECORD_BITS | record;
}


/* Where the text was nobody looks any more; the mark stays the same. */

void
wgw_segment_widen(const wgw_segment_t *s, uint32_t record,
    const wgw_table_id_t *id)
{
    uint32_t             old, new;
    uint64_t             granules, granule;
    wgw_record_cold_t   *cold;
    wgw_table_header_t  *header;

    header = s->header;
    cold = &s->cold[record];
    old = __atomic_load_n(&cold->granule, __ATOMIC_SEQ_CST);

    if (old & WGW_LIFE_BITS) {
        return;
    }

    granules = wgw_segment_granules(id->text.len, 1);

    if (wgw_take(&header->granules, granules, s->arena_size / WGW_GRANULE,
                 &granule)
        != 0)
    {
        return;
    }

    new = wgw_segment_write(s, id, granule, 1);

    if (!__atomic_compare_exchange_n(&cold->granule, &old, new, 0,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    {
        wgw_untake(&header->granules, granules, granule);
    }
}


void
wgw_segment_name(const wgw_segment_t *s, uint32_t record,
    const wgw_table_id_t *id, size_t at)
{
    s->index[at] = wgw_segment_word(id, record);
}
