
/*
 * wgw meter: bytes by key, live, and caps that hold; rates.
 *
 * The core module, here, owns the zones, so that http and stream count in
 * the same; it opens them in init_conf, when all of the configuration is
 * known.  The http and the stream one decide what is metered under which
 * key, and leave the rest to flow.h and meter.h.  Rates have a module of
 * their own in each, and rate.h.
 */

#include <ngx_config.h>
#include <ngx_core.h>

#include "claims/claims_conf.h"
#include "format/size.h"
#include "meter/archive.h"
#include "meter/meter_archive.h"
#include "meter/meter_module.h"
#include "meter/rate.h"


#define NGX_WGW_METER_SWEEP    1000     /* ms */
#define NGX_WGW_METER_RECORDS  1024     /* looked at in one sweep */

#define NGX_WGW_METER_SENT      0
#define NGX_WGW_METER_RECEIVED  1
#define NGX_WGW_METER_LEFT      2
#define NGX_WGW_METER_STATUS    3
#define NGX_WGW_METER_CUT       4


static void *ngx_wgw_meter_create_conf(ngx_cycle_t *cycle);
static char *ngx_wgw_meter_init_conf(ngx_cycle_t *cycle, void *conf);
static void ngx_wgw_meter_sweep(ngx_event_t *ev);
static void ngx_wgw_meter_reap(wgw_zone_t *zone, ngx_log_t *log);
static char *ngx_wgw_meter_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_wgw_meter_zone_check(wgw_meter_zone_t *zone);
static char *ngx_wgw_meter_zone_param(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_zone_t *zone);
static char *ngx_wgw_meter_zone_path(ngx_conf_t *cf, ngx_str_t *value,
    size_t prefix, ngx_str_t *path);
static ngx_uint_t ngx_wgw_meter_zone_number(ngx_str_t *value,
    const char *prefix, ngx_int_t least, ngx_int_t most, ngx_int_t *n);
static wgw_meter_zone_t *ngx_wgw_meter_zone_get(ngx_conf_t *cf,
    ngx_str_t *name);
static wgw_meter_conf_t *ngx_wgw_meter_add(ngx_conf_t *cf,
    ngx_array_t *meters, ngx_str_t *name);
static char *ngx_wgw_meter_param(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_conf_t *meter, const ngx_wgw_meter_proto_t *proto);


