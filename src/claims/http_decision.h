
/*
 * http_decision: who pays for a request, or that nobody may have it.
 *
 * Of the chains that hold for the request and have something left, one is
 * chosen, each as likely as any other; its limits on requests are held, one of
 * each, until the request is admitted or refused by others; those on bytes
 * become meters of the request.  If there is none, the content's public quota
 * decides.
 *
 * Where claims are looked up: a content of which nothing is known is public,
 * and one whose claims hold but are used up is served beyond its quota, too,
 * while what is known is stale: there may be more by now.
 */

#ifndef WGW_HTTP_DECISION_H
#define WGW_HTTP_DECISION_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "claims/contents.h"
#include "claims/http_lookup.h"
#include "meter/meter_module.h"

#pragma GCC visibility push(hidden)


/* most candidates that are looked at */
#define WGW_DECISION_CHAINS  WGW_CHAIN_FOUND


typedef enum {
    WGW_DECISION_NONE = 0,
    WGW_DECISION_CLAIM,
    WGW_DECISION_PUBLIC,
    WGW_DECISION_UNKNOWN_FIRST,         /* public, before it was looked up */
    WGW_DECISION_STALE_OVER,            /* beyond all limits, meanwhile */
    WGW_DECISION_DENIED,
    WGW_DECISION_DRY_RUN                /* would have been denied */
} wgw_decision_class_t;


/* Requests that nobody pays for, of all contents: R of the document. */
typedef struct {
    uint32_t                   limit;   /* a window; 0: no budget */
    uint32_t                   alarm;   /* from this number on it is said */
    wgw_window_t               window;
    unsigned                   hard;    /* refuse beyond it */
} wgw_decision_budget_t;


/* What is configured where the request is. */
typedef struct {
    ngx_http_complex_value_t  *url;
    uint32_t                   quota;   /* public requests a window */
    wgw_window_t               window;
    wgw_decision_budget_t     *budget;
    wgw_claims_ask_t         *lookup;  /* or NULL */
    unsigned                   unlimited:1;     /* the public */
    unsigned                   required:1;      /* there is no public */
    unsigned                   dry_run:1;
} wgw_decision_conf_t;


typedef struct {
    wgw_meter_zone_t          *zone;
    uint32_t                   record;
} wgw_decision_hold_t;


typedef struct {
    wgw_decision_class_t       class;
    ngx_str_t                  payer;
    ngx_str_t                  claim;   /* ids of the chain, by commas */
    time_t                     wait;    /* until the quota's next window, */
    unsigned                   budget;  /* or that of the budget */

    wgw_decision_hold_t       *holds;
    ngx_uint_t                 nholds;

    ngx_http_wgw_meter_more_t  more;    /* limits on bytes */
} wgw_decision_t;


/*
 * Of a zeroed decision, which may point into the content.  NGX_OK, or
 * NGX_ERROR.
 */
ngx_int_t wgw_decide(ngx_http_request_t *r, wgw_claims_t *claims,
    const wgw_decision_conf_t *conf, wgw_content_t *content,
    wgw_decision_t *decision);

/* What is held counts now, or is given back; nothing the second time. */
void wgw_decision_commit(wgw_decision_t *decision);
void wgw_decision_release(wgw_decision_t *decision);


#pragma GCC visibility pop

#endif /* WGW_HTTP_DECISION_H */
