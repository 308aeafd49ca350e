
#include "meter/usage_journal.h"
#include "meter/usage_leases.h"
#include "meter/usage_metrics.h"
#include "meter/usage_names.h"
#include "meter/room.h"
#include "core/version.h"


/* Of a zone. */
typedef struct {
    const char   *family;
    const char   *help;
    size_t        offset;       /* in wgw_room_t */
} wgw_metrics_gauge_t;


static ngx_int_t wgw_metrics_classes(wgw_usage_query_t *query,
    ngx_array_t *rows);
static ngx_int_t wgw_metrics_totals(wgw_usage_page_t *page,
    const wgw_usage_field_t *field, ngx_array_t *rows);
static ngx_int_t wgw_metrics_windows(wgw_usage_page_t *page,
    ngx_array_t *rows);
static ngx_int_t wgw_metrics_keys(wgw_usage_page_t *page, ngx_array_t *rows);
static ngx_int_t wgw_metrics_gauges(wgw_usage_page_t *page,
    wgw_usage_query_t *query);
static void wgw_metrics_labels(wgw_out_t *out, wgw_usage_row_t *row,
    const char *family);


static const wgw_metrics_gauge_t  wgw_metrics_rooms[] = {

    { "wgw_meter_key_bytes", "Bytes that the texts of keys take.",
      offsetof(wgw_room_t, bytes) },

    { "wgw_meter_key_bytes_max", "Bytes there are for the texts of keys.",
      offsetof(wgw_room_t, bytes_max) },

    { "wgw_meter_keys", "Keys of the zone.",
      offsetof(wgw_room_t, keys) },

    { "wgw_meter_keys_max", "Keys that fit the zone.",
      offsetof(wgw_room_t, keys_max) },

    { "wgw_meter_label_bytes", "Bytes that the labels of keys take.",
      offsetof(wgw_room_t, labels) },

    { "wgw_meter_label_bytes_max", "Bytes there are for labels of keys.",
      offsetof(wgw_room_t, labels_max) },

    { NULL, NULL, 0 }
};


off_t
wgw_usage_metrics(ngx_pool_t *pool, wgw_usage_query_t *query,
    ngx_chain_t **out)
{
    uint64_t                  next;
    ngx_int_t                 rc;
    ngx_array_t               rows;
    wgw_usage_page_t          page;
    const wgw_usage_field_t  *field;

    rc = wgw_usage_rows(pool, query, &rows, &next);

    if (rc == NGX_OK) {
        rc = wgw_metrics_classes(query, &rows);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&page, sizeof(wgw_usage_page_t));
    page.pool = pool;
    page.query = query;

    for (field = wgw_usage_fields; field->name; field++) {
        if (wgw_metrics_totals(&page, field, &rows) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (wgw_metrics_windows(&page, &rows) != NGX_OK
        || wgw_metrics_keys(&page, &rows) != NGX_OK
        || wgw_metrics_gauges(&page, query) != NGX_OK
        || wgw_usage_leases(&page) != NGX_OK
        || wgw_usage_names(&page) != NGX_OK
        || wgw_usage_journal(&page, query->journal) != NGX_OK
        || (query->more && query->more(&page) != NGX_OK)
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


/* What belongs to no key. */

static ngx_int_t
wgw_metrics_classes(wgw_usage_query_t *query, ngx_array_t *rows)
{
    ngx_int_t         rc;
    ngx_uint_t        i, k;
    wgw_usage_row_t  *row;

    for (i = 0; i < query->nzones; i++) {
        for (k = 0; wgw_usage_classes[k].name; k++) {
            if (!wgw_usage_selected(query, i)) {
                continue;
            }

            rc = wgw_usage_row(rows, query->zones[i],
                               wgw_usage_classes[k].record);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_OK) {
                row = rows->elts;
                row[rows->nelts - 1].class = wgw_usage_classes[k].name;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
wgw_metrics_totals(wgw_usage_page_t *page, const wgw_usage_field_t *field,
    ngx_array_t *rows)
{
    ngx_uint_t        i;
    wgw_out_t        *out;
    wgw_usage_row_t  *row;

    if (wgw_usage_page_family(page, field->family, field->help,
                              field->offset != offsetof(wgw_usage_t, held))
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

        wgw_metrics_labels(out, &row[i], field->family);
        wgw_out_str(out, "} ");
        wgw_out_uint(out, wgw_usage_number(&row[i].usage, field->offset));
        wgw_out_str(out, "\n");
    }

    return NGX_OK;
}


static ngx_int_t
wgw_metrics_windows(wgw_usage_page_t *page, ngx_array_t *rows)
{
    ngx_uint_t                 i, sent;
    wgw_out_t                 *out;
    const char                *family;
    wgw_usage_row_t           *row;
    const wgw_usage_window_t  *span;

    family = "wgw_meter_window_bytes";

    if (wgw_usage_page_family(page, family,
                              "Bytes of this window of the zone, and the "
                              "last.", 0)
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
                wgw_metrics_labels(out, &row[i], family);
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


/* A series for each key that has labels, to join the others with. */

static ngx_int_t
wgw_metrics_keys(wgw_usage_page_t *page, ngx_array_t *rows)
{
    ngx_uint_t        i, n;
    wgw_out_t        *out;
    const char       *family;
    wgw_labels_t      labels;
    wgw_usage_row_t  *row;

    family = "wgw_meter_key_info";

    out = &page->out;
    row = rows->elts;
    n = 0;

    for (i = 0; i < rows->nelts; i++) {

        wgw_label_read(&row[i].zone->table, row[i].record, &labels);

        if (labels.n == 0) {
            continue;
        }

        if (n++ == 0
            && wgw_usage_page_family(page, family, "Labels of a key.", 0)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (wgw_usage_page_room(page) != NGX_OK) {
            return NGX_ERROR;
        }

        wgw_metrics_labels(out, &row[i], family);
        wgw_label_metric(out, &labels);
        wgw_out_str(out, "} 1\n");
    }

    return NGX_OK;
}


static ngx_int_t
wgw_metrics_gauges(wgw_usage_page_t *page, wgw_usage_query_t *query)
{
    ngx_uint_t                i;
    wgw_out_t                *out;
    wgw_room_t                room;
    wgw_text_t                name;
    const wgw_metrics_gauge_t  *gauge;

    out = &page->out;

    for (gauge = wgw_metrics_rooms; gauge->family; gauge++) {

        if (wgw_usage_page_family(page, gauge->family, gauge->help, 0)
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


/* The family and its first labels; the caller closes the brace. */

static void
wgw_metrics_labels(wgw_out_t *out, wgw_usage_row_t *row, const char *family)
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
