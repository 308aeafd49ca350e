
/*
 * jwt: the tokens that a sign-in gives out and each request brings.
 *
 * Compact form (RFC 7515, 7519), HS256 only, in two layouts:
 *
 *   our own     {"iat":N,"exp":N,"sub":"0x...","jti":"...","aud":"eth"}
 *   of Caddy    {"exp":N,"iat":N}
 *
 * `sub` is an address with its EIP-55 capitals, `aud` a service or an array
 * of them and absent where none was named, `uses` a number where uses are
 * counted.  All texts are printable.  Tokens without sub, jti and iat are
 * accepted only when asked for.
 *
 * The algorithm is never taken from a token: anything but HS256 is refused
 * before a key is touched.  Claims are looked at only after the MAC is found
 * right (jwt_claims.h).
 */

#ifndef WGW_JWT_H
#define WGW_JWT_H


#include "auth/jwt_claims.h"
#include "auth/memo.h"
#include "crypto/hmac.h"
#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_JWT_MAX      4096       /* bytes of a token */
#define WGW_JWT_ID       22         /* bytes of a jti made here */
#define WGW_JWT_KID      64         /* bytes of a kid */


/* The room that wgw_jwt_check() needs for a token of n bytes. */
#define WGW_JWT_BUFFER(n)  (2 * (n))


typedef enum {
    WGW_JWT_OK = 0,
    WGW_JWT_MALFORMED,
    WGW_JWT_ALGORITHM,
    WGW_JWT_CRITICAL,
    WGW_JWT_SIGNATURE,
    WGW_JWT_CLAIMS,
    WGW_JWT_NO_EXP,
    WGW_JWT_EXPIRED,
    WGW_JWT_NOT_YET,
    WGW_JWT_BARE
} wgw_jwt_status_t;


typedef struct {
    wgw_hmac_t   hmac;
    wgw_text_t   kid;               /* at most WGW_JWT_KID; or empty */
    uint64_t     number;            /* wgw_memo_key(), or 0: no memo */
} wgw_jwt_key_t;


/* 16 random bytes as text, not terminated.  Returns 0, or -1 without them. */
int wgw_jwt_id(char id[WGW_JWT_ID]);

/*
 * Writes the token of iat, exp, sub, jti, aud and uses.  Returns 0, or -1
 * when it would be too long for `out` or for wgw_jwt_check().
 */
int wgw_jwt_mint(const wgw_jwt_t *jwt, const wgw_jwt_key_t *key,
    wgw_out_t *out);

/*
 * A token that names a key (kid) must be by that one, others by any of the
 * keys.  It ends when `now` is exp.  With `bare` a token needs nothing but
 * exp.  The texts of `jwt` are views into `buffer`.  That a key with a number
 * made a token's MAC, and its claims, are remembered (memo.h).
 *
 * `jwt` is whole only when the status is WGW_JWT_OK.
 */
wgw_jwt_status_t wgw_jwt_check(wgw_jwt_t *jwt, wgw_text_t token,
    const wgw_jwt_key_t *keys, size_t n, int64_t now, unsigned bare,
    char *buffer);

/* 1 when the token names the service. */
int wgw_jwt_serves(const wgw_jwt_t *jwt, wgw_text_t service);

/* A word for metrics, such as "expired", and a phrase, "has expired". */
const char *wgw_jwt_reason(wgw_jwt_status_t status);
const char *wgw_jwt_phrase(wgw_jwt_status_t status);


#pragma GCC visibility pop

#endif /* WGW_JWT_H */
