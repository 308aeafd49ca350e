
#include "meter/rate.h"
#include "format/addr.h"
#include "format/size.h"
#include "table/lease.h"


#define WGW_RATE_SECOND   UINT64_C(1000000000)      /* ns */
#define WGW_RATE_MINUTE   (60 * WGW_RATE_SECOND)

#define WGW_RATE_UNITS    1000000000                /* rate and burst */

/*
 * Bytes of a tenth of a second may come at once: who wakes up late from a
 * pause must not lose what it could have sent meanwhile.  A piece is what
 * goes in a hundredth, so that a key's connections wake up a hundred times a
 * second, all together.
 */
#define WGW_RATE_BURST    10
#define WGW_RATE_PIECE    100


typedef struct {
    uint64_t     units;
    uint64_t     period;        /* ns */
    ngx_str_t    burst;
    ngx_uint_t   bytes;
    ngx_uint_t   count;
} wgw_rate_value_t;


static wgw_zone_t *wgw_rate_zone_get(ngx_conf_t *cf, ngx_str_t *name);
static char *wgw_rate_params(ngx_conf_t *cf, wgw_rate_conf_t *rate);
static ngx_uint_t wgw_rate_take(wgw_rate_conf_t *rate,
    wgw_expiring_key_t entry, uint64_t now, uint64_t *wait);
static ngx_uint_t wgw_rate_cost(wgw_gcra_t *limit);
static void wgw_rate_log(wgw_rate_call_t *call, wgw_rate_conf_t *rate,
    uint64_t wait);
static char *wgw_rate_said(ngx_conf_t *cf, ngx_str_t *value,
    wgw_rate_value_t *rv);
static char *wgw_rate_param(ngx_conf_t *cf, ngx_str_t *value,
    wgw_rate_conf_t *rate, wgw_rate_value_t *rv);
static ngx_int_t wgw_rate_value(ngx_str_t *value, wgw_rate_value_t *rv);
static ngx_int_t wgw_rate_burst(wgw_rate_value_t *rv, uint64_t *burst);
static uint64_t wgw_rate_span(const wgw_rate_value_t *rv, uint64_t part);
static char *wgw_rate_key(ngx_conf_t *cf, ngx_str_t *value,
    wgw_rate_conf_t *rate, const ngx_wgw_meter_proto_t *proto);

static void wgw_rate_cut(const wgw_rate_conf_t *rate, ngx_str_t *key,
    u_char addr[16]);
static ngx_int_t wgw_rate_address(const wgw_rate_conf_t *rate,
    const ngx_str_t *key, u_char addr[16]);
static void wgw_rate_mapped(u_char addr[16], const u_char v4[4]);


static const ngx_str_t  wgw_rate_statuses[] = {
    ngx_null_string,
    ngx_string("PASSED"),
    ngx_string("REJECTED"),
    ngx_string("REJECTED_DRY_RUN")
};


/* of salts, which are no secrets: the table's own seed is one */
static const uint8_t  wgw_rate_seed[WGW_HASH_SEED] = { 'r', 'a', 't', 'e' };


