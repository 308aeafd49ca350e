
/*
 * claim: a token with its names, the content it is about and the key that it
 * was verified with: what the store keeps.
 *
 * About a content is a token whose policy has, on top, ["==", ".content",
 * multihash]; one that has none is about any.
 *
 * A row is
 *
 *     u64 when it came, u8 algorithm, 33 key, the token
 *
 * with the key of a did:web that signed; algorithm 0 and zeros when the
 * issuer is a key itself.
 */

#ifndef WGW_CLAIM_H
#define WGW_CLAIM_H


#include "claims/token.h"

#pragma GCC visibility push(hidden)


#define WGW_CLAIM_HEAD  (8 + 1 + 33)
#define WGW_CLAIM_ROW   (WGW_CLAIM_HEAD + WGW_TOKEN_MAX)


typedef struct {
    wgw_token_t      token;
    uint8_t          id[WGW_TOKEN_ID];
    uint8_t          cid[WGW_TOKEN_CID];
    uint8_t          twin[WGW_TOKEN_CID];
    unsigned         has_twin;
    wgw_text_t       content;           /* a multihash, or empty: any */
    wgw_did_key_t    key;               /* WGW_VARSIG_NONE: its issuer's */
    uint64_t         came;              /* seconds */
} wgw_claim_t;


/*
 * Reads a token that was posted: NULL, or why it is refused.  Limits that
 * cannot be counted are, as "policy:usage".
 */
const char *wgw_claim_read(wgw_claim_t *claim, wgw_text_t token,
    unsigned quotes);

/* Its names; 0, or -1 when OpenSSL fails. */
int wgw_claim_name(wgw_claim_t *claim);

/* Bytes of the row, of WGW_CLAIM_ROW. */
size_t wgw_claim_pack(const wgw_claim_t *claim, uint8_t *row);

/* All but the names of a row; 0, or -1 when it is damaged. */
int wgw_claim_unpack(wgw_claim_t *claim, wgw_text_t row, unsigned quotes);


/* What has to be counted of a token: at most a pair a window. */
typedef struct {
    wgw_limit_t      limits[2 * WGW_LIMIT_WINDOWS];
    size_t           n;
} wgw_claim_limits_t;

/* The narrowest of each kind, of a policy that was taken apart. */
void wgw_claim_limits(wgw_claim_limits_t *limits, const wgw_policy_t *policy);


#pragma GCC visibility pop

#endif /* WGW_CLAIM_H */
