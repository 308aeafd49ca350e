
/*
 * http_args: what a policy may look at, of a request.
 *
 *     content     bytes of the multihash
 *     url         what the gateway would fetch, if that is configured
 *     method, host, path
 *     headers     by lower-case name; lines of one name joined with ", ", but
 *                 Origin, Host and Authorization only if there is one
 *     query       names and values unescaped once; none of a name that comes
 *                 twice
 *
 * What is not UTF-8 is not there.
 */

#ifndef WGW_HTTP_ARGS_H
#define WGW_HTTP_ARGS_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "claims/policy.h"

#pragma GCC visibility push(hidden)


typedef struct {
    ngx_http_request_t        *request;
    wgw_text_t                 content;
    ngx_http_complex_value_t  *url;         /* or NULL */
    unsigned                   origin_host; /* show a host, not an origin */

    unsigned                   has_url;     /* it was evaluated */
    ngx_str_t                  url_value;
    unsigned                   has_whole;
    wgw_cbor_t                 whole;
} wgw_http_args_t;


/* `http` is set but for what comes after the blank line, which is zero. */
void wgw_http_args(wgw_policy_args_t *args, wgw_http_args_t *http);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ARGS_H */
