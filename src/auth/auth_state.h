
/*
 * auth_state: what the provider of this process has: its zones, its counters,
 * its clock.
 */

#ifndef WGW_AUTH_STATE_H
#define WGW_AUTH_STATE_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "auth/elsewhere.h"
#include "auth/tokens.h"
#include "crypto/eip191.h"
#include "table/zone.h"

#pragma GCC visibility push(hidden)


typedef struct {
    wgw_zone_t                tokens;
    wgw_zone_t                rates;        /* of sign-ins, by source */
    ngx_uint_t                used;         /* by a directive of http */
    time_t                    ttl;          /* no token lives longer */
    time_t                    skew;         /* of sign-ins, the most */
    time_t                    max_age;
    ngx_uint_t                cors;         /* by any location */
    wgw_expiring_t           *before;       /* another, to be taken over */
    void                     *fleet;        /* that of fleet_conf.h, or NULL */
    wgw_elsewhere_t           desk;         /* of it ... */
    wgw_elsewhere_t          *elsewhere;    /* ... or NULL: there is one
                                               machine */
} ngx_wgw_auth_conf_t;


/* What is counted apart; the words are the metrics' labels. */
typedef struct {
    const char               *word;
    ngx_uint_t                request;      /* else a sign-in */
} ngx_wgw_auth_reason_t;


extern ngx_module_t                 ngx_wgw_auth_module;

/* ends with a NULL word */
extern const ngx_wgw_auth_reason_t  ngx_wgw_auth_reasons[];


/*
 * The zone of tokens, and the longest life that any of them may have; and
 * the most that any endpoint allows a message.
 */
wgw_expiring_t *ngx_wgw_auth_tokens(void);
time_t ngx_wgw_auth_ttl(void);
time_t ngx_wgw_auth_skew(void);
time_t ngx_wgw_auth_max_age(void);

/* Other machines; NULL: there are none. */
wgw_elsewhere_t *ngx_wgw_auth_elsewhere(void);

/* For quota.h: the table, its clock, and what share of a zone one may have. */
wgw_expiring_t *ngx_wgw_auth_rates(void);
uint64_t ngx_wgw_auth_ticks(void);
ngx_int_t ngx_wgw_auth_share(void);

/* For the worker's life; NULL when there is no memory. */
wgw_eip191_t *ngx_wgw_auth_eip191(void);

/* Counts; a word that is not in the list is "other". */
void ngx_wgw_auth_count(const char *word, ngx_uint_t request);
ngx_atomic_uint_t ngx_wgw_auth_counted(ngx_uint_t i);

/* Seconds, of a clock that may step. */
int64_t ngx_wgw_auth_now(void);

/* In init_conf: the counters, kept over reloads.  NGX_ERROR is logged. */
ngx_int_t ngx_wgw_auth_counters_init(ngx_log_t *log);

/*
 * In init_process of an http module: sees what becomes of the zone's file,
 * every second.
 */
void ngx_wgw_auth_watch(ngx_cycle_t *cycle);

/* In exit_process. */
void ngx_wgw_auth_exit_process(ngx_cycle_t *cycle);


#pragma GCC visibility pop

#endif /* WGW_AUTH_STATE_H */
