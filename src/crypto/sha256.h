
/*
 * sha256: SHA-256 by OpenSSL, which is asked for it only once: to find it by
 * its name each time takes longer than to hash a line.
 */

#ifndef WGW_SHA256_H
#define WGW_SHA256_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


#define WGW_SHA256  32


/* By any thread: 0, or -1 when OpenSSL fails. */
int wgw_sha256(const void *data, size_t len, uint8_t digest[WGW_SHA256]);


#pragma GCC visibility pop

#endif /* WGW_SHA256_H */
