
/*
 * http_key: what a directive's KEY and VALUE are in http, and their values.
 */

#ifndef WGW_HTTP_KEY_H
#define WGW_HTTP_KEY_H


#include "meter/meter_conf.h"

#pragma GCC visibility push(hidden)


extern const ngx_wgw_meter_proto_t  ngx_http_wgw_meter_proto;


/*
 * The value of a key: of the variable with that index, or, for NGX_ERROR, of
 * what compile() made.  NGX_OK, or NGX_ERROR.
 */
ngx_int_t ngx_http_wgw_meter_key(void *request, ngx_int_t index, void *value,
    ngx_str_t *key);


#pragma GCC visibility pop

#endif /* WGW_HTTP_KEY_H */
