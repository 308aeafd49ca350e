
/*
 * names_request: what a request for names is about: the name in its path, its
 * arguments, the store.  What is wrong with these is a refusal.
 */

#ifndef WGW_NAMES_REQUEST_H
#define WGW_NAMES_REQUEST_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/args.h"
#include "format/name.h"
#include "names/names_reply.h"

#pragma GCC visibility push(hidden)


/* The worker's store, or NULL, logged. */
typedef wgw_store_t *(*wgw_names_store_pt)(ngx_log_t *log);


/* Before any request. */
void wgw_names_request_init(wgw_names_store_pt store,
    const wgw_record_rules_t *rules);

const wgw_record_rules_t *wgw_names_rules(void);

/* What follows the location's prefix: empty, or a name in canonical form. */
ngx_int_t wgw_names_name(ngx_http_request_t *r, char name[WGW_NAME_MAX],
    wgw_text_t *text, wgw_names_refusal_t *refusal);

/* args.h; NULL: there may be none. */
ngx_int_t wgw_names_args(ngx_http_request_t *r, wgw_arg_t *args,
    wgw_names_refusal_t *refusal);

/* For a change; NULL: refused. */
wgw_store_t *wgw_names_store(ngx_http_request_t *r,
    wgw_names_refusal_t *refusal);

/* To read: at a snapshot, which is to be ended. */
wgw_store_t *wgw_names_look(ngx_http_request_t *r, uint64_t *id,
    wgw_names_refusal_t *refusal);


#pragma GCC visibility pop

#endif /* WGW_NAMES_REQUEST_H */
