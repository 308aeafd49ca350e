
/*
 * http_args: the arguments of a policy (arg.h), of a request.
 *
 * Of headers lines of one name are joined with ", ", but Origin, Host and
 * Authorization are there only if there is one.  Of the query names and values
 * are unescaped once, and none of a name that comes twice is there.  What is
 * not UTF-8 is not there.
 */

#ifndef WGW_HTTP_ARGS_H
#define WGW_HTTP_ARGS_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "claims/arg.h"
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


/* `http` is set but for what comes after the blank line. */
void wgw_http_args(wgw_policy_args_t *args, wgw_http_args_t *http);

/*
 * An argument as it is, be it UTF-8 or not: who compares it with what is need
 * not know.  0 when it is not there.
 */
unsigned wgw_http_args_text(wgw_http_args_t *http, wgw_claim_arg_t arg,
    const wgw_text_t *name, wgw_text_t *text);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ARGS_H */
