
/*
 * Public keys of DIDs and what is signed with them.
 */

#include "t/unit/tap.h"
#include "t/unit/claims/vectors.h"
#include "crypto/ed25519.h"
#include "crypto/p256.h"
#include "crypto/pubkey.h"
#include "format/hex.h"

#include <openssl/err.h>


/* egress 84: every row of the vectors. */

static void
test_dids(void)
{
    char            hex[66];
    size_t          i;
    yajl_val        root, row;
    const char     *did, *mapped, *reason, *expected;
    wgw_did_key_t   key;

    root = vectors_read("ucan", "dids");

    for (i = 0; i < YAJL_GET_ARRAY(member(root, "vectors"))->len; i++) {
        row = YAJL_GET_ARRAY(member(root, "vectors"))->values[i];
        did = string(row, "did");
        mapped = string(member(root, "did_map"), did);
        expected = string(row, "reason");

        reason = wgw_did_key(&key, view(mapped ? mapped : did));
        reason = reason ? reason : wgw_pubkey_check(&key);

        if (!ok(expected ? reason && strcmp(reason, expected) == 0
                         : reason == NULL,
                "egress 84: %s: %s", string(row, "what"),
                string(row, "expect")))
        {
            printf("# got %s\n", reason ? reason : "accept");
        }

        if (reason == NULL) {
            wgw_hex_encode(hex, key.bytes, key.len);
            is(hex, 2 * key.len, string(row, "key_hex"), "its bytes");
        }
    }

    yajl_tree_free(root);
}


/*
 * The 14 encodings that OpenSSL takes for a point of small order, and keys
 * beyond the field.
 */

static void
test_small(void)
{
    size_t          i, sign;
    uint8_t         any;
    wgw_did_key_t   key;

    static const char *const  small[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
    };

    key.algorithm = WGW_VARSIG_ED25519;
    key.len = 32;

    for (i = 0; i < sizeof(small) / sizeof(small[0]); i++) {

        for (sign = 0; sign < 2; sign++) {
            wgw_hex_decode(key.bytes, 32, view(small[i]));
            key.bytes[31] |= (uint8_t) (sign << 7);

            ok(wgw_pubkey_check(&key) != NULL
               && wgw_ed25519_key(key.bytes) == 0, "small order: %s, sign %zu",
               small[i], sign);
        }
    }

    /* a forgery: S = 0, R the key itself, over any message */

    any = 0;
    wgw_hex_decode(key.bytes, 32, view(small[1]));

    for (i = 0; i < 64; i++) {
        uint8_t  signature[64];

        memset(signature, 0, sizeof(signature));
        memcpy(signature, key.bytes, 32);
        any |= wgw_pubkey_verify(&key, signature, &i, sizeof(i)) != 0;
    }

    ok(any == 0, "nobody signs for a key of small order");
    ok(ERR_peek_error() == 0, "OpenSSL's errors are not left behind");
}


static void
test_points(void)
{
    int             bad;
    size_t          i;
    wgw_did_key_t   key;

    /* p itself as x, and prefixes of other forms */

    static const struct {
        wgw_varsig_t  algorithm;
        const char   *hex;
        const char   *what;
    } points[] = {
        { WGW_VARSIG_P256, "04964b00f247ca2fa9170e16c7f63bb633449fe48251f22a"
          "fafc1042b4037f9b76", "P-256, uncompressed" },
        { WGW_VARSIG_P256, "00964b00f247ca2fa9170e16c7f63bb633449fe48251f22a"
          "fafc1042b4037f9b76", "P-256, no form" },
        { WGW_VARSIG_P256, "02ffffffff00000001000000000000000000000000ffffff"
          "ffffffffffffffffff", "P-256, x is p" },
        { WGW_VARSIG_P256, "02ffffffffffffffffffffffffffffffffffffffffffffff"
          "ffffffffffffffffff", "P-256, x above p" },
        { WGW_VARSIG_SECP256K1, "02fffffffffffffffffffffffffffffffffffffffff"
          "ffffffffffffffefffffc2f", "secp256k1, x is p" },
        { WGW_VARSIG_SECP256K1, "044b613e9ee188322a590e30d951a9ff1806c9c4411"
          "695b59570120d0c6f116e9d", "secp256k1, uncompressed" }
    };

    for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        key.algorithm = points[i].algorithm;
        key.len = 33;
        wgw_hex_decode(key.bytes, 33, view(points[i].hex));
        ok(wgw_pubkey_check(&key) != NULL, "no point: %s", points[i].what);
    }

    /* about half of all numbers are the x of a point */

    bad = 0;
    key.algorithm = WGW_VARSIG_P256;
    memset(key.bytes, 0, sizeof(key.bytes));
    key.bytes[0] = 2;

    for (i = 0; i < 64; i++) {
        key.bytes[32] = (uint8_t) i;
        bad += wgw_pubkey_check(&key) != NULL;
    }

    ok(bad > 16 && bad < 48, "off the curve: %d of 64", bad);

    bad = 0;
    key.algorithm = WGW_VARSIG_SECP256K1;

    for (i = 0; i < 64; i++) {
        key.bytes[32] = (uint8_t) i;
        bad += wgw_pubkey_check(&key) != NULL;
    }

    ok(bad > 16 && bad < 48, "off secp256k1: %d of 64", bad);
    ok(ERR_peek_error() == 0, "OpenSSL's errors are not left behind");
}


static void
test_twin(void)
{
    uint8_t  signature[64], twin[64], back[64];

    memset(signature, 7, sizeof(signature));
    wgw_p256_twin(twin, signature);
    wgw_p256_twin(back, twin);

    ok(memcmp(twin, signature, 32) == 0
       && memcmp(twin + 32, signature + 32, 32) != 0, "n - s is another s");
    ok(memcmp(back, signature, 64) == 0, "and its own twin's twin");
}


int
main(void)
{
    test_dids();
    test_small();
    test_points();
    test_twin();

    return done();
}
