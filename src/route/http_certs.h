
/*
 * http_certs: the http side of certificates at run time: the variables
 * $wgw_cert and $wgw_cert_key, and `wgw_certs_api`:
 *
 *     GET  ?after=NAME&limit=N            what is there
 *     GET  ?missing=true&after=&limit=    names that have none
 *     GET  ?due=DAYS&after=&limit=        those, and whose own ends until then,
 *                                         or is good for no handshake
 *
 * Missing and due are only of what HTTP-01 can help: names that are neither
 * passed through nor paused, no wildcards, and not one label below the domain
 * of `wgw_names`, which have its wildcard.
 */

#ifndef WGW_HTTP_CERTS_H
#define WGW_HTTP_CERTS_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)


#define WGW_CERTS_API_LIMIT  100
#define WGW_CERTS_API_MAX    1000


typedef struct {
    ngx_array_t  *hosts;            /* NULL: no wgw_certs_api here */
} ngx_http_wgw_certs_loc_conf_t;


extern ngx_module_t  ngx_http_wgw_certs_module;


/* The content handler. */
ngx_int_t ngx_http_wgw_certs_handler(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_HTTP_CERTS_H */
