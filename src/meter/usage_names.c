
#include "meter/usage_names.h"


typedef struct {
    const char   *family;
    const char   *help;
    ngx_uint_t    counter;
} names_metric_t;


static u_char *names_number(u_char *p, u_char *last, ngx_str_t *number);


/* in the order of the numbers */
static const names_metric_t  names_metrics[] = {

    { "wgw_fleet_names_connected", "Whether Redis answers.", 0 },

    { "wgw_fleet_names_outbox", "Names changed here that others are not told.",
      0 },

    { "wgw_fleet_names_told_total", "Changes of names that were made here.",
      1 },

    { "wgw_fleet_names_taken_total", "Changes of names made by others.", 1 },

    { "wgw_fleet_names_refused_total",
      "Records of others that are refused here.", 1 },

    { "wgw_fleet_names_snapshots_total", "Times that all was compared.", 1 },

    { "wgw_fleet_names_losses_total", "Times that Redis had lost names.", 1 },

    { "wgw_fleet_names_lag_milliseconds", "Since all changes were known.", 0 },

    { NULL, NULL, 0 }
};


ngx_int_t
wgw_usage_names(wgw_usage_page_t *page)
{
    u_char                *p, *last;
    ngx_str_t              number;
    const names_metric_t  *metric;

    p = page->query->followed.data;
    last = p + page->query->followed.len;

    for (metric = names_metrics; metric->family && p < last; metric++) {

        if (wgw_usage_page_family(page, metric->family, metric->help,
                                  metric->counter)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        p = names_number(p, last, &number);

        wgw_out_str(&page->out, metric->family);
        wgw_out_str(&page->out, " ");
        wgw_out_bytes(&page->out, number.data, number.len);
        wgw_out_str(&page->out, "\n");
    }

    return NGX_OK;
}


/* What follows it. */

static u_char *
names_number(u_char *p, u_char *last, ngx_str_t *number)
{
    u_char  *blank;

    blank = ngx_strlchr(p, last, ' ');

    number->data = p;
    number->len = (blank ? blank : last) - p;

    return blank ? blank + 1 : last;
}
