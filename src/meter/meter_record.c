
#include "meter/key.h"
#include "meter/meter_record.h"


/* one line of the log says how keys are counted, in so many seconds */
#define WGW_METER_HASHED   60


static wgw_meter_recent_t *wgw_meter_long(wgw_meter_zone_t *zone,
    wgw_text_t key, uint64_t life, ngx_log_t *log);
static inline wgw_meter_recent_t *wgw_meter_recent(wgw_meter_zone_t *zone,
    wgw_text_t key, uint64_t life);
static inline uint64_t wgw_meter_mark(wgw_text_t key, uint64_t life);


void
wgw_meter_find(wgw_meter_zone_t *zone, wgw_text_t key, uint64_t life,
    ngx_log_t *log, wgw_meter_found_t *found)
{
    wgw_meter_recent_t  *recent;

    found->stale = 0;

    if (key.len == 0) {
        found->record = WGW_TABLE_UNKNOWN;
        return;
    }

    recent = NULL;

    if (!*zone->zone.lost) {
        recent = wgw_key_hashed(key) ? wgw_meter_long(zone, key, life, log)
                                     : wgw_meter_recent(zone, key, life);
    }

    if (recent == NULL) {
        found->record = WGW_TABLE_OTHER;
        return;
    }

    found->record = recent->record;

    if (recent->labelled != (uint32_t) ngx_time()) {
        recent->labelled = (uint32_t) ngx_time();
        found->stale = 1;
    }
}


static inline wgw_meter_recent_t *
wgw_meter_recent(wgw_meter_zone_t *zone, wgw_text_t key, uint64_t life)
{
    uint32_t             mark, record;
    uint64_t             hash;
    wgw_table_t         *table;
    wgw_meter_recent_t  *recent;

    table = &zone->zone.table;

    hash = wgw_meter_mark(key, life);
    recent = zone->recent[hash >> (64 - WGW_METER_RECENT_BITS)];
    mark = (uint32_t) (hash >> 16) | 1;

    if (recent[0].mark == mark
        && wgw_table_is(table, recent[0].record, key, life))
    {
        return &recent[0];
    }

    if (recent[1].mark == mark
        && wgw_table_is(table, recent[1].record, key, life))
    {
        return &recent[1];
    }

    record = wgw_table_live(table, key, life);

    if (record < WGW_TABLE_FIRST) {
        return NULL;
    }

    recent[1] = recent[0];

    recent->mark = mark;
    recent->record = record;
    recent->labelled = (uint32_t) ngx_time() - 1;

    return recent;
}


/*
 * Multiplied out of the key's length and its first and last bytes; the highest
 * bits are those that all of these have a part in.  Other keys of the same
 * place and mark only cost a look.
 */

static inline uint64_t
wgw_meter_mark(wgw_text_t key, uint64_t life)
{
    uint64_t  first, last;

    if (key.len < sizeof(uint64_t)) {
        first = 0;
        last = 0;
        ngx_memcpy(&first, key.data, key.len);

    } else {
        ngx_memcpy(&first, key.data, sizeof(uint64_t));
        ngx_memcpy(&last, key.data + key.len - sizeof(uint64_t),
                   sizeof(uint64_t));
    }

    return (first ^ (last << 1 | last >> 63) ^ key.len ^ life)
           * UINT64_C(0x9e3779b97f4a7c15);
}


/* By its hash; as for one that finds no room when there is no memory. */

__attribute__((noinline))
static wgw_meter_recent_t *
wgw_meter_long(wgw_meter_zone_t *zone, wgw_text_t key, uint64_t life,
    ngx_log_t *log)
{
    char       buffer[WGW_KEY_TEXT];
    size_t     len;
    ngx_str_t  text;

    len = key.len;

    if (wgw_key_hash(&key, buffer) != 0) {
        return NULL;
    }

    if (ngx_time() >= zone->hashed + WGW_METER_HASHED) {
        zone->hashed = ngx_time();

        text.data = (u_char *) key.data;
        text.len = key.len;

        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "a key of %uz bytes is counted by its hash, "
                      "zone \"%V\", key \"%V\"", len, &zone->zone.name,
                      &text);
    }

    return wgw_meter_recent(zone, key, life);
}


void
wgw_meter_full(wgw_meter_zone_t *zone, ngx_uint_t refused, ngx_log_t *log)
{
    if (zone->full == ngx_time()) {
        return;
    }

    zone->full = ngx_time();

    ngx_log_error(NGX_LOG_CRIT, log, 0,
                  "wgw_meter_zone \"%V\" is full, new keys are %s",
                  &zone->zone.name,
                  refused ? "refused" : "counted together, as \"other\"");
}
