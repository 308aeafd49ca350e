
/*
 * pubkey: see pubkey.h.
 */

#include "crypto/pubkey.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "crypto/secp256k1.h"

#include <openssl/err.h>


static const char *wgw_pubkey_judge(const wgw_did_key_t *key);
static int wgw_pubkey_right(const wgw_did_key_t *key,
    const uint8_t *signature, const void *message, size_t len);


/* What OpenSSL notes of a refusal would be found by who uses it next. */

const char *
wgw_pubkey_check(const wgw_did_key_t *key)
{
    const char  *reason;

    ERR_set_mark();
    reason = wgw_pubkey_judge(key);
    ERR_pop_to_mark();

    return reason;
}


int
wgw_pubkey_verify(const wgw_did_key_t *key, const uint8_t *signature,
    const void *message, size_t len)
{
    int  right;

    ERR_set_mark();
    right = wgw_pubkey_right(key, signature, message, len);
    ERR_pop_to_mark();

    return right;
}


static const char *
wgw_pubkey_judge(const wgw_did_key_t *key)
{
    switch (key->algorithm) {

    case WGW_VARSIG_ED25519:
        return wgw_ed25519_key(key->bytes) ? NULL : "did:small-order";

    case WGW_VARSIG_SECP256K1:
        return wgw_secp256k1_key(key->bytes) ? NULL : "did:point";

    case WGW_VARSIG_P256:
        return wgw_p256_key(key->bytes) ? NULL : "did:point";

    default:
        return "did:key-type";
    }
}


static int
wgw_pubkey_right(const wgw_did_key_t *key, const uint8_t *signature,
    const void *message, size_t len)
{
    switch (key->algorithm) {

    case WGW_VARSIG_ED25519:
        return wgw_ed25519_key(key->bytes)
               && wgw_ed25519_verify(key->bytes, signature, message, len);

    case WGW_VARSIG_SECP256K1:
        return wgw_secp256k1_verify(key->bytes, signature, message, len);

    case WGW_VARSIG_P256:
        return wgw_p256_verify(key->bytes, signature, message, len);

    default:
        return 0;
    }
}
