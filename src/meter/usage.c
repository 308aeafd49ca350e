
#include "meter/usage.h"
#include "meter/room.h"
#include "format/rfc3339.h"
#include "core/version.h"


static void wgw_usage_next(wgw_out_t *out, uint64_t next, ngx_str_t *name);
static ngx_int_t wgw_usage_zones(wgw_usage_page_t *page);
static ngx_int_t wgw_usage_key(wgw_usage_page_t *page, wgw_usage_row_t *row,
    const char *separator);
static ngx_int_t wgw_usage_zone(wgw_usage_page_t *page, wgw_zone_t *zone,
    const char *separator);
static void wgw_usage_bytes(wgw_out_t *out, const char *name, uint64_t used,
    uint64_t max);
static void wgw_usage_record(wgw_out_t *out, wgw_zone_t *zone,
    wgw_usage_t *usage);
static void wgw_usage_time(wgw_out_t *out, int64_t time);


off_t
wgw_usage_json(ngx_pool_t *pool, wgw_usage_query_t *query, ngx_chain_t **out)
{
    uint64_t           next;
    ngx_int_t          rc;
    ngx_str_t          name;
    ngx_uint_t         i;
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

    wgw_usage_next(&page.out, next, &name);

    if (query->key.len == 0 && wgw_usage_zones(&page) != NGX_OK) {
        return NGX_ERROR;
    }

    wgw_out_str(&page.out, "}\n");

    return wgw_usage_page_end(&page, out);
}


static void
wgw_usage_next(wgw_out_t *out, uint64_t next, ngx_str_t *name)
{
    wgw_out_str(out, "],\"next\":");

    if (next) {
        wgw_out_uint(out, next);

    } else if (name->len) {
        wgw_out_str(out, "\"name:");
        wgw_out_bytes(out, name->data, name->len);
        wgw_out_str(out, "\"");

    } else {
        wgw_out_str(out, "null");
    }
}


static ngx_int_t
wgw_usage_zones(wgw_usage_page_t *page)
{
    ngx_uint_t          i;
    const char         *separator;
    wgw_usage_query_t  *query;

    query = page->query;
    separator = "";

    wgw_out_str(&page->out, ",\"zones\":[");

    for (i = 0; i < query->nzones; i++) {
        if (!wgw_usage_selected(query, i)) {
            continue;
        }

        if (wgw_usage_zone(page, query->zones[i], separator) != NGX_OK) {
            return NGX_ERROR;
        }

        separator = ",";
    }

    wgw_out_str(&page->out, "],\"version\":\"" WGW_VERSION "\"");

    return NGX_OK;
}


static ngx_int_t
wgw_usage_key(wgw_usage_page_t *page, wgw_usage_row_t *row,
    const char *separator)
{
    wgw_text_t     zone;
    wgw_out_t     *out;
    wgw_labels_t   labels;

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

    wgw_label_read(&row->zone->table, row->record, &labels);

    /* a life that has ended may have been another's */

    if (!row->usage.ended
        && wgw_usage_page_owner(page, row->zone, row->usage.key, &labels)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    wgw_label_json(out, &labels);
    wgw_out_str(out, ",");

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
            wgw_usage_bytes(out, "key_bytes", room.bytes, room.bytes_max);
        }
    }

    if (room.labels_max) {
        wgw_usage_bytes(out, "label_bytes", room.labels, room.labels_max);
    }

    wgw_out_str(out, "}");

    return NGX_OK;
}


static void
wgw_usage_bytes(wgw_out_t *out, const char *name, uint64_t used, uint64_t max)
{
    wgw_out_str(out, ",\"");
    wgw_out_str(out, name);
    wgw_out_str(out, "\":{\"used\":");
    wgw_out_uint(out, used);
    wgw_out_str(out, ",\"max\":");
    wgw_out_uint(out, max);
    wgw_out_str(out, "}");
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
    wgw_out_str(out, "\"");
    wgw_out_rfc3339(out, time);
    wgw_out_str(out, "\"");
}
