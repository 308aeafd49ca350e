
/*
 * http_told: what other modules tell the meter of a request: in variables,
 * where they are loaded.
 */

#ifndef WGW_HTTP_TOLD_H
#define WGW_HTTP_TOLD_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/usage.h"

#pragma GCC visibility push(hidden)


/*
 * Variables that have a name in their own: see route/http_known.h, whose
 * value is "NAME\0CAP\0OWNER\0WORKLOAD\0STATE".
 */
#define NGX_HTTP_WGW_TOLD_NAME      "wgw_known_"
#define NGX_HTTP_WGW_TOLD_NEXT_CAP  "wgw_capnx_"
#define NGX_HTTP_WGW_TOLD_NEXT      "wgw_allnx_"
#define NGX_HTTP_WGW_TOLD_MAX       255

#define NGX_HTTP_WGW_TOLD_FOLLOWED  "wgw_names_followed"


/*
 * What the route module knows of a name, which may be a short one, for
 * wgw_usage_query_t; with `next`, of one behind it.
 */
ngx_int_t ngx_http_wgw_told_name(void *request, ngx_str_t *name,
    ngx_uint_t next, wgw_usage_known_t *known);

/* The numbers of a fleet's names, see usage_names.h; empty: there are none. */
ngx_int_t ngx_http_wgw_told_followed(ngx_http_request_t *r, ngx_str_t *value);

/*
 * In postconfiguration: the index of a variable that some module defines, or
 * NGX_ERROR, as an index for one that nobody does would be a failure.
 */
ngx_int_t ngx_http_wgw_told_index(ngx_conf_t *cf, const char *variable);

/* 1 when its value is "1". */
ngx_uint_t ngx_http_wgw_told(ngx_http_request_t *r, ngx_int_t index);


#pragma GCC visibility pop

#endif /* WGW_HTTP_TOLD_H */
