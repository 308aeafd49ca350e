
/*
 * names_list: pages of records, by name.
 *
 *     GET     ?after=NAME&limit=N
 *
 * 200 {"names":[record, ...],"next":NAME}; `next` is what to go on after, or
 * null at the end.  A page ends before `limit` when it is long.
 */

#ifndef WGW_NAMES_LIST_H
#define WGW_NAMES_LIST_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)


#define WGW_NAMES_LIST_LIMIT  100       /* records of a page, by default */
#define WGW_NAMES_LIST_MAX    1000


/* A content handler. */
ngx_int_t wgw_names_list(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_NAMES_LIST_H */
