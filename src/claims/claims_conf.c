
/*
 * claims_conf: see claims_conf.h.
 */

#include "claims/claims_conf.h"
#include "claims/rows.h"
#include "crypto/pubkey.h"
#include "format/hex.h"
#include "meter/meter_conf.h"
#include "store/make.h"
#include "store/writer.h"
#include "table/lease.h"


#define WGW_CLAIMS_SKEW_MAX  3600


static char *wgw_claims_option(ngx_conf_t *cf, ngx_str_t *value,
    wgw_claims_t *claims);
static char *wgw_claims_sync(ngx_str_t *value, wgw_claims_t *claims);
static char *wgw_claims_subject(ngx_conf_t *cf, wgw_claims_t *claims,
    wgw_text_t did);
static char *wgw_claims_zones(ngx_conf_t *cf, wgw_claims_t *claims);
static wgw_zone_t *wgw_claims_slots(ngx_conf_t *cf, wgw_claims_t *claims,
    const char *what, ngx_uint_t kind);
static ngx_int_t wgw_claims_zone_name(ngx_conf_t *cf, wgw_claims_t *claims,
    const char *what, ngx_str_t *name, ngx_str_t *file);
static char *wgw_claims_init_store(ngx_cycle_t *cycle, wgw_claims_t *claims);
static unsigned wgw_claims_prefix(ngx_str_t *value, const char *prefix,
    wgw_text_t *rest);


/* windows of limits as those of tables */

static const wgw_window_kind_t  wgw_claims_windows[] = {
    [WGW_LIMIT_MINUTE] = WGW_WINDOW_MINUTE,
    [WGW_LIMIT_HOUR] = WGW_WINDOW_HOUR,
    [WGW_LIMIT_DAY] = WGW_WINDOW_DAY,
    [WGW_LIMIT_MONTH] = WGW_WINDOW_MONTH,
    [WGW_LIMIT_TOTAL] = WGW_WINDOW_TOTAL
};


wgw_claims_t *
wgw_claims_conf(ngx_cycle_t *cycle)
{
    wgw_claims_t          *claims;
    ngx_wgw_meter_conf_t  *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                                ngx_wgw_meter_module);
    if (mcf->claims) {
        return mcf->claims;
    }

    claims = ngx_pcalloc(cycle->pool, sizeof(wgw_claims_t));
    if (claims == NULL) {
        return NULL;
    }

    if (ngx_array_init(&claims->subjects, cycle->pool, 2, sizeof(wgw_text_t))
        != NGX_OK
        || ngx_array_init(&claims->dids, cycle->pool, 4,
                          sizeof(wgw_claims_did_t))
           != NGX_OK
        || ngx_array_init(&claims->zones, cycle->pool, 6,
                          sizeof(wgw_zone_t *))
           != NGX_OK)
    {
        return NULL;
    }

    claims->rules.command = wgw_text(WGW_CLAIMS_COMMAND);
    claims->skew = 60;
    claims->quotes = 1;

    mcf->claims = claims;

    return claims;
}


char *
wgw_claims_parse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char          *rc;
    ngx_str_t     *value;
    ngx_uint_t     i;
    wgw_claims_t  *claims;

    claims = wgw_claims_conf(cf->cycle);
    if (claims == NULL) {
        return NGX_CONF_ERROR;
    }

    if (claims->path.len) {
        return "is duplicate";
    }

    value = cf->args->elts;
    claims->path = value[1];

    if (claims->path.len == 0
        || ngx_conf_full_name(cf->cycle, &claims->path, 0) != NGX_OK)
    {
        return "has an invalid path";
    }

    for (i = 2; i < cf->args->nelts; i++) {
        rc = wgw_claims_option(cf, &value[i], claims);

        if (rc != NGX_CONF_OK) {

            if (rc != NGX_CONF_ERROR) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" %s",
                                   &value[i], rc);
            }

            return NGX_CONF_ERROR;
        }
    }

    if (claims->rules.gateway.len == 0) {
        return "must have \"gateway\" parameter";
    }

    if (claims->subjects.nelts == 0) {
        return "must have \"subject\" parameter";
    }

    claims->rules.subjects = claims->subjects.elts;
    claims->rules.nsubjects = claims->subjects.nelts;

    return NGX_CONF_OK;
}


