
/*
 * names_api: the names over HTTP, where an administrator puts `wgw_api`.
 *
 *     GET     NAME                       200, the record, or 404
 *     PUT     NAME    PATCH    DELETE    a change (names_change.h)
 *     GET     ?after=NAME&limit=N        a page (names_list.h)
 *     POST    ?replace=true              lines of JSON (names_bulk.h)
 *
 * below the location's prefix.  ETag is the record's change id; If-Match and
 * If-None-Match hold (412).  Errors are {"error":...,"field":...}.
 *
 * A reply to a change is sent after its commit: every worker then serves it.
 * A browser on the machine is no administrator: requests with a foreign
 * Origin, or a Host that is neither a loopback address, "localhost" nor a
 * server_name, are refused (403).
 */

#ifndef WGW_NAMES_API_H
#define WGW_NAMES_API_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "names/names_list.h"
#include "names/names_request.h"

#pragma GCC visibility push(hidden)


/* Before any request; the last one is for names_list.h. */
void wgw_names_api_init(wgw_names_store_pt store,
    const wgw_record_rules_t *rules, wgw_names_failures_pt failures);

/*
 * The content handler of the location; `hosts` (ngx_str_t) are allowed in
 * Host besides the loopback's.
 */
ngx_int_t wgw_names_api_handler(ngx_http_request_t *r, ngx_array_t *hosts);


#pragma GCC visibility pop

#endif /* WGW_NAMES_API_H */
