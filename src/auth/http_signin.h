
/*
 * http_signin: a sign-in over HTTP.
 *
 *     http_signin.c        the endpoint, from the request to a good message
 *     http_signin_key.c    the key that its signer gets, or not
 *     http_signin_reply.c  the answers
 */

#ifndef WGW_HTTP_SIGNIN_H
#define WGW_HTTP_SIGNIN_H


#include "auth/auth_module.h"
#include "auth/signin.h"

#pragma GCC visibility push(hidden)


/* What an attempt has come to. */
typedef struct {
    ngx_http_request_t          *request;
    ngx_http_wgw_auth_conf_t    *conf;
    wgw_signin_t                 signin;
    ngx_str_t                    services[NGX_HTTP_WGW_AUTH_SERVICES];
    ngx_uint_t                   nservices;
    uint32_t                     place;         /* of the wallet's */
    int64_t                      seconds;       /* for which it has it */
    void                        *wait;          /* for other machines */
    wgw_jwt_t                    jwt;
    char                         sub[WGW_EIP55_LEN];
    char                         jti[WGW_JWT_ID];
} wgw_http_signin_t;


/*
 * http_signin_key.c: of who has signed a good message.  All return what a
 * content handler does.
 */
ngx_int_t wgw_http_signin_key(wgw_http_signin_t *s);

/* http_signin_reply.c: the key, or why there is none. */
ngx_int_t wgw_http_signin_done(wgw_http_signin_t *s, wgw_text_t token);
ngx_int_t wgw_http_signin_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *reason, const char *message);
ngx_int_t wgw_http_signin_too_many(ngx_http_request_t *r, int64_t wait,
    const char *reason, const char *message);


#pragma GCC visibility pop

#endif /* WGW_HTTP_SIGNIN_H */
