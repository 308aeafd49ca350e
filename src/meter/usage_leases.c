
#include "meter/usage_leases.h"
#include "meter/usage_rows.h"
#include "table/lease.h"


typedef struct {
    const char   *family;
    const char   *help;
    size_t        offset;       /* in wgw_lease_header_t */
    ngx_uint_t    counter;
} leases_metric_t;


static ngx_int_t leases_metric(wgw_usage_page_t *page,
    const leases_metric_t *metric);
static ngx_int_t leases_silence(wgw_usage_page_t *page);


static const leases_metric_t  leases_metrics[] = {

    { "wgw_fleet_connected", "Servers of Redis that answer the agent.",
      offsetof(wgw_lease_header_t, connected), 0 },

    { "wgw_fleet_nodes", "Nodes of the fleet that live.",
      offsetof(wgw_lease_header_t, alive), 0 },

    { "wgw_fleet_leased_keys", "Keys that the agent looks after.",
      offsetof(wgw_lease_header_t, leased), 0 },

    { "wgw_fleet_lag_milliseconds", "What the last question took.",
      offsetof(wgw_lease_header_t, lag), 0 },

    { "wgw_fleet_grants_total", "Questions that brought something.",
      offsetof(wgw_lease_header_t, grants), 1 },

    { "wgw_fleet_granted_bytes_total", "Bytes that were granted.",
      offsetof(wgw_lease_header_t, granted), 1 },

    { "wgw_fleet_returned_bytes_total", "Bytes that were given back.",
      offsetof(wgw_lease_header_t, returned), 1 },

    { "wgw_fleet_dry_total", "Questions that brought nothing.",
      offsetof(wgw_lease_header_t, dry), 1 },

    { "wgw_fleet_failed_total", "Questions that had no answer, or a refusal.",
      offsetof(wgw_lease_header_t, failed), 1 },

    { "wgw_fleet_shares_total", "Shares that were taken without Redis.",
      offsetof(wgw_lease_header_t, shares), 1 },

    { "wgw_fleet_losses_total", "Times that Redis had lost data, or was new.",
      offsetof(wgw_lease_header_t, losses), 1 },

    { NULL, NULL, 0, 0 }
};


ngx_int_t
wgw_usage_leases(wgw_usage_page_t *page)
{
    ngx_uint_t              i;
    const leases_metric_t  *metric;

    for (i = 0; i < page->query->nzones; i++) {
        if (page->query->zones[i]->table.lease) {
            break;
        }
    }

    if (i == page->query->nzones) {
        return NGX_OK;
    }

    for (metric = leases_metrics; metric->family; metric++) {
        if (leases_metric(page, metric) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return leases_silence(page);
}


static ngx_int_t
leases_metric(wgw_usage_page_t *page, const leases_metric_t *metric)
{
    ngx_uint_t    i;
    wgw_text_t    name;
    wgw_lease_t  *lease;

    if (wgw_usage_page_family(page, metric->family, metric->help,
                              metric->counter)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < page->query->nzones; i++) {
        lease = page->query->zones[i]->table.lease;

        if (lease == NULL || !wgw_usage_selected(page->query, i)) {
            continue;
        }

        if (wgw_usage_page_room(page) != NGX_OK) {
            return NGX_ERROR;
        }

        name.data = (const char *) page->query->zones[i]->name.data;
        name.len = page->query->zones[i]->name.len;

        wgw_out_str(&page->out, metric->family);
        wgw_out_str(&page->out, "{zone=");
        wgw_out_label(&page->out, name);
        wgw_out_str(&page->out, "} ");
        wgw_out_uint(&page->out, wgw_usage_number(lease->header,
                                                  metric->offset));
        wgw_out_str(&page->out, "\n");
    }

    return NGX_OK;
}


/* By the agent's word, which ends with the agent. */

static ngx_int_t
leases_silence(wgw_usage_page_t *page)
{
    uint64_t      now, answered;
    ngx_uint_t    i;
    wgw_text_t    name;
    wgw_lease_t  *lease;

    if (wgw_usage_page_family(page, "wgw_fleet_silent_milliseconds",
                              "Since Redis last answered.", 0)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < page->query->nzones; i++) {
        lease = page->query->zones[i]->table.lease;

        if (lease == NULL || !wgw_usage_selected(page->query, i)) {
            continue;
        }

        if (wgw_usage_page_room(page) != NGX_OK) {
            return NGX_ERROR;
        }

        name.data = (const char *) page->query->zones[i]->name.data;
        name.len = page->query->zones[i]->name.len;

        now = lease->now();
        answered = wgw_load(&lease->header->answered);

        wgw_out_str(&page->out, "wgw_fleet_silent_milliseconds{zone=");
        wgw_out_label(&page->out, name);
        wgw_out_str(&page->out, "} ");
        wgw_out_uint(&page->out, now > answered ? now - answered : 0);
        wgw_out_str(&page->out, "\n");
    }

    return NGX_OK;
}
