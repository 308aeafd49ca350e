
#include "meter/meter.h"
#include "meter/traffic.h"
#include "format/size.h"


/* a key or the start of a variable, as a string of JSON for the log */
#define WGW_METER_QUOTED   (6 * WGW_TABLE_KEY_MAX + 2)

/* a credit that is none */
#define WGW_METER_REFUSED  UINT64_MAX


static inline ngx_uint_t wgw_meter_passes(wgw_meters_t *meters,
    wgw_meter_t *meter, uint64_t length, uint64_t head, uint64_t *credit);
static uint64_t wgw_meter_need(wgw_meter_t *meter, uint64_t length,
    uint64_t head);
static uint64_t wgw_meter_reserve(wgw_meter_t *meter, uint64_t length,
    uint64_t head, uint64_t credit);
static int wgw_meter_holds(const wgw_meter_t *meter, int count);
static int wgw_meter_fits(wgw_meter_t *meter, uint64_t bytes);
static uint64_t wgw_meter_left(wgw_meter_t *meter, int soon);
static void wgw_meters_log(wgw_meters_t *meters, const char *what);
static ngx_str_t wgw_meter_quoted(char *buffer, wgw_text_t text);


wgw_holder_t  wgw_meter_nobody;


void
wgw_meters_push_new(wgw_meters_t *meters, wgw_meter_conf_t *conf,
    wgw_text_t key, uint64_t life)
{
    uint32_t      record;
    wgw_meter_t  *meter;

    meter = &meters->elts[meters->n++];
    wgw_meter_begin(meter, conf);

    record = wgw_meter_find(conf->zone, key, life, meters->log,
                            &meter->recent);
    wgw_meter_under(meter, record);

    meters->precheck |= conf->precheck;

    if (record == WGW_TABLE_OTHER) {
        wgw_meter_full(conf->zone, conf->full == WGW_METER_FULL_REFUSE,
                       meters->log);

    } else if (meter->recent && wgw_meter_stale(meter->recent)
               && conf->labels)
    {
        wgw_meters_label(meters, meter);
    }
}


void
wgw_meters_label(wgw_meters_t *meters, wgw_meter_t *meter)
{
    wgw_label(meter->conf->zone, meter->record, meter->conf->labels,
              meters->variable, meters->data, meters->log);
}


void
wgw_meter_give(wgw_meter_t *meter)
{
    wgw_meter_drop(meter, meter->held);
}


void
wgw_meters_late(wgw_meters_t *meters, wgw_meter_conf_t *conf, ngx_str_t *key,
    uint64_t sent, uint64_t received, uint64_t requests)
{
    wgw_meters_push(meters, conf, key);

    wgw_table_add(&conf->zone->zone.table, meters->elts[meters->n - 1].record,
                  wgw_meter_window(conf->zone), sent, received, requests);
}


uint64_t
wgw_meters_decide(wgw_meters_t *meters, uint64_t length, uint64_t head,
    uint64_t credit, int *waiting)
{
    ngx_uint_t    i;
    wgw_meter_t  *meter;

    meters->status = WGW_METER_PASSED;

    wgw_meters_refresh(meters);

    for (i = 0; i < meters->n; i++) {
        meter = &meters->elts[i];
        meter->recent = NULL;

        if (wgw_meter_passes(meters, meter, length, head, &credit)) {
            continue;
        }

        if (waiting && wgw_meter_holds(meter, WGW_COUNT_BOTH)
            && wgw_meter_fits(meter, wgw_meter_need(meter, length, head)))
        {
            *waiting = 1;

            wgw_meters_keep(meters, 0, 0);
            meters->status = 0;

            return 0;
        }

        meters->limit = meter;

        if (!meter->conf->dry_run) {
            wgw_meters_deny(meters);
            return 0;
        }

        meters->status = WGW_METER_DRY_RUN;
        wgw_meters_log(meters, "request over the cap, dry run");
        meters->full = 0;
    }

    if (!(meters->hard & WGW_COUNT_SENT)) {
        credit = 0;
    }

    /* the narrowest decides how much all of them hold */

    if (meters->n > 1) {
        wgw_meters_keep(meters, credit, length);
    }

    return credit;
}


/* 1, and the credit there is, unless this meter has to refuse the request. */

