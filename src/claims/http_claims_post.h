
/*
 * http_claims_post: takes tokens that are posted.
 */

#ifndef WGW_HTTP_CLAIMS_POST_H
#define WGW_HTTP_CLAIMS_POST_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "store/class.h"

#pragma GCC visibility push(hidden)


#define WGW_CLAIMS_POST_NO_STORE  "the store of claims cannot be used, see "  \
                                  "the error log"


/* A content handler. */
ngx_int_t wgw_claims_post(ngx_http_request_t *r);

/* The reply to a change that the store did not make. */
ngx_int_t wgw_claims_post_failed(ngx_http_request_t *r, wgw_store_rc_t rc,
    wgw_store_error_t *error);


#pragma GCC visibility pop

#endif /* WGW_HTTP_CLAIMS_POST_H */
