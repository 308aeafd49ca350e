
/*
 * expiry: see expiry.h.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "claims/claims_conf.h"
#include "claims/expiry.h"
#include "claims/rows.h"
#include "store/writer.h"


#define EXPIRY_FIRST  1000              /* ms, after a start, */
#define EXPIRY_TIME   60000             /* between two looks, */
#define EXPIRY_MORE   100               /* while there are more */

#define EXPIRY_SLACK  2                 /* seconds: more is a leap, */
#define EXPIRY_DOUBT  3600              /* not believed for so long */


static unsigned expiry_doubt(void);
static void expiry_look(ngx_event_t *ev);
static ngx_int_t expiry_ended(wgw_store_t *store);
static wgw_store_rc_t expiry_make(wgw_txn_t *t, wgw_change_t *change);
static void expiry_done(wgw_change_t *change);


static ngx_event_t       expiry_event;
static wgw_change_t      expiry_change;
static time_t            expiry_now;

/* debug logs read the descriptor of an event's connection */
static ngx_connection_t  expiry_dummy;


ngx_int_t
wgw_expiry_load(ngx_cycle_t *cycle)
{
    (void) cycle;
    (void) expiry_doubt();

    return NGX_OK;
}


/* 1 while the date may be a wrong one. */

static unsigned
expiry_doubt(void)
{
    int64_t          ahead;
    struct timeval   tv;
    struct timespec  ts;

    static int64_t   was, until;
    static unsigned  seen;

    if (clock_gettime(CLOCK_BOOTTIME, &ts) == -1) {
        return 1;
    }

    ngx_gettimeofday(&tv);
    ahead = (int64_t) tv.tv_sec - ts.tv_sec;

    if (seen && (ahead > was + EXPIRY_SLACK || ahead < was - EXPIRY_SLACK)) {
        until = ts.tv_sec + EXPIRY_DOUBT;
    }

    seen = 1;
    was = ahead;

    return ts.tv_sec < until;
}


ngx_int_t
wgw_expiry_init(ngx_cycle_t *cycle)
{
    wgw_claims_t  *claims;

    claims = wgw_claims_conf(cycle);
    if (claims == NULL) {
        return NGX_ERROR;
    }

    if (claims->path.len == 0 || ngx_worker != 0
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return NGX_OK;
    }

    expiry_dummy.fd = (ngx_socket_t) -1;

    expiry_event.handler = expiry_look;
    expiry_event.data = &expiry_dummy;
    expiry_event.log = cycle->log;
    expiry_event.cancelable = 1;

    ngx_add_timer(&expiry_event, EXPIRY_FIRST);

    return NGX_OK;
}


static void
expiry_look(ngx_event_t *ev)
{
    wgw_store_t   *store;
    wgw_claims_t  *claims;

    claims = wgw_claims_conf((ngx_cycle_t *) ngx_cycle);

    if (expiry_doubt()) {
        ngx_add_timer(ev, EXPIRY_TIME);
        return;
    }

    store = claims && claims->path.len ? wgw_claims_store(claims, ev->log)
                                       : NULL;

    if (store == NULL || expiry_ended(store) != NGX_OK) {
        ngx_add_timer(ev, EXPIRY_TIME);
        return;
    }

    expiry_now = ngx_time();

    expiry_change.store = store;
    expiry_change.make = expiry_make;
    expiry_change.handler = expiry_done;

    wgw_writer_post(&expiry_change);
}


/* NGX_OK: there is something to take out. */

static ngx_int_t
expiry_ended(wgw_store_t *store)
{
    uint64_t            id;
    unsigned            ended;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    ended = 0;
    rc = wgw_store_begin(store, &id, &error);

    if (rc == WGW_STORE_OK) {
        rc = wgw_claim_rows_ended(store, ngx_time(), &ended, &error);
        wgw_store_end(store);
    }

    if (rc != WGW_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "claims: %s",
                      error.text);
        return NGX_ERROR;
    }

    return ended ? NGX_OK : NGX_DECLINED;
}


/* In the thread. */

static wgw_store_rc_t
expiry_make(wgw_txn_t *t, wgw_change_t *change)
{
    (void) change;

    wgw_claim_rows_end(t, expiry_now);

    return WGW_STORE_OK;
}


static void
expiry_done(wgw_change_t *change)
{
    if (change->rc != WGW_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0, "claims: %s",
                      change->error.text);
    }

    if (!ngx_exiting) {
        ngx_add_timer(&expiry_event, change->rc == WGW_STORE_OK
                                     ? EXPIRY_MORE : EXPIRY_TIME);
    }
}
