
/*
 * varint: unsigned LEB128 as multiformats write it: shortest form only, at
 * most nine bytes (https://github.com/multiformats/unsigned-varint).
 */

#ifndef WGW_VARINT_H
#define WGW_VARINT_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


#define WGW_VARINT_MAX  9


/*
 * Reads the number that `p` begins with.  Returns how many bytes it has, 0
 * when they do not end, -1 when a shorter form exists.
 */
int wgw_varint(const uint8_t *p, size_t len, uint64_t *number);


#pragma GCC visibility pop

#endif /* WGW_VARINT_H */
