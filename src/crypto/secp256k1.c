
/*
 * secp256k1: see secp256k1.h.  Nothing secret is touched, so that the
 * library's constant context will do.
 */

#include "crypto/secp256k1.h"
#include "crypto/sha256.h"

#include <secp256k1.h>


int
wgw_secp256k1_key(const uint8_t key[WGW_SECP256K1_KEY])
{
    secp256k1_pubkey  point;

    return secp256k1_ec_pubkey_parse(secp256k1_context_static, &point, key,
                                     WGW_SECP256K1_KEY);
}


int
wgw_secp256k1_verify(const uint8_t key[WGW_SECP256K1_KEY],
    const uint8_t signature[WGW_SECP256K1_SIGNATURE], const void *message,
    size_t len)
{
    uint8_t                    hash[WGW_SHA256];
    secp256k1_pubkey           point;
    secp256k1_ecdsa_signature  parsed;

    return secp256k1_ec_pubkey_parse(secp256k1_context_static, &point, key,
                                     WGW_SECP256K1_KEY)
           && secp256k1_ecdsa_signature_parse_compact(
                               secp256k1_context_static, &parsed, signature)
           && wgw_sha256(message, len, hash) == 0
           && secp256k1_ecdsa_verify(secp256k1_context_static, &parsed, hash,
                                     &point);
}
