
#include <string.h>

#include <sodium.h>

#include "grid/merlin.h"
#include "grid/sr25519.h"


static void sr25519_transcript(grid_merlin_t *merlin, const void *data,
    size_t len);
static void sr25519_challenge(grid_merlin_t *merlin,
    const uint8_t key[GRID_SR25519_SIZE],
    const uint8_t point[GRID_SR25519_SIZE],
    uint8_t scalar[GRID_SR25519_SIZE]);


/* The expansion is that of ed25519, divided by the cofactor. */

void
grid_sr25519_init(grid_sr25519_t *pair, const uint8_t secret[GRID_SR25519_SIZE])
{
    int      i;
    uint8_t  hash[crypto_hash_sha512_BYTES], carry, byte;

    (void) crypto_hash_sha512(hash, secret, GRID_SR25519_SIZE);

    hash[0] &= 248;
    hash[31] &= 63;
    hash[31] |= 64;

    carry = 0;

    for (i = GRID_SR25519_SIZE - 1; i >= 0; i--) {
        byte = hash[i];
        pair->scalar[i] = (uint8_t) (carry | byte >> 3);
        carry = (uint8_t) (byte << 5);
    }

    memcpy(pair->nonce, hash + GRID_SR25519_SIZE, GRID_SR25519_SIZE);
    (void) crypto_scalarmult_ristretto255_base(pair->key, pair->scalar);

    sodium_memzero(hash, sizeof(hash));
}


/*
 * The nonce is a hash of what is secret, of random bytes and of the message:
 * neither a bad source of randomness nor a message that is signed twice tells
 * anything.
 */

void
grid_sr25519_sign(const grid_sr25519_t *pair, uint8_t signature[64],
    const void *data, size_t len)
{
    uint8_t                   wide[crypto_hash_sha512_BYTES];
    uint8_t                   random[32], r[32], k[32];
    grid_merlin_t             merlin;
    crypto_hash_sha512_state  hash;

    randombytes_buf(random, sizeof(random));

    crypto_hash_sha512_init(&hash);
    crypto_hash_sha512_update(&hash, pair->nonce, sizeof(pair->nonce));
    crypto_hash_sha512_update(&hash, random, sizeof(random));
    crypto_hash_sha512_update(&hash, pair->key, sizeof(pair->key));
    crypto_hash_sha512_update(&hash, data, len);
    crypto_hash_sha512_final(&hash, wide);

    crypto_core_ristretto255_scalar_reduce(r, wide);
    (void) crypto_scalarmult_ristretto255_base(signature, r);

    sr25519_transcript(&merlin, data, len);
    sr25519_challenge(&merlin, pair->key, signature, k);

    crypto_core_ristretto255_scalar_mul(k, k, pair->scalar);
    crypto_core_ristretto255_scalar_add(signature + 32, k, r);
    signature[63] |= 0x80;

    sodium_memzero(wide, sizeof(wide));
    sodium_memzero(&hash, sizeof(hash));
    sodium_memzero(r, sizeof(r));
    sodium_memzero(k, sizeof(k));
}


int
grid_sr25519_verify(const uint8_t key[GRID_SR25519_SIZE],
    const uint8_t signature[64], const void *data, size_t len)
{
    uint8_t        s[32], wide[64], k[32], left[32], right[32], point[32];
    grid_merlin_t  merlin;

    if (!(signature[63] & 0x80)) {
        return 0;
    }

    memcpy(s, signature + 32, sizeof(s));
    s[31] &= 0x7f;

    /* in its one form, below the group's order */

    memset(wide, 0, sizeof(wide));
    memcpy(wide, s, sizeof(s));
    crypto_core_ristretto255_scalar_reduce(point, wide);

    if (memcmp(point, s, sizeof(s)) != 0) {
        return 0;
    }

    sr25519_transcript(&merlin, data, len);
    sr25519_challenge(&merlin, key, signature, k);

    /* -1 for what is no point, and for the identity, by which all is right */

    if (crypto_scalarmult_ristretto255_base(left, s) != 0
        || crypto_scalarmult_ristretto255(right, k, key) != 0
        || crypto_core_ristretto255_sub(point, left, right) != 0)
    {
        return 0;
    }

    return memcmp(point, signature, sizeof(point)) == 0;
}


static void
sr25519_transcript(grid_merlin_t *merlin, const void *data, size_t len)
{
    grid_merlin_init(merlin, "SigningContext");
    grid_merlin_append(merlin, "", "substrate", 9);
    grid_merlin_append(merlin, "sign-bytes", data, len);
    grid_merlin_append(merlin, "proto-name", "Schnorr-sig", 11);
}


static void
sr25519_challenge(grid_merlin_t *merlin, const uint8_t key[GRID_SR25519_SIZE],
    const uint8_t point[GRID_SR25519_SIZE], uint8_t scalar[GRID_SR25519_SIZE])
{
    uint8_t  wide[64];

    grid_merlin_append(merlin, "sign:pk", key, GRID_SR25519_SIZE);
    grid_merlin_append(merlin, "sign:R", point, GRID_SR25519_SIZE);
    grid_merlin_challenge(merlin, "sign:c", wide, sizeof(wide));

    crypto_core_ristretto255_scalar_reduce(scalar, wide);
}
