
/*
 * eip191: see eip191.h.  The curve is libsecp256k1's work.
 */

#include "crypto/eip191.h"
#include "format/hex.h"
#include "crypto/keccak.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>


struct wgw_eip191_s {
    secp256k1_context  *context;
};


static void wgw_eip191_address(const wgw_eip191_t *eip191,
    uint8_t address[WGW_EIP191_ADDRESS], const secp256k1_pubkey *key);
static int wgw_eip191_zero(const uint8_t number[32]);


/* half of the group's order, rounded down */

static const uint8_t  wgw_eip191_half[32] = {
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d,
    0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0
};


wgw_eip191_t *
wgw_eip191_create(void)
{
    int            randomized;
    uint8_t        seed[32];
    wgw_eip191_t  *eip191;

    eip191 = malloc(sizeof(wgw_eip191_t));

    if (eip191 == NULL) {
        return NULL;
    }

    eip191->context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);

    if (eip191->context == NULL) {
        free(eip191);
        return NULL;
    }

    /* blinds what is done with private keys; recovery has none */

    randomized = RAND_bytes(seed, sizeof(seed)) == 1
                 && secp256k1_context_randomize(eip191->context, seed);

    OPENSSL_cleanse(seed, sizeof(seed));

    if (!randomized) {
        wgw_eip191_destroy(eip191);
        return NULL;
    }

    return eip191;
}


void
wgw_eip191_destroy(wgw_eip191_t *eip191)
{
    secp256k1_context_destroy(eip191->context);
    free(eip191);
}


void
wgw_eip191_hash(uint8_t hash[WGW_EIP191_HASH], wgw_text_t message)
{
    char          digits[sizeof("18446744073709551615") - 1];
    wgw_out_t     out;
    wgw_keccak_t  keccak;

    static const char  prefix[] = "\x19" "Ethereum Signed Message:\n";

    wgw_out_init(&out, digits, sizeof(digits));
    wgw_out_uint(&out, message.len);

    wgw_keccak_init(&keccak);
    wgw_keccak_update(&keccak, prefix, sizeof(prefix) - 1);
    wgw_keccak_update(&keccak, digits, (size_t) (out.pos - out.start));
    wgw_keccak_update(&keccak, message.data, message.len);
    wgw_keccak_final(&keccak, hash);
}


const char *
wgw_eip191_signature(uint8_t signature[WGW_EIP191_SIGNATURE],
    wgw_text_t text)
{
    wgw_text_t  digits;

    if (text.len < 2 || text.data[0] != '0' || text.data[1] != 'x') {
        return "does not start with 0x";
    }

    digits.data = text.data + 2;
    digits.len = text.len - 2;

    if (digits.len == 2 * 64) {
        return "is not 65 bytes: the compact form of EIP-2098 is not "
               "supported";
    }

    /* the length first: contract wallets add texts of their own */

    if (digits.len != 2 * WGW_EIP191_SIGNATURE) {
        return "is not 65 bytes: signatures of contract wallets (EIP-1271) "
               "are not supported";
    }

    if (wgw_hex_decode(signature, WGW_EIP191_SIGNATURE, digits) != 0) {
        return "has a character that is not a hexadecimal digit";
    }

    return NULL;
}


const char *
wgw_eip191_recover(const wgw_eip191_t *eip191,
    uint8_t address[WGW_EIP191_ADDRESS],
    const uint8_t signature[WGW_EIP191_SIGNATURE],
    const uint8_t hash[WGW_EIP191_HASH])
{
    int                                    v;
    secp256k1_pubkey                       key;
    secp256k1_ecdsa_recoverable_signature  parsed;

    v = signature[64];

    if (v == 27 || v == 28) {
        v -= 27;
    }

    if (v > 1) {
        return "has a v that is not 27, 28, 0 or 1";
    }

    if (wgw_eip191_zero(signature) || wgw_eip191_zero(signature + 32)
        || !secp256k1_ecdsa_recoverable_signature_parse_compact(
                                     eip191->context, &parsed, signature, v))
    {
        return "has an r or s out of range";
    }

    if (memcmp(signature + 32, wgw_eip191_half, 32) > 0) {
        return "has a high s: only the smaller of the two possible ones is "
               "accepted";
    }

    if (!secp256k1_ecdsa_recover(eip191->context, &key, &parsed, hash)) {
        return "is of no public key";
    }

    wgw_eip191_address(eip191, address, &key);

    return NULL;
}


int
wgw_eip191_account(const wgw_eip191_t *eip191,
    uint8_t address[WGW_EIP191_ADDRESS],
    const uint8_t secret[WGW_EIP191_SECRET])
{
    secp256k1_pubkey  key;

    if (!secp256k1_ec_pubkey_create(eip191->context, &key, secret)) {
        return -1;
    }

    wgw_eip191_address(eip191, address, &key);

    return 0;
}


int
wgw_eip191_sign(const wgw_eip191_t *eip191,
    uint8_t signature[WGW_EIP191_SIGNATURE],
    const uint8_t secret[WGW_EIP191_SECRET],
    const uint8_t hash[WGW_EIP191_HASH])
{
    int                                    v;
    secp256k1_ecdsa_recoverable_signature  made;

    if (!secp256k1_ecdsa_sign_recoverable(eip191->context, &made, hash,
                                          secret, NULL, NULL))
    {
        return -1;
    }

    secp256k1_ecdsa_recoverable_signature_serialize_compact(eip191->context,
                                                            signature, &v,
                                                            &made);
    signature[64] = (uint8_t) (27 + v);

    return 0;
}


/* The end of the hash of the key's point, without the point's tag. */

static void
wgw_eip191_address(const wgw_eip191_t *eip191,
    uint8_t address[WGW_EIP191_ADDRESS], const secp256k1_pubkey *key)
{
    size_t   len;
    uint8_t  point[65], digest[WGW_KECCAK_SIZE];

    len = sizeof(point);
    secp256k1_ec_pubkey_serialize(eip191->context, point, &len, key,
                                  SECP256K1_EC_UNCOMPRESSED);

    wgw_keccak(digest, point + 1, sizeof(point) - 1);
    memcpy(address, digest + WGW_KECCAK_SIZE - WGW_EIP191_ADDRESS,
           WGW_EIP191_ADDRESS);
}


static int
wgw_eip191_zero(const uint8_t number[32])
{
    static const uint8_t  zero[32];

    return memcmp(number, zero, sizeof(zero)) == 0;
}
