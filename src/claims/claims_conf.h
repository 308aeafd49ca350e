
/*
 * claims_conf: what is configured of claims in main, and the worker's way to
 * their store.
 *
 *     wgw_claims PATH gateway=DID subject=DID ... [skew=60s]
 *                [seed_selectors=on|off] [origin=host|as_sent] [seed=N]
 *                [sync=...];
 *     wgw_claims_did DID KEY;
 *     wgw_claims_zone [file=PATH] keys=N;
 *
 * The zone is seven tables: one of counters for each window that a limit may
 * have (FILE.minute and so on), one of public quotas (FILE.public), and, where
 * claims are looked up, one of what was asked, in memory only.
 */

#ifndef WGW_CLAIMS_CONF_H
#define WGW_CLAIMS_CONF_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "claims/chain.h"
#include "meter/meter.h"
#include "store/store.h"

#pragma GCC visibility push(hidden)


#define WGW_CLAIMS_COMMAND  "/assert/location"


typedef struct {
    wgw_text_t           did;
    wgw_did_key_t        key;
} wgw_claims_did_t;


typedef struct wgw_claims_s {
    ngx_str_t            path;          /* empty: no claims */
    wgw_store_sync_t     sync;
    wgw_chain_rules_t    rules;
    ngx_array_t          subjects;      /* wgw_text_t: those of the rules */
    ngx_array_t          dids;          /* wgw_claims_did_t */
    time_t               skew;
    unsigned             quotes:1;
    unsigned             origin_host:1;

    ngx_str_t            file;          /* of the zone */
    ngx_uint_t           keys;          /* 0: no zone */
    ngx_array_t          zones;         /* wgw_zone_t *, all of these */
    wgw_meter_zone_t    *limits[WGW_LIMIT_WINDOWS];
    wgw_zone_t          *quotas;
    int                  fleet;         /* a mode of lease.h, or 0 */
    const uint64_t      *nodes;         /* that share quotas, or NULL */
    time_t               watched;       /* when files were looked at */
    wgw_zone_t          *asked;

    uint64_t             seed;          /* of the choice; 0: any */

    ngx_uint_t           needed;        /* something in http uses claims */
    ngx_uint_t           counted;       /* and public quotas */
    ngx_uint_t           looked_up;
} wgw_claims_t;


/* Of the configuration that is read or runs, made at the first call. */
wgw_claims_t *wgw_claims_conf(ngx_cycle_t *cycle);

char *wgw_claims_parse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *wgw_claims_did_parse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *wgw_claims_zone_parse(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* From the core module's init_conf: makes or checks store and tables. */
char *wgw_claims_init_conf(ngx_cycle_t *cycle);

/* From exit_process. */
void wgw_claims_exit(void);

/* The store of this worker; NULL, logged, when it cannot be opened. */
wgw_store_t *wgw_claims_store(wgw_claims_t *claims, ngx_log_t *log);

/* The keys of a did:web: at most `max`. */
size_t wgw_claims_keys(const wgw_claims_t *claims, wgw_text_t did,
    wgw_did_key_t *keys, size_t max);

/* 1 when a row was verified with a key that still is its issuer's. */
unsigned wgw_claims_key_holds(const wgw_claims_t *claims, wgw_text_t did,
    const wgw_did_key_t *key);

/* The key of a limit's record: "r:" or "b:" and the id in hexadecimal. */
#define WGW_CLAIMS_RECORD  (2 + 2 * WGW_TOKEN_ID)

void wgw_claims_record(char key[WGW_CLAIMS_RECORD],
    const uint8_t id[WGW_TOKEN_ID], unsigned bytes);


#pragma GCC visibility pop

#endif /* WGW_CLAIMS_CONF_H */
