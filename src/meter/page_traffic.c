
/*
 * The plot of the status page: two lines of SVG, bytes a second over an
 * hour, and a table of the same for those who do not see it.
 */

#include "meter/page_parts.h"


/* the plot, in units of its own; a step is two of them wide */
#define PLOT_WIDTH   (2 * (WGW_TRAFFIC_STEPS - 1))
#define PLOT_HEIGHT  160

#define PLOT_MINUTE  (60 / WGW_TRAFFIC_STEP)


typedef uint64_t (*plot_value_pt)(wgw_traffic_step_t *step);


static uint64_t plot_sent(wgw_traffic_step_t *step);
static uint64_t plot_received(wgw_traffic_step_t *step);
static uint64_t plot_most(wgw_traffic_step_t *steps, plot_value_pt value);
static void plot_frame(wgw_out_t *out);
static ngx_int_t plot_line(wgw_usage_page_t *page, const char *class,
    wgw_traffic_step_t *steps, plot_value_pt value, uint64_t most);
static ngx_int_t plot_table(wgw_usage_page_t *page,
    wgw_traffic_step_t *steps);
static void plot_row(wgw_out_t *out, wgw_traffic_step_t *steps);
static void plot_rate(wgw_out_t *out, uint64_t bytes);


ngx_int_t
wgw_page_traffic(wgw_usage_page_t *page, wgw_page_query_t *query)
{
    uint64_t             sent, received, most;
    wgw_out_t           *out;
    wgw_traffic_step_t  *steps;

    out = &page->out;

    if (query->traffic == NULL) {
        wgw_out_str(out, "<p class=\"none\">Nothing is metered.</p>");
        return NGX_OK;
    }

    steps = ngx_palloc(page->pool,
                       WGW_TRAFFIC_STEPS * sizeof(wgw_traffic_step_t));
    if (steps == NULL) {
        return NGX_ERROR;
    }

    wgw_traffic_read(query->traffic, query->now, steps);

    sent = plot_most(steps, plot_sent);
    received = plot_most(steps, plot_received);

    wgw_out_str(out, "<p class=\"key\"><span class=\"sent\">sent, at most ");
    plot_rate(out, sent);
    wgw_out_str(out, "</span> <span class=\"received\">received, at most ");
    plot_rate(out, received);
    wgw_out_str(out, "</span></p>\n<p class=\"scale\">");

    most = ngx_max(sent, received);

    plot_rate(out, most);
    wgw_out_str(out, "</p>\n");
    plot_frame(out);

    if (plot_line(page, "sent", steps, plot_sent, most) != NGX_OK
        || plot_line(page, "received", steps, plot_received, most) != NGX_OK
        || wgw_usage_page_room(page) != NGX_OK)
    {
        return NGX_ERROR;
    }

    wgw_out_str(&page->out, "</svg>\n<p class=\"scale\"><span>an hour ago"
                "</span><span>half an hour</span><span>now</span></p>\n");

    return plot_table(page, steps);
}


static uint64_t
plot_sent(wgw_traffic_step_t *step)
{
    return step->sum.sent;
}


static uint64_t
plot_received(wgw_traffic_step_t *step)
{
    return step->sum.received;
}


static uint64_t
plot_most(wgw_traffic_step_t *steps, plot_value_pt value)
{
    uint64_t    most;
    ngx_uint_t  i;

    most = 0;

    for (i = 0; i < WGW_TRAFFIC_STEPS; i++) {
        most = ngx_max(most, value(&steps[i]));
    }

    return most;
}


static void
plot_frame(wgw_out_t *out)
{
    u_char  *p, text[512];

    p = ngx_snprintf(text, sizeof(text),
                     "<svg class=\"plot\" viewBox=\"0 -1 %d %d\" "
                     "preserveAspectRatio=\"none\" role=\"img\" "
                     "aria-label=\"Bytes a second over the last hour; the "
                     "table below has the figures\">\n"
                     "<line x2=\"%d\"/>"
                     "<line y1=\"%d\" x2=\"%d\" y2=\"%d\"/>"
                     "<line y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n",
                     PLOT_WIDTH, PLOT_HEIGHT + 2, PLOT_WIDTH,
                     PLOT_HEIGHT / 2, PLOT_WIDTH, PLOT_HEIGHT / 2,
                     PLOT_HEIGHT, PLOT_WIDTH, PLOT_HEIGHT);

    wgw_out_bytes(out, text, p - text);
}


