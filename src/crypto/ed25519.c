
/*
 * ed25519: see ed25519.h.
 */

#include "crypto/ed25519.h"

#include <string.h>

#include <openssl/evp.h>


/*
 * y of the points of order 1, 2, 4 and 8, lowest byte first.  The other two
 * of the seven, p and p + 1, are 0 and 1 written otherwise.
 */

static const uint8_t  wgw_ed25519_small[][WGW_ED25519_KEY] = {
    { 0 },
    { 1 },
    { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0,
      0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
      0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39,
      0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
    { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f,
      0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
      0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6,
      0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
    { 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f }
};


int
wgw_ed25519_key(const uint8_t key[WGW_ED25519_KEY])
{
    size_t   i;
    uint8_t  y[WGW_ED25519_KEY];

    memcpy(y, key, sizeof(y));
    y[31] &= 0x7f;                          /* without the sign of x */

    for (i = 0; i < sizeof(wgw_ed25519_small) / sizeof(y); i++) {

        if (memcmp(y, wgw_ed25519_small[i], sizeof(y)) == 0) {
            return 0;
        }
    }

    /* 2^255 - 19 and more */

    if (y[31] != 0x7f || y[0] < 0xed) {
        return 1;
    }

    for (i = 1; i < 31; i++) {

        if (y[i] != 0xff) {
            return 1;
        }
    }

    return 0;
}


int
wgw_ed25519_verify(const uint8_t key[WGW_ED25519_KEY],
    const uint8_t signature[WGW_ED25519_SIGNATURE], const void *message,
    size_t len)
{
    int          good;
    EVP_PKEY    *pkey;
    EVP_MD_CTX  *ctx;

    pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key,
                                       WGW_ED25519_KEY);
    ctx = EVP_MD_CTX_new();

    good = pkey && ctx
           && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1
           && EVP_DigestVerify(ctx, signature, WGW_ED25519_SIGNATURE,
                               message, len)
              == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);

    return good;
}