char *
wgw_rate_zone_parse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_int_t    n;
    ngx_str_t   *value;
    wgw_zone_t  *zone;

    value = cf->args->elts;

    if (value[1].len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone name \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    zone = wgw_rate_zone_get(cf, &value[1]);
    if (zone == NULL || wgw_zone_define(cf, zone) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    n = NGX_ERROR;

    if (ngx_strncmp(value[2].data, "keys=", 5) == 0) {
        n = ngx_atoi(value[2].data + 5, value[2].len - 5);
    }

    if (n < 1 || n > WGW_EXPIRING_KEYS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    if (cf->args->nelts == 4) {
        zone->fleet = wgw_lease_mode((char *) value[3].data);

        if (zone->fleet == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[3]);
            return NGX_CONF_ERROR;
        }
    }

    zone->expiring_conf.kind = WGW_EXPIRING_RATES;
    zone->expiring_conf.keys = n;

    return NGX_CONF_OK;
}


static wgw_zone_t *
wgw_rate_zone_get(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_wgw_meter_conf_t  *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    return wgw_zone_get(cf, &mcf->rates, name, &wgw_zone_expiring,
                        sizeof(wgw_zone_t));
}


char *
wgw_rate_parse(ngx_conf_t *cf, ngx_array_t **rates,
    const ngx_wgw_meter_proto_t *proto)
{
    char             *rc;
    ngx_str_t        *value;
    wgw_rate_conf_t  *rate;

    value = cf->args->elts;

    if (*rates == NGX_CONF_UNSET_PTR) {
        *rates = ngx_array_create(cf->pool, 2, sizeof(wgw_rate_conf_t));
        if (*rates == NULL) {
            return NGX_CONF_ERROR;
        }

        if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
            return NGX_CONF_OK;
        }

    } else if ((*rates)->nelts == 0) {
        return "is \"off\" at this level already";
    }

    if (cf->args->nelts < 4) {
        return "must have a zone, a key and a rate";
    }

    if ((*rates)->nelts == WGW_RATES_MAX) {
        return "is given too often at this level";
    }

    rate = ngx_array_push(*rates);
    if (rate == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(rate, sizeof(wgw_rate_conf_t));

    rate->zone = wgw_rate_zone_get(cf, &value[1]);
    if (rate->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    rc = wgw_rate_params(cf, rate);
    if (rc != NGX_CONF_OK) {
        return rc;
    }

    return wgw_rate_key(cf, &value[2], rate, proto);
}


static char *
wgw_rate_params(ngx_conf_t *cf, wgw_rate_conf_t *rate)
{
    char              *rc;
    uint64_t           burst, salt[3];
    ngx_str_t         *value;
    ngx_uint_t         i;
    wgw_rate_value_t   rv;

    ngx_memzero(&rv, sizeof(wgw_rate_value_t));

    value = cf->args->elts;

    for (i = 3; i < cf->args->nelts; i++) {
        rc = wgw_rate_param(cf, &value[i], rate, &rv);
        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }

    if (rv.units == 0) {
        return "must have \"rate\" parameter";
    }

    if (rv.count && !rv.bytes) {
        return "has \"count\" and no rate in bytes";
    }

    if (wgw_rate_burst(&rv, &burst) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid burst value \"%V\"", &rv.burst);
        return NGX_CONF_ERROR;
    }

    if (wgw_gcra_init(&rate->limit, rv.units, rv.period, burst) != 0) {
        return "has a burst that lasts longer than a year";
    }

    if (rv.bytes) {
        rate->zone->alone = wgw_line(cf);
        rate->bytes = 1;
        rate->count = rv.count ? rv.count : WGW_COUNT_SENT;
        rate->piece = (size_t) ngx_min(wgw_rate_span(&rv, WGW_RATE_PIECE),
                                       WGW_RATE_PIECE_MAX);
        rate->piece = ngx_max(rate->piece, WGW_RATE_PIECE_MIN);
    }

    salt[0] = rv.units;
    salt[1] = rv.period;
    salt[2] = rate->count;

    wgw_hash_128(wgw_rate_seed, salt, sizeof(salt), rate->salt);

    return NGX_CONF_OK;
}


static char *
wgw_rate_param(ngx_conf_t *cf, ngx_str_t *value, wgw_rate_conf_t *rate,
    wgw_rate_value_t *rv)
{
    ngx_int_t  n;

    if (ngx_strcmp(value->data, "count=sent") == 0) {
        rv->count = WGW_COUNT_SENT;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "count=received") == 0) {
        rv->count = WGW_COUNT_RECEIVED;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "count=both") == 0) {
        rv->count = WGW_COUNT_BOTH;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "rate=", 5) == 0) {
        return wgw_rate_said(cf, value, rv);
    }

    if (ngx_strncmp(value->data, "burst=", 6) == 0) {
        rv->burst = *value;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "prefix=", 7) == 0) {
        n = ngx_atoi(value->data + 7, value->len - 7);

        if (n >= 1 && n <= 128) {
            rate->prefix = n;
            return NGX_CONF_OK;
        }
    }

    if (ngx_strcmp(value->data, "dry_run") == 0) {
        rate->dry_run = 1;
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       value);

    return NGX_CONF_ERROR;
}


static char *
wgw_rate_said(ngx_conf_t *cf, ngx_str_t *value, wgw_rate_value_t *rv)
{
    ngx_str_t  text;

    text.data = value->data + 5;
    text.len = value->len - 5;

    if (wgw_rate_value(&text, rv) == NGX_OK) {
        return NGX_CONF_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid rate \"%V\", must be a number of "
                       "requests, as \"10r/s\" or \"600r/m\", or of "
                       "bytes, as \"1.5MB/s\", with " WGW_SIZE_UNITS,
                       value);
    return NGX_CONF_ERROR;
}


/* "10r/s", "600r/m", "1m/s", "10MB/s" */

