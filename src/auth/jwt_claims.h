
/*
 * jwt_claims: what a token says, in JSON.
 *
 * What is in our own layout (jwt.h) is read without a JSON parser; all other
 * claims by one, with the same results.  Whether they hold is not asked here.
 */

#ifndef WGW_JWT_CLAIMS_H
#define WGW_JWT_CLAIMS_H


#include "crypto/eip55.h"
#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_JWT_AUD      32         /* services of a token */


/* Seconds since 1970.  An absent text has data NULL. */
typedef struct {
    uint64_t     iat;
    uint64_t     exp;
    uint64_t     nbf;
    uint64_t     uses;              /* if has_uses */
    wgw_text_t   sub;               /* the address as text */
    uint8_t      address[WGW_EIP55_BYTES];  /* the same */
    wgw_text_t   jti;
    wgw_text_t   aud[WGW_JWT_AUD];
    size_t       naud;
    unsigned     has_exp:1;
    unsigned     has_iat:1;
    unsigned     has_uses:1;
} wgw_jwt_t;


/* The claims of a token of ours: iat, exp, sub, jti, aud and uses. */
void wgw_jwt_claims_write(const wgw_jwt_t *jwt, wgw_out_t *out);

/*
 * Returns 0, or -1.  Texts are views into the claims, or into `buffer`, which
 * has room for as many bytes; `address` is not set.
 */
int wgw_jwt_claims_read(wgw_jwt_t *jwt, wgw_text_t claims, char *buffer);


#pragma GCC visibility pop

#endif /* WGW_JWT_CLAIMS_H */
