
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
#include "core/shm.h"
#include "fleet/agent.h"
#include "fleet/bookkeeper.h"
#include "fleet/lender.h"
#include "meter/archive.h"
#include "meter/meter_archive.h"
#include "meter/meter_conf.h"
#include "meter/rate.h"
#include "meter/sweep.h"
#include "meter/usage.h"
#include "table/lease.h"


static void *ngx_wgw_meter_create_conf(ngx_cycle_t *cycle);
static char *ngx_wgw_meter_init_conf(ngx_cycle_t *cycle, void *conf);
static ngx_int_t ngx_wgw_meter_lease(ngx_cycle_t *cycle,
    ngx_wgw_meter_conf_t *mcf, wgw_meter_zone_t *zone);
static ngx_int_t ngx_wgw_meter_divide(ngx_cycle_t *cycle,
    ngx_wgw_meter_conf_t *mcf, wgw_zone_t *zone);
static ngx_int_t ngx_wgw_meter_claims(ngx_cycle_t *cycle,
    ngx_wgw_meter_conf_t *mcf);
static ngx_int_t ngx_wgw_meter_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_wgw_meter_init_process(ngx_cycle_t *cycle);
static void ngx_wgw_meter_exit_process(ngx_cycle_t *cycle);
static char *ngx_wgw_meter_fleet(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_wgw_meter_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_wgw_meter_traffic(ngx_conf_t *cf);
static char *ngx_wgw_meter_zone_check(wgw_meter_zone_t *zone);
static char *ngx_wgw_meter_zone_param(ngx_conf_t *cf, ngx_str_t *value,
    wgw_meter_zone_t *zone);
static ngx_uint_t ngx_wgw_meter_zone_word(ngx_str_t *value,
    wgw_meter_zone_t *zone);
static char *ngx_wgw_meter_zone_path(ngx_conf_t *cf, ngx_str_t *value,
    size_t prefix, ngx_str_t *path);
static ngx_uint_t ngx_wgw_meter_zone_number(ngx_str_t *value,
    const char *prefix, ngx_int_t least, ngx_int_t most, ngx_int_t *n);


static ngx_command_t  ngx_wgw_meter_commands[] = {

    { ngx_string("wgw_meter_zone"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_1MORE,
      ngx_wgw_meter_zone,
      0,
      0,
      NULL },

    { ngx_string("wgw_rate_zone"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_TAKE23,
      wgw_rate_zone_parse,
      0,
      0,
      NULL },

    { ngx_string("wgw_journal"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_1MORE,
      wgw_bookkeeper_parse,
      0,
      offsetof(ngx_wgw_meter_conf_t, keeper),
      NULL },

    { ngx_string("wgw_fleet"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_1MORE,
      ngx_wgw_meter_fleet,
      0,
      offsetof(ngx_wgw_meter_conf_t, fleet),
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
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_TAKE123,
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
    ngx_wgw_meter_init_module,             /* init module */
    ngx_wgw_meter_init_process,            /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_wgw_meter_exit_process,            /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


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

        if (!zone->labels) {
            zone->zone.conf.label_bytes = 0;
        }

        if (wgw_zone_open(cycle, &zone->zone) != NGX_OK
            || (zone->zone.fleet
                && ngx_wgw_meter_lease(cycle, mcf, zone) != NGX_OK))
        {
            return NGX_CONF_ERROR;
        }

        if (zone->archive.len
            && wgw_meter_archive_open(cycle, zone) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    for (i = 0; i < mcf->rates.nelts; i++) {
        if (wgw_zone_open(cycle, rates[i]) != NGX_OK
            || (rates[i]->fleet
                && ngx_wgw_meter_divide(cycle, mcf, rates[i]) != NGX_OK))
        {
            return NGX_CONF_ERROR;
        }
    }

    if (wgw_bookkeeper_open(cycle, mcf->keeper, &mcf->zones, mcf->fleet)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (wgw_claims_init_conf(cycle) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_wgw_meter_claims(cycle, mcf) == NGX_OK ? NGX_CONF_OK
                                                      : NGX_CONF_ERROR;
}


/* Nodes ask for a cap as a whole, so that lines must mean the same by it. */

static ngx_int_t
ngx_wgw_meter_lease(ngx_cycle_t *cycle, ngx_wgw_meter_conf_t *mcf,
    wgw_meter_zone_t *zone)
{
    const wgw_meter_conf_t  *meter;

    if (zone->zone.alone.number) {
        (void) wgw_line_error(cycle->log, &zone->zone.alone, 0,
                              "zone \"%V\" has \"fleet\", and another line "
                              "has another \"cap\" or \"count\"",
                              &zone->zone.name);
        return NGX_ERROR;
    }

    meter = zone->capped;

    return wgw_lender_zone(cycle, mcf->fleet, &zone->zone,
                           meter ? meter->count : WGW_COUNT_BOTH);
}


/* Rates are divided by the nodes that live; bytes are not. */

static ngx_int_t
ngx_wgw_meter_divide(ngx_cycle_t *cycle, ngx_wgw_meter_conf_t *mcf,
    wgw_zone_t *zone)
{
    if (zone->alone.number) {
        (void) wgw_line_error(cycle->log, &zone->alone, 0,
                              "zone \"%V\" has \"fleet\", and a rate of "
                              "bytes is this machine's alone", &zone->name);
        return NGX_ERROR;
    }

    return wgw_lender_members(cycle, mcf->fleet, zone);
}


/* Limits of tokens are leased, quotas that nobody pays for are divided. */

static ngx_int_t
ngx_wgw_meter_claims(ngx_cycle_t *cycle, ngx_wgw_meter_conf_t *mcf)
{
    ngx_uint_t     i;
    wgw_claims_t  *claims;

    claims = wgw_claims_conf(cycle);

    if (claims == NULL || claims->keys == 0 || claims->fleet == 0) {
        return claims ? NGX_OK : NGX_ERROR;
    }

    for (i = 0; i < WGW_LIMIT_WINDOWS; i++) {
        claims->limits[i]->zone.fleet = claims->fleet;

        if (wgw_lender_zone(cycle, mcf->fleet, &claims->limits[i]->zone,
                            WGW_COUNT_SENT)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    claims->nodes = mcf->nodes;

    return wgw_lender_members(cycle, mcf->fleet, claims->quotas);
}


static ngx_int_t
ngx_wgw_meter_init_module(ngx_cycle_t *cycle)
{
    ngx_wgw_meter_conf_t  *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    return wgw_bookkeeper_init_module(cycle, mcf->keeper) == NGX_OK
           ? wgw_agent_init_module(cycle, mcf->fleet) : NGX_ERROR;
}


static ngx_int_t
ngx_wgw_meter_init_process(ngx_cycle_t *cycle)
{
    ngx_wgw_meter_conf_t  *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    return wgw_bookkeeper_init_process(cycle, mcf->keeper) == NGX_OK
           ? wgw_agent_init_process(cycle, mcf->fleet) : NGX_ERROR;
}


/*
 * A worker that is told to terminate does not finalize its requests.  Where
 * there is one process, what keeps the books ends before the zones do.
 */

static void
ngx_wgw_meter_exit_process(ngx_cycle_t *cycle)
{
    wgw_sweep_exit(cycle);
    wgw_claims_exit();
    wgw_bookkeeper_exit_process();
}


/* With memory for the number of nodes, which workers read. */

static char *
ngx_wgw_meter_fleet(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_wgw_meter_conf_t  *mcf = conf;

    char       *rc;
    ngx_str_t   name = ngx_string("fleet");

    rc = wgw_fleet_parse(cf, cmd, conf);

    if (rc != NGX_CONF_OK) {
        return rc;
    }

    mcf->nodes = wgw_shm_memory(cf, &name, 2 * sizeof(uint64_t));

    if (mcf->nodes == NULL) {
        return NGX_CONF_ERROR;
    }

    wgw_fleet_count(mcf->fleet, mcf->nodes);

    return NGX_CONF_OK;
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

    if (zone == NULL || wgw_zone_define(cf, &zone->zone) != NGX_OK
        || ngx_wgw_meter_traffic(cf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    table = &zone->zone.conf;

    table->key_bytes = WGW_TABLE_KEY_ROOM;
    table->label_bytes = WGW_LABEL_BYTES;
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


/* One for all zones, kept over a reload. */

static ngx_int_t
ngx_wgw_meter_traffic(ngx_conf_t *cf)
{
    ngx_str_t              name = ngx_string("traffic");
    ngx_wgw_meter_conf_t  *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                                ngx_wgw_meter_module);
    if (mcf->traffic == NULL) {
        mcf->traffic = wgw_shm_memory(cf, &name, sizeof(wgw_traffic_t));
    }

    return mcf->traffic ? NGX_OK : NGX_ERROR;
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

    if (zone->zone.fleet && zone->zone.file.len == 0) {
        return "has \"fleet\" without \"file\"";
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
    ngx_int_t          n;
    wgw_table_conf_t  *table;

    table = &zone->zone.conf;

    if (ngx_strncmp(value->data, "file=", 5) == 0 && value->len > 5) {
        return ngx_wgw_meter_zone_path(cf, value, 5, &zone->zone.file);
    }

    if (ngx_strncmp(value->data, "archive=", 8) == 0 && value->len > 8) {
        return ngx_wgw_meter_zone_path(cf, value, 8, &zone->archive);
    }

    if (ngx_wgw_meter_zone_word(value, zone)) {
        return NGX_CONF_OK;
    }

    if (ngx_wgw_meter_zone_number(value, "keys=", 1, WGW_TABLE_KEYS_MAX, &n)) {
        table->keys = n;

    } else if (ngx_wgw_meter_zone_number(value, "key_bytes=", 8,
                                         WGW_TABLE_KEY_ROOM, &n))
    {
        table->key_bytes = n;

    } else if (ngx_wgw_meter_zone_number(value, "label_bytes=",
                                         WGW_LABEL_UNIT, WGW_LABEL_MOST, &n))
    {
        table->label_bytes = n;

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


/* 1 for "window=month", "fleet" and the like. */

static ngx_uint_t
ngx_wgw_meter_zone_word(ngx_str_t *value, wgw_meter_zone_t *zone)
{
    int  kind;

    if (wgw_lease_mode((char *) value->data)) {
        zone->zone.fleet = wgw_lease_mode((char *) value->data);
        return 1;
    }

    if (ngx_strncmp(value->data, "window=", 7) != 0) {
        return 0;
    }

    kind = wgw_window_kind((char *) value->data + 7, value->len - 7);

    if (kind < 0) {
        return 0;
    }

    zone->zone.conf.window.kind = kind;

    return 1;
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