static ngx_int_t
wgw_rate_value(ngx_str_t *value, wgw_rate_value_t *rv)
{
    wgw_text_t  text;

    if (value->len < 3 || value->data[value->len - 2] != '/') {
        return NGX_ERROR;
    }

    switch (value->data[value->len - 1]) {

    case 's':
        rv->period = WGW_RATE_SECOND;
        break;

    case 'm':
        rv->period = WGW_RATE_MINUTE;
        break;

    default:
        return NGX_ERROR;
    }

    text.data = (const char *) value->data;
    text.len = value->len - 2;

    if (text.data[text.len - 1] == 'r') {
        text.len--;

        return wgw_text_uint(text, WGW_RATE_UNITS, &rv->units) == 0
               && rv->units ? NGX_OK : NGX_ERROR;
    }

    rv->bytes = 1;

    return wgw_size_parse(text, WGW_METER_CAP_MAX, &rv->units) == 0
           && rv->units ? NGX_OK : NGX_ERROR;
}


/* Of bytes it is a size, and there is always enough to pace them well. */

static ngx_int_t
wgw_rate_burst(wgw_rate_value_t *rv, uint64_t *burst)
{
    uint64_t    least;
    wgw_text_t  text;

    *burst = 0;

    if (rv->burst.len) {
        text.data = (const char *) rv->burst.data + sizeof("burst=") - 1;
        text.len = rv->burst.len - (sizeof("burst=") - 1);

        if (rv->bytes ? wgw_size_parse(text, WGW_METER_CAP_MAX, burst) != 0
                      : wgw_text_uint(text, WGW_RATE_UNITS, burst) != 0)
        {
            return NGX_ERROR;
        }
    }

    if (!rv->bytes) {
        return NGX_OK;
    }

    least = wgw_rate_span(rv, WGW_RATE_BURST);
    least = ngx_max(least, 2 * WGW_RATE_PIECE_MIN);
    *burst = ngx_max(*burst, least);

    return NGX_OK;
}


/* The units of a part of a second. */

static uint64_t
wgw_rate_span(const wgw_rate_value_t *rv, uint64_t part)
{
    return rv->units / (rv->period / WGW_RATE_SECOND * part);
}


