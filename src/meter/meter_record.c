
#include "meter/key.h"
#include "meter/meter_record.h"


/* one line of the log says how keys are counted, in so many seconds */
#define WGW_METER_HASHED   60


static uint32_t wgw_meter_long(wgw_meter_zone_t *zone, wgw_text_t key,
    uint64_t life, ngx_log_t *log, wgw_meter_recent_t **recent);
static uint32_t wgw_meter_short(wgw_meter_zone_t *zone, wgw_text_t key,
    uint64_t life, wgw_meter_recent_t **recent);


uint32_t
wgw_meter_find(wgw_meter_zone_t *zone, wgw_text_t key, uint64_t life,
    ngx_log_t *log, wgw_meter_recent_t **recent)
{
    *recent = NULL;

    if (key.len == 0) {
        return WGW_TABLE_UNKNOWN;
    }

    if (*zone->zone.lost) {
        return WGW_TABLE_OTHER;
    }

    return wgw_key_hashed(key) ? wgw_meter_long(zone, key, life, log, recent)
                               : wgw_meter_short(zone, key, life, recent);
}


static uint32_t
wgw_meter_short(wgw_meter_zone_t *zone, wgw_text_t key, uint64_t life,
    wgw_meter_recent_t **recent)
{
    uint32_t             record;
    uint64_t             hash;
    wgw_text_t           text;
    wgw_meter_recent_t  *place;

    hash = wgw_meter_hash(key, life);
    *recent = wgw_meter_recall(zone, key, life, hash);

    if (*recent) {
        return (*recent)->record;
    }

    record = wgw_table_live(&zone->zone.table, key, life);

    if (record < WGW_TABLE_FIRST
        || wgw_table_key(&zone->zone.table, record, &text) == 0)
    {
        return record;
    }

    place = zone->recent[hash >> (64 - WGW_METER_RECENT_BITS)];
    place[1] = place[0];

    place->key = text.data;
    place->life = life;
    place->mark = wgw_meter_mark(key, hash);
    place->record = record;
    place->labelled = (uint32_t) ngx_time() - 1;

    *recent = place;

    return record;
}


/* By its hash; as for one that finds no room when there is no memory. */

__attribute__((noinline))
static uint32_t
wgw_meter_long(wgw_meter_zone_t *zone, wgw_text_t key, uint64_t life,
    ngx_log_t *log, wgw_meter_recent_t **recent)
{
    char       buffer[WGW_KEY_TEXT];
    size_t     len;
    ngx_str_t  text;

    len = key.len;

    if (wgw_key_hash(&key, buffer) != 0) {
        return WGW_TABLE_OTHER;
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

    return wgw_meter_short(zone, key, life, recent);
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
