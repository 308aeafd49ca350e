
/*
 * Keys: the index, and the records and the arena that inserts take from.
 */

#include <string.h>

#include "table/table.h"


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


static uint64_t wgw_table_hash(wgw_table_t *t, wgw_text_t key);
static uint32_t wgw_table_mark(uint64_t hash, size_t len);
static uint32_t wgw_table_look_in(wgw_table_t *t, const wgw_table_id_t *id,
    uint32_t count);

static uint32_t wgw_segment_taken(const wgw_segment_t *s);
static uint32_t wgw_segment_key(const wgw_segment_t *s, uint32_t record,
    wgw_text_t *key);
static wgw_record_life_t *wgw_segment_life(const wgw_segment_t *s,
    uint32_t record, uint32_t *kind);
static int wgw_segment_is(const wgw_segment_t *s, uint32_t record,
    uint32_t mark, const wgw_table_id_t *id);
static uint32_t wgw_segment_probe(const wgw_segment_t *s,
    const wgw_table_id_t *id, size_t *at);
static uint32_t wgw_segment_insert(const wgw_segment_t *s,
    const wgw_table_id_t *id, size_t at);
static uint32_t wgw_segment_publish(const wgw_segment_t *s,
    const wgw_table_id_t *id, size_t at, uint32_t record);
static uint32_t wgw_segment_write(const wgw_segment_t *s,
    const wgw_table_id_t *id, uint64_t granule, int lives);
static inline size_t wgw_segment_bytes(uint32_t mark, uint32_t granule);
static uint64_t wgw_table_granules(size_t len, int lives);
static int wgw_table_take(uint64_t *taken, uint64_t n, uint64_t limit,
    uint64_t *first);
static void wgw_table_untake(uint64_t *taken, uint64_t n, uint64_t first);

static uint32_t wgw_table_rebuild(wgw_table_t *t, const wgw_segment_t *s,
    const wgw_table_counters_t *counters);
static int wgw_table_restore(wgw_table_t *t, const wgw_segment_t *s,
    uint32_t record, const wgw_table_counters_t *counters);
static int wgw_segment_blank(const wgw_segment_t *s, uint32_t record);


static const wgw_text_t  wgw_table_names[WGW_TABLE_FIRST] = {
    { "unknown", 7 },
    { "other", 5 },
    { "denied", 6 }
};


uint32_t
wgw_table_mend(wgw_table_t *t, int rebuild,
    const wgw_table_counters_t *counters)
{
    uint32_t   i, record, end, dropped;
    uint64_t  *held;

    dropped = 0;

    for (i = 0; rebuild && i < t->count; i++) {
        dropped += wgw_table_rebuild(t, &t->segments[i], counters);
    }

    /* another boot has another steady clock */

    if (rebuild) {
        t->header->trust = 0;
    }

    end = wgw_table_end(t);

    /* written only where it differs: pages that rest stay clean */

    for (record = 0; record < end; record++) {
        held = &wgw_table_hot(t, record)->held;

        if (wgw_load(held) != 0) {
            __atomic_store_n(held, 0, __ATOMIC_SEQ_CST);
        }

        counters->fade(t, record);
    }

    return dropped;
}


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


const wgw_segment_t *
wgw_table_segment(const wgw_table_t *t, uint32_t record)
{
    uint32_t  n;

    for (n = 0; n < t->count; n++) {
        if (record < t->segments[n].end) {
            return &t->segments[n];
        }
    }

    return NULL;
}


static uint64_t
wgw_table_hash(wgw_table_t *t, wgw_text_t key)
{
    return wgw_hash(t->header->made.seed, key.data, key.len);
}


