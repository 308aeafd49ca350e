
/*
 * meter_record: the record of a key in a zone, found by a worker without a
 * look at the table's index where it was used not long ago.
 */

#ifndef WGW_METER_RECORD_H
#define WGW_METER_RECORD_H


#include "meter/meter_zone.h"

#pragma GCC visibility push(hidden)


/*
 * The record of a key in a life of it, 0: it has none; WGW_TABLE_OTHER where
 * there is no room.  `*recent` is where the worker keeps it; NULL: nowhere.
 */
uint32_t wgw_meter_find(wgw_meter_zone_t *zone, wgw_text_t key, uint64_t life,
    ngx_log_t *log, wgw_meter_recent_t **recent);

/* Says that there was none, once a second. */
void wgw_meter_full(wgw_meter_zone_t *zone, ngx_uint_t refused,
    ngx_log_t *log);


/*
 * Multiplied out of the key's length and its first and last bytes; the highest
 * bits are those that all of these have a part in.  Other keys of the same
 * place and mark only cost a look.
 */

static inline uint64_t
wgw_meter_hash(wgw_text_t key, uint64_t life)
{
    uint64_t  first, last;

    first = 0;
    last = 0;

    if (key.len < sizeof(uint64_t)) {
        ngx_memcpy(&first, key.data, key.len);

    } else {
        ngx_memcpy(&first, key.data, sizeof(uint64_t));
        ngx_memcpy(&last, key.data + key.len - sizeof(uint64_t),
                   sizeof(uint64_t));
    }

    return (first ^ (last << 1 | last >> 63) ^ key.len ^ life)
           * UINT64_C(0x9e3779b97f4a7c15);
}


static inline uint32_t
wgw_meter_mark(wgw_text_t key, uint64_t hash)
{
    return (uint32_t) (hash >> 16 & 0xffffff00) | (uint8_t) key.len;
}


/* memcmp(), of names, which are short. */

static inline ngx_uint_t
wgw_meter_same(const char *one, const char *two, size_t len)
{
    size_t    n;
    uint64_t  word, other, differ;

    if (len < sizeof(uint64_t)) {
        return ngx_memcmp(one, two, len) == 0;
    }

    differ = 0;

    for (n = len - sizeof(uint64_t); /* void */ ; n -= sizeof(uint64_t)) {
        ngx_memcpy(&word, one + n, sizeof(uint64_t));
        ngx_memcpy(&other, two + n, sizeof(uint64_t));
        differ |= word ^ other;

        if (n <= sizeof(uint64_t)) {
            break;
        }
    }

    ngx_memcpy(&word, one, sizeof(uint64_t));
    ngx_memcpy(&other, two, sizeof(uint64_t));

    return (differ | (word ^ other)) == 0;
}


/* What is kept of a key of 1 to 255 bytes, by that; NULL: nothing is. */

static inline wgw_meter_recent_t *
wgw_meter_recall(wgw_meter_zone_t *zone, wgw_text_t key, uint64_t life,
    uint64_t hash)
{
    uint32_t             mark;
    wgw_meter_recent_t  *recent, *last;

    recent = zone->recent[hash >> (64 - WGW_METER_RECENT_BITS)];
    last = recent + 2;
    mark = wgw_meter_mark(key, hash);

    for ( /* void */ ; recent < last; recent++) {
        if (recent->mark == mark && recent->life == life
            && wgw_meter_same(recent->key, key.data, key.len))
        {
            return recent;
        }
    }

    return NULL;
}


/* 1 once a second: what is told of a record besides is to be told again. */

static inline ngx_uint_t
wgw_meter_stale(wgw_meter_recent_t *recent)
{
    if (recent->labelled == (uint32_t) ngx_time()) {
        return 0;
    }

    recent->labelled = (uint32_t) ngx_time();
    recent->cap = 0;

    return 1;
}


#pragma GCC visibility pop

#endif /* WGW_METER_RECORD_H */
