
#include "meter/pace.h"

#include <assert.h>


/* timers have milliseconds */
#define WGW_PACE_EARLY  2000000         /* ns */

/*
 * The longest that is slept at once: nginx's timeouts, where a pause does not
 * stop them, begin anew with each event.
 */
#define WGW_PACE_SLEEP  1000            /* ms */

/* the longest debt of what moved without a turn */
#define WGW_PACE_DEBT   UINT64_C(1000000000)    /* ns */


static uint64_t wgw_paces_reserve(wgw_paces_t *paces, int count, uint64_t now,
    size_t bytes);
static void wgw_paces_charge(wgw_paces_t *paces, int count, size_t bytes);
static void wgw_paces_dry(wgw_paces_t *paces, int count, size_t bytes);
static int wgw_pace_waits(const wgw_pace_t *pace, int count);


ngx_int_t
wgw_paces_open(wgw_paces_t *paces, ngx_pool_t *pool, ngx_array_t *rates,
    wgw_rate_key_pt key, void *data)
{
    ngx_str_t         text;
    ngx_uint_t        i;
    wgw_pace_t       *pace;
    wgw_rate_conf_t  *rate;

    paces->elts = ngx_palloc(pool, rates->nelts * sizeof(wgw_pace_t));
    if (paces->elts == NULL) {
        return NGX_ERROR;
    }

    paces->piece = WGW_RATE_PIECE_MAX;

    rate = rates->elts;

    for (i = 0; i < rates->nelts; i++) {

        if (!rate[i].bytes) {
            continue;
        }

        if (key(data, rate[i].key_index, rate[i].key, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        if (text.len == 0) {
            continue;
        }

        pace = &paces->elts[paces->n++];
        pace->rate = &rate[i];
        pace->entry = wgw_rate_entry(&rate[i], &text);

        paces->count |= rate[i].count;

        if (rate[i].dry_run) {
            paces->dry = 1;
            continue;
        }

        paces->piece = ngx_min(paces->piece, rate[i].piece);
    }

    return NGX_OK;
}


size_t
wgw_paces_take(wgw_paces_t *paces, int count, size_t least, size_t want,
    ngx_msec_t *wait)
{
    size_t    *bytes, more;
    uint64_t  *due, now;

    assert(least >= 1 && least <= want);

    bytes = &paces->turns[count - 1].bytes;
    due = &paces->turns[count - 1].due;
    now = wgw_rate_now();

    if (*bytes < least && *due <= now + WGW_PACE_EARLY) {
        more = ngx_max(least, ngx_min(want, paces->piece)) - *bytes;
        more = ngx_min(more, WGW_GCRA_UNITS_MAX);

        *due = now + wgw_paces_reserve(paces, count, now, more);
        *bytes += more;
    }

    if (*due > now + WGW_PACE_EARLY) {
        *wait = (ngx_msec_t) ((*due - now) / 1000000 + 1);
        *wait = ngx_min(*wait, WGW_PACE_SLEEP);

        return 0;
    }

    return ngx_min(*bytes, want);
}


/* From each rate; the slowest says when. */

static uint64_t
wgw_paces_reserve(wgw_paces_t *paces, int count, uint64_t now, size_t bytes)
{
    uint64_t     wait, longest;
    ngx_uint_t   i;
    wgw_pace_t  *pace;

    longest = 0;

    for (i = 0; i < paces->n; i++) {
        pace = &paces->elts[i];

        if (wgw_pace_waits(pace, count)) {
            wait = wgw_gcra_reserve(&pace->rate->zone->expiring,
                                    pace->entry, &pace->rate->limit, now,
                                    bytes);

            longest = ngx_max(longest, wait);
        }
    }

    return longest;
}


void
wgw_paces_moved(wgw_paces_t *paces, int count, size_t bytes)
{
    size_t  *taken;

    if (bytes == 0) {
        return;
    }

    if (paces->dry) {
        wgw_paces_dry(paces, count, bytes);
    }

    taken = &paces->turns[count - 1].bytes;

    if (bytes <= *taken) {
        *taken -= bytes;
        return;
    }

    wgw_paces_charge(paces, count, bytes - *taken);

    *taken = 0;
}


static void
wgw_paces_charge(wgw_paces_t *paces, int count, size_t bytes)
{
    uint64_t     now;
    ngx_uint_t   i;
    wgw_pace_t  *pace;

    bytes = ngx_min(bytes, WGW_GCRA_UNITS_MAX);
    now = wgw_rate_now();

    for (i = 0; i < paces->n; i++) {
        pace = &paces->elts[i];

        if (wgw_pace_waits(pace, count)) {
            wgw_gcra_charge(&pace->rate->zone->expiring, pace->entry,
                            &pace->rate->limit, now, bytes, WGW_PACE_DEBT);
        }
    }
}


/* Says once of a flow that it would have had to wait. */

static void
wgw_paces_dry(wgw_paces_t *paces, int count, size_t bytes)
{
    uint64_t      now, wait;
    ngx_uint_t    i;
    wgw_pace_t   *pace;
    wgw_zone_t   *zone;

    bytes = ngx_min(bytes, WGW_GCRA_UNITS_MAX);
    now = wgw_rate_now();

    for (i = 0; i < paces->n; i++) {
        pace = &paces->elts[i];
        zone = pace->rate->zone;

        if (!pace->rate->dry_run
            || !(pace->rate->count & count)
            || wgw_gcra_take(&zone->expiring, pace->entry, &pace->rate->limit,
                             now, 1, bytes, &wait)
               == bytes
            || paces->logged)
        {
            continue;
        }

        paces->logged = 1;

        ngx_log_error(paces->log_level, paces->log, 0,
                      "limiting bytes, dry run, by zone \"%V\"",
                      &zone->name);
    }
}


void
wgw_paces_keep(wgw_paces_t *paces, int count, size_t bytes)
{
    size_t       *taken;
    ngx_uint_t    i;
    wgw_pace_t   *pace;

    taken = &paces->turns[count - 1].bytes;

    if (*taken <= bytes) {
        return;
    }

    for (i = 0; i < paces->n; i++) {
        pace = &paces->elts[i];

        if (wgw_pace_waits(pace, count)) {
            wgw_gcra_give(&pace->rate->zone->expiring, pace->entry,
                          &pace->rate->limit, *taken - bytes);
        }
    }

    *taken = bytes;

    if (bytes == 0) {
        paces->turns[count - 1].due = 0;
    }
}


static int
wgw_pace_waits(const wgw_pace_t *pace, int count)
{
    return (pace->rate->count & count) && !pace->rate->dry_run;
}
