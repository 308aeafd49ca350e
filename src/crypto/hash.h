
/*
 * hash: SipHash-1-3 with a secret key of 16 bytes, 64 or 128 bits out.
 *
 * Keys of the tables come from clients; a seed that they do not know keeps
 * them from choosing colliding ones.  Same results on every machine: the
 * seed is stored in a table's file and the file read again later.
 */

#ifndef WGW_HASH_H
#define WGW_HASH_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


#define WGW_HASH_SEED  16


uint64_t wgw_hash(const uint8_t seed[WGW_HASH_SEED], const void *data,
    size_t len);

/* The 128-bit variant: another function, not twice the other's bits. */
void wgw_hash_128(const uint8_t seed[WGW_HASH_SEED], const void *data,
    size_t len, uint64_t hash[2]);


#pragma GCC visibility pop

#endif /* WGW_HASH_H */
