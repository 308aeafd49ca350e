
/*
 * memo: which tokens this process has found rightly signed lately, and what
 * they say, so that their MAC, which is most of what a request with a key
 * costs, is not computed for each request, nor the claims read.
 *
 * It keeps no token, but 128 bits of a keyed hash of all its bytes, mixed with
 * the number of the key that it is signed with.  The hash's key is drawn by
 * the process and never leaves it: nobody can make another token that has the
 * same.  Whether a token that is signed is still good, its expiry and
 * revocation and uses, is nothing that is remembered.
 *
 * A key's number is never given again, so that one that was configured anew
 * has nothing remembered.  208 bytes a token; one of four makes room.
 */

#ifndef WGW_MEMO_H
#define WGW_MEMO_H


#include <stdint.h>

#include "auth/jwt_claims.h"
#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_MEMO_TOKENS  32768          /* a power of 2 */
#define WGW_MEMO_TEXT    144            /* bytes of sub, jti and aud */


typedef enum {
    WGW_MEMO_NONE = 0,
    WGW_MEMO_SIGNED,                    /* and the claims are to be read */
    WGW_MEMO_READ                       /* and these are the claims */
} wgw_memo_rc_t;


typedef struct {
    uint64_t  hash[2];                  /* both 0: there is no memory of it */
} wgw_memo_t;


/* A number for a key, from 1 on; where keys are configured. */
uint64_t wgw_memo_key(void);

/* What is remembered of a token is asked for by this. */
wgw_memo_t wgw_memo(wgw_text_t token);

/*
 * Whether it was signed with that key.  The texts of `jwt` are views into
 * `buffer`, of WGW_MEMO_TEXT bytes, or as many as the token has.
 */
wgw_memo_rc_t wgw_memo_get(const wgw_memo_t *memo, uint64_t key,
    wgw_jwt_t *jwt, char *buffer);

/*
 * It is, and says that, of which the address is set.  Claims that have more
 * than those of our own tokens are not remembered.
 */
void wgw_memo_put(const wgw_memo_t *memo, uint64_t key,
    const wgw_jwt_t *jwt);

/* For exit: forgets all, and the hash's key. */
void wgw_memo_clear(void);


#pragma GCC visibility pop

#endif /* WGW_MEMO_H */
