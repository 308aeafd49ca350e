
/*
 * sr25519: Schnorr signatures on ristretto255 as schnorrkel makes them, with
 * the context "substrate".
 *
 * A signature is R and s, the top bit of the last byte set, which tells it
 * from one of ed25519; the check is R = s * B - k * A, with a transcript of
 * Merlin for k.  Signatures are random, none is like another.
 */

#ifndef WGW_GRID_SR25519_H
#define WGW_GRID_SR25519_H


#include <stddef.h>
#include <stdint.h>


#define GRID_SR25519_SIZE  32


/* All of it is secret but the key. */
typedef struct {
    uint8_t  scalar[GRID_SR25519_SIZE];
    uint8_t  nonce[GRID_SR25519_SIZE];
    uint8_t  key[GRID_SR25519_SIZE];
} grid_sr25519_t;


void grid_sr25519_init(grid_sr25519_t *pair,
    const uint8_t secret[GRID_SR25519_SIZE]);

void grid_sr25519_sign(const grid_sr25519_t *pair, uint8_t signature[64],
    const void *data, size_t len);

/* 1 when it is right. */
int grid_sr25519_verify(const uint8_t key[GRID_SR25519_SIZE],
    const uint8_t signature[64], const void *data, size_t len);


#endif /* WGW_GRID_SR25519_H */