ngx_conf_enum_t  ngx_wgw_meter_log_levels[] = {
    { ngx_string("info"), NGX_LOG_INFO },
    { ngx_string("notice"), NGX_LOG_NOTICE },
    { ngx_string("warn"), NGX_LOG_WARN },
    { ngx_string("error"), NGX_LOG_ERR },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_wgw_meter_commands[] = {

    { ngx_string("wgw_meter_zone"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_1MORE,
      ngx_wgw_meter_zone,
      0,
      0,
      NULL },

    { ngx_string("wgw_rate_zone"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_TAKE2,
      wgw_rate_zone_parse,
      0,
      0,
      NULL },

    { ngx_string("wgw_claims"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_1MORE,
      wgw_claims_parse,
      0,
      0,
      NULL },

    { ngx_string("wgw_claims_did"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_TAKE2,
      wgw_claims_did_parse,
      0,
      0,
      NULL },

    { ngx_string("wgw_claims_zone"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_TAKE12,
      wgw_claims_zone_parse,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  ngx_wgw_meter_module_ctx = {
    ngx_string("wgw_meter"),
    ngx_wgw_meter_create_conf,             /* create configuration */
    ngx_wgw_meter_init_conf                /* init configuration */
};


ngx_module_t  ngx_wgw_meter_module = {
    NGX_MODULE_V1,
    &ngx_wgw_meter_module_ctx,             /* module context */
    ngx_wgw_meter_commands,                /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


const ngx_wgw_meter_var_t  ngx_wgw_meter_vars[] = {
    { ngx_string("wgw_sent"), NGX_WGW_METER_SENT },
    { ngx_string("wgw_received"), NGX_WGW_METER_RECEIVED },
    { ngx_string("wgw_left"), NGX_WGW_METER_LEFT },
    { ngx_string("wgw_meter_status"), NGX_WGW_METER_STATUS },
    { ngx_string("wgw_cut"), NGX_WGW_METER_CUT },
    { ngx_null_string, 0 }
};


static const ngx_str_t  ngx_wgw_meter_statuses[] = {
    ngx_null_string,
    ngx_string("PASSED"),
    ngx_string("REJECTED"),
    ngx_string("REJECTED_DRY_RUN")
};


static ngx_event_t       ngx_wgw_meter_event;

/* debug logs read the descriptor of an event's connection */
static ngx_connection_t  ngx_wgw_meter_dummy;


static void *
ngx_wgw_meter_create_conf(ngx_cycle_t *cycle)
{
    ngx_wgw_meter_conf_t  *mcf;

    mcf = ngx_pcalloc(cycle->pool, sizeof(ngx_wgw_meter_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&mcf->zones, cycle->pool, 4,
                       sizeof(wgw_zone_t *))
        != NGX_OK
        || ngx_array_init(&mcf->rates, cycle->pool, 4,
                          sizeof(wgw_zone_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return mcf;
}


static char *
ngx_wgw_meter_init_conf(ngx_cycle_t *cycle, void *conf)
{
    ngx_wgw_meter_conf_t  *mcf = conf;

    ngx_uint_t          i;
    wgw_zone_t        **zones, **rates;
    wgw_meter_zone_t   *zone;

    if (wgw_zone_defined(cycle, &mcf->zones, "wgw_meter_zone") != NGX_OK
        || wgw_zone_defined(cycle, &mcf->rates, "wgw_rate_zone") != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    zones = mcf->zones.elts;
    rates = mcf->rates.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {
        zone = (wgw_meter_zone_t *) zones[i];

        if (wgw_zone_open(cycle, &zone->zone) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        if (zone->archive.len
            && wgw_meter_archive_open(cycle, zone) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    for (i = 0; i < mcf->rates.nelts; i++) {
        if (wgw_zone_open(cycle, rates[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return wgw_claims_init_conf(cycle);
}


ngx_int_t
ngx_wgw_meter_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t             i;
    ngx_event_t           *ev;
    wgw_zone_t           **zones;
    ngx_wgw_meter_conf_t  *mcf;

    wgw_flow_setup();

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    if (mcf->zones.nelts == 0
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    zones = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {
        wgw_holders_begin(zones[i]->holders);
    }

    ngx_wgw_meter_dummy.fd = (ngx_socket_t) -1;

    ev = &ngx_wgw_meter_event;

    ev->handler = ngx_wgw_meter_sweep;
    ev->data = &ngx_wgw_meter_dummy;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_WGW_METER_SWEEP);

    return NGX_OK;
}


/* A worker that is told to terminate does not finalize its requests. */

void
ngx_wgw_meter_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t              i;
    wgw_zone_t            **zones;
    ngx_wgw_meter_conf_t   *mcf;

    wgw_flow_leave();
    wgw_claims_exit();

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                ngx_wgw_meter_module);
    zones = mcf->zones.elts;

    for (i = 0; i < mcf->zones.nelts; i++) {
        wgw_meter_archive_stop((wgw_meter_zone_t *) zones[i]);
    }
}


static void
ngx_wgw_meter_sweep(ngx_event_t *ev)
{
    uint32_t                end;
    ngx_uint_t              i;
    wgw_zone_t            **zones;
    wgw_meter_zone_t       *zone;
    ngx_wgw_meter_conf_t   *mcf;

    wgw_flow_sweep();

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                                ngx_wgw_meter_module);
    zones = mcf->zones.elts;

    /* workers that drain may be the last ones of their master */

    for (i = 0; (ngx_worker == 0 || ngx_exiting) && i < mcf->zones.nelts; i++) {
        ngx_wgw_meter_reap(zones[i], ev->log);
    }

    for (i = 0; ngx_worker == 0 && i < mcf->zones.nelts; i++) {
        zone = (wgw_meter_zone_t *) zones[i];
        end = wgw_table_end(&zone->zone.table);

        if (zone->swept >= end) {
            zone->swept = 0;
        }

        wgw_table_sweep(&zone->zone.table, wgw_meter_period(zone),
                        zone->swept, NGX_WGW_METER_RECORDS);

        zone->swept += NGX_WGW_METER_RECORDS;

        wgw_meter_archive_look(zone, ev->log);
    }

    ngx_add_timer(ev, NGX_WGW_METER_SWEEP);
}


static void
ngx_wgw_meter_reap(wgw_zone_t *zone, ngx_log_t *log)
{
    if (wgw_holders_reap(zone->holders, &zone->table)) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "wgw_meter_zone \"%V\": what a process held that is "
                      "gone is free again", &zone->name);
    }
}


static char *
ngx_wgw_meter_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char               *rc;
    ngx_str_t          *value;
    ngx_uint_t          i;
    wgw_table_conf_t   *table;
    wgw_meter_zone_t   *zone;

    value = cf->args->elts;

    if (value[1].len == 0 || value[1].len > WGW_USAGE_ZONE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone name \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    zone = ngx_wgw_meter_zone_get(cf, &value[1]);

    if (zone == NULL || wgw_zone_define(cf, &zone->zone) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    table = &zone->zone.conf;

    table->key_bytes = WGW_TABLE_KEY_BYTES;
    table->window.kind = WGW_WINDOW_MONTH;

    for (i = 2; i < cf->args->nelts; i++) {
        rc = ngx_wgw_meter_zone_param(cf, &value[i], zone);
        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }

    if (table->keys == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" must have \"keys\" parameter",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    return ngx_wgw_meter_zone_check(zone);
}


/* What parameters do not go together with, whichever comes first. */

static char *
ngx_wgw_meter_zone_check(wgw_meter_zone_t *zone)
{
    ngx_str_t         *name;
    wgw_table_conf_t  *table;

    table = &zone->zone.conf;
    name = &zone->zone.name;

    if (table->window.reset_day == 0) {
        table->window.reset_day = 1;

    } else if (table->window.kind != WGW_WINDOW_MONTH) {
        return "has \"reset_day\" without \"window=month\"";
    }

    if (zone->archive.len && table->window.kind == WGW_WINDOW_TOTAL) {
        return "has \"archive\" and a window without end";
    }

    if (zone->zone.purge && table->window.kind == WGW_WINDOW_TOTAL) {
        return "has \"purge\" and a window without end";
    }

    if (zone->zone.purge && zone->zone.file.len == 0) {
        return "has \"purge\" without \"file\"";
    }

    if (zone->archive.len == 0) {
        return NGX_CONF_OK;
    }

    if (zone->archive.len > WGW_ARCHIVE_DIR
        || name->data[0] == '.'
        || ngx_strlchr(name->data, name->data + name->len, '/'))
    {
        return "has \"archive\" and a name that no file can have";
    }

    zone->zone.archive = wgw_meter_archive_purged;

    return NGX_CONF_OK;
}


static char *
ngx_wgw_meter_zone_param(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_zone_t *zone)
{
    int                kind;
    ngx_int_t          n;
    wgw_table_conf_t  *table;

    table = &zone->zone.conf;

    if (ngx_strncmp(value->data, "file=", 5) == 0 && value->len > 5) {
        return ngx_wgw_meter_zone_path(cf, value, 5, &zone->zone.file);
    }

    if (ngx_strncmp(value->data, "archive=", 8) == 0 && value->len > 8) {
        return ngx_wgw_meter_zone_path(cf, value, 8, &zone->archive);
    }

    if (ngx_strncmp(value->data, "window=", 7) == 0) {
        kind = wgw_window_kind((char *) value->data + 7, value->len - 7);

        if (kind >= 0) {
            table->window.kind = kind;
            return NGX_CONF_OK;
        }
    }

    if (ngx_wgw_meter_zone_number(value, "keys=", 1, WGW_TABLE_KEYS_MAX, &n)) {
        table->keys = n;

    } else if (ngx_wgw_meter_zone_number(value, "key_bytes=", 8, 256, &n)) {
        table->key_bytes = n;

    } else if (ngx_wgw_meter_zone_number(value, "reset_day=", 1, 31, &n)) {
        table->window.reset_day = n;

    } else if (ngx_wgw_meter_zone_number(value, "purge=", 1,
                                         WGW_TABLE_IDLE_MAX - 1, &n))
    {
        zone->zone.purge = n;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           value);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_wgw_meter_zone_path(ngx_conf_t *cf, ngx_str_t *value, size_t prefix,
    ngx_str_t *path)
{
    path->data = value->data + prefix;
    path->len = value->len - prefix;

    return ngx_conf_full_name(cf->cycle, path, 0) == NGX_OK ? NGX_CONF_OK
                                                            : NGX_CONF_ERROR;
}


/* 1 for a parameter of that name whose number is one of these. */

static ngx_uint_t
ngx_wgw_meter_zone_number(ngx_str_t *value, const char *prefix,
    ngx_int_t least, ngx_int_t most, ngx_int_t *n)
{
    size_t  len;

    len = ngx_strlen(prefix);

    if (ngx_strncmp(value->data, prefix, len) != 0) {
        return 0;
    }

    *n = ngx_atoi(value->data + len, value->len - len);

    return *n >= least && *n <= most;
}


static wgw_meter_zone_t *
ngx_wgw_meter_zone_get(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_wgw_meter_conf_t  *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    return (wgw_meter_zone_t *) wgw_zone_get(cf, &mcf->zones, name,
                                             &wgw_zone_billable,
                                             sizeof(wgw_meter_zone_t));
}


char *
ngx_wgw_meter_parse(ngx_conf_t *cf, ngx_array_t **meters,
    const ngx_wgw_meter_proto_t *proto)
{
    char              *rc;
    ngx_str_t         *value, name;
    ngx_uint_t         i;
    wgw_meter_conf_t  *meter;

    value = cf->args->elts;

    if (*meters == NGX_CONF_UNSET_PTR) {
        *meters = ngx_array_create(cf->pool, 2, sizeof(wgw_meter_conf_t));
        if (*meters == NULL) {
            return NGX_CONF_ERROR;
        }

        if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
            return NGX_CONF_OK;
        }

    } else if ((*meters)->nelts == 0) {
        return "is \"off\" at this level already";
    }

    if (cf->args->nelts == 2) {
        return "must have a zone and a key";
    }

    if ((*meters)->nelts == WGW_METERS_MAX) {
        return "is given too often at this level";
    }

    meter = ngx_wgw_meter_add(cf, *meters, &value[1]);
    if (meter == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_wgw_meter_is_variable(&value[2], &name) == NGX_OK) {
        meter->key_index = proto->index(cf, &name);

        if (meter->key_index == NGX_ERROR) {
            return NGX_CONF_ERROR;
        }

    } else {
        meter->key = proto->compile(cf, &value[2]);

        if (meter->key == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    for (i = 3; i < cf->args->nelts; i++) {
        rc = ngx_wgw_meter_param(cf, &value[i], meter, proto);
        if (rc != NGX_CONF_OK) {
            return rc;
        }
    }

    return NGX_CONF_OK;
}


/* A meter of that zone with the defaults; NULL, logged, when it cannot be. */

static wgw_meter_conf_t *
ngx_wgw_meter_add(ngx_conf_t *cf, ngx_array_t *meters, ngx_str_t *name)
{
    ngx_uint_t         i;
    wgw_meter_conf_t  *meter;
    wgw_meter_zone_t  *zone;

    zone = ngx_wgw_meter_zone_get(cf, name);
    if (zone == NULL) {
        return NULL;
    }

    meter = meters->elts;

    for (i = 0; i < meters->nelts; i++) {
        if (meter[i].zone == zone) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"wgw_meter\" directive is duplicate");
            return NULL;
        }
    }

    meter = ngx_array_push(meters);
    if (meter == NULL) {
        return NULL;
    }

    ngx_memzero(meter, sizeof(wgw_meter_conf_t));

    meter->zone = zone;
    meter->key_index = NGX_ERROR;
    meter->cap_index = NGX_ERROR;
    meter->count = WGW_COUNT_BOTH;

    return meter;
}


static char *
ngx_wgw_meter_param(ngx_conf_t *cf, ngx_str_t *value, wgw_meter_conf_t *meter,
    const ngx_wgw_meter_proto_t *proto)
{
    ngx_str_t   cap, name;
    wgw_text_t  text;

    if (ngx_strncmp(value->data, "cap=", 4) == 0) {
        cap.data = value->data + 4;
        cap.len = value->len - 4;

        if (ngx_wgw_meter_is_variable(&cap, &name) == NGX_OK) {
            meter->cap_index = proto->index(cf, &name);

            return meter->cap_index == NGX_ERROR ? NGX_CONF_ERROR
                                                 : NGX_CONF_OK;
        }

        text.data = (char *) cap.data;
        text.len = cap.len;

        if (wgw_size_parse(text, WGW_METER_CAP_MAX, &meter->cap) == 0) {
            return NGX_CONF_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid cap \"%V\", must be a size or a variable; "
                           "a size is a number, and nothing or one of "
                           WGW_SIZE_UNITS, &cap);
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value->data, "count=both") == 0) {
        meter->count = WGW_COUNT_BOTH;

    } else if (ngx_strcmp(value->data, "count=sent") == 0) {
        meter->count = WGW_COUNT_SENT;

    } else if (ngx_strcmp(value->data, "count=received") == 0) {
        meter->count = WGW_COUNT_RECEIVED;

    } else if (ngx_strcmp(value->data, "mode=hard") == 0) {
        meter->soft = 0;

    } else if (ngx_strcmp(value->data, "mode=soft") == 0) {
        meter->soft = 1;

    } else if (ngx_strcmp(value->data, "dry_run") == 0) {
        meter->dry_run = 1;

    } else if (proto->precheck
               && ngx_strcmp(value->data, "precheck") == 0)
    {
        meter->precheck = 1;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           value);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* $1 is none that has an index */

ngx_int_t
ngx_wgw_meter_is_variable(ngx_str_t *value, ngx_str_t *name)
{
    u_char   ch;
    size_t   i;

    if (value->len < 2 || value->data[0] != '$') {
        return NGX_DECLINED;
    }

    name->data = value->data + 1;
    name->len = value->len - 1;

    if (name->data[0] == '{' && name->data[name->len - 1] == '}') {
        name->data++;
        name->len -= 2;
    }

    if (name->len == 0 || (name->data[0] >= '0' && name->data[0] <= '9')) {
        return NGX_DECLINED;
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (!((ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z')
              || (ch >= '0' && ch <= '9') || ch == '_'))
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_wgw_meter_variable(wgw_flow_t *flow, ngx_pool_t *pool,
    ngx_variable_value_t *v, uintptr_t what)
{
    int64_t  n;

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    if (flow == NULL || flow->meters.status == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    switch (what) {

    case NGX_WGW_METER_STATUS:
        v->data = ngx_wgw_meter_statuses[flow->meters.status].data;
        v->len = ngx_wgw_meter_statuses[flow->meters.status].len;
        return NGX_OK;

    case NGX_WGW_METER_SENT:
        n = flow->connection->sent;
        break;

    case NGX_WGW_METER_RECEIVED:
        n = flow->class->received(flow);
        break;

    case NGX_WGW_METER_CUT:
        n = flow->cut;
        break;

    default: /* NGX_WGW_METER_LEFT */
        wgw_flow_flush(flow);
        n = (flow->meters.status == WGW_METER_REJECTED)
            ? 0 : wgw_meters_left(&flow->meters);
        break;
    }

    if (n == -1) {
        v->data = (u_char *) "";
        v->len = 0;
        return NGX_OK;
    }

    v->data = ngx_pnalloc(pool, NGX_INT64_LEN);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_sprintf(v->data, "%L", n) - v->data;

    return NGX_OK;
}


void
ngx_wgw_meter_cleanup(void *data)
{
    wgw_flow_done(data);
}
