
/*
 * SipHash-1-3, both lengths, against OpenSSL, and one literal vector.
 */

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/hash.h"

#include "t/unit/tap.h"


static void openssl(const uint8_t seed[WGW_HASH_SEED], const uint8_t *data,
    size_t len, size_t size, uint64_t words[2]);
static size_t disagreements(const uint8_t seed[WGW_HASH_SEED]);


/* OpenSSL's result of 8 or 16 bytes, read as little-endian. */

static void
openssl(const uint8_t seed[WGW_HASH_SEED], const uint8_t *data, size_t len,
    size_t size, uint64_t words[2])
{
    size_t         i, written;
    EVP_MAC       *mac;
    uint8_t        out[16];
    OSSL_PARAM     params[4];
    EVP_MAC_CTX   *ctx;
    unsigned int   c_rounds, d_rounds;

    c_rounds = 1;
    d_rounds = 3;

    params[0] = OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size);
    params[1] = OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &c_rounds);
    params[2] = OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &d_rounds);
    params[3] = OSSL_PARAM_construct_end();

    mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    ctx = EVP_MAC_CTX_new(mac);

    if (ctx == NULL
        || EVP_MAC_init(ctx, seed, WGW_HASH_SEED, params) != 1
        || EVP_MAC_update(ctx, data, len) != 1
        || EVP_MAC_final(ctx, out, &written, sizeof(out)) != 1
        || written != size)
    {
        printf("Bail out! OpenSSL has no SipHash\n");
        exit(1);
    }

    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);

    words[0] = 0;
    words[1] = 0;

    for (i = size; i; i--) {
        words[(i - 1) / 8] = words[(i - 1) / 8] << 8 | out[i - 1];
    }
}


/* The data starts at an odd address: nothing may rely on alignment. */

static size_t
disagreements(const uint8_t seed[WGW_HASH_SEED])
{
    size_t    len, wrong;
    uint8_t   buffer[302];
    uint64_t  words[2], both[2];

    wrong = 0;

    for (len = 0; len < sizeof(buffer); len++) {
        buffer[len] = (uint8_t) (len * 131 + seed[3]);
    }

    for (len = 0; len < sizeof(buffer); len++) {
        openssl(seed, buffer + 1, len, 8, words);
        wrong += wgw_hash(seed, buffer + 1, len) != words[0];

        openssl(seed, buffer + 1, len, 16, words);
        wgw_hash_128(seed, buffer + 1, len, both);
        wrong += both[0] != words[0] || both[1] != words[1];

        if (len == 300) {
            break;
        }
    }

    return wrong;
}


int
main(void)
{
    size_t   i;
    uint8_t  seed[WGW_HASH_SEED], other[WGW_HASH_SEED];

    for (i = 0; i < sizeof(seed); i++) {
        seed[i] = (uint8_t) i;
        other[i] = (uint8_t) (0xff - 7 * i);
    }

    ok(wgw_hash(seed, "", 0) == UINT64_C(0xabac0158050fc4dc),
       "SipHash-1-3 of nothing under the key 00 01 .. 0f");

    ok(wgw_hash(seed, NULL, 0) == wgw_hash(seed, "", 0),
       "nothing may be a null pointer");

    ok(disagreements(seed) == 0, "as OpenSSL, lengths 0 to 300");
    ok(disagreements(other) == 0, "as OpenSSL with another seed");

    ok(wgw_hash(seed, "name", 4) != wgw_hash(other, "name", 4),
       "the seed changes the hash");

    return done();
}
