
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <sys/mman.h>

#include "auth/auth_state.h"
#include "auth/memo.h"


#define NGX_WGW_AUTH_REASONS  48
#define AUTH_WATCH            1000      /* ms */


const ngx_wgw_auth_reason_t  ngx_wgw_auth_reasons[] = {
    { "signed_in", 0 },
    { "rate", 0 },
    { "body", 0 },
    { "message", 0 },
    { "signature", 0 },
    { "signer", 0 },
    { "expired", 0 },
    { "not_yet", 0 },
    { "lifetime", 0 },
    { "domain", 0 },
    { "uri", 0 },
    { "chain", 0 },
    { "allowlist", 0 },
    { "service", 0 },
    { "wallet_rate", 0 },
    { "wallet_keys", 0 },
    { "replay", 0 },
    { "full", 0 },
    { "lost", 0 },
    { "other", 0 },
    { "missing", 1 },
    { "repeated", 1 },
    { "malformed", 1 },
    { "algorithm", 1 },
    { "critical", 1 },
    { "signature", 1 },
    { "claims", 1 },
    { "no_exp", 1 },
    { "expired", 1 },
    { "not_yet", 1 },
    { "bare", 1 },
    { "service", 1 },
    { "revoked", 1 },
    { "exhausted", 1 },
    { "elsewhere", 1 },
    { "lost", 1 },
    { "allowlist", 1 },
    { "method", 1 },
    { "ended", 1 },
    { "other", 1 },
    { NULL, 0 }
};


_Static_assert(sizeof(ngx_wgw_auth_reasons) / sizeof(ngx_wgw_auth_reason_t)
               <= NGX_WGW_AUTH_REASONS, "each reason has a counter");


static void auth_watch(ngx_event_t *ev);


/* shared by the workers, kept over reloads */
static ngx_atomic_t  *ngx_wgw_auth_counters;

static wgw_eip191_t  *ngx_wgw_auth_curve;


ngx_int_t
ngx_wgw_auth_counters_init(ngx_log_t *log)
{
    size_t  size;

    if (ngx_wgw_auth_counters) {
        return NGX_OK;
    }

    size = NGX_WGW_AUTH_REASONS * sizeof(ngx_atomic_t);

    ngx_wgw_auth_counters = mmap(NULL, size, PROT_READ|PROT_WRITE,
                                 MAP_ANON|MAP_SHARED, -1, 0);

    if (ngx_wgw_auth_counters == MAP_FAILED) {
        ngx_wgw_auth_counters = NULL;

        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "mmap(%uz) failed", size);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* In each worker, as long as there is a file. */

void
ngx_wgw_auth_watch(ngx_cycle_t *cycle)
{
    ngx_wgw_auth_conf_t  *acf;

    static ngx_event_t       ev;
    static ngx_connection_t  dumb = { .fd = (ngx_socket_t) -1 };

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    if (acf->tokens.mapping == NULL || acf->tokens.file.len == 0) {
        return;
    }

    ev.handler = auth_watch;
    ev.data = &dumb;
    ev.log = cycle->log;
    ev.cancelable = 1;

    ngx_add_timer(&ev, AUTH_WATCH);
}


static void
auth_watch(ngx_event_t *ev)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    wgw_zone_watch(&acf->tokens, ev->log);

    ngx_add_timer(ev, AUTH_WATCH);
}


void
ngx_wgw_auth_exit_process(ngx_cycle_t *cycle)
{
    wgw_memo_clear();

    if (ngx_wgw_auth_curve) {
        wgw_eip191_destroy(ngx_wgw_auth_curve);
        ngx_wgw_auth_curve = NULL;
    }
}


wgw_expiring_t *
ngx_wgw_auth_tokens(void)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return &acf->tokens.expiring;
}


wgw_elsewhere_t *
ngx_wgw_auth_elsewhere(void)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return acf->elsewhere;
}


time_t
ngx_wgw_auth_ttl(void)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return acf->ttl;
}


time_t
ngx_wgw_auth_skew(void)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return ngx_max(acf->skew, wgw_tokens_skew(&acf->tokens.expiring));
}


time_t
ngx_wgw_auth_max_age(void)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return ngx_max(acf->max_age, wgw_tokens_life(&acf->tokens.expiring));
}


wgw_expiring_t *
ngx_wgw_auth_rates(void)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return &acf->rates.expiring;
}


uint64_t
ngx_wgw_auth_ticks(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);

    return (uint64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}


/* A sign-in takes two notes: half of the zone is for others. */

ngx_int_t
ngx_wgw_auth_share(void)
{
    ngx_wgw_auth_conf_t  *acf;

    acf = (ngx_wgw_auth_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                               ngx_wgw_auth_module);

    return ngx_max(acf->tokens.expiring_conf.keys / 4, 1);
}


wgw_eip191_t *
ngx_wgw_auth_eip191(void)
{
    if (ngx_wgw_auth_curve == NULL) {
        ngx_wgw_auth_curve = wgw_eip191_create();
    }

    return ngx_wgw_auth_curve;
}


void
ngx_wgw_auth_count(const char *word, ngx_uint_t request)
{
    ngx_uint_t                    i;
    const ngx_wgw_auth_reason_t  *reason;

    reason = ngx_wgw_auth_reasons;

    for (i = 0; reason[i + 1].word; i++) {
        if (reason[i].request == request
            && (ngx_strcmp(reason[i].word, word) == 0
                || ngx_strcmp(reason[i].word, "other") == 0))
        {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&ngx_wgw_auth_counters[i], 1);
}


ngx_atomic_uint_t
ngx_wgw_auth_counted(ngx_uint_t i)
{
    return ngx_wgw_auth_counters[i];
}


int64_t
ngx_wgw_auth_now(void)
{
    return ngx_time();
}
