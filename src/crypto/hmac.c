
/*
 * hmac: see hmac.h.
 *
 * OpenSSL 3 deprecates its plain SHA-256 functions in favour of EVP, which
 * has no cheap way to go on from a computed state: to copy an EVP_MAC_CTX
 * costs more than the MAC of a token.
 */

#define OPENSSL_API_COMPAT  0x10100000L

#include "crypto/hmac.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>


#define WGW_HMAC_BLOCK  64


_Static_assert(sizeof(((SHA256_CTX *) 0)->h)
               == sizeof(((wgw_hmac_t *) 0)->inner), "the state of SHA-256");


static void wgw_hmac_state(uint32_t state[8], uint8_t pad[WGW_HMAC_BLOCK]);
static void wgw_hmac_resume(SHA256_CTX *sha, const uint32_t state[8]);


void
wgw_hmac_init(wgw_hmac_t *hmac, const void *key, size_t len)
{
    size_t   i;
    uint8_t  pad[WGW_HMAC_BLOCK];

    memset(pad, 0, sizeof(pad));

    if (len > sizeof(pad)) {
        SHA256(key, len, pad);

    } else if (len) {
        memcpy(pad, key, len);
    }

    for (i = 0; i < sizeof(pad); i++) {
        pad[i] ^= 0x36;
    }

    wgw_hmac_state(hmac->inner, pad);

    for (i = 0; i < sizeof(pad); i++) {
        pad[i] ^= 0x36 ^ 0x5c;
    }

    wgw_hmac_state(hmac->outer, pad);

    OPENSSL_cleanse(pad, sizeof(pad));
}


void
wgw_hmac_wipe(wgw_hmac_t *hmac)
{
    OPENSSL_cleanse(hmac, sizeof(wgw_hmac_t));
}


void
wgw_hmac(const wgw_hmac_t *hmac, uint8_t mac[WGW_HMAC_SIZE],
    const void *data, size_t len)
{
    uint8_t     digest[WGW_HMAC_SIZE];
    SHA256_CTX  sha;

    wgw_hmac_resume(&sha, hmac->inner);
    SHA256_Update(&sha, data, len);
    SHA256_Final(digest, &sha);

    wgw_hmac_resume(&sha, hmac->outer);
    SHA256_Update(&sha, digest, sizeof(digest));
    SHA256_Final(mac, &sha);
}


int
wgw_hmac_equal(const uint8_t a[WGW_HMAC_SIZE], const uint8_t b[WGW_HMAC_SIZE])
{
    return CRYPTO_memcmp(a, b, WGW_HMAC_SIZE) == 0;
}


static void
wgw_hmac_state(uint32_t state[8], uint8_t pad[WGW_HMAC_BLOCK])
{
    SHA256_CTX  sha;

    SHA256_Init(&sha);
    SHA256_Update(&sha, pad, WGW_HMAC_BLOCK);

    /* a whole block leaves nothing but the state */

    assert(sha.num == 0 && sha.Nl == 8 * WGW_HMAC_BLOCK);

    memcpy(state, sha.h, sizeof(sha.h));

    OPENSSL_cleanse(&sha, sizeof(sha));
}


static void
wgw_hmac_resume(SHA256_CTX *sha, const uint32_t state[8])
{
    SHA256_Init(sha);

    memcpy(sha->h, state, sizeof(sha->h));
    sha->Nl = 8 * WGW_HMAC_BLOCK;
}
