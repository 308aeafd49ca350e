
/*
 * http_known: what the route module tells the meter of any name, in
 * variables that have the name in their own.
 */

#ifndef WGW_HTTP_KNOWN_H
#define WGW_HTTP_KNOWN_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)


/* of one length; the meter has them, too: see meter/http_told.h */
#define WGW_KNOWN_NAME      "wgw_known_"
#define WGW_KNOWN_NEXT_CAP  "wgw_capnx_"
#define WGW_KNOWN_NEXT      "wgw_allnx_"


/* the numbers of the fleet's names, see fleet/herald.h; or not found */
#define WGW_KNOWN_FOLLOWED  "wgw_names_followed"

/* "NAME\0CAP\0OWNER\0WORKLOAD\0STATE"; `data` is the variable's name */
ngx_int_t ngx_http_wgw_known_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

ngx_int_t ngx_http_wgw_known_followed(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


#pragma GCC visibility pop

#endif /* WGW_HTTP_KNOWN_H */
