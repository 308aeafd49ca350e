
/*
 * hmac: HMAC-SHA256 (RFC 2104) with a key that is used many times.
 *
 * What depends on the key alone is computed once, which leaves two blocks
 * less for each message.
 */

#ifndef WGW_HMAC_H
#define WGW_HMAC_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


#define WGW_HMAC_SIZE  32


/* As secret as the key.  One cache line. */
typedef struct {
    uint32_t  inner[8];         /* SHA-256 after the key's first block */
    uint32_t  outer[8];
} wgw_hmac_t;


/* A key of any length; the caller wipes its own copy. */
void wgw_hmac_init(wgw_hmac_t *hmac, const void *key, size_t len);
void wgw_hmac_wipe(wgw_hmac_t *hmac);

void wgw_hmac(const wgw_hmac_t *hmac, uint8_t mac[WGW_HMAC_SIZE],
    const void *data, size_t len);

/* In constant time; 1 when both are the same. */
int wgw_hmac_equal(const uint8_t a[WGW_HMAC_SIZE],
    const uint8_t b[WGW_HMAC_SIZE]);


#pragma GCC visibility pop

#endif /* WGW_HMAC_H */
