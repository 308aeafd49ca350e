
/*
 * eip191: signatures by wallets over texts (EIP-191 version 0x45, known as
 * personal_sign).
 *
 * Signed is the Keccak-256 of the byte 0x19, "Ethereum Signed Message:", a
 * line feed, the text's length in bytes in decimal and the text: as it was
 * received, never built again from its fields.
 *
 * A signature is r (32 bytes), s (32 bytes), v (1 byte): written as `0x` and
 * 130 hexadecimal digits of either case; v is 27 or 28, or 0 or 1, which
 * mean the same.  No address comes with it: the public key is recovered and
 * gives one, another one for any change to the text or the signature.
 *
 * For each signature there is a twin with n - s and the other v.  Wallets
 * make the one with the smaller s, and only that one is accepted.
 *
 * Signatures of contract wallets (EIP-1271) are of other sizes and cannot be
 * checked without asking the chain; EIP-2098 packs 64 bytes, which no wallet
 * does for texts.  Both are refused by name.
 *
 * Where a function returns a phrase, it is NULL when all is well and else to
 * be put after "the signature": "is not 65 bytes ...".
 */

#ifndef WGW_EIP191_H
#define WGW_EIP191_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_EIP191_HASH       32
#define WGW_EIP191_SIGNATURE  65
#define WGW_EIP191_ADDRESS    20
#define WGW_EIP191_SECRET     32


/* What libsecp256k1 needs: made once, used by one thread at a time. */
typedef struct wgw_eip191_s  wgw_eip191_t;


/* NULL when there is no memory or no randomness. */
wgw_eip191_t *wgw_eip191_create(void);
void wgw_eip191_destroy(wgw_eip191_t *eip191);

void wgw_eip191_hash(uint8_t hash[WGW_EIP191_HASH], wgw_text_t message);

/* Reads the text of a signature: its form only. */
const char *wgw_eip191_signature(uint8_t signature[WGW_EIP191_SIGNATURE],
    wgw_text_t text);

/* Who signed: judges v, r and s, then recovers.  About 36 us. */
const char *wgw_eip191_recover(const wgw_eip191_t *eip191,
    uint8_t address[WGW_EIP191_ADDRESS],
    const uint8_t signature[WGW_EIP191_SIGNATURE],
    const uint8_t hash[WGW_EIP191_HASH]);

/*
 * For those who have a key themselves.  Both return 0, or -1 when the secret
 * is none: zero, or not below the group's order.  A signature is the one with
 * the smaller s, v is 27 or 28, and the same for the same hash (RFC 6979).
 */
int wgw_eip191_account(const wgw_eip191_t *eip191,
    uint8_t address[WGW_EIP191_ADDRESS],
    const uint8_t secret[WGW_EIP191_SECRET]);
int wgw_eip191_sign(const wgw_eip191_t *eip191,
    uint8_t signature[WGW_EIP191_SIGNATURE],
    const uint8_t secret[WGW_EIP191_SECRET],
    const uint8_t hash[WGW_EIP191_HASH]);


#pragma GCC visibility pop

#endif /* WGW_EIP191_H */
