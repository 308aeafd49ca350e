
/*
 * p256: see p256.h.
 */

#include "crypto/p256.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>


#define WGW_P256_DER  72            /* of a sequence of two such numbers */


static EVP_PKEY *wgw_p256_pkey(const uint8_t key[WGW_P256_KEY]);
static size_t wgw_p256_der(uint8_t der[WGW_P256_DER],
    const uint8_t signature[WGW_P256_SIGNATURE]);
static size_t wgw_p256_der_number(uint8_t *der, const uint8_t number[32]);


int
wgw_p256_key(const uint8_t key[WGW_P256_KEY])
{
    EVP_PKEY  *pkey;

    pkey = wgw_p256_pkey(key);
    EVP_PKEY_free(pkey);

    return pkey != NULL;
}


int
wgw_p256_verify(const uint8_t key[WGW_P256_KEY],
    const uint8_t signature[WGW_P256_SIGNATURE], const void *message,
    size_t len)
{
    int          good;
    uint8_t      der[WGW_P256_DER];
    EVP_PKEY    *pkey;
    EVP_MD_CTX  *ctx;

    pkey = wgw_p256_pkey(key);
    ctx = EVP_MD_CTX_new();

    good = pkey && ctx
           && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1
           && EVP_DigestVerify(ctx, der, wgw_p256_der(der, signature),
                               message, len)
              == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);

    return good;
}


void
wgw_p256_twin(uint8_t twin[WGW_P256_SIGNATURE],
    const uint8_t signature[WGW_P256_SIGNATURE])
{
    int       i, d, borrow;

    static const uint8_t  order[32] = {
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
        0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51
    };

    memcpy(twin, signature, 32);
    borrow = 0;

    for (i = 31; i >= 0; i--) {
        d = order[i] - signature[32 + i] - borrow;
        borrow = d < 0;
        twin[32 + i] = (uint8_t) d;
    }
}


/* NULL when it is no point of the curve, or without memory. */

static EVP_PKEY *
wgw_p256_pkey(const uint8_t key[WGW_P256_KEY])
{
    EVP_PKEY      *pkey;
    OSSL_PARAM     params[3];
    EVP_PKEY_CTX  *ctx;

    static char  group[] = "prime256v1";

    if (key[0] != 2 && key[0] != 3) {
        return NULL;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                 group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                                  (void *) (uintptr_t) key,
                                                  WGW_P256_KEY);
    params[2] = OSSL_PARAM_construct_end();

    pkey = NULL;
    ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    {
        pkey = NULL;
    }

    EVP_PKEY_CTX_free(ctx);

    return pkey;
}


/* SEQUENCE of two INTEGERs */

static size_t
wgw_p256_der(uint8_t der[WGW_P256_DER],
    const uint8_t signature[WGW_P256_SIGNATURE])
{
    size_t  len;

    len = wgw_p256_der_number(der + 2, signature);
    len += wgw_p256_der_number(der + 2 + len, signature + 32);

    der[0] = 0x30;
    der[1] = (uint8_t) len;

    return 2 + len;
}


/* The shortest form of a number that is not negative. */

static size_t
wgw_p256_der_number(uint8_t *der, const uint8_t number[32])
{
    size_t  zeros, pad;

    for (zeros = 0; zeros < 31 && number[zeros] == 0; zeros++) {
        /* void */
    }

    pad = number[zeros] >> 7;

    der[0] = 0x02;
    der[1] = (uint8_t) (32 - zeros + pad);
    der[2] = 0;

    memcpy(der + 2 + pad, number + zeros, 32 - zeros);

    return 2 + 32 - zeros + pad;
}