static char *
wgw_claims_option(ngx_conf_t *cf, ngx_str_t *value, wgw_claims_t *claims)
{
    ngx_str_t   time;
    wgw_text_t  rest;

    if (wgw_claims_prefix(value, "gateway=", &rest)) {

        if (claims->rules.gateway.len) {
            return "is duplicate";
        }

        claims->rules.gateway = wgw_did_bare(rest);

        return (char *) wgw_did_check(rest) ? "is not a DID" : NGX_CONF_OK;
    }

    if (wgw_claims_prefix(value, "subject=", &rest)) {
        return wgw_claims_subject(cf, claims, rest);
    }

    if (wgw_claims_prefix(value, "skew=", &rest)) {
        time.data = (u_char *) rest.data;
        time.len = rest.len;
        claims->skew = ngx_parse_time(&time, 1);

        return claims->skew == (time_t) NGX_ERROR
               || claims->skew > WGW_CLAIMS_SKEW_MAX
               ? "is not a time of at most an hour" : NGX_CONF_OK;
    }

    if (wgw_claims_prefix(value, "seed_selectors=", &rest)) {
        claims->quotes = wgw_text_equal(rest, wgw_text("on"));

        return claims->quotes || wgw_text_equal(rest, wgw_text("off"))
               ? NGX_CONF_OK : "is neither \"on\" nor \"off\"";
    }

    if (wgw_claims_prefix(value, "origin=", &rest)) {
        claims->origin_host = wgw_text_equal(rest, wgw_text("host"));

        return claims->origin_host || wgw_text_equal(rest, wgw_text("as_sent"))
               ? NGX_CONF_OK : "is neither \"host\" nor \"as_sent\"";
    }

    if (wgw_claims_prefix(value, "seed=", &rest)) {
        return wgw_text_uint(rest, INT64_MAX, &claims->seed) != 0
               || claims->seed == 0 ? "is not a number from 1 on"
                                    : NGX_CONF_OK;
    }

    return wgw_claims_sync(value, claims);
}


static char *
wgw_claims_sync(ngx_str_t *value, wgw_claims_t *claims)
{
    if (ngx_strcmp(value->data, "sync=on") == 0) {
        claims->sync = WGW_STORE_SYNC_ON;

    } else if (ngx_strcmp(value->data, "sync=meta") == 0) {
        claims->sync = WGW_STORE_SYNC_META;

    } else if (ngx_strcmp(value->data, "sync=off") == 0) {
        claims->sync = WGW_STORE_SYNC_OFF;

    } else {
        return "is not a parameter of \"wgw_claims\"";
    }

    return NGX_CONF_OK;
}


static char *
wgw_claims_subject(ngx_conf_t *cf, wgw_claims_t *claims, wgw_text_t did)
{
    ngx_uint_t   i;
    wgw_text_t  *subject;

    if (wgw_did_check(did) != NULL) {
        return "is not a DID";
    }

    did = wgw_did_bare(did);
    subject = claims->subjects.elts;

    for (i = 0; i < claims->subjects.nelts; i++) {

        if (wgw_text_equal(subject[i], did)) {
            return "is duplicate";
        }
    }

    subject = ngx_array_push(&claims->subjects);
    if (subject == NULL) {
        return NGX_CONF_ERROR;
    }

    *subject = did;

    return NGX_CONF_OK;
}


char *
wgw_claims_did_parse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t         *value;
    wgw_text_t         did, key;
    const char        *reason;
    wgw_claims_t      *claims;
    wgw_claims_did_t  *entry;

    claims = wgw_claims_conf(cf->cycle);
    if (claims == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;
    did.data = (char *) value[1].data;
    did.len = value[1].len;
    key.data = (char *) value[2].data;
    key.len = value[2].len;

    if (wgw_did_check(did) != NULL || wgw_did_is_key(did)
        || wgw_did_bare(did).len != did.len)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not a DID that has keys", &value[1]);
        return NGX_CONF_ERROR;
    }

    entry = ngx_array_push(&claims->dids);
    if (entry == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(entry, sizeof(wgw_claims_did_t));
    entry->did = did;

    reason = wgw_did_key(&entry->key, key);

    if (reason == NULL) {
        reason = wgw_pubkey_check(&entry->key);
    }

    if (reason) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not a usable did:key (%s)", &value[2],
                           reason);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
