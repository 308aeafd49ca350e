
/*
 * twox: the chain's quick hash, xxHash64 with the seeds 0, 1 ..., by which
 * storage of a pallet is found (https://xxhash.com).
 */

#ifndef WGW_GRID_TWOX_H
#define WGW_GRID_TWOX_H


#include <stddef.h>
#include <stdint.h>


/* `n` times 8 bytes. */
void grid_twox(uint8_t *hash, size_t n, const void *data, size_t len);


#endif /* WGW_GRID_TWOX_H */
