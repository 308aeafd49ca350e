
/*
 * http_rate: the http side of rates, for the meter, which paces by those of
 * bytes.
 */

#ifndef WGW_HTTP_RATE_H
#define WGW_HTTP_RATE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "meter/rate.h"

#pragma GCC visibility push(hidden)


typedef struct {
    ngx_array_t  *rates;        /* of wgw_rate_conf_t; empty: off */
} ngx_http_wgw_rate_conf_t;


extern ngx_module_t  ngx_http_wgw_rate_module;


/* WGW_RATE_* of a request, 0 when no limit was looked at. */
ngx_uint_t ngx_http_wgw_rate_status(ngx_http_request_t *r);

/* 1 when any in the configuration is of bytes. */
ngx_uint_t ngx_http_wgw_rate_bytes(ngx_conf_t *cf);


/* The rates of a location, NULL or empty: none. */

static inline ngx_array_t *
ngx_http_wgw_rates(ngx_http_request_t *r)
{
    ngx_http_wgw_rate_conf_t  *rcf;

    rcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_rate_module);

    return rcf->rates;
}


#pragma GCC visibility pop

#endif /* WGW_HTTP_RATE_H */
