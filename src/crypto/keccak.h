
/*
 * keccak: Keccak-256 as Ethereum uses it.
 *
 * This is the function of the competition (padding 0x01), not SHA3-256 of
 * FIPS 202 (padding 0x06); OpenSSL has it only from 3.2 on.  What is hashed
 * comes in pieces of any size and need not be aligned.
 */

#ifndef WGW_KECCAK_H
#define WGW_KECCAK_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


#define WGW_KECCAK_SIZE  32
#define WGW_KECCAK_RATE  136        /* bytes taken by one permutation */


typedef struct {
    uint64_t  lanes[25];
    size_t    used;                 /* bytes taken since the last one */
} wgw_keccak_t;


void wgw_keccak_init(wgw_keccak_t *keccak);
void wgw_keccak_update(wgw_keccak_t *keccak, const void *data, size_t len);

/* Writes the digest; the state must then be initialized again. */
void wgw_keccak_final(wgw_keccak_t *keccak, uint8_t digest[WGW_KECCAK_SIZE]);

/* Keccak-f[1600] alone, for what is built of it otherwise. */
void wgw_keccak_permute(uint64_t lanes[25]);

/* All of it at once. */
void wgw_keccak(uint8_t digest[WGW_KECCAK_SIZE], const void *data,
    size_t len);


#pragma GCC visibility pop

#endif /* WGW_KECCAK_H */
