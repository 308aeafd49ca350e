
/*
 * identity: phrases, keys, addresses and signatures against
 * t/vectors/tf/keys.json, which @polkadot/keyring agrees with.
 */

#include "format/doc.h"
#include "format/hex.h"
#include "grid/file.h"
#include "grid/identity.h"
#include "grid/phrase.h"

#include "t/unit/tap.h"


static wgw_text_t
text(const char *terminated)
{
    return (wgw_text_t) { terminated, strlen(terminated) };
}


static int
equal(const uint8_t *bytes, size_t n, const char *hex)
{
    char  digits[256];

    wgw_hex_encode(digits, bytes, n);

    return strlen(hex) == 2 * n && memcmp(digits, hex, 2 * n) == 0;
}


/* What both kinds sign: "both_in_one" of deployments.json, a hash of MD5. */

static const uint8_t  hash[16] = {
    0x2a, 0x0b, 0x7f, 0xd9, 0xee, 0xf1, 0xea, 0x71,
    0xb7, 0x2b, 0xd2, 0xd5, 0xdb, 0xfe, 0xc1, 0xc9
};


static void
kind(const grid_identity_t *me, grid_kind_t kind, yajl_val vector)
{
    char            address[GRID_ADDRESS];
    size_t          i;
    uint8_t         key[GRID_KEY], signature[GRID_SIGNATURE];
    const char     *name;
    const uint8_t  *mine;

    name = grid_kind_name(kind);
    mine = grid_identity_key(me, kind);

    ok(equal(mine, GRID_KEY, wgw_doc_text(vector, "public_hex")),
       "%s: the key", name);

    grid_address(address, mine);
    is(address, strlen(address), wgw_doc_text(vector, "address"),
       "its address");
    ok(grid_address_read(key, text(address)) == 0
       && memcmp(key, mine, GRID_KEY) == 0, "and back");

    ok(wgw_hex_decode(signature, GRID_SIGNATURE,
                      text(wgw_doc_text(vector, kind == GRID_SR25519
                           ? "a_valid_signature_of_both_in_one_hash_hex"
                           : "signature_of_both_in_one_hash_hex"))) == 0
       && grid_verify(kind, mine, signature, hash, sizeof(hash)),
       "%s: a signature of others", name);

    grid_identity_sign(me, kind, signature, "message", 7);
    ok(grid_verify(kind, mine, signature, "message", 7), "one of ours");
    ok(!grid_verify(kind, mine, signature, "messagf", 7), "of another text");
    ok(!grid_verify(!kind, mine, signature, "message", 7), "of another kind");

    for (i = 0; i < 8 * GRID_SIGNATURE; i++) {
        signature[i / 8] ^= (uint8_t) (1 << i % 8);

        if (grid_verify(kind, mine, signature, "message", 7)) {
            break;
        }

        signature[i / 8] ^= (uint8_t) (1 << i % 8);
    }

    ok(i == 8 * GRID_SIGNATURE, "tf 10: each of its bits counts");
}


static void
identities(yajl_val keys)
{
    size_t            i;
    uint8_t           secret[GRID_PHRASE];
    yajl_val          one;
    const char       *error;
    char              seed[80];
    grid_identity_t  *me, *other;

    for (i = 0; i < wgw_doc_count(keys, "identities"); i++) {
        one = wgw_doc_at(keys, "identities", i);

        error = grid_phrase_read(secret, text(wgw_doc_text(one, "phrase")));
        ok(error == NULL
           && equal(secret, GRID_PHRASE,
                    wgw_doc_text(one, "mini_secret_hex")),
           "%s: the mini secret", wgw_doc_text(one, "id"));

        me = grid_identity_make(text(wgw_doc_text(one, "phrase")), &error);
        snprintf(seed, sizeof(seed), "0x%s\n",
                 wgw_doc_text(one, "mini_secret_hex"));
        other = grid_identity_make(text(seed), &error);

        ok(me && other
           && memcmp(grid_identity_key(me, GRID_SR25519),
                     grid_identity_key(other, GRID_SR25519), GRID_KEY) == 0,
           "tf 68: its seed is the same");

        kind(me, GRID_ED25519, wgw_doc_get(one, "ed25519"));
        kind(me, GRID_SR25519, wgw_doc_get(one, "sr25519"));

        grid_identity_close(me);
        grid_identity_close(other);
    }

    ok(i == 3, "all of them");
}


static void
bad(yajl_val keys)
{
    char         many[40 * 8 + 1];
    size_t       i;
    uint8_t      bytes[GRID_KEY];
    const char  *one;

    for (i = 0; i < wgw_doc_count(keys, "bad_phrases"); i++) {
        one = wgw_doc_text(wgw_doc_at(keys, "bad_phrases", i), "phrase");
        ok(grid_phrase_read(bytes, text(one)) != NULL, "tf 67: no phrase: %s",
           one);
    }

    for (i = 0; i < 40; i++) {
        memcpy(many + 8 * i, "abandon ", 9);
        (void) grid_phrase_read(bytes, text(many));
    }

    ok(grid_phrase_read(bytes, text(many)) != NULL, "nor are 40 words");
    ok(grid_phrase_read(bytes, (wgw_text_t) {
           "abandon\0x abandon abandon", 26 }) != NULL, "nor a NUL in one");

    for (i = 0; i < wgw_doc_count(keys, "bad_addresses"); i++) {
        one = wgw_doc_text(wgw_doc_at(keys, "bad_addresses", i), "address");
        ok(grid_address_read(bytes, text(one)) != 0, "no address: \"%s\"",
           one);
    }
}


/* Points and scalars that are not in their one form, or of no use. */

static void
strange(void)
{
    uint8_t           key[GRID_KEY], signature[GRID_SIGNATURE];
    const char       *error;
    grid_identity_t  *me;

    static const char  order[] = "edd3f55c1a631258d69cf7a2def9de14"
                                 "00000000000000000000000000000010";
    uint8_t            l[32];
    unsigned           carry;
    size_t             i;

    me = grid_identity_make(text("legal winner thank year wave sausage worth "
                                 "useful legal winner thank yellow"), &error);
    memcpy(key, grid_identity_key(me, GRID_SR25519), GRID_KEY);
    grid_identity_sign(me, GRID_SR25519, signature, "x", 1);

    (void) wgw_hex_decode(l, sizeof(l), text(order));
    signature[63] &= 0x7f;

    for (i = 0, carry = 0; i < 32; i++) {
        carry += signature[32 + i] + l[i];
        signature[32 + i] = (uint8_t) carry;
        carry >>= 8;
    }

    signature[63] |= 0x80;
    ok(!grid_verify(GRID_SR25519, key, signature, "x", 1),
       "s and the group's order is another s");

    memset(key, 0, sizeof(key));
    memset(signature, 0, sizeof(signature));
    signature[63] = 0x80;
    ok(!grid_verify(GRID_SR25519, key, signature, "x", 1),
       "the identity signs nothing");

    memset(key, 0xff, sizeof(key));
    ok(!grid_verify(GRID_SR25519, key, signature, "x", 1), "nor no point");

    grid_identity_close(me);
}


int
main(void)
{
    yajl_val     keys;
    const char  *error;

    keys = grid_file_json("t/vectors/tf/keys.json", &error);

    if (!ok(keys != NULL, "vectors")) {
        return done();
    }

    identities(keys);
    bad(keys);
    strange();

    yajl_tree_free(keys);

    return done();
}
