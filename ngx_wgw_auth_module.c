
/*
 * The auth module: wallets sign in, and their requests bring a key.
 *
 * This is its core module, which owns what all workers share: the zones of
 * tokens and of rates, and the counters.  The http module is in
 * src/auth/http_auth.c.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "auth/auth_state.h"
#include "fleet/agent.h"
#include "auth/passing.h"
#include "fleet/desk.h"


#define NGX_WGW_AUTH_KEYS  65536


static void *ngx_wgw_auth_create_conf(ngx_cycle_t *cycle);
static char *ngx_wgw_auth_init_conf(ngx_cycle_t *cycle, void *conf);
static ngx_wgw_auth_conf_t *ngx_wgw_auth_before(ngx_cycle_t *cycle);
static ngx_int_t ngx_wgw_auth_takes_over(ngx_cycle_t *cycle,
    ngx_wgw_auth_conf_t *acf);
static ngx_uint_t ngx_wgw_auth_noted(wgw_expiring_t *table);
static ngx_int_t ngx_wgw_auth_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_wgw_auth_zone_param(ngx_conf_t *cf, wgw_zone_t *zone,
    ngx_str_t *value);
static ngx_int_t ngx_wgw_auth_elsewhere_init(ngx_cycle_t *cycle,
    ngx_wgw_auth_conf_t *acf);
static void ngx_wgw_auth_heard(void *data, wgw_text_t text, ngx_uint_t old);
static ngx_int_t ngx_wgw_auth_init_process(ngx_cycle_t *cycle);
static char *ngx_wgw_auth_fleet(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_wgw_auth_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_wgw_auth_commands[] = {

    { ngx_string("wgw_auth_zone"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_TAKE123,
      ngx_wgw_auth_zone,
      0,
      0,
      NULL },

    { ngx_string("wgw_fleet"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_1MORE,
      ngx_wgw_auth_fleet,
      0,
      offsetof(ngx_wgw_auth_conf_t, fleet),
      NULL },

      ngx_null_command
};


static ngx_core_module_t  ngx_wgw_auth_module_ctx = {
    ngx_string("wgw_auth"),
    ngx_wgw_auth_create_conf,              /* create configuration */
    ngx_wgw_auth_init_conf                 /* init configuration */
};


ngx_module_t  ngx_wgw_auth_module = {
    NGX_MODULE_V1,
    &ngx_wgw_auth_module_ctx,              /* module context */
    ngx_wgw_auth_commands,                 /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_wgw_auth_init_module,              /* init module */
    ngx_wgw_auth_init_process,             /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_wgw_auth_exit_process,             /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_wgw_auth_create_conf(ngx_cycle_t *cycle)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = ngx_pcalloc(cycle->pool, sizeof(ngx_wgw_auth_conf_t));
    if (acf == NULL) {
        return NULL;
    }

    acf->tokens.class = &wgw_zone_expiring;
    acf->tokens.expiring_conf.kind = WGW_EXPIRING_NOTES;
    acf->tokens.expiring_conf.keys = NGX_WGW_AUTH_KEYS;

    acf->rates.class = &wgw_zone_expiring;
    acf->rates.expiring_conf.kind = WGW_EXPIRING_RATES;
    acf->rates.expiring_conf.keys = NGX_WGW_AUTH_KEYS;

    ngx_str_set(&acf->rates.name, "wgw_auth_rate");

    return acf;
}


