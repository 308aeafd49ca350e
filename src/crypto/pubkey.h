
/*
 * pubkey: a public key of any of the three kinds that a DID can have.
 */

#ifndef WGW_PUBKEY_H
#define WGW_PUBKEY_H


#include "format/did.h"

#pragma GCC visibility push(hidden)


/* NULL, or why nobody may sign with it: "did:small-order", "did:point". */
const char *wgw_pubkey_check(const wgw_did_key_t *key);

/*
 * 1 when the signature of WGW_VARSIG_SIGNATURE bytes is right and the key
 * one that may sign.
 */
int wgw_pubkey_verify(const wgw_did_key_t *key, const uint8_t *signature,
    const void *message, size_t len);


#pragma GCC visibility pop

#endif /* WGW_PUBKEY_H */