/* A line is broken where nothing is known. */

static ngx_int_t
plot_line(wgw_usage_page_t *page, const char *class,
    wgw_traffic_step_t *steps, plot_value_pt value, uint64_t most)
{
    u_char      *p, text[64];
    double       y;
    ngx_uint_t   i, on;

    if (wgw_usage_page_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    wgw_out_str(&page->out, "<path class=\"");
    wgw_out_str(&page->out, class);
    wgw_out_str(&page->out, "\" d=\"");

    for (i = 0, on = 0; i < WGW_TRAFFIC_STEPS; i++) {

        if (!steps[i].known) {
            on = 0;
            continue;
        }

        if (wgw_usage_page_room(page) != NGX_OK) {
            return NGX_ERROR;
        }

        y = most ? (double) value(&steps[i]) / most * PLOT_HEIGHT : 0;

        p = ngx_snprintf(text, sizeof(text), "%s%ui %.1f", on ? "L" : "M",
                         2 * i, PLOT_HEIGHT - y);

        wgw_out_bytes(&page->out, text, p - text);
        on = 1;
    }

    wgw_out_str(&page->out, "\"/>\n");

    return NGX_OK;
}


static ngx_int_t
plot_table(wgw_usage_page_t *page, wgw_traffic_step_t *steps)
{
    ngx_uint_t  i;

    wgw_out_str(&page->out,
                "<details id=\"traffic-table\"><summary>As a table, by the "
                "minute</summary>\n<div class=\"wide\" tabindex=\"0\">"
                "<table aria-label=\"Traffic by the minute\"><thead><tr>"
                "<th scope=\"col\">from, UTC</th>"
                "<th scope=\"col\" class=\"n\">sent</th>"
                "<th scope=\"col\" class=\"n\">received</th>"
                "<th scope=\"col\" class=\"n\">requests</th>"
                "</tr></thead><tbody>\n");

    for (i = WGW_TRAFFIC_STEPS; i >= PLOT_MINUTE; i -= PLOT_MINUTE) {

        if (wgw_usage_page_room(page) != NGX_OK) {
            return NGX_ERROR;
        }

        plot_row(&page->out, &steps[i - PLOT_MINUTE]);
    }

    if (wgw_usage_page_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    wgw_out_str(&page->out, "</tbody></table></div></details>\n");

    return NGX_OK;
}


/* A minute of which something is known. */

static void
plot_row(wgw_out_t *out, wgw_traffic_step_t *steps)
{
    u_char             *p, text[64];
    ngx_tm_t            tm;
    ngx_uint_t          i, known;
    wgw_traffic_sum_t   sum;

    ngx_memzero(&sum, sizeof(wgw_traffic_sum_t));
    known = 0;

    for (i = 0; i < PLOT_MINUTE; i++) {
        known |= steps[i].known;
        sum.sent += steps[i].sum.sent;
        sum.received += steps[i].sum.received;
        sum.requests += steps[i].sum.requests;
    }

    if (!known) {
        return;
    }

    ngx_gmtime(steps[0].time, &tm);

    p = ngx_snprintf(text, sizeof(text),
                     "<tr><th scope=\"row\">%02d:%02d:%02d</th>",
                     tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);

    wgw_out_bytes(out, text, p - text);
    wgw_page_cell_size(out, "sent", sum.sent);
    wgw_page_cell_size(out, "received", sum.received);
    wgw_page_cell_number(out, "requests", sum.requests);
    wgw_out_str(out, "</tr>\n");
}


static void
plot_rate(wgw_out_t *out, uint64_t bytes)
{
    wgw_page_size(out, bytes / WGW_TRAFFIC_STEP);
    wgw_out_str(out, "/s");
}