static uint32_t
wgw_table_mark(uint64_t hash, size_t len)
{
    return (uint32_t) (hash & 0xffffff00) | (uint32_t) len;
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


/* Where the text was nobody looks any more; the mark stays the same. */

wgw_record_life_t *
wgw_table_widen(wgw_table_t *t, uint32_t record)
{
    uint32_t              old, new;
    uint64_t              granules, granule;
    wgw_table_id_t        id;
    wgw_record_cold_t    *cold;
    wgw_table_header_t   *header;
    const wgw_segment_t  *s;

    if (wgw_table_id(t, record, &id) != 0) {
        return NULL;
    }

    s = wgw_table_segment(t, record);
    header = s->header;
    cold = &s->cold[record - s->first];
    old = __atomic_load_n(&cold->granule, __ATOMIC_SEQ_CST);

    if ((old & WGW_LIFE_BITS) == 0) {
        granules = wgw_table_granules(id.text.len, 1);

        if (wgw_table_take(&header->granules, granules,
                           s->arena_size / WGW_GRANULE, &granule)
            != 0)
        {
            return NULL;
        }

        new = wgw_segment_write(s, &id, granule, 1);

        if (!__atomic_compare_exchange_n(&cold->granule, &old, new, 0,
                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        {
            wgw_table_untake(&header->granules, granules, granule);
        }
    }

    return wgw_table_life(t, record);
}


/* In the first `count` segments; WGW_TABLE_UNKNOWN if it is in none. */

static uint32_t
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


/* Of its records, the first three included. */

static uint32_t
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


/* What a key takes, if it has lives, or just its text. */

static inline size_t
wgw_segment_bytes(uint32_t mark, uint32_t granule)
{
    if (granule & WGW_LIFE_BITS) {
        return wgw_table_granules(mark & 0xff, 1) * WGW_GRANULE;
    }

    return mark & 0xff;
}


/* Records are numbered from 0 on in what is about one segment. */

static uint32_t
wgw_segment_key(const wgw_segment_t *s, uint32_t record, wgw_text_t *key)
{
    size_t                    start;
    uint32_t                  mark, granule;
    const wgw_record_cold_t  *cold;

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

static wgw_record_life_t *
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
                        + wgw_table_granules(len, 0)) * WGW_GRANULE);
}


static int
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


/*
 * Returns the key's record, or WGW_TABLE_UNKNOWN and the place where it can
 * be published, or WGW_TABLE_OTHER if it is nowhere and there is no place.
 */

static uint32_t
wgw_segment_probe(const wgw_segment_t *s, const wgw_table_id_t *id,
    size_t *at)
{
    size_t    n, i, left;
    uint32_t  word, record, mark;

    n = 2 * (size_t) s->header->made.keys;
    i = (size_t) ((id->hash >> 32) * n >> 32);
    mark = wgw_table_mark(id->hash, id->text.len);

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

static uint32_t
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
    granules = wgw_table_granules(id->text.len, lives);
    limit = s->arena_size / WGW_GRANULE;

    if (wgw_table_take(&header->granules, granules, limit, &granule) != 0) {
        return WGW_TABLE_OTHER;
    }

    limit = WGW_TABLE_FIRST + (uint64_t) header->made.keys;

    if (wgw_table_take(&header->records, 1, limit, &record) != 0) {
        wgw_table_untake(&header->granules, granules, granule);
        return WGW_TABLE_OTHER;
    }

    cold = &s->cold[record];

    __atomic_store_n(&cold->granule,
                     wgw_segment_write(s, id, granule, lives),
                     __ATOMIC_RELAXED);
    __atomic_store_n(&cold->mark, wgw_table_mark(id->hash, id->text.len),
                     __ATOMIC_RELEASE);

    found = wgw_segment_publish(s, id, at, (uint32_t) record);

    if (found != record) {
        __atomic_store_n(&cold->mark, 0, __ATOMIC_RELEASE);
        wgw_table_untake(&header->records, 1, record);
        wgw_table_untake(&header->granules, granules, granule);
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

    memcpy(p + wgw_table_granules(id->text.len, 0) * WGW_GRANULE, &life,
           sizeof(wgw_record_life_t));

    return (uint32_t) granule | (id->later ? WGW_LIFE_LATER : WGW_LIFE_FIRST);
}


static uint64_t
wgw_table_granules(size_t len, int lives)
{
    return (len + WGW_GRANULE - 1) / WGW_GRANULE
           + (lives ? sizeof(wgw_record_life_t) / WGW_GRANULE : 0);
}


/* Returns the record, or that of another process which was faster. */

static uint32_t
wgw_segment_publish(const wgw_segment_t *s, const wgw_table_id_t *id,
    size_t at, uint32_t record)
{
    uint32_t  word, empty, found;

    word = (uint32_t) (id->hash & 0xff) << WGW_RECORD_BITS | record;

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


static int
wgw_table_take(uint64_t *taken, uint64_t n, uint64_t limit, uint64_t *first)
{
    do {
        *first = wgw_load(taken);

        if (*first > limit || n > limit - *first) {
            return -1;
        }

    } while (!wgw_swap(taken, *first, *first + n));

    return 0;
}


/* Nobody knows of what was taken; it leaks if more was taken since. */

static void
wgw_table_untake(uint64_t *taken, uint64_t n, uint64_t first)
{
    (void) wgw_swap(taken, first + n, first);
}


/*
 * What the header says was taken may be older than the records: all are
 * looked at.
 */

static uint32_t
wgw_table_rebuild(wgw_table_t *t, const wgw_segment_t *s,
    const wgw_table_counters_t *counters)
{
    uint32_t             record, end, dropped;
    uint64_t             granule;
    wgw_text_t           key;
    wgw_table_header_t  *header;

    header = s->header;
    end = s->end - s->first;
    dropped = 0;

    memset(s->index, 0, 2 * sizeof(uint32_t) * header->made.keys);

    header->records = WGW_TABLE_FIRST;
    header->granules = 0;

    for (record = WGW_TABLE_FIRST; record < end; record++) {

        if (wgw_segment_blank(s, record)) {
            continue;
        }

        if (wgw_table_restore(t, s, record, counters) != 0) {
            dropped += wgw_table_counted(t, s->first + record);
            counters->merge(t, WGW_TABLE_OTHER, s->first + record);
            continue;
        }

        if (wgw_segment_key(s, record, &key) == 0) {
            continue;
        }

        granule = (s->cold[record].granule & ~WGW_LIFE_BITS)
                  + wgw_table_granules(key.len, (s->cold[record].granule
                                                 & WGW_LIFE_BITS) != 0);

        header->records = record + 1;

        if (header->granules < granule) {
            header->granules = granule;
        }
    }

    return dropped;
}


/*
 * Returns -1 for a record without a whole key.  The segments before it have
 * been built.
 */

static int
wgw_table_restore(wgw_table_t *t, const wgw_segment_t *s, uint32_t record,
    const wgw_table_counters_t *counters)
{
    size_t          at;
    uint32_t        mark, found;
    wgw_text_t      key;
    wgw_table_id_t  id;

    mark = wgw_segment_key(s, record, &key);

    if (mark == 0 || wgw_table_id(t, s->first + record, &id) != 0
        || mark != wgw_table_mark(id.hash, key.len))
    {
        return -1;
    }

    found = wgw_table_look_in(t, &id, (uint32_t) (s - t->segments) + 1);

    if (found != WGW_TABLE_UNKNOWN) {
        counters->merge(t, found, s->first + record);
        return 0;
    }

    if (wgw_segment_probe(s, &id, &at) != WGW_TABLE_UNKNOWN) {
        return -1;
    }

    s->index[at] = (uint32_t) (id.hash & 0xff) << WGW_RECORD_BITS | record;

    return 0;
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


static int
wgw_segment_blank(const wgw_segment_t *s, uint32_t record)
{
    static const wgw_record_hot_t   hot;
    static const wgw_record_cold_t  cold;

    return memcmp(&s->hot[record], &hot, sizeof(hot)) == 0
           && memcmp(&s->cold[record], &cold, sizeof(cold)) == 0;
}
