
#include "meter/usage_rows.h"
#include "meter/key.h"
#include "meter/top.h"


/* for names without traffic, in one page */
#define WGW_USAGE_LOOKS   20000

/* of a key that is asked for, the newest ones */
#define WGW_USAGE_LIVES   100

/* a page ends at a zone and a record in it */
#define WGW_USAGE_SHIFT   32


static ngx_int_t wgw_usage_top(ngx_pool_t *pool, wgw_usage_query_t *query,
    ngx_array_t *rows);
static ngx_int_t wgw_usage_look(wgw_usage_query_t *query, ngx_uint_t n,
    ngx_array_t *rows);
static ngx_int_t wgw_usage_walk(wgw_usage_query_t *query, ngx_uint_t n,
    ngx_array_t *rows, uint64_t *next);
static ngx_int_t wgw_usage_zero(ngx_array_t *rows, wgw_zone_t *zone,
    wgw_usage_known_t *known);
static ngx_uint_t wgw_usage_named(wgw_zone_t *zone);


const wgw_usage_field_t  wgw_usage_fields[] = {

    { "sent", "wgw_meter_sent_bytes_total",
      "Bytes sent to clients, before TLS.",
      offsetof(wgw_usage_t, sent) },

    { "received", "wgw_meter_received_bytes_total",
      "Bytes received from clients, after TLS.",
      offsetof(wgw_usage_t, received) },

    { "requests", "wgw_meter_requests_total",
      "Requests and stream sessions.",
      offsetof(wgw_usage_t, requests) },

    { "refused", "wgw_meter_refused_total",
      "Requests refused by a cap.",
      offsetof(wgw_usage_t, refused) },

    { "cut", "wgw_meter_cut_total",
      "Transfers cut by a cap.",
      offsetof(wgw_usage_t, cut) },

    { "held", "wgw_meter_held_bytes",
      "Bytes taken of a cap that are about to move.",
      offsetof(wgw_usage_t, held) },

    { NULL, NULL, NULL, 0 }
};


const wgw_usage_window_t  wgw_usage_spans[] = {

    { "window", "this",
      offsetof(wgw_usage_t, window.start),
      offsetof(wgw_usage_t, window.sent),
      offsetof(wgw_usage_t, window.received) },

    { "last", "last",
      offsetof(wgw_usage_t, last.start),
      offsetof(wgw_usage_t, last.sent),
      offsetof(wgw_usage_t, last.received) },

    { NULL, NULL, 0, 0, 0 }
};


const wgw_usage_class_t  wgw_usage_classes[] = {
    { "unknown", WGW_TABLE_UNKNOWN },
    { "other",   WGW_TABLE_OTHER },
    { "denied",  WGW_TABLE_DENIED },
    { NULL, 0 }
};


