
/*
 * did: decentralized identifiers as text (https://www.w3.org/TR/did-core/).
 *
 *   did:key:z...   a public key itself: z, base58btc of its kind (a varint)
 *                  and its bytes: ed01 Ed25519 (32 bytes), e701 secp256k1,
 *                  8024 P-256 (33 each, compressed)
 *   did:web:HOST   a name whose keys must be known from elsewhere
 *
 * A fragment or query (#, ?) chooses within a DID and is no part of it.
 * Whether the bytes are a point of their curve is not looked at here.
 */

#ifndef WGW_DID_H
#define WGW_DID_H


#include "format/varsig.h"

#pragma GCC visibility push(hidden)


#define WGW_DID_MAX  512            /* bytes of a did:key */


typedef struct {
    wgw_varsig_t  algorithm;
    uint8_t       bytes[33];
    size_t        len;
} wgw_did_key_t;


/* NULL when the text is a DID, else "did:syntax". */
const char *wgw_did_check(wgw_text_t did);

/* Without fragment and query. */
wgw_text_t wgw_did_bare(wgw_text_t did);

/* 1 for did:key:. */
int wgw_did_is_key(wgw_text_t did);

/*
 * The key of a did:key.  NULL, or why there is none: "did:multibase",
 * "did:base58", "did:varint", "did:varint-not-minimal", "did:key-type",
 * "did:key-length"; "did:unresolved" for other methods.
 */
const char *wgw_did_key(wgw_did_key_t *key, wgw_text_t did);

/* Writes did:key:z.... */
void wgw_did_write(wgw_out_t *out, const wgw_did_key_t *key);


#pragma GCC visibility pop

#endif /* WGW_DID_H */