static inline ngx_uint_t
wgw_meter_passes(wgw_meters_t *meters, wgw_meter_t *meter, uint64_t length,
    uint64_t head, uint64_t *credit)
{
    uint64_t  got;

    if (meter->cap == 0) {
        meters->full = meter->record == WGW_TABLE_OTHER
                       && meter->conf->full == WGW_METER_FULL_REFUSE;

        return !meters->full;
    }

    if (!wgw_meter_holds(meter, WGW_COUNT_BOTH)) {
        return wgw_meter_fits(meter, wgw_meter_need(meter, length, head));
    }

    got = wgw_meter_reserve(meter, length, head, *credit);

    if (got == WGW_METER_REFUSED) {
        return 0;
    }

    *credit = got < *credit ? got : *credit;

    return 1;
}


/* The least that must fit: a soft cap is met when it is used up. */

static uint64_t
wgw_meter_need(wgw_meter_t *meter, uint64_t length, uint64_t head)
{
    uint64_t  need;

    if (meter->conf->soft) {
        return 1;
    }

    need = (meter->conf->count & WGW_COUNT_RECEIVED) ? length : 0;
    need += (meter->conf->count & WGW_COUNT_SENT) ? head : 0;

    return need ? need : 1;
}


/* The credit that a hard cap gives, or WGW_METER_REFUSED. */

static uint64_t
wgw_meter_reserve(wgw_meter_t *meter, uint64_t length, uint64_t head,
    uint64_t credit)
{
    int                waiting;
    uint64_t           need, want;
    wgw_meter_zone_t  *zone;

    zone = meter->conf->zone;
    need = wgw_meter_need(meter, length, head);

    want = (meter->conf->count & WGW_COUNT_RECEIVED) ? length : 0;
    length = want;
    want += (meter->conf->count & WGW_COUNT_SENT) ? credit : 0;

    meter->held = wgw_table_hold(&zone->zone.table, meter->record,
                                 wgw_meter_window(zone), meter->conf->count,
                                 meter->cap, want, &waiting);
    wgw_meter_note(meter);

    if (want && meter->held >= need) {
        return (meter->conf->count & WGW_COUNT_SENT) ? meter->held - length
                                                     : credit;
    }

    /* what has come must be held now, what will be sent may wait */

    if (meter->held < length || !wgw_meter_fits(meter, need)) {
        return WGW_METER_REFUSED;
    }

    wgw_meter_drop(meter, meter->held - length);

    return 0;
}


int
wgw_meters_precheck(wgw_meters_t *meters, int count, uint64_t bytes)
{
    ngx_uint_t    i;
    wgw_meter_t  *meter;

    for (i = 0; meters->precheck && i < meters->n; i++) {
        meter = &meters->elts[i];

        if (!meter->conf->precheck
            || !(meter->conf->count & count)
            || meter->cap == 0
            || bytes <= wgw_meter_left(meter, 1))
        {
            continue;
        }

        meters->limit = meter;

        if (!meter->conf->dry_run) {
            return 0;
        }

        meters->status = WGW_METER_DRY_RUN;
        wgw_meters_log(meters, "request over the cap, dry run");
    }

    return 1;
}


time_t
wgw_meters_retry(wgw_meters_t *meters)
{
    time_t             wait;
    wgw_window_t       window;
    wgw_meter_zone_t  *zone;

    zone = meters->limit->conf->zone;
    window = zone->zone.conf.window;

    if (meters->full) {
        return 0;
    }

    /* others may have what is left of it now, or it is asked for */

    if (zone->zone.fleet && wgw_meter_left(meters->limit, 1)) {
        return 1;
    }

    if (window.kind == WGW_WINDOW_TOTAL) {
        return 0;
    }

    wait = wgw_window_start(window, wgw_meter_period(zone) + 1) - zone->now;

    return ngx_max(1, ngx_min(wait, WGW_METER_RETRY_MAX));
}


void
wgw_meters_reject(wgw_meters_t *meters, wgw_meter_conf_t *confs,
    ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        wgw_meter_begin(&meters->elts[i], &confs[i]);
        wgw_meter_under(&meters->elts[i], WGW_TABLE_DENIED);
    }

    meters->n = n;
    meters->status = WGW_METER_REJECTED;
}


void
wgw_meters_deny(wgw_meters_t *meters)
{
    ngx_uint_t    i;
    wgw_meter_t  *meter;

    wgw_meters_log(meters, "request refused, over the cap");

    wgw_table_refused(&meters->limit->conf->zone->zone.table,
                      meters->limit->record);

    wgw_meters_done(meters);

    for (i = 0; i < meters->n; i++) {
        meter = &meters->elts[i];
        wgw_meter_under(meter, WGW_TABLE_DENIED);
        meter->cap = 0;
    }

    meters->status = WGW_METER_REJECTED;
    meters->hard = 0;
    meters->soft = 0;
}