wgw_claims_zone_parse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_int_t      keys;
    ngx_str_t     *value;
    ngx_uint_t     i;
    wgw_text_t     rest;
    wgw_claims_t  *claims;

    claims = wgw_claims_conf(cf->cycle);
    if (claims == NULL) {
        return NGX_CONF_ERROR;
    }

    if (claims->keys) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (wgw_claims_prefix(&value[i], "file=", &rest) && rest.len) {
            claims->file.data = (u_char *) rest.data;
            claims->file.len = rest.len;

            if (ngx_conf_full_name(cf->cycle, &claims->file, 0) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (wgw_claims_prefix(&value[i], "keys=", &rest)) {
            keys = ngx_atoi((u_char *) rest.data, rest.len);

            if (keys > 0 && keys <= WGW_TABLE_KEYS_MAX) {
                claims->keys = keys;
                continue;
            }
        }

        claims->fleet = wgw_lease_mode((char *) value[i].data);

        if (claims->fleet) {
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           &value[i]);
        return NGX_CONF_ERROR;
    }

    if (claims->keys == 0) {
        return "must have \"keys\" parameter";
    }

    if (claims->fleet && claims->file.len == 0) {
        return "has \"fleet\" without \"file\"";
    }

    return wgw_claims_zones(cf, claims);
}


static char *
wgw_claims_zones(ngx_conf_t *cf, wgw_claims_t *claims)
{
    int                i;
    ngx_str_t          name, file;
    const char        *window;
    wgw_zone_t        *zone;
    wgw_table_conf_t  *table;

    for (i = 0; i < WGW_LIMIT_WINDOWS; i++) {
        window = wgw_limit_window_name((wgw_limit_window_t) i);

        if (wgw_claims_zone_name(cf, claims, window, &name, &file)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        zone = wgw_zone_get(cf, &claims->zones, &name, &wgw_zone_billable,
                            sizeof(wgw_meter_zone_t));

        if (zone == NULL || wgw_zone_define(cf, zone) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        zone->file = file;
        table = &zone->conf;
        table->keys = claims->keys;
        table->key_bytes = WGW_CLAIMS_RECORD + 6;
        table->window.kind = wgw_claims_windows[i];
        table->window.reset_day = 1;

        claims->limits[i] = (wgw_meter_zone_t *) zone;
    }

    claims->quotas = wgw_claims_slots(cf, claims, "public",
                                      WGW_EXPIRING_RATIONS);

    claims->asked = wgw_claims_slots(cf, claims, "asked", WGW_EXPIRING_ASKED);

    if (claims->quotas == NULL || claims->asked == NULL) {
        return NGX_CONF_ERROR;
    }

    /* what was asked may be asked again */

    ngx_str_null(&claims->asked->file);

    return NGX_CONF_OK;
}


static wgw_zone_t *
wgw_claims_slots(ngx_conf_t *cf, wgw_claims_t *claims, const char *what,
    ngx_uint_t kind)
{
    ngx_str_t    name, file;
    wgw_zone_t  *zone;

    if (wgw_claims_zone_name(cf, claims, what, &name, &file) != NGX_OK) {
        return NULL;
    }

    zone = wgw_zone_get(cf, &claims->zones, &name, &wgw_zone_expiring,
                        sizeof(wgw_zone_t));

    if (zone == NULL || wgw_zone_define(cf, zone) != NGX_OK) {
        return NULL;
    }

    zone->file = file;
    zone->expiring_conf.kind = kind;
    zone->expiring_conf.keys = claims->keys;

    return zone;
}


/* "claims minute", FILE.minute */

static ngx_int_t
wgw_claims_zone_name(ngx_conf_t *cf, wgw_claims_t *claims, const char *what,
    ngx_str_t *name, ngx_str_t *file)
{
    size_t  len;

    len = ngx_strlen(what);

    name->data = ngx_pnalloc(cf->pool, sizeof("claims ") + len);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    name->len = ngx_sprintf(name->data, "claims %s", what) - name->data;
    ngx_str_null(file);

    if (claims->file.len == 0) {
        return NGX_OK;
    }

    file->data = ngx_pnalloc(cf->pool, claims->file.len + len + 2);
    if (file->data == NULL) {
        return NGX_ERROR;
    }

    file->len = ngx_sprintf(file->data, "%V.%s%Z", &claims->file, what)
                - file->data - 1;

    return NGX_OK;
}


char *
wgw_claims_init_conf(ngx_cycle_t *cycle)
{
    ngx_uint_t      i;
    wgw_zone_t    **zones;
    wgw_claims_t   *claims;

    claims = wgw_claims_conf(cycle);
    if (claims == NULL) {
        return NGX_CONF_ERROR;
    }

    if (claims->path.len == 0) {

        if (claims->needed) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                          "no \"wgw_claims\" directive in configuration");
            return NGX_CONF_ERROR;
        }

    } else if (wgw_claims_init_store(cycle, claims) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (claims->counted && claims->keys == 0) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "no \"wgw_claims_zone\" directive in configuration");
        return NGX_CONF_ERROR;
    }

    zones = claims->zones.elts;

    for (i = 0; i < claims->zones.nelts; i++) {

        if (zones[i] == claims->asked && !claims->looked_up) {
            continue;
        }

        if (wgw_zone_open(cycle, zones[i]) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
wgw_claims_init_store(ngx_cycle_t *cycle, wgw_claims_t *claims)
{
    char               *path;
    wgw_store_rc_t      rc;
    ngx_core_conf_t    *ccf;
    wgw_store_error_t   error;

    path = (char *) claims->path.data;

    if (ngx_test_config || ngx_process == NGX_PROCESS_SIGNALLER) {
        rc = wgw_store_check(&wgw_claim_rows_class, path, &error);

    } else {
        ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                               ngx_core_module);

        rc = wgw_store_create(&wgw_claim_rows_class, path, ccf->user,
                              ccf->group, &error);
    }

    if (rc != WGW_STORE_OK) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "claims \"%V\": %s",
                      &claims->path, error.text);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


void
wgw_claims_exit(void)
{
    wgw_writer_exit();
    wgw_store_close();
}


wgw_store_t *
wgw_claims_store(wgw_claims_t *claims, ngx_log_t *log)
{
    wgw_store_t        *store;
    wgw_store_error_t   error;

    store = wgw_store_open(&wgw_claim_rows_class,
                           (char *) claims->path.data, claims->sync, &error);

    if (store == NULL) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "claims \"%V\": %s",
                      &claims->path, error.text);
    }

    return store;
}


