
/*
 * token: a UCAN delegation, version 1.0 (https://github.com/ucan-wg/spec,
 * /delegation), as bytes.
 *
 *   [signature, {"h": varsig header, "ucan/dlg@1.0.0": {
 *       "aud": DID, "cmd": "/a/b", "exp": seconds|null, "iss": DID,
 *       "nbf": seconds, "pol": policy, "sub": DID|null, "meta": {},
 *       "nonce": bytes}}]
 *
 * in DAG-CBOR; the tag of the last candidate, ucan/dlg@1.0.0-rc.1, means the
 * same.  nbf and meta may be absent, nothing else, and nothing else may be
 * there: an unknown field could be a restriction.  Signed is the second
 * element as it came; it is never written anew.
 *
 * A token has two names: its id, the SHA-256 of what is signed, and its CID,
 * over all of its bytes.  Of P-256 signatures there are two that are right,
 * hence two CIDs for one id.
 *
 * Refusals are texts of two parts: "cbor:non-minimal", "payload:exp-type".
 */

#ifndef WGW_TOKEN_H
#define WGW_TOKEN_H


#include "claims/policy.h"
#include "format/did.h"

#pragma GCC visibility push(hidden)


#define WGW_TOKEN_MAX  16384        /* bytes */
#define WGW_TOKEN_ID   32
#define WGW_TOKEN_CID  36           /* 01 71 12 20 and a SHA-256 */


/* All texts are views of the token's bytes. */
typedef struct {
    wgw_text_t          bytes;      /* all of it */
    wgw_text_t          signature;
    wgw_text_t          signed_part;
    wgw_varsig_t        algorithm;

    wgw_text_t          iss;        /* without a fragment, as the next two */
    wgw_text_t          aud;
    wgw_text_t          sub;        /* data NULL: any, a powerline */
    wgw_text_t          cmd;
    wgw_text_t          nonce;
    wgw_cbor_t          pol;
    wgw_cbor_t          meta;       /* type MAP if there is one */
    int64_t             exp;
    int64_t             nbf;
    unsigned            has_exp:1;
    unsigned            has_nbf:1;
    unsigned            quotes:1;   /* as it was read */
    wgw_policy_size_t   size;       /* of the policy */

    wgw_did_key_t       key;        /* of iss, if that is a did:key */
} wgw_token_t;


/*
 * Judges all but signature, time and chain.  NULL, or why it is refused.
 * `quotes`: see selector.h.
 */
const char *wgw_token_read(wgw_token_t *token, const void *data, size_t len,
    unsigned quotes);

/*
 * The signature by one of the keys of its issuer; for a did:key these are
 * not looked at.  NULL and which one it was, or why not.
 */
const char *wgw_token_verify(const wgw_token_t *token,
    const wgw_did_key_t *keys, size_t n, size_t *which);

/* NULL, "time:expired" or "time:not-yet". */
const char *wgw_token_time(const wgw_token_t *token, int64_t now,
    int64_t skew);

/* Each 0, or -1 when OpenSSL fails. */
int wgw_token_id(const wgw_token_t *token, uint8_t id[WGW_TOKEN_ID]);
int wgw_token_cid(const wgw_token_t *token, uint8_t cid[WGW_TOKEN_CID]);

/* The CID with the other signature: 0, or -1 when there is none. */
int wgw_token_twin(const wgw_token_t *token, uint8_t cid[WGW_TOKEN_CID]);

/* 1 when command `wide` allows `narrow`. */
int wgw_token_covers(wgw_text_t wide, wgw_text_t narrow);


#pragma GCC visibility pop

#endif /* WGW_TOKEN_H */
