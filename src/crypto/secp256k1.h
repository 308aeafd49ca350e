
/*
 * secp256k1: ECDSA over secp256k1 and SHA-256 (ES256K), checked by
 * libsecp256k1, which accepts only the smaller of the two possible s.
 */

#ifndef WGW_SECP256K1_H
#define WGW_SECP256K1_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


#define WGW_SECP256K1_KEY        33     /* compressed */
#define WGW_SECP256K1_SIGNATURE  64     /* r and s */


/* 1 when the key is a point of the curve. */
int wgw_secp256k1_key(const uint8_t key[WGW_SECP256K1_KEY]);

/* 1 when the signature is right. */
int wgw_secp256k1_verify(const uint8_t key[WGW_SECP256K1_KEY],
    const uint8_t signature[WGW_SECP256K1_SIGNATURE], const void *message,
    size_t len);


#pragma GCC visibility pop

#endif /* WGW_SECP256K1_H */
