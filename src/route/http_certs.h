
/*
 * http_certs: the http side of certificates at run time: the variables
 * $wgw_cert and $wgw_cert_key, and `wgw_certs_api`:
 *
 *     GET  ?after=NAME&limit=N            what is there
 *     GET  ?missing=true&after=&limit=    names that have none
 *     GET  ?due=DAYS&after=&limit=        those, and whose own ends until then
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

typedef enum {
    WGW_CERTS_VAR_CERT = 0,
    WGW_CERTS_VAR_KEY
} wgw_certs_var_e;


/* `data` is one of wgw_certs_var_e. */
ngx_int_t ngx_http_wgw_certs_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

/* In postconfiguration: who uses them needs `wgw_certs`. */
ngx_int_t ngx_http_wgw_certs_check(ngx_conf_t *cf);

/* The directive, and its content handler. */
char *ngx_http_wgw_certs_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_wgw_certs_handler(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_HTTP_CERTS_H */
