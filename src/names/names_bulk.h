
/*
 * names_bulk: POST of many names, the HTTP side of bulk.h.
 *
 *     POST    [?replace=true]     Content-Type: application/x-ndjson
 *
 * 200 {"added":n,"changed":n,"deleted":n}, or an error and nothing changed:
 * {"error":...,"field":...,"line":n} with the first bad line.  400 a line,
 * an argument or a condition, 409 another replace was started meanwhile, 413
 * too many lines, 415 another type, 503 no store, 507 no space.
 *
 * The size of the body is limited by client_max_body_size of the location.
 */

#ifndef WGW_NAMES_BULK_H
#define WGW_NAMES_BULK_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)


/* client_max_body_size of a location with wgw_api, instead of nginx's 1m */
#define WGW_NAMES_BULK_BODY  (256 * 1024 * 1024)

/* A content handler. */
ngx_int_t wgw_names_bulk(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_NAMES_BULK_H */