void
wgw_meters_refresh(wgw_meters_t *meters)
{
    uint64_t      cap;
    ngx_uint_t    i, hard, soft;
    wgw_meter_t  *meter;

    hard = 0;
    soft = 0;

    for (i = 0; i < meters->n; i++) {
        meter = &meters->elts[i];

        if (meter->record < WGW_TABLE_FIRST) {
            continue;
        }

        cap = wgw_meter_cap(meters, meter);

        /* none is told as well, to a record that had one */

        if (cap != meter->cap || meter->conf->cap_index != NGX_ERROR) {
            meter->cap = cap;
            wgw_table_cap(&meter->conf->zone->zone.table, meter->record, cap);
        }

        if (cap == 0) {
            if (meter->held) {
                wgw_meter_drop(meter, meter->held);
            }

            continue;
        }

        if (meter->conf->soft) {
            soft |= !meter->conf->dry_run;

        } else if (!meter->conf->dry_run) {
            hard |= meter->conf->count;
        }
    }

    meters->hard = hard;
    meters->soft = soft;
}


uint64_t
wgw_meter_cap(wgw_meters_t *meters, wgw_meter_t *meter)
{
    char                   buffer[WGW_METER_QUOTED];
    uint64_t               cap;
    ngx_str_t              value;
    wgw_text_t             text;
    ngx_variable_value_t  *v;

    if (meter->conf->cap_index == NGX_ERROR) {
        return meter->conf->cap;
    }

    v = meters->variable(meters->data, meter->conf->cap_index);

    if (v == NULL || v->not_found || v->len == 0) {
        return 0;
    }

    text.data = (const char *) v->data;
    text.len = v->len;

    if (wgw_size_parse(text, WGW_METER_CAP_MAX, &cap) == 0) {
        return cap;
    }

    if (!meter->bad_cap) {
        meter->bad_cap = 1;

        text.len = ngx_min(text.len, WGW_TABLE_KEY_MAX);
        value = wgw_meter_quoted(buffer, text);

        ngx_log_error(NGX_LOG_ERR, meters->log, 0,
                      "invalid cap %V in a variable, "
                      "zone \"%V\" is not capped for this request",
                      &value, &meter->conf->zone->zone.name);
    }

    return 0;
}


/* 1 when room must be taken for bytes of that direction */

static int
wgw_meter_holds(const wgw_meter_t *meter, int count)
{
    return meter->cap != 0
           && (meter->conf->count & count)
           && !meter->conf->soft
           && !meter->conf->dry_run;
}


static int
wgw_meter_fits(wgw_meter_t *meter, uint64_t bytes)
{
    return bytes <= wgw_meter_left(meter, 0);
}


/* Without what is held, or with what a fleet may still give of its cap. */

static uint64_t
wgw_meter_left(wgw_meter_t *meter, int soon)
{
    wgw_meter_zone_t  *zone;

    zone = meter->conf->zone;

    return (soon ? wgw_table_prospect : wgw_table_spare)
           (&zone->zone.table, meter->record, wgw_meter_window(zone),
            meter->conf->count, meter->cap);
}


void
wgw_meters_add(wgw_meters_t *meters, uint64_t sent, uint64_t received,
    uint64_t requests)
{
    ngx_uint_t         i;
    wgw_meter_t       *meter;
    wgw_meter_zone_t  *zone;

    wgw_traffic_own.sent += sent;
    wgw_traffic_own.received += received;
    wgw_traffic_own.requests += requests;

    for (i = 0; i < meters->n; i++) {
        meter = &meters->elts[i];
        zone = meter->conf->zone;

        wgw_table_add(&zone->zone.table, meter->record,
                      wgw_meter_window(zone), sent, received, requests);
    }
}


