
/*
 * The zones of the status page, and who moves most in all of them.
 */

#include "meter/page_parts.h"
#include "meter/meter.h"
#include "meter/room.h"
#include "meter/top.h"
#include "format/html.h"


/* records of a zone, for those that move most */
#define ZONES_SCAN   262144

#define ZONES_SHIFT  32         /* a zone, and a record in it */


static ngx_int_t top_items(wgw_usage_page_t *page, wgw_page_query_t *query,
    wgw_top_t *top);
static ngx_int_t top_row(wgw_usage_page_t *page, wgw_zone_t *zone,
    wgw_usage_t *usage, uint64_t most);
static ngx_int_t zones_row(wgw_usage_page_t *page, wgw_zone_t *zone);
static uint64_t zones_moved(wgw_zone_t *zone, uint32_t record);


ngx_int_t
wgw_page_top(wgw_usage_page_t *page, wgw_page_query_t *query)
{
    uint64_t        id;
    wgw_top_t       top;
    ngx_uint_t      i;
    wgw_zone_t     *zone;
    wgw_usage_t     usage;
    wgw_top_item_t  items[WGW_PAGE_TOP];

    top.items = items;
    top.n = 0;
    top.max = WGW_PAGE_TOP;

    if (top_items(page, query, &top) != NGX_OK) {
        return NGX_ERROR;
    }

    if (top.n == 0 || items[0].value == 0) {
        wgw_out_str(&page->out, "<p class=\"none\">Nobody yet.</p>\n");
        return NGX_OK;
    }

    wgw_out_str(&page->out,
                "<div class=\"wide\" tabindex=\"0\">"
                "<table class=\"cards\" aria-label=\"Who moves most\">"
                "<thead><tr><th scope=\"col\">key</th>"
                "<th scope=\"col\">beside the first</th>"
                "<th scope=\"col\" class=\"n\">sent</th>"
                "<th scope=\"col\" class=\"n\">received</th>"
                "</tr></thead><tbody>\n");

    for (i = 0; i < top.n && items[i].value; i++) {
        id = items[i].id;
        zone = query->usage->zones[id >> ZONES_SHIFT];

        if (wgw_table_read(&zone->table, (uint32_t) id, 0, &usage) == 0
            && top_row(page, zone, &usage, items[0].value) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    wgw_out_str(&page->out, "</tbody></table></div>\n");

    return NGX_OK;
}


/* A zone that is too large for that is left out, and named. */

static ngx_int_t
top_items(wgw_usage_page_t *page, wgw_page_query_t *query, wgw_top_t *top)
{
    uint32_t      record, end;
    ngx_uint_t    i;
    wgw_zone_t   *zone;
    wgw_usage_t   usage;

    for (i = 0; i < query->usage->nzones; i++) {
        zone = query->usage->zones[i];
        end = wgw_table_end(&zone->table);

        if (end > ZONES_SCAN) {

            if (wgw_usage_page_room(page) != NGX_OK) {
                return NGX_ERROR;
            }

            wgw_out_str(&page->out, "<p class=\"none\">Not of zone ");
            wgw_out_html(&page->out,
                         (wgw_text_t) { (char *) zone->name.data,
                                        zone->name.len });
            wgw_out_str(&page->out, ", which is large: ask for its usage "
                        "with <code>?top=10</code>.</p>\n");
            continue;
        }

        for (record = WGW_TABLE_FIRST; record < end; record++) {
            if (wgw_table_read(&zone->table, record, 0, &usage) == 0) {
                wgw_top_push(top, usage.window.sent + usage.window.received,
                             ((uint64_t) i << ZONES_SHIFT) | record);
            }
        }
    }

    wgw_top_sort(top);

    return NGX_OK;
}


static ngx_int_t
top_row(wgw_usage_page_t *page, wgw_zone_t *zone, wgw_usage_t *usage,
    uint64_t most)
{
    u_char     *p, text[256];
    uint64_t    moved;
    wgw_out_t  *out;

    if (wgw_usage_page_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    out = &page->out;
    moved = usage->window.sent + usage->window.received;

    wgw_out_str(out, "<tr><th scope=\"row\">");
    wgw_out_html(out, usage->key);
    wgw_page_small(out, "in ", &zone->name);

    p = ngx_snprintf(text, sizeof(text),
                     "</th><td class=\"use\"><meter max=\"1000\" "
                     "value=\"%uL\" aria-label=\"%uL %% of the first\">"
                     "</meter></td>",
                     (uint64_t) ((double) moved / most * 1000),
                     (uint64_t) ((double) moved / most * 100));

    wgw_out_bytes(out, text, p - text);

    wgw_page_cell_size(out, "sent", usage->window.sent);
    wgw_page_cell_size(out, "received", usage->window.received);
    wgw_out_str(out, "</tr>\n");

    return NGX_OK;
}


ngx_int_t
wgw_page_zones(wgw_usage_page_t *page, wgw_page_query_t *query)
{
    ngx_uint_t  i;

    wgw_out_str(&page->out,
                "<div class=\"wide\" tabindex=\"0\">"
                "<table class=\"cards\" aria-label=\"Zones\"><thead><tr>"
                "<th scope=\"col\">zone</th>"
                "<th scope=\"col\">keys, of those that fit</th>"
                "<th scope=\"col\" class=\"n\">without a key</th>"
                "<th scope=\"col\" class=\"n\">found no room</th>"
                "<th scope=\"col\" class=\"n\">of refusals</th>"
                "</tr></thead><tbody>\n");

    for (i = 0; i < query->usage->nzones; i++) {
        if (zones_row(page, query->usage->zones[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    wgw_out_str(&page->out, "</tbody></table></div>\n");

    return NGX_OK;
}


static ngx_int_t
zones_row(wgw_usage_page_t *page, wgw_zone_t *zone)
{
    u_char      *p, text[256];
    wgw_out_t   *out;
    wgw_room_t   room;

    if (wgw_usage_page_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    out = &page->out;
    wgw_room(zone, &room);

    wgw_out_str(out, "<tr><th scope=\"row\">");
    wgw_out_html(out, (wgw_text_t) { (char *) zone->name.data,
                                     zone->name.len });

    p = ngx_snprintf(text, sizeof(text),
                     "</th><td class=\"use\" data-label=\"keys\"><meter "
                     "max=\"%uL\" low=\"%uL\" high=\"%uL\" optimum=\"0\" "
                     "value=\"%uL\" aria-label=\"%uL of %uL keys\"></meter>"
                     "<small>%uL of %uL</small></td>",
                     room.keys_max, room.keys_max / 10 * 8,
                     room.keys_max / 100 * 95, room.keys,
                     room.keys, room.keys_max, room.keys, room.keys_max);

    wgw_out_bytes(out, text, p - text);

    wgw_page_cell_size(out, "without a key",
                       zones_moved(zone, WGW_TABLE_UNKNOWN));
    wgw_page_cell_size(out, "found no room",
                       zones_moved(zone, WGW_TABLE_OTHER));
    wgw_page_cell_size(out, "of refusals",
                       zones_moved(zone, WGW_TABLE_DENIED));
    wgw_out_str(out, "</tr>\n");

    return NGX_OK;
}


/* In the window, both ways. */

static uint64_t
zones_moved(wgw_zone_t *zone, uint32_t record)
{
    wgw_usage_t  usage;

    if (wgw_table_read(&zone->table, record, 0, &usage) != 0) {
        return 0;
    }

    return usage.window.sent + usage.window.received;
}
