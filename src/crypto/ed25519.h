
/*
 * ed25519: signatures of RFC 8032, checked by OpenSSL, which refuses an S
 * that is not below the group's order.
 *
 * What it does not refuse are public keys of small order: for these anyone
 * can sign.  There are eight such points and 14 encodings that are taken for
 * one of them, all refused here, as are keys that are not in their one form
 * (y below 2^255 - 19).
 */

#ifndef WGW_ED25519_H
#define WGW_ED25519_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


#define WGW_ED25519_KEY        32
#define WGW_ED25519_SIGNATURE  64


/* 1 when somebody alone can sign with the key. */
int wgw_ed25519_key(const uint8_t key[WGW_ED25519_KEY]);

/* 1 when the signature is right.  Does not judge the key. */
int wgw_ed25519_verify(const uint8_t key[WGW_ED25519_KEY],
    const uint8_t signature[WGW_ED25519_SIGNATURE], const void *message,
    size_t len);


#pragma GCC visibility pop

#endif /* WGW_ED25519_H */
