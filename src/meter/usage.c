
#include "meter/usage.h"
#include "meter/key.h"
#include "meter/room.h"
#include "meter/top.h"
#include "meter/usage_page.h"
#include "core/version.h"


/* for names without traffic, in one page */
#define WGW_USAGE_LOOKS   20000

/* of a key that is asked for, the newest ones */
#define WGW_USAGE_LIVES   100

/* a page ends at a zone and a record in it */
#define WGW_USAGE_SHIFT   32


/* The totals of a record, for both forms. */
typedef struct {
    const char   *name;         /* in JSON */
    const char   *family;       /* for Prometheus */
    const char   *help;
    size_t        offset;       /* in wgw_usage_t */
} wgw_usage_field_t;


typedef struct {
    const char   *name;
    const char   *label;
    size_t        start;
    size_t        sent;
    size_t        received;
} wgw_usage_window_t;


/* Of a zone. */
typedef struct {
    const char   *family;
    const char   *help;
    size_t        offset;       /* in wgw_room_t */
} wgw_usage_gauge_t;


typedef struct {
    wgw_zone_t        *zone;
    const char        *class;   /* NULL: a key */
    wgw_usage_t        usage;
} wgw_usage_row_t;


static ngx_int_t wgw_usage_rows(ngx_pool_t *pool, wgw_usage_query_t *query,
    ngx_array_t *rows, uint64_t *next);
static ngx_int_t wgw_usage_top(ngx_pool_t *pool, wgw_usage_query_t *query,
    ngx_array_t *rows);
static ngx_int_t wgw_usage_look(wgw_usage_query_t *query, ngx_uint_t n,
    ngx_array_t *rows);
static ngx_int_t wgw_usage_walk(wgw_usage_query_t *query, ngx_uint_t n,
    ngx_array_t *rows, uint64_t *next);
static ngx_int_t wgw_usage_row(ngx_array_t *rows, wgw_zone_t *zone,
    uint32_t record);
static ngx_int_t wgw_usage_idle(wgw_usage_query_t *query, ngx_array_t *rows,
    ngx_str_t *last);
static ngx_int_t wgw_usage_zero(ngx_array_t *rows, wgw_zone_t *zone,
    wgw_usage_known_t *known);
static ngx_uint_t wgw_usage_named(wgw_zone_t *zone);

static ngx_int_t wgw_usage_key(wgw_usage_page_t *page, wgw_usage_row_t *row,
    const char *separator);
static ngx_int_t wgw_usage_zone(wgw_usage_page_t *page, wgw_zone_t *zone,
    const char *separator);
static void wgw_usage_record(wgw_out_t *out, wgw_zone_t *zone,
    wgw_usage_t *usage);
static void wgw_usage_time(wgw_out_t *out, int64_t time);

static ngx_int_t wgw_usage_totals(wgw_usage_page_t *page,
    wgw_usage_query_t *query, const wgw_usage_field_t *field,
    ngx_array_t *rows);
static ngx_int_t wgw_usage_windows(wgw_usage_page_t *page,
    ngx_array_t *rows);
static ngx_int_t wgw_usage_gauges(wgw_usage_page_t *page,
    wgw_usage_query_t *query);
static ngx_int_t wgw_usage_family(wgw_usage_page_t *page, const char *name,
    size_t len, const char *type, const char *help);
static void wgw_usage_labels(wgw_out_t *out, wgw_usage_row_t *row,
    const char *family);