ngx_int_t
wgw_usage_rows(ngx_pool_t *pool, wgw_usage_query_t *query, ngx_array_t *rows,
    uint64_t *next)
{
    ngx_int_t   rc;
    ngx_uint_t  n, zones;

    *next = 0;
    zones = 0;

    if (ngx_array_init(rows, pool, 64, sizeof(wgw_usage_row_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    if (query->top) {
        return wgw_usage_top(pool, query, rows);
    }

    for (n = 0; n < query->nzones && *next == 0; n++) {

        if (!wgw_usage_selected(query, n)) {
            continue;
        }

        zones++;

        rc = query->key.len ? wgw_usage_look(query, n, rows)
                            : wgw_usage_walk(query, n, rows, next);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if ((query->key.len && rows->nelts == 0)
        || (query->zone.len && zones == 0))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* The one key of a zone that is asked for, if it is there, and its lives. */

static ngx_int_t
wgw_usage_look(wgw_usage_query_t *query, ngx_uint_t n, ngx_array_t *rows)
{
    char                buffer[WGW_KEY_TEXT];
    uint32_t            k, lives, records[WGW_USAGE_LIVES];
    ngx_int_t           rc;
    wgw_text_t          key;
    wgw_zone_t         *zone;
    wgw_usage_known_t   known;

    key.data = (const char *) query->key.data;
    key.len = query->key.len;

    ngx_memzero(&known, sizeof(wgw_usage_known_t));

    zone = query->zones[n];

    /* a name may be a short one */

    if (query->known && wgw_usage_named(zone)
        && query->known(query->data, &query->key, 0, &known) == NGX_OK)
    {
        key.data = (const char *) known.name.data;
        key.len = known.name.len;
    }

    lives = wgw_table_lives(&zone->table, key, records, WGW_USAGE_LIVES);

    if (lives == 0 && known.cap) {
        return wgw_usage_zero(rows, zone, &known) == NGX_ERROR ? NGX_ERROR
                                                               : NGX_OK;
    }

    /* asked for as the table has it, or as it came */

    if (lives == 0
        && wgw_key_hashed(key) && wgw_key_hash(&key, buffer) == 0)
    {
        lives = wgw_table_lives(&zone->table, key, records, WGW_USAGE_LIVES);
    }

    rc = NGX_OK;

    for (k = 0; k < lives && rc != NGX_ERROR; k++) {
        rc = wgw_usage_row(rows, zone, records[k]);
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* The keys of a zone that are on the page; `next`, if there are more. */

static ngx_int_t
wgw_usage_walk(wgw_usage_query_t *query, ngx_uint_t n, ngx_array_t *rows,
    uint64_t *next)
{
    uint32_t     record, end;
    wgw_zone_t  *zone;

    if (n < query->after >> WGW_USAGE_SHIFT) {
        return NGX_OK;
    }

    zone = query->zones[n];
    record = WGW_TABLE_FIRST;

    if (n == query->after >> WGW_USAGE_SHIFT) {
        record = ngx_max(record, (uint32_t) query->after);
    }

    end = wgw_table_end(&zone->table);

    for ( /* void */ ; record < end; record++) {

        if (rows->nelts == query->limit) {
            *next = ((uint64_t) n << WGW_USAGE_SHIFT) | record;
            return NGX_OK;
        }

        if (wgw_usage_row(rows, zone, record) == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* From the key that has the most on. */

static ngx_int_t
wgw_usage_top(ngx_pool_t *pool, wgw_usage_query_t *query, ngx_array_t *rows)
{
    uint32_t      record, end;
    uint64_t      id;
    wgw_top_t     top;
    ngx_uint_t    n, zones;
    wgw_usage_t   usage;
    wgw_table_t  *table;

    zones = 0;

    top.n = 0;
    top.max = query->top;
    top.items = ngx_palloc(pool, query->top * sizeof(wgw_top_item_t));

    if (top.items == NULL) {
        return NGX_ERROR;
    }

    for (n = 0; n < query->nzones; n++) {

        if (!wgw_usage_selected(query, n)) {
            continue;
        }

        zones++;
        table = &query->zones[n]->table;
        end = wgw_table_end(table);

        for (record = WGW_TABLE_FIRST; record < end; record++) {

            if (wgw_table_read(table, record, 0, &usage) == 0) {
                id = ((uint64_t) n << WGW_USAGE_SHIFT) | record;

                wgw_top_push(&top, wgw_usage_number(&usage, query->by), id);
            }
        }
    }

    wgw_top_sort(&top);

    for (n = 0; n < top.n; n++) {
        id = top.items[n].id;

        if (wgw_usage_row(rows, query->zones[id >> WGW_USAGE_SHIFT],
                          (uint32_t) id)
            == NGX_ERROR)
        {
            return NGX_ERROR;
        }
    }

    return query->zone.len && zones == 0 ? NGX_DECLINED : NGX_OK;
}


ngx_int_t
wgw_usage_row(ngx_array_t *rows, wgw_zone_t *zone, uint32_t record)
{
    wgw_usage_t       usage;
    wgw_usage_row_t  *row;

    if (wgw_table_read(&zone->table, record, 0, &usage) != 0) {
        return NGX_DECLINED;
    }

    row = ngx_array_push(rows);
    if (row == NULL) {
        return NGX_ERROR;
    }

    row->zone = zone;
    row->record = record;
    row->class = NULL;
    row->usage = usage;

    return NGX_OK;
}


ngx_int_t
wgw_usage_idle(wgw_usage_query_t *query, ngx_array_t *rows, ngx_str_t *last)
{
    ngx_int_t           rc;
    ngx_str_t           name;
    ngx_uint_t          n, looks;
    wgw_usage_known_t   known;

    for (n = 0; n < query->nzones; n++) {
        if (wgw_usage_selected(query, n) && wgw_usage_named(query->zones[n]))
        {
            break;
        }
    }

    if (query->known == NULL || n == query->nzones) {
        return NGX_OK;
    }

    name = query->name;

    for (looks = 0; looks < WGW_USAGE_LOOKS; looks++) {

        rc = query->known(query->data, &name, WGW_TOLD_NEXT_CAP, &known);

        if (rc != NGX_OK) {
            return rc == NGX_DECLINED ? NGX_OK : rc;
        }

        if (rows->nelts >= query->limit) {
            break;
        }

        name = known.name;

        for (n = 0; known.cap && n < query->nzones; n++) {
            if (wgw_usage_selected(query, n)
                && wgw_usage_zero(rows, query->zones[n], &known)
                   == NGX_ERROR)
            {
                return NGX_ERROR;
            }
        }
    }

    if (name.len == 0) {
        ngx_str_set(&name, ".");
    }

    *last = name;

    return NGX_OK;
}


/* A row of zeros, for a name that the zone has counted nothing of. */

static ngx_int_t
wgw_usage_zero(ngx_array_t *rows, wgw_zone_t *zone, wgw_usage_known_t *known)
{
    uint64_t          period;
    wgw_text_t        key;
    wgw_window_t      window;
    wgw_usage_row_t  *row;

    key.data = (char *) known->name.data;
    key.len = known->name.len;

    if (!wgw_usage_named(zone)
        || wgw_table_find(&zone->table, key) != WGW_TABLE_UNKNOWN)
    {
        return NGX_DECLINED;
    }

    row = ngx_array_push(rows);
    if (row == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(row, sizeof(wgw_usage_row_t));

    row->zone = zone;
    row->usage.key = key;
    row->usage.cap = known->cap;

    window = zone->conf.window;
    period = wgw_table_seen(&zone->table);

    row->usage.window.start = wgw_window_start(window, period);
    row->usage.last.start = wgw_window_start(window, period ? period - 1 : 0);

    return NGX_OK;
}


static ngx_uint_t
wgw_usage_named(wgw_zone_t *zone)
{
    return ((wgw_meter_zone_t *) zone)->named;
}


ngx_uint_t
wgw_usage_selected(wgw_usage_query_t *query, ngx_uint_t n)
{
    ngx_str_t  *name;

    name = &query->zones[n]->name;

    return query->zone.len == 0
           || (query->zone.len == name->len
               && ngx_strncmp(query->zone.data, name->data, name->len) == 0);
}


ngx_int_t
wgw_usage_by(wgw_usage_query_t *query, ngx_str_t *name)
{
    const wgw_usage_field_t  *field;

    for (field = wgw_usage_fields; field->name; field++) {

        if (field->offset <= offsetof(wgw_usage_t, requests)
            && name->len == ngx_strlen(field->name)
            && ngx_strncmp(name->data, field->name, name->len) == 0)
        {
            query->by = field->offset;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}
