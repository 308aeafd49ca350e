
/*
 * What the tables of the status page are made of.
 */

#include "meter/page_parts.h"
#include "format/html.h"


void
wgw_page_small(wgw_out_t *out, const char *what, ngx_str_t *text)
{
    if (text->len == 0) {
        return;
    }

    wgw_out_str(out, "<small>");
    wgw_out_str(out, what);
    wgw_out_html(out, (wgw_text_t) { (char *) text->data, text->len });
    wgw_out_str(out, "</small>");
}


void
wgw_page_size(wgw_out_t *out, uint64_t bytes)
{
    double       n;
    u_char      *p, text[64];
    ngx_uint_t   i;

    static const char *const  units[] = { "B", "kB", "MB", "GB", "TB", "PB",
                                          "EB" };

    n = bytes;

    /* 999,950 is 1.00 MB already */

    for (i = 0; n >= 999.5 && i < 6; i++) {
        n /= 1000;
    }

    p = ngx_snprintf(text, sizeof(text),
                     i == 0 || n >= 99.95 ? "%.0f" : n >= 9.995 ? "%.1f"
                                                                : "%.2f", n);
    wgw_out_bytes(out, text, p - text);
    wgw_out_str(out, " ");
    wgw_out_str(out, units[i]);
}


void
wgw_page_cell_size(wgw_out_t *out, const char *label, uint64_t bytes)
{
    wgw_out_str(out, "<td class=\"n\" data-label=\"");
    wgw_out_str(out, label);
    wgw_out_str(out, "\"><data value=\"");
    wgw_out_uint(out, bytes);
    wgw_out_str(out, "\">");
    wgw_page_size(out, bytes);
    wgw_out_str(out, "</data></td>");
}


void
wgw_page_cell_number(wgw_out_t *out, const char *label, uint64_t number)
{
    wgw_out_str(out, "<td class=\"n\" data-label=\"");
    wgw_out_str(out, label);
    wgw_out_str(out, "\">");
    wgw_out_uint(out, number);
    wgw_out_str(out, "</td>");
}


void
wgw_page_bar(wgw_out_t *out, uint64_t used, uint64_t limit)
{
    u_char    *p, text[256];
    uint64_t   percent;

    if (limit) {
        percent = (uint64_t) ((double) used / limit * 100);

        p = ngx_snprintf(text, sizeof(text),
                         "<meter max=\"%uL\" low=\"%uL\" high=\"%uL\" "
                         "optimum=\"0\" value=\"%uL\" aria-label=\"%uL %% "
                         "of the cap\"></meter><small>%uL %%, ",
                         limit, limit / 10 * 8, limit / 100 * 95, used,
                         percent, percent);

        wgw_out_bytes(out, text, p - text);

    } else {
        wgw_out_str(out, "<small>");
    }

    wgw_page_size(out, used);
    wgw_out_str(out, limit ? " of " : ", no cap");

    if (limit) {
        wgw_page_size(out, limit);
    }

    wgw_out_str(out, "</small>");
}
