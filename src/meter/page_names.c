
/*
 * The names of the status page, with what they used of their caps.
 */

#include "meter/page_parts.h"
#include "meter/meter.h"
#include "format/html.h"


/* names looked at in one page, for those with a text in them */
#define NAMES_LOOKS  20000


typedef struct {
    wgw_usage_known_t    known;     /* where it is a name */
    wgw_usage_t          usage;
    unsigned             named;
} names_row_t;


static wgw_zone_t *names_zone(wgw_page_query_t *query);
static ngx_int_t names_rows(wgw_page_query_t *query, wgw_zone_t *zone,
    ngx_array_t *rows, ngx_str_t *next);
static ngx_uint_t names_match(wgw_page_query_t *query, ngx_str_t *name);
static ngx_int_t names_head(wgw_usage_page_t *page);
static void names_none(wgw_usage_page_t *page, wgw_page_query_t *query,
    ngx_str_t *next);
static ngx_int_t names_row(wgw_usage_page_t *page, names_row_t *row);
static ngx_int_t names_pages(wgw_usage_page_t *page, wgw_page_query_t *query,
    ngx_str_t *next);
static void names_link(wgw_out_t *out, const char *name, ngx_str_t *value,
    ngx_uint_t first);



ngx_int_t
wgw_page_names(wgw_usage_page_t *page, wgw_page_query_t *query)
{
    ngx_str_t     next;
    ngx_uint_t    i;
    wgw_zone_t   *zone;
    ngx_array_t   rows;
    names_row_t  *row;

    zone = names_zone(query);

    if (zone == NULL) {
        wgw_out_str(&page->out,
                    "<p class=\"none\">No zone has names for keys: see what "
                    "is counted below.</p>\n");
        return NGX_OK;
    }

    if (ngx_array_init(&rows, page->pool, WGW_PAGE_ROWS, sizeof(names_row_t))
        != NGX_OK
        || names_rows(query, zone, &rows, &next) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (rows.nelts == 0) {
        names_none(page, query, &next);

    } else {
        row = rows.elts;

        if (names_head(page) != NGX_OK) {
            return NGX_ERROR;
        }

        for (i = 0; i < rows.nelts; i++) {
            if (names_row(page, &row[i]) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        wgw_out_str(&page->out, "</tbody></table></div>\n");
    }

    return names_pages(page, query, &next);
}


/* The first zone of names. */

static wgw_zone_t *
names_zone(wgw_page_query_t *query)
{
    ngx_uint_t          i;
    wgw_usage_query_t  *usage;

    usage = query->usage;

    for (i = 0; usage->known && i < usage->nzones; i++) {
        if (((wgw_meter_zone_t *) usage->zones[i])->named) {
            return usage->zones[i];
        }
    }

    return NULL;
}


/* Names in order; `next` is the one to go on from, or empty. */

static ngx_int_t
names_rows(wgw_page_query_t *query, wgw_zone_t *zone, ngx_array_t *rows,
    ngx_str_t *next)
{
    ngx_int_t           rc;
    ngx_uint_t          looks;
    uint32_t            record;
    names_row_t        *row;
    wgw_usage_known_t   known;

    *next = query->after;

    for (looks = 0; looks < NAMES_LOOKS; looks++) {

        rc = query->usage->known(query->usage->data, next, WGW_TOLD_NEXT,
                                 &known);

        if (rc != NGX_OK) {
            next->len = 0;
            return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
        }

        if (names_match(query, &known.name)) {

            if (rows->nelts == WGW_PAGE_ROWS) {
                return NGX_OK;
            }

            row = ngx_array_push(rows);
            if (row == NULL) {
                return NGX_ERROR;
            }

            ngx_memzero(row, sizeof(names_row_t));
            row->known = known;

            record = wgw_table_find(&zone->table,
                                    (wgw_text_t) { (char *) known.name.data,
                                                   known.name.len });

            if (record != WGW_TABLE_UNKNOWN) {
                (void) wgw_table_read(&zone->table, record, 0, &row->usage);
            }
        }

        *next = known.name;
    }

    return NGX_OK;
}


static ngx_uint_t
names_match(wgw_page_query_t *query, ngx_str_t *name)
{
    return query->search.len == 0
           || memmem(name->data, name->len, query->search.data,
                     query->search.len);
}


static ngx_int_t
names_head(wgw_usage_page_t *page)
{
    if (wgw_usage_page_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    wgw_out_str(&page->out,
                "<div class=\"wide\" tabindex=\"0\">"
                "<table class=\"cards\" aria-label=\"Names\"><thead><tr>"
                "<th scope=\"col\">name</th>"
                "<th scope=\"col\">used of the cap, this window</th>"
                "<th scope=\"col\" class=\"n\">sent</th>"
                "<th scope=\"col\" class=\"n\">received</th>"
                "<th scope=\"col\" class=\"n\">requests, ever</th>"
                "<th scope=\"col\" class=\"n\">refused</th>"
                "<th scope=\"col\" class=\"n\">cut</th>"
                "<td></td></tr></thead><tbody>\n");

    return NGX_OK;
}


/* A page may end before a name was found. */

static void
names_none(wgw_usage_page_t *page, wgw_page_query_t *query, ngx_str_t *next)
{
    const char  *text;

    text = next->len ? "None of the names that were looked at has that in it: "
                       "see the next page."
           : query->search.len && query->after.len ? "No other name has that "
                                                     "in it."
           : query->search.len ? "No name has that in it."
           : query->after.len ? "There are no more names."
           : "There is no name yet.";

    wgw_out_str(&page->out, "<p class=\"none\">");
    wgw_out_str(&page->out, text);
    wgw_out_str(&page->out, "</p>\n");
}


static ngx_int_t
names_row(wgw_usage_page_t *page, names_row_t *row)
{
    wgw_out_t   *out;
    wgw_text_t   name;

    if (wgw_usage_page_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    out = &page->out;

    name.data = (char *) row->known.name.data;
    name.len = row->known.name.len;

    wgw_out_str(out, "<tr data-name=\"");
    wgw_out_html(out, name);
    wgw_out_str(out, "\"><th scope=\"row\">");
    wgw_out_html(out, name);

    if (row->known.paused) {
        wgw_out_str(out, " <small class=\"warn\">paused</small>");
    }

    wgw_page_small(out, "owner ", &row->known.owner);
    wgw_page_small(out, "workload ", &row->known.workload);

    wgw_out_str(out, "</th><td class=\"use\" data-label=\"used\">");
    wgw_page_bar(out, row->usage.window.sent + row->usage.window.received,
                 row->known.cap);
    wgw_out_str(out, "</td>");

    wgw_page_cell_size(out, "sent", row->usage.window.sent);
    wgw_page_cell_size(out, "received", row->usage.window.received);
    wgw_page_cell_number(out, "requests, ever", row->usage.requests);
    wgw_page_cell_number(out, "refused, ever", row->usage.refused);
    wgw_page_cell_number(out, "cut, ever", row->usage.cut);

    wgw_out_str(out, "<td></td></tr>\n");

    return NGX_OK;
}


static ngx_int_t
names_pages(wgw_usage_page_t *page, wgw_page_query_t *query, ngx_str_t *next)
{
    wgw_out_t  *out;

    if (query->after.len == 0 && next->len == 0) {
        return NGX_OK;
    }

    if (wgw_usage_page_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    out = &page->out;

    wgw_out_str(out, "<nav class=\"pages\" aria-label=\"Pages of names\">");

    if (query->after.len) {
        wgw_out_str(out, "<a id=\"first\" href=\"?");
        names_link(out, "q", &query->search, 1);
        wgw_out_str(out, "#names\">First page</a>");
    }

    if (next->len) {
        wgw_out_str(out, "<a id=\"next\" rel=\"next\" href=\"?");
        names_link(out, "q", &query->search, 1);
        names_link(out, "after", next, query->search.len == 0);
        wgw_out_str(out, "#names\">Next page</a>");
    }

    wgw_out_str(out, "</nav>\n");

    return NGX_OK;
}


static void
names_link(wgw_out_t *out, const char *name, ngx_str_t *value,
    ngx_uint_t first)
{
    if (value->len == 0) {
        return;
    }

    wgw_out_str(out, first ? "" : "&amp;");
    wgw_out_str(out, name);
    wgw_out_str(out, "=");
    wgw_out_query(out, (wgw_text_t) { (char *) value->data, value->len });
}
