
/*
 * http_lookup: the claims about a content, asked of a claims service in the
 * background, by one worker for all, while requests go on.
 *
 * It is asked by errands (core/errand.h) to a location of the server that the
 * content is asked for in.  What comes back is a container of tokens, taken in
 * as intake.h says, or nothing: 404, 410, 204, or a container of none.  Any
 * other answer is none, and asked for again later (table/asked.h).
 */

#ifndef WGW_HTTP_LOOKUP_H
#define WGW_HTTP_LOOKUP_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "claims/contents.h"
#include "core/errand.h"
#include "core/line.h"
#include "crypto/sha256.h"
#include "meter/usage_page.h"
#include "table/asked.h"

#pragma GCC visibility push(hidden)


#define WGW_LOOKUP_NAME  256            /* bytes of a location's name */


/* One for each directive and server. */
typedef struct {
    ngx_str_t                  location;        /* "/claims" or "@claims" */
    time_t                     fresh;           /* NGX_CONF_UNSET: not */
    time_t                     stale;
    ngx_int_t                  queue;

    ngx_http_core_srv_conf_t  *server;          /* NULL: not known yet */
    uint8_t                    service[WGW_SHA256];     /* whom it asks */
    wgw_asked_queue_t          places;
    wgw_line_t                 line;
    wgw_errand_place_t         place;           /* of the errands */
} wgw_claims_ask_t;


/* Of the directive that is read, without a location; NULL: no memory. */
wgw_claims_ask_t *wgw_claims_lookup_create(ngx_conf_t *cf);

/* 1 for a parameter of look-ups; NGX_CONF_OK, or what is wrong with it. */
ngx_uint_t wgw_claims_lookup_takes(ngx_str_t *value);
char *wgw_claims_lookup_param(ngx_str_t *value, wgw_claims_ask_t *lookup);

/* 1 when more than the location may have been set. */
ngx_uint_t wgw_claims_lookup_is_set(const wgw_claims_ask_t *lookup);

/*
 * In a merge handler: the one for the server that is merged, of those in
 * `all` (wgw_claims_ask_t *), or a copy; NULL: no memory.
 */
wgw_claims_ask_t *wgw_claims_lookup_merge(ngx_conf_t *cf, ngx_array_t *all,
    wgw_claims_ask_t *conf);

/* In postconfiguration: finds the locations.  NGX_OK, or NGX_ERROR, logged. */
ngx_int_t wgw_claims_lookup_init(ngx_conf_t *cf, ngx_array_t *all);

/* What is known of a content; asks where it may be asked for. */
wgw_asked_state_t wgw_claims_lookup(wgw_claims_t *claims,
    wgw_claims_ask_t *conf, wgw_content_t *content);

/* What became of them, for Prometheus. */
ngx_int_t wgw_claims_lookup_metrics(wgw_usage_page_t *page);

/* The content that a request of ours asks about, or NULL. */
const wgw_cid_t *wgw_claims_lookup_of(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_HTTP_LOOKUP_H */