static const wgw_usage_field_t  wgw_usage_fields[] = {

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


static const wgw_usage_window_t  wgw_usage_spans[] = {

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


static const wgw_usage_gauge_t  wgw_usage_rooms[] = {

    { "wgw_meter_key_bytes", "Bytes that the texts of keys take.",
      offsetof(wgw_room_t, bytes) },

    { "wgw_meter_key_bytes_max", "Bytes there are for the texts of keys.",
      offsetof(wgw_room_t, bytes_max) },

    { "wgw_meter_keys", "Keys of the zone.",
      offsetof(wgw_room_t, keys) },

    { "wgw_meter_keys_max", "Keys that fit the zone.",
      offsetof(wgw_room_t, keys_max) },

    { NULL, NULL, 0 }
};


static const struct {
    const char  *name;
    uint32_t     record;
} wgw_usage_classes[] = {
    { "unknown", WGW_TABLE_UNKNOWN },
    { "other",   WGW_TABLE_OTHER },
    { "denied",  WGW_TABLE_DENIED },
    { NULL, 0 }
};


#define wgw_usage_number(usage, offset)                                       \
    *(const uint64_t *) ((const char *) (usage) + (offset))


off_t
wgw_usage_json(ngx_pool_t *pool, wgw_usage_query_t *query, ngx_chain_t **out)
{
    uint64_t           next;
    ngx_int_t          rc;
    ngx_str_t          name;
    ngx_uint_t         i;
    const char        *separator;
    ngx_array_t        rows;
    wgw_usage_row_t   *row;
    wgw_usage_page_t   page;

    ngx_str_null(&name);

    rc = wgw_usage_rows(pool, query, &rows, &next);

    if (rc == NGX_OK && next == 0 && query->top == 0 && query->key.len == 0) {
        rc = wgw_usage_idle(query, &rows, &name);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&page, sizeof(wgw_usage_page_t));
    page.pool = pool;
    page.query = query;

    if (wgw_usage_page_room(&page) != NGX_OK) {
        return NGX_ERROR;
    }

    wgw_out_str(&page.out, "{\"keys\":[");

    row = rows.elts;

    for (i = 0; i < rows.nelts; i++) {
        if (wgw_usage_key(&page, &row[i], i ? "," : "") != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (wgw_usage_page_room(&page) != NGX_OK) {
        return NGX_ERROR;
    }

    wgw_out_str(&page.out, "],\"next\":");

    if (next) {
        wgw_out_uint(&page.out, next);

    } else if (name.len) {
        wgw_out_str(&page.out, "\"name:");
        wgw_out_bytes(&page.out, name.data, name.len);
        wgw_out_str(&page.out, "\"");

    } else {
        wgw_out_str(&page.out, "null");
    }

    if (query->key.len == 0) {
        wgw_out_str(&page.out, ",\"zones\":[");
        separator = "";

        for (i = 0; i < query->nzones; i++) {
            if (!wgw_usage_selected(query, i)) {
                continue;
            }

            if (wgw_usage_zone(&page, query->zones[i], separator) != NGX_OK) {
                return NGX_ERROR;
            }

            separator = ",";
        }

        wgw_out_str(&page.out, "],\"version\":\"" WGW_VERSION "\"");
    }

    wgw_out_str(&page.out, "}\n");

    return wgw_usage_page_end(&page, out);
}


off_t
wgw_usage_prometheus(ngx_pool_t *pool, wgw_usage_query_t *query,
    ngx_chain_t **out)
{
    uint64_t                  next;
    ngx_int_t                 rc;
    ngx_uint_t                i, k;
    ngx_array_t               rows;
    wgw_usage_row_t          *row;
    wgw_usage_page_t          page;
    const wgw_usage_field_t  *field;

    rc = wgw_usage_rows(pool, query, &rows, &next);
    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < query->nzones; i++) {
        for (k = 0; wgw_usage_classes[k].name; k++) {
            if (!wgw_usage_selected(query, i)) {
                continue;
            }

            rc = wgw_usage_row(&rows, query->zones[i],
                               wgw_usage_classes[k].record);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_OK) {
                row = rows.elts;
                row[rows.nelts - 1].class = wgw_usage_classes[k].name;
            }
        }
    }

    ngx_memzero(&page, sizeof(wgw_usage_page_t));
    page.pool = pool;

    for (field = wgw_usage_fields; field->name; field++) {
        if (wgw_usage_totals(&page, query, field, &rows) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (wgw_usage_windows(&page, &rows) != NGX_OK
        || wgw_usage_gauges(&page, query) != NGX_OK
        || wgw_usage_page_room(&page) != NGX_OK)
    {
        return NGX_ERROR;
    }

    wgw_out_str(&page.out, "# HELP wgw_build_info Which wgw this is.\n"
                           "# TYPE wgw_build_info gauge\n"
                           "wgw_build_info{version=\"" WGW_VERSION "\"} 1\n");

    if (query->openmetrics) {
        wgw_out_str(&page.out, "# EOF\n");
    }

    return wgw_usage_page_end(&page, out);
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


/* The keys that are asked for, and where the next page begins. */

static ngx_int_t
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


static ngx_int_t
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
    row->class = NULL;
    row->usage = usage;

    return NGX_OK;
}


/*
 * Names with a cap that a zone for names has no key of; `last`, unless it is
 * empty, is where the next page begins.
 */

static ngx_int_t
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


static ngx_int_t
wgw_usage_key(wgw_usage_page_t *page, wgw_usage_row_t *row,
    const char *separator)
{
    wgw_text_t   zone;
    wgw_out_t   *out;

    if (wgw_usage_page_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    out = &page->out;

    zone.data = (const char *) row->zone->name.data;
    zone.len = row->zone->name.len;

    wgw_out_str(out, separator);
    wgw_out_str(out, "{\"zone\":");
    wgw_out_json(out, zone);
    wgw_out_str(out, ",\"key\":");
    wgw_out_json_key(out, row->usage.key);

    if (row->usage.ended) {
        wgw_out_str(out, ",\"life\":");
        wgw_out_uint(out, row->usage.life);
    }

    wgw_out_str(out, ",");

    /* a life that has ended may have been another's */

    if (!row->usage.ended
        && wgw_usage_page_owner(page, row->zone, row->usage.key) != NGX_OK)
    {
        return NGX_ERROR;
    }

    wgw_usage_record(out, row->zone, &row->usage);

    wgw_out_str(out, "}");

    return NGX_OK;
}


static ngx_int_t
wgw_usage_zone(wgw_usage_page_t *page, wgw_zone_t *zone,
    const char *separator)
{
    wgw_text_t    name;
    ngx_uint_t    i;
    wgw_out_t    *out;
    wgw_room_t    room;
    wgw_usage_t   usage;

    if (wgw_usage_page_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    out = &page->out;

    name.data = (const char *) zone->name.data;
    name.len = zone->name.len;

    wgw_out_str(out, separator);
    wgw_out_str(out, "{\"zone\":");
    wgw_out_json(out, name);
    wgw_room(zone, &room);

    wgw_out_str(out, ",\"keys_max\":");
    wgw_out_uint(out, room.keys_max);
    wgw_out_str(out, ",\"keys\":");
    wgw_out_uint(out, room.keys);

    for (i = 0; wgw_usage_classes[i].name; i++) {

        if (wgw_table_read(&zone->table, wgw_usage_classes[i].record,
                           0, &usage)
            != 0)
        {
            ngx_memzero(&usage, sizeof(wgw_usage_t));
        }

        wgw_out_str(out, ",\"");
        wgw_out_str(out, wgw_usage_classes[i].name);
        wgw_out_str(out, "\":{");
        wgw_usage_record(out, zone, &usage);
        wgw_out_str(out, "}");

        if (i == 0) {
            wgw_out_str(out, ",\"key_bytes\":{\"used\":");
            wgw_out_uint(out, room.bytes);
            wgw_out_str(out, ",\"max\":");
            wgw_out_uint(out, room.bytes_max);
            wgw_out_str(out, "}");
        }
    }

    wgw_out_str(out, "}");

    return NGX_OK;
}


/* The members that every record has, without braces. */

static void
wgw_usage_record(wgw_out_t *out, wgw_zone_t *zone, wgw_usage_t *usage)
{
    const wgw_usage_field_t   *field;
    const wgw_usage_window_t  *span;

    for (field = wgw_usage_fields; field->name; field++) {
        wgw_out_str(out, "\"");
        wgw_out_str(out, field->name);
        wgw_out_str(out, "\":");
        wgw_out_uint(out, wgw_usage_number(usage, field->offset));
        wgw_out_str(out, ",");
    }

    wgw_out_str(out, "\"cap\":");

    if (usage->cap) {
        wgw_out_uint(out, usage->cap);

    } else {
        wgw_out_str(out, "null");
    }

    for (span = wgw_usage_spans; span->name; span++) {
        wgw_out_str(out, ",\"");
        wgw_out_str(out, span->name);
        wgw_out_str(out, "\":{\"start\":");

        if (zone->conf.window.kind == WGW_WINDOW_TOTAL) {
            wgw_out_str(out, "null");

        } else {
            wgw_usage_time(out, wgw_usage_number(usage, span->start));
        }

        wgw_out_str(out, ",\"sent\":");
        wgw_out_uint(out, wgw_usage_number(usage, span->sent));
        wgw_out_str(out, ",\"received\":");
        wgw_out_uint(out, wgw_usage_number(usage, span->received));
        wgw_out_str(out, "}");
    }
}


/* RFC 3339, UTC */

static void
wgw_usage_time(wgw_out_t *out, int64_t time)
{
    u_char    *p, text[sizeof("\"9999-12-31T23:59:59Z\"")];
    ngx_tm_t   tm;

    ngx_gmtime(time, &tm);

    p = ngx_snprintf(text, sizeof(text),
                     "\"%4d-%02d-%02dT%02d:%02d:%02dZ\"",
                     tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                     tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);

    wgw_out_bytes(out, text, p - text);
}


static ngx_int_t
wgw_usage_totals(wgw_usage_page_t *page, wgw_usage_query_t *query,
    const wgw_usage_field_t *field, ngx_array_t *rows)
{
    size_t            len;
    ngx_uint_t        i, gauge;
    wgw_out_t        *out;
    wgw_usage_row_t  *row;

    len = ngx_strlen(field->family);
    gauge = (field->offset == offsetof(wgw_usage_t, held));

    if (query->openmetrics && !gauge) {
        len -= sizeof("_total") - 1;
    }

    if (wgw_usage_family(page, field->family, len,
                         gauge ? "gauge" : "counter", field->help)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    out = &page->out;
    row = rows->elts;

    for (i = 0; i < rows->nelts; i++) {

        if (wgw_usage_page_room(page) != NGX_OK) {
            return NGX_ERROR;
        }

        wgw_usage_labels(out, &row[i], field->family);
        wgw_out_str(out, "} ");
        wgw_out_uint(out, wgw_usage_number(&row[i].usage, field->offset));
        wgw_out_str(out, "\n");
    }

    return NGX_OK;
}


static ngx_int_t
wgw_usage_windows(wgw_usage_page_t *page, ngx_array_t *rows)
{
    ngx_uint_t                 i, sent;
    wgw_out_t                 *out;
    const char                *family;
    wgw_usage_row_t           *row;
    const wgw_usage_window_t  *span;

    family = "wgw_meter_window_bytes";

    if (wgw_usage_family(page, family, ngx_strlen(family), "gauge",
                         "Bytes of this window of the zone, and the last.")
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    out = &page->out;
    row = rows->elts;

    for (i = 0; i < rows->nelts; i++) {

        if (wgw_usage_page_room(page) != NGX_OK) {
            return NGX_ERROR;
        }

        for (span = wgw_usage_spans; span->name; span++) {

            for (sent = 0; sent < 2; sent++) {
                wgw_usage_labels(out, &row[i], family);
                wgw_out_str(out, ",window=\"");
                wgw_out_str(out, span->label);
                wgw_out_str(out, sent ? "\",direction=\"sent\"} "
                                      : "\",direction=\"received\"} ");
                wgw_out_uint(out, wgw_usage_number(&row[i].usage,
                                                   sent ? span->sent
                                                        : span->received));
                wgw_out_str(out, "\n");
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
wgw_usage_gauges(wgw_usage_page_t *page, wgw_usage_query_t *query)
{
    ngx_uint_t                i;
    wgw_out_t                *out;
    wgw_room_t                room;
    wgw_text_t                name;
    const wgw_usage_gauge_t  *gauge;

    out = &page->out;

    for (gauge = wgw_usage_rooms; gauge->family; gauge++) {

        if (wgw_usage_family(page, gauge->family, ngx_strlen(gauge->family),
                             "gauge", gauge->help)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        for (i = 0; i < query->nzones; i++) {

            if (!wgw_usage_selected(query, i)) {
                continue;
            }

            if (wgw_usage_page_room(page) != NGX_OK) {
                return NGX_ERROR;
            }

            name.data = (const char *) query->zones[i]->name.data;
            name.len = query->zones[i]->name.len;

            wgw_room(query->zones[i], &room);

            wgw_out_str(out, gauge->family);
            wgw_out_str(out, "{zone=");
            wgw_out_label(out, name);
            wgw_out_str(out, "} ");
            wgw_out_uint(out, wgw_usage_number(&room, gauge->offset));
            wgw_out_str(out, "\n");
        }
    }

    return NGX_OK;
}


static ngx_int_t
wgw_usage_family(wgw_usage_page_t *page, const char *name, size_t len,
    const char *type, const char *help)
{
    wgw_out_t  *out;

    if (wgw_usage_page_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    out = &page->out;

    wgw_out_str(out, "# HELP ");
    wgw_out_bytes(out, name, len);
    wgw_out_str(out, " ");
    wgw_out_str(out, help);
    wgw_out_str(out, "\n# TYPE ");
    wgw_out_bytes(out, name, len);
    wgw_out_str(out, " ");
    wgw_out_str(out, type);
    wgw_out_str(out, "\n");

    return NGX_OK;
}


/* The family and its first labels; the caller closes the brace. */

static void
wgw_usage_labels(wgw_out_t *out, wgw_usage_row_t *row, const char *family)
{
    wgw_text_t  zone;

    zone.data = (const char *) row->zone->name.data;
    zone.len = row->zone->name.len;

    wgw_out_str(out, family);
    wgw_out_str(out, "{zone=");
    wgw_out_label(out, zone);
    wgw_out_str(out, ",key=");

    if (row->class) {
        wgw_out_str(out, "\"\",class=\"");
        wgw_out_str(out, row->class);
        wgw_out_str(out, "\"");

    } else {
        wgw_out_label_key(out, row->usage.key);
    }

    if (row->usage.ended) {
        wgw_out_str(out, ",life=\"");
        wgw_out_uint(out, row->usage.life);
        wgw_out_str(out, "\"");
    }
}