static char *
wgw_rate_key(ngx_conf_t *cf, ngx_str_t *value, wgw_rate_conf_t *rate,
    const ngx_wgw_meter_proto_t *proto)
{
    ngx_str_t  name;

    rate->key_index = NGX_ERROR;

    if (ngx_wgw_meter_is_variable(value, &name) != NGX_OK) {
        rate->key = proto->compile(cf, value);

        return rate->key ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    rate->binary = (name.len == sizeof("binary_remote_addr") - 1
                    && ngx_strncmp(name.data, "binary_remote_addr", name.len)
                       == 0);

    rate->address = rate->binary
                    || (name.len == sizeof("remote_addr") - 1
                        && ngx_strncmp(name.data, "remote_addr", name.len)
                           == 0);

    rate->key_index = proto->index(cf, &name);

    return rate->key_index == NGX_ERROR ? NGX_CONF_ERROR : NGX_CONF_OK;
}


ngx_uint_t
wgw_rate_number(ngx_array_t *rates, ngx_uint_t bytes)
{
    ngx_uint_t        i, n;
    wgw_rate_conf_t  *rate;

    if (rates == NULL) {
        return 0;
    }

    rate = rates->elts;
    n = 0;

    for (i = 0; i < rates->nelts; i++) {
        n += (rate[i].bytes == bytes);
    }

    return n;
}


ngx_int_t
wgw_rate_admit(wgw_rate_call_t *call, wgw_rate_conf_t *rates, ngx_uint_t n)
{
    uint64_t            now, wait;
    ngx_str_t           key;
    ngx_uint_t          i, j, taken[WGW_RATES_MAX];
    wgw_expiring_key_t  entries[WGW_RATES_MAX];

    now = wgw_rate_now();

    for (i = 0; i < n; i++) {
        taken[i] = 0;

        if (rates[i].bytes) {
            continue;
        }

        if (call->key(call->data, rates[i].key_index, rates[i].key, &key)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (key.len == 0) {
            continue;
        }

        entries[i] = wgw_rate_entry(&rates[i], &key);

        taken[i] = wgw_rate_take(&rates[i], entries[i], now, &wait);

        if (taken[i]) {
            call->status = call->status ? call->status : WGW_RATE_PASSED;
            continue;
        }

        wgw_rate_log(call, &rates[i], wait);

        if (rates[i].dry_run) {
            call->status = WGW_RATE_DRY_RUN;
            continue;
        }

        for (j = 0; j < i; j++) {
            if (taken[j]) {
                wgw_gcra_give(&rates[j].zone->expiring, entries[j],
                              &rates[j].limit, taken[j]);
            }
        }

        call->status = WGW_RATE_REJECTED;
        call->wait = (time_t) ((wait + WGW_RATE_SECOND - 1)
                               / WGW_RATE_SECOND);

        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* The units that a request took, or 0. */

static ngx_uint_t
wgw_rate_take(wgw_rate_conf_t *rate, wgw_expiring_key_t entry, uint64_t now,
    uint64_t *wait)
{
    ngx_uint_t  cost;
    wgw_gcra_t  limit;

    if (!rate->zone->fleet) {
        return wgw_gcra_take(&rate->zone->expiring, entry, &rate->limit, now,
                             1, 1, wait);
    }

    limit = rate->limit;
    cost = wgw_rate_cost(&limit);

    return wgw_gcra_take(&rate->zone->expiring, entry, &limit, now, cost,
                         cost, wait);
}


/*
 * Of a fleet's rate each node gives what it would if it was one of many alike:
 * a request costs as many units as nodes live.
 */

static ngx_uint_t
wgw_rate_cost(wgw_gcra_t *limit)
{
    uint64_t               nodes;
    ngx_wgw_meter_conf_t  *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    nodes = mcf->nodes ? wgw_load(mcf->nodes) : 0;

    if (nodes <= 1) {
        return 1;
    }

    /* one request is let through, however many they are */

    limit->tolerance = ngx_max(limit->tolerance, nodes * limit->interval);

    return (ngx_uint_t) nodes;
}


static void
wgw_rate_log(wgw_rate_call_t *call, wgw_rate_conf_t *rate, uint64_t wait)
{
    ngx_log_error(call->log_level, call->log, 0,
                  "limiting %s%s, wait: %uL.%03uL, by zone \"%V\"",
                  call->what, rate->dry_run ? ", dry run" : "",
                  wait / WGW_RATE_SECOND,
                  wait % WGW_RATE_SECOND / 1000000,
                  &rate->zone->name);
}


wgw_expiring_key_t
wgw_rate_entry(wgw_rate_conf_t *rate, ngx_str_t *key)
{
    u_char              addr[16];
    ngx_str_t           part;
    wgw_expiring_key_t  entry;

    part = *key;

    if (rate->prefix) {
        wgw_rate_cut(rate, &part, addr);
    }

    entry = wgw_expiring_key(&rate->zone->expiring, part.data, part.len);

    entry.hash[0] ^= rate->salt[0];
    entry.hash[1] ^= rate->salt[1];

    return entry;
}


ngx_int_t
wgw_rate_variable(ngx_uint_t status, ngx_variable_value_t *v)
{
    v->len = wgw_rate_statuses[status].len;
    v->data = wgw_rate_statuses[status].data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = (status == 0);

    return NGX_OK;
}


/* Not nginx's own, which it reads once in each turn of the event loop. */

uint64_t
wgw_rate_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * WGW_RATE_SECOND + (uint64_t) ts.tv_nsec;
}


/*
 * The first bits of an IPv6 address, in text or binary, made in `addr`.  One
 * that stands for an IPv4 address is that one, however it is written: what
 * comes by a translator shares a /64, and one host has a /48 by 6to4.
 */

static void
wgw_rate_cut(const wgw_rate_conf_t *rate, ngx_str_t *key, u_char addr[16])
{
    u_char      v4[4];
    ngx_uint_t  n;

    if (wgw_rate_address(rate, key, addr) != NGX_OK) {
        return;
    }

    if (wgw_addr_embedded(v4, addr)) {
        wgw_rate_mapped(addr, v4);

    } else {
        n = rate->prefix / 8;

        if (rate->prefix % 8) {
            addr[n++] &= (u_char) (0xff00 >> rate->prefix % 8);
        }

        ngx_memzero(addr + n, 16 - n);
    }

    key->data = addr;
    key->len = 16;
}


static ngx_int_t
wgw_rate_address(const wgw_rate_conf_t *rate, const ngx_str_t *key,
    u_char addr[16])
{
    in_addr_t  v4;

    if (rate->binary) {

        if (key->len == 4) {
            wgw_rate_mapped(addr, key->data);
            return NGX_OK;
        }

        if (key->len != 16) {
            return NGX_DECLINED;
        }

        ngx_memcpy(addr, key->data, 16);

        return NGX_OK;
    }

    v4 = ngx_inet_addr(key->data, key->len);

    if (v4 != INADDR_NONE) {
        wgw_rate_mapped(addr, (u_char *) &v4);
        return NGX_OK;
    }

    return ngx_inet6_addr(key->data, key->len, addr);
}


/* ::ffff:192.0.2.1 */

static void
wgw_rate_mapped(u_char addr[16], const u_char v4[4])
{
    ngx_memzero(addr, 10);
    ngx_memset(addr + 10, 0xff, 2);
    ngx_memcpy(addr + 12, v4, 4);
}
