
/*
 * Keys: the index, and the records and the arena that inserts take from.
 */

#include <string.h>

#include "layout.h"


#define WGW_RECORD_BITS   24
#define WGW_RECORD_MASK   ((UINT32_C(1) << WGW_RECORD_BITS) - 1)


_Static_assert(WGW_TABLE_FIRST + WGW_TABLE_KEYS_MAX <= WGW_RECORD_MASK,
               "a record's number fits the index");
_Static_assert(WGW_TABLE_KEY_MAX <= 0xff, "a key's length fits the mark");


static uint64_t wgw_table_granules(wgw_table_t *t);
static uint64_t wgw_table_hash(wgw_table_t *t, wgw_text_t key);
static uint32_t wgw_table_mark(uint64_t hash, size_t len);
static uint32_t wgw_table_probe(wgw_table_t *t, wgw_text_t key, uint64_t hash,
    size_t *at);
static uint32_t wgw_table_insert(wgw_table_t *t, wgw_text_t key,
    uint64_t hash, size_t at);
static uint32_t wgw_table_publish(wgw_table_t *t, wgw_text_t key,
    uint64_t hash, size_t at, uint32_t record);
static int wgw_table_take(uint64_t *taken, uint64_t n, uint64_t limit,
    uint64_t *first);
static void wgw_table_untake(uint64_t *taken, uint64_t n, uint64_t first);

static uint32_t wgw_table_rebuild(wgw_table_t *t);
static int wgw_table_restore(wgw_table_t *t, uint32_t record);
static int wgw_table_counted(wgw_table_t *t, uint32_t record);
static int wgw_table_blank(wgw_table_t *t, uint32_t record);


static const wgw_text_t  wgw_table_names[WGW_TABLE_FIRST] = {
    { "unknown", 7 },
    { "other", 5 },
    { "denied", 6 }
};


uint32_t
wgw_table_repair(wgw_table_t *t, int rebuild)
{
    uint32_t   record, end, dropped;
    uint64_t  *held;

    dropped = rebuild ? wgw_table_rebuild(t) : 0;
    end = wgw_table_end(t);

    /* written only where it differs: pages that rest stay clean */

    for (record = 0; record < end; record++) {
        held = &wgw_table_hot(t, record)->held;

        if (wgw_load(held) != 0) {
            __atomic_store_n(held, 0, __ATOMIC_SEQ_CST);
        }

        wgw_counter_fade(t, record);
    }

    return dropped;
}


uint32_t
wgw_table_get(wgw_table_t *t, wgw_text_t key)
{
    size_t    at;
    uint32_t  record;
    uint64_t  hash;

    if (key.len == 0) {
        return WGW_TABLE_UNKNOWN;
    }

    if (key.len > WGW_TABLE_KEY_MAX) {
        return WGW_TABLE_OTHER;
    }

    hash = wgw_table_hash(t, key);
    record = wgw_table_probe(t, key, hash, &at);

    if (record != WGW_TABLE_UNKNOWN) {
        return record;
    }

    return wgw_table_insert(t, key, hash, at);
}


uint32_t
wgw_table_find(wgw_table_t *t, wgw_text_t key)
{
    size_t    at;
    uint32_t  record;

    if (key.len == 0 || key.len > WGW_TABLE_KEY_MAX) {
        return WGW_TABLE_UNKNOWN;
    }

    record = wgw_table_probe(t, key, wgw_table_hash(t, key), &at);

    return record < WGW_TABLE_FIRST ? WGW_TABLE_UNKNOWN : record;
}


int
wgw_table_is(wgw_table_t *t, uint32_t record, wgw_text_t key)
{
    wgw_text_t  other;

    return record >= WGW_TABLE_FIRST
           && wgw_table_key(t, record, &other) != 0
           && other.len == key.len
           && memcmp(other.data, key.data, key.len) == 0;
}


uint32_t
wgw_table_end(wgw_table_t *t)
{
    uint64_t  end, limit;

    end = wgw_load(&t->header->records);
    limit = WGW_TABLE_FIRST + (uint64_t) t->header->made.keys;

    if (end < WGW_TABLE_FIRST) {
        return WGW_TABLE_FIRST;
    }

    return (uint32_t) (end < limit ? end : limit);
}


uint32_t
wgw_table_key(wgw_table_t *t, uint32_t record, wgw_text_t *key)
{
    size_t                    start, size;
    uint32_t                  mark;
    const wgw_record_cold_t  *cold;

    if (record < WGW_TABLE_FIRST) {
        *key = wgw_table_names[record];
        return 0;
    }

    key->len = 0;

    if (record >= WGW_TABLE_FIRST + t->header->made.keys) {
        return 0;
    }

    cold = &t->cold[record];
    mark = __atomic_load_n(&cold->mark, __ATOMIC_ACQUIRE);

    start = (size_t) __atomic_load_n(&cold->granule, __ATOMIC_RELAXED)
            * WGW_GRANULE;
    size = (size_t) wgw_table_granules(t) * WGW_GRANULE;

    if (start > size || (mark & 0xff) > size - start) {
        return 0;
    }

    key->data = t->arena + start;
    key->len = mark & 0xff;

    return key->len ? mark : 0;
}


