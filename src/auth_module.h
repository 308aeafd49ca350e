
/*
 * auth_module: the nginx modules that make up the auth module, for each
 * other.  The core one owns the zone of tokens and the counters; the http
 * one has the directives, and its handlers are in http_signin.c (the
 * endpoint), http_auth_check.c (what a request needs), http_auth_rpc.c (which
 * methods it may call) and http_auth_api.c (management).
 */

#ifndef WGW_AUTH_MODULE_H
#define WGW_AUTH_MODULE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "allowlist.h"
#include "eip191.h"
#include "jwt.h"
#include "rpc.h"
#include "signin.h"
#include "tokens.h"
#include "zone.h"

#pragma GCC visibility push(hidden)


#define NGX_HTTP_WGW_AUTH_SERVICES  32          /* of one token */


/* What /metrics counts; the labels are in ngx_wgw_auth_results[]. */
typedef enum {
    NGX_WGW_AUTH_SIGNED_IN = 0,
    NGX_WGW_AUTH_RATE,
    NGX_WGW_AUTH_LIST,                          /* not in the allowlist */
    NGX_WGW_AUTH_SERVICE,                       /* nor for this service */
    NGX_WGW_AUTH_REPLAY,
    NGX_WGW_AUTH_FULL,
    NGX_WGW_AUTH_SIGNIN,                        /* + wgw_signin_rc_t */
} ngx_wgw_auth_result_e;


typedef struct {
    ngx_str_t             name;                 /* of the configuration */
    ngx_pool_t           *pool;
    wgw_allowlist_t       list;
    time_t                checked;
    time_t                mtime;
    off_t                 size;
    ngx_file_uniq_t       uniq;
} ngx_http_wgw_auth_file_t;


/* One `wgw_auth_allow`. */
typedef struct {
    ngx_http_wgw_auth_file_t  *file;            /* or NULL: ... */
    ngx_uint_t                 any;
    uint8_t                    address[WGW_EIP55_BYTES];
    ngx_array_t               *services;        /* of ngx_str_t; NULL: all */
} ngx_http_wgw_auth_rule_t;


#pragma GCC visibility pop

#endif /* WGW_AUTH_MODULE_H */