uint64_t
wgw_meters_hold(wgw_meters_t *meters, int count, uint64_t want, int *waiting)
{
    uint64_t           got;
    ngx_uint_t         i, k;
    wgw_meter_t       *meter;
    wgw_meter_zone_t  *zone;

    *waiting = 0;

    for (i = 0; i < meters->n && want; i++) {
        meter = &meters->elts[i];

        if (!wgw_meter_holds(meter, count)) {
            continue;
        }

        zone = meter->conf->zone;

        got = wgw_table_hold(&zone->zone.table, meter->record,
                             wgw_meter_window(zone), meter->conf->count,
                             meter->cap, want, waiting);
        meter->held += got;
        wgw_meter_note(meter);

        if (got == want) {
            continue;
        }

        /* the narrowest decides: those before keep no more than it gave */

        meters->limit = meter;

        for (k = 0; k < i; k++) {
            if (wgw_meter_holds(&meters->elts[k], count)) {
                wgw_meter_drop(&meters->elts[k], want - got);
            }
        }

        want = got;
    }

    return want;
}


void
wgw_meters_keep(wgw_meters_t *meters, uint64_t sent, uint64_t received)
{
    uint64_t      keep;
    ngx_uint_t    i;
    wgw_meter_t  *meter;

    for (i = 0; i < meters->n; i++) {
        meter = &meters->elts[i];

        if (meter->held == 0) {
            continue;
        }

        keep = (meter->conf->count & WGW_COUNT_SENT) ? sent : 0;
        keep += (meter->conf->count & WGW_COUNT_RECEIVED) ? received : 0;

        if (meter->held > keep) {
            wgw_meter_drop(meter, meter->held - keep);
        }
    }
}


int
wgw_meters_fit(wgw_meters_t *meters, int count, uint64_t bytes)
{
    ngx_uint_t  i;

    for (i = 0; i < meters->n; i++) {
        if (wgw_meter_holds(&meters->elts[i], count)
            && !wgw_meter_fits(&meters->elts[i], bytes))
        {
            meters->limit = &meters->elts[i];
            return 0;
        }
    }

    return 1;
}


int
wgw_meters_over(wgw_meters_t *meters)
{
    ngx_uint_t    i;
    wgw_meter_t  *meter;

    for (i = 0; i < meters->n; i++) {
        meter = &meters->elts[i];

        if (meter->cap && !meter->conf->dry_run
            && wgw_meter_left(meter, 1) == 0)
        {
            meters->limit = meter;
            return 1;
        }
    }

    return 0;
}


void
wgw_meters_cut(wgw_meters_t *meters)
{
    wgw_meters_log(meters, "transfer cut at the cap");

    wgw_table_cut(&meters->limit->conf->zone->zone.table,
                  meters->limit->record);
}


int64_t
wgw_meters_left(wgw_meters_t *meters)
{
    int64_t       left, least;
    ngx_uint_t    i;
    wgw_meter_t  *meter;

    least = -1;

    for (i = 0; i < meters->n; i++) {
        meter = &meters->elts[i];

        if (meter->cap == 0) {
            continue;
        }

        left = (int64_t) wgw_meter_left(meter, 1);

        if (least == -1 || left < least) {
            least = left;
        }
    }

    return least;
}


/* The key is not logged from the request: it may be gone by then. */

static void
wgw_meters_log(wgw_meters_t *meters, const char *what)
{
    char          buffer[WGW_METER_QUOTED];
    ngx_str_t     key;
    wgw_usage_t   usage;
    wgw_meter_t  *meter;

    meter = meters->limit;

    if (meters->log->log_level < meters->log_level) {
        return;
    }

    if (meters->full) {
        ngx_log_error(meters->log_level, meters->log, 0,
                      "%s, zone \"%V\" has no room for the key",
                      meters->status == WGW_METER_DRY_RUN
                      ? "request without a record, dry run"
                      : "request refused", &meter->conf->zone->zone.name);
        return;
    }

    if (wgw_table_read(&meter->conf->zone->zone.table, meter->record, 0,
                       &usage)
        != 0)
    {
        usage.key.len = 0;
    }

    key = wgw_meter_quoted(buffer, usage.key);

    ngx_log_error(meters->log_level, meters->log, 0,
                  "%s of %uL bytes, zone \"%V\", key %V",
                  what, meter->cap, &meter->conf->zone->zone.name, &key);
}


/* Clients choose keys, but not what a line of the log looks like. */

static ngx_str_t
wgw_meter_quoted(char *buffer, wgw_text_t text)
{
    ngx_str_t  quoted;
    wgw_out_t  out;

    wgw_out_init(&out, buffer, WGW_METER_QUOTED);
    wgw_out_json_key(&out, text);

    quoted.data = (u_char *) buffer;
    quoted.len = out.pos - buffer;

    return quoted;
}