static uint64_t
wgw_table_granules(wgw_table_t *t)
{
    return (uint64_t) t->header->made.keys * t->header->made.key_bytes
           / WGW_GRANULE;
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


/*
 * Returns the key's record, or WGW_TABLE_UNKNOWN and the place where it can
 * be published, or WGW_TABLE_OTHER if it is nowhere and there is no place.
 */

static uint32_t
wgw_table_probe(wgw_table_t *t, wgw_text_t key, uint64_t hash, size_t *at)
{
    size_t      n, i, left;
    uint32_t    word, record, mark;
    wgw_text_t  other;

    n = 2 * (size_t) t->header->made.keys;
    i = (size_t) ((hash >> 32) * n >> 32);
    mark = wgw_table_mark(hash, key.len);

    for (left = n; left; left--) {
        word = __atomic_load_n(&t->index[i], __ATOMIC_ACQUIRE);

        if (word == 0) {
            *at = i;
            return WGW_TABLE_UNKNOWN;
        }

        if (word >> WGW_RECORD_BITS == (hash & 0xff)) {
            record = word & WGW_RECORD_MASK;

            __builtin_prefetch(&t->hot[record], 1);

            if (wgw_table_key(t, record, &other) == mark
                && memcmp(other.data, key.data, key.len) == 0)
            {
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
wgw_table_insert(wgw_table_t *t, wgw_text_t key, uint64_t hash, size_t at)
{
    uint32_t             found;
    uint64_t             granules, granule, limit, record;
    wgw_record_cold_t   *cold;
    wgw_table_header_t  *header;

    header = t->header;
    granules = (key.len + WGW_GRANULE - 1) / WGW_GRANULE;
    limit = wgw_table_granules(t);

    if (wgw_table_take(&header->granules, granules, limit, &granule) != 0) {
        return WGW_TABLE_OTHER;
    }

    limit = WGW_TABLE_FIRST + (uint64_t) header->made.keys;

    if (wgw_table_take(&header->records, 1, limit, &record) != 0) {
        wgw_table_untake(&header->granules, granules, granule);
        return WGW_TABLE_OTHER;
    }

    memcpy(t->arena + granule * WGW_GRANULE, key.data, key.len);

    cold = &t->cold[record];

    __atomic_store_n(&cold->granule, (uint32_t) granule, __ATOMIC_RELAXED);
    __atomic_store_n(&cold->mark, wgw_table_mark(hash, key.len),
                     __ATOMIC_RELEASE);

    found = wgw_table_publish(t, key, hash, at, (uint32_t) record);

    if (found != record) {
        __atomic_store_n(&cold->mark, 0, __ATOMIC_RELEASE);
        wgw_table_untake(&header->records, 1, record);
        wgw_table_untake(&header->granules, granules, granule);
    }

    return found;
}


/* Returns the record, or that of another process which was faster. */

static uint32_t
wgw_table_publish(wgw_table_t *t, wgw_text_t key, uint64_t hash, size_t at,
    uint32_t record)
{
    uint32_t  word, empty, found;

    word = (uint32_t) (hash & 0xff) << WGW_RECORD_BITS | record;

    do {
        empty = 0;

        if (__atomic_compare_exchange_n(&t->index[at], &empty, word, 0,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        {
            return record;
        }

        found = wgw_table_probe(t, key, hash, &at);

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
wgw_table_rebuild(wgw_table_t *t)
{
    uint32_t             record, end, dropped;
    uint64_t             granule;
    wgw_text_t           key;
    wgw_table_header_t  *header;

    header = t->header;
    end = WGW_TABLE_FIRST + header->made.keys;
    dropped = 0;

    memset(t->index, 0, 2 * sizeof(uint32_t) * header->made.keys);

    header->records = WGW_TABLE_FIRST;
    header->granules = 0;

    for (record = WGW_TABLE_FIRST; record < end; record++) {

        if (wgw_table_blank(t, record)) {
            continue;
        }

        if (wgw_table_restore(t, record) != 0) {
            dropped += wgw_table_counted(t, record);
            wgw_counter_merge(t, WGW_TABLE_OTHER, record);
            continue;
        }

        if (wgw_table_key(t, record, &key) == 0) {
            continue;
        }

        granule = t->cold[record].granule
                  + (key.len + WGW_GRANULE - 1) / WGW_GRANULE;

        header->records = record + 1;

        if (header->granules < granule) {
            header->granules = granule;
        }
    }

    return dropped;
}


/* Returns -1 for a record without a whole key. */

static int
wgw_table_restore(wgw_table_t *t, uint32_t record)
{
    size_t      at;
    uint32_t    mark, found;
    uint64_t    hash;
    wgw_text_t  key;

    mark = wgw_table_key(t, record, &key);

    if (mark == 0) {
        return -1;
    }

    hash = wgw_table_hash(t, key);

    if (mark != wgw_table_mark(hash, key.len)) {
        return -1;
    }

    found = wgw_table_probe(t, key, hash, &at);

    if (found != WGW_TABLE_UNKNOWN) {
        wgw_counter_merge(t, found, record);
        return 0;
    }

    t->index[at] = (uint32_t) (hash & 0xff) << WGW_RECORD_BITS | record;

    return 0;
}


static int
wgw_table_counted(wgw_table_t *t, uint32_t record)
{
    const wgw_record_hot_t   *hot;
    const wgw_record_cold_t  *cold;

    hot = &t->hot[record];
    cold = &t->cold[record];

    return (hot->sent | hot->received | hot->requests | cold->refused
            | cold->cut) != 0;
}


static int
wgw_table_blank(wgw_table_t *t, uint32_t record)
{
    static const wgw_record_hot_t   hot;
    static const wgw_record_cold_t  cold;

    return memcmp(&t->hot[record], &hot, sizeof(hot)) == 0
           && memcmp(&t->cold[record], &cold, sizeof(cold)) == 0;
}
