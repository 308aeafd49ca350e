
/*
 * names_list: pages of records, by name.
 *
 *     GET     ?after=NAME&limit=N&failing=true
 *
 * 200 {"names":[record, ...],"next":NAME}; `next` is what to go on after, or
 * null at the end.  A page ends before `limit` when it is long.
 *
 * With `failing` only those of which a backend failed last, in any worker;
 * each has a member more, "failing":[{"backend":"http://192.0.2.1:80",
 * "failures":3,"since":12}], failures in a row and seconds since the last.  A
 * page ends after so many records were looked at, too.
 */

#ifndef WGW_NAMES_LIST_H
#define WGW_NAMES_LIST_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "format/addr.h"

#pragma GCC visibility push(hidden)


#define WGW_NAMES_LIST_LIMIT  100       /* records of a page, by default */
#define WGW_NAMES_LIST_MAX    1000
#define WGW_NAMES_LIST_LOOKS  20000     /* for those that fail */


/* How often a backend failed in a row, and seconds since the last time. */
typedef uint32_t (*wgw_names_failures_pt)(const wgw_addr_t *backend,
    uint32_t *since);


/* Before any request. */
void wgw_names_list_init(wgw_names_failures_pt failures);

/* A content handler. */
ngx_int_t wgw_names_list(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_NAMES_LIST_H */