static char *
ngx_wgw_auth_init_conf(ngx_cycle_t *cycle, void *conf)
{
    ngx_wgw_auth_conf_t *acf = conf;

    ngx_wgw_auth_conf_t  *before;

    /* what was known is kept, also while nothing uses it */

    before = ngx_wgw_auth_before(cycle);

    if (!acf->used && before == NULL) {
        return NGX_CONF_OK;
    }

    acf->used = 1;

    if (before) {
        acf->before = &before->tokens.expiring;
        acf->tokens.seed = wgw_expiring_seed(acf->before);
    }

    if (acf->tokens.name.len == 0) {
        ngx_str_set(&acf->tokens.name, "wgw_auth_zone");
    }

    /* each key that is out has a place among the rates, see quota.h */

    acf->rates.expiring_conf.keys = ngx_max(NGX_WGW_AUTH_KEYS,
                                            acf->tokens.expiring_conf.keys
                                            / 2);

    if (wgw_zone_open(cycle, &acf->tokens) != NGX_OK
        || wgw_zone_open(cycle, &acf->rates) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    acf->tokens.seed = NULL;

    if (acf->tokens.fleet
        && ngx_wgw_auth_elsewhere_init(cycle, acf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (acf->before && ngx_wgw_auth_takes_over(cycle, acf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_wgw_auth_counters_init(cycle->log) == NGX_OK ? NGX_CONF_OK
                                                            : NGX_CONF_ERROR;
}


/* How other machines are asked and told: by the fleet's desk. */

static ngx_int_t
ngx_wgw_auth_elsewhere_init(ngx_cycle_t *cycle, ngx_wgw_auth_conf_t *acf)
{
    wgw_elsewhere_t  *e;

    if (acf->fleet == NULL) {
        (void) wgw_line_error(cycle->log, &acf->tokens.line, 0,
                              "zone \"%V\" has \"fleet\", and there is no "
                              "\"wgw_fleet\"", &acf->tokens.name);
        return NGX_ERROR;
    }

    e = &acf->desk;
    acf->elsewhere = e;

    e->open = (acf->tokens.fleet == WGW_LEASE_OPEN);
    e->take = wgw_desk_take;
    e->forget = wgw_desk_forget;
    e->say = wgw_desk_say;
    e->pass = wgw_desk_pass;
    e->behind = wgw_desk_behind;
    e->silent = wgw_desk_silent;
    e->lost = wgw_desk_lost;

    return wgw_desk_serve(cycle, acf->fleet, e->desk, ngx_wgw_auth_heard,
                          acf);
}


static void
ngx_wgw_auth_heard(void *data, wgw_text_t text, ngx_uint_t old)
{
    ngx_wgw_auth_conf_t *acf = data;

    int64_t          now;
    wgw_expiring_t  *table;

    now = ngx_wgw_auth_now();
    table = &acf->tokens.expiring;

    if (wgw_passing_heard(acf->elsewhere, table, text, old, now) != NGX_OK) {
        (void) wgw_elsewhere_heard(table, text, now);
    }
}


/* That of the configuration that is being replaced, if it has a zone. */

static ngx_wgw_auth_conf_t *
ngx_wgw_auth_before(ngx_cycle_t *cycle)
{
    ngx_wgw_auth_conf_t  *acf;

    if (ngx_is_init_cycle(cycle->old_cycle)) {
        return NULL;
    }

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(cycle->old_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return acf && acf->tokens.expiring.header ? acf : NULL;
}


/* Whether a new zone can know all that the one before it knows. */

static ngx_int_t
ngx_wgw_auth_takes_over(ngx_cycle_t *cycle, ngx_wgw_auth_conf_t *acf)
{
    ngx_uint_t       n;
    ngx_str_t       *name;
    wgw_expiring_t  *table;

    table = &acf->tokens.expiring;

    if (table->header == acf->before->header) {
        acf->before = NULL;
        return NGX_OK;
    }

    n = ngx_wgw_auth_noted(acf->before);

    name = acf->tokens.file.len ? &acf->tokens.file : &acf->tokens.name;

    if (*acf->before->lost) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "wgw table \"%V\" cannot take over what the one before "
                      "it knows: that was damaged", name);
        return NGX_ERROR;
    }

    if (n == 0) {
        return NGX_OK;
    }

    if (ngx_memcmp(wgw_expiring_seed(table), wgw_expiring_seed(acf->before),
                   WGW_HASH_SEED)
        != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "wgw table \"%V\" cannot take over what the one before "
                      "it knows: only a new file can", name);
        return NGX_ERROR;
    }

    if (n > acf->tokens.expiring_conf.keys) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "wgw table \"%V\" has too few keys for the %ui notes of "
                      "the one before it", name, n);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_wgw_auth_noted(wgw_expiring_t *table)
{
    uint32_t    kind;
    ngx_uint_t  n;

    n = 0;

    for (kind = 0; kind < WGW_NOTE_KINDS; kind++) {
        n += wgw_notes_live(table, kind, ngx_wgw_auth_now());
    }

    return n;
}


/*
 * Called when nothing can fail any more: from here on the workers of the
 * configuration before change nothing in their table.
 */

static ngx_int_t
ngx_wgw_auth_init_module(ngx_cycle_t *cycle)
{
    uint32_t              lost;
    ngx_uint_t            level;
    wgw_expiring_t       *table;
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    if (wgw_agent_init_module(cycle, acf->fleet) != NGX_OK) {
        return NGX_ERROR;
    }

    table = &acf->tokens.expiring;

    if (table->header == NULL) {
        return NGX_OK;
    }

    if (acf->before) {
        lost = wgw_notes_carry(table, acf->before, ngx_wgw_auth_now());

        level = lost ? NGX_LOG_ERR : NGX_LOG_NOTICE;

        ngx_log_error(level, cycle->log, 0,
                      "wgw_auth_zone was taken over, %uD notes found no room",
                      lost);

        acf->before = NULL;
    }

    wgw_tokens_allow(table, acf->skew, acf->max_age);

    return NGX_OK;
}


static ngx_int_t
ngx_wgw_auth_init_process(ngx_cycle_t *cycle)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return wgw_agent_init_process(cycle, acf->fleet);
}


static char *
ngx_wgw_auth_fleet(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_wgw_auth_conf_t *acf = conf;

    char  *rc;

    rc = wgw_fleet_parse(cf, cmd, conf);

    if (rc != NGX_CONF_OK) {
        return rc;
    }

    acf->desk.desk = wgw_desk_create(cf);
    acf->desk.passing = wgw_passing_create(cf);

    return acf->desk.desk && acf->desk.passing ? NGX_CONF_OK
                                               : NGX_CONF_ERROR;
}


static char *
ngx_wgw_auth_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_wgw_auth_conf_t *acf = conf;

    ngx_str_t   *value;
    ngx_uint_t   i;

    if (acf->tokens.name.len) {
        return "is duplicate";
    }

    ngx_str_set(&acf->tokens.name, "wgw_auth_zone");
    acf->tokens.line = wgw_line(cf);

    acf->tokens.expiring_conf.keys = 0;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        if (ngx_wgw_auth_zone_param(cf, &acf->tokens, &value[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return acf->tokens.expiring_conf.keys ? NGX_CONF_OK : "needs \"keys=\"";
}


static ngx_int_t
ngx_wgw_auth_zone_param(ngx_conf_t *cf, wgw_zone_t *zone, ngx_str_t *value)
{
    ngx_int_t  n;

    if (ngx_strncmp(value->data, "file=", 5) == 0
        && value->len > 5
        && zone->file.len == 0)
    {
        zone->file.data = value->data + 5;
        zone->file.len = value->len - 5;

        return ngx_conf_full_name(cf->cycle, &zone->file, 0);
    }

    if (ngx_strncmp(value->data, "keys=", 5) == 0
        && zone->expiring_conf.keys == 0)
    {
        n = ngx_atoi(value->data + 5, value->len - 5);

        if (n < 1 || n > WGW_EXPIRING_KEYS_MAX) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid number of keys \"%V\"", value);
            return NGX_ERROR;
        }

        zone->expiring_conf.keys = n;

        return NGX_OK;
    }

    zone->fleet = wgw_lease_mode((char *) value->data);

    if (zone->fleet) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       value);
    return NGX_ERROR;
}


