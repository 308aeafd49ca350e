
/*
 * p256: ECDSA over P-256 and SHA-256 (ES256), checked by OpenSSL.
 *
 * A signature is r and s, 32 bytes each.  With s the twin n - s is right as
 * well, and signers (WebCrypto) make either, so that both are accepted: who
 * names a signed thing by all of its bytes must know both of its names.
 */

#ifndef WGW_P256_H
#define WGW_P256_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


#define WGW_P256_KEY        33      /* compressed */
#define WGW_P256_SIGNATURE  64


/* 1 when the key is a point of the curve. */
int wgw_p256_key(const uint8_t key[WGW_P256_KEY]);

/* 1 when the signature is right. */
int wgw_p256_verify(const uint8_t key[WGW_P256_KEY],
    const uint8_t signature[WGW_P256_SIGNATURE], const void *message,
    size_t len);

/* r and n - s; s is from 1 to n - 1, as in any signature that is right. */
void wgw_p256_twin(uint8_t twin[WGW_P256_SIGNATURE],
    const uint8_t signature[WGW_P256_SIGNATURE]);


#pragma GCC visibility pop

#endif /* WGW_P256_H */