size_t
wgw_claims_keys(const wgw_claims_t *claims, wgw_text_t did,
    wgw_did_key_t *keys, size_t max)
{
    size_t             n;
    ngx_uint_t         i;
    wgw_claims_did_t  *dids;

    dids = claims->dids.elts;
    n = 0;

    for (i = 0; i < claims->dids.nelts && n < max; i++) {

        if (wgw_text_equal(dids[i].did, did)) {
            keys[n++] = dids[i].key;
        }
    }

    return n;
}


unsigned
wgw_claims_key_holds(const wgw_claims_t *claims, wgw_text_t did,
    const wgw_did_key_t *key)
{
    ngx_uint_t         i;
    wgw_claims_did_t  *dids;

    if (key->algorithm == WGW_VARSIG_NONE) {
        return 1;
    }

    dids = claims->dids.elts;

    for (i = 0; i < claims->dids.nelts; i++) {

        if (wgw_text_equal(dids[i].did, did)
            && dids[i].key.algorithm == key->algorithm
            && ngx_memcmp(dids[i].key.bytes, key->bytes, dids[i].key.len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


void
wgw_claims_record(char key[WGW_CLAIMS_RECORD],
    const uint8_t id[WGW_TOKEN_ID], unsigned bytes)
{
    key[0] = bytes ? 'b' : 'r';
    key[1] = ':';

    wgw_hex_encode(key + 2, id, WGW_TOKEN_ID);
}


static unsigned
wgw_claims_prefix(ngx_str_t *value, const char *prefix, wgw_text_t *rest)
{
    size_t  len;

    len = ngx_strlen(prefix);

    if (value->len < len || ngx_strncmp(value->data, prefix, len) != 0) {
        return 0;
    }

    rest->data = (char *) value->data + len;
    rest->len = value->len - len;

    return 1;
}
