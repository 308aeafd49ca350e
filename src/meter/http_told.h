
/*
 * http_told: what other modules tell the meter of a request: in variables,
 * where they are loaded.
 */

#ifndef WGW_HTTP_TOLD_H
#define WGW_HTTP_TOLD_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)


/*
 * In postconfiguration: the index of a variable that some module defines, or
 * NGX_ERROR, as an index for one that nobody does would be a failure.
 */
ngx_int_t ngx_http_wgw_told_index(ngx_conf_t *cf, const char *variable);

/* 1 when its value is "1". */
ngx_uint_t ngx_http_wgw_told(ngx_http_request_t *r, ngx_int_t index);


#pragma GCC visibility pop

#endif /* WGW_HTTP_TOLD_H */
