
/*
 * SipHash with one round a word and three at the end, after "SipHash: a fast
 * short-input PRF" (Aumasson, Bernstein, 2012).  Every request pays for it:
 * its pieces are inlined at nginx's own -O, too.
 */

#include <string.h>

#include "crypto/hash.h"


typedef struct {
    uint64_t  v0;
    uint64_t  v1;
    uint64_t  v2;
    uint64_t  v3;
} wgw_sip_t;


static inline void wgw_sip_absorb(wgw_sip_t *sip,
    const uint8_t seed[WGW_HASH_SEED], uint64_t tweak, const void *data,
    size_t len);
static inline uint64_t wgw_sip_end(wgw_sip_t *sip);
static inline uint64_t wgw_sip_load(const uint8_t *p);
static inline uint64_t wgw_sip_rotate(uint64_t word, unsigned bits);
static inline void wgw_sip_round(wgw_sip_t *sip);


uint64_t
wgw_hash(const uint8_t seed[WGW_HASH_SEED], const void *data, size_t len)
{
    wgw_sip_t  sip;

    wgw_sip_absorb(&sip, seed, 0, data, len);

    sip.v2 ^= 0xff;

    return wgw_sip_end(&sip);
}


void
wgw_hash_128(const uint8_t seed[WGW_HASH_SEED], const void *data, size_t len,
    uint64_t hash[2])
{
    wgw_sip_t  sip;

    wgw_sip_absorb(&sip, seed, 0xee, data, len);

    sip.v2 ^= 0xee;
    hash[0] = wgw_sip_end(&sip);

    sip.v1 ^= 0xdd;
    hash[1] = wgw_sip_end(&sip);
}


static inline void
wgw_sip_absorb(wgw_sip_t *sip, const uint8_t seed[WGW_HASH_SEED],
    uint64_t tweak, const void *data, size_t len)
{
    size_t          n;
    uint64_t        k0, k1, word;
    const uint8_t  *p;

    p = data;
    k0 = wgw_sip_load(seed);
    k1 = wgw_sip_load(seed + 8);

    sip->v0 = k0 ^ UINT64_C(0x736f6d6570736575);
    sip->v1 = k1 ^ UINT64_C(0x646f72616e646f6d) ^ tweak;
    sip->v2 = k0 ^ UINT64_C(0x6c7967656e657261);
    sip->v3 = k1 ^ UINT64_C(0x7465646279746573);

    for (n = len / 8; n; n--, p += 8) {
        word = wgw_sip_load(p);

        sip->v3 ^= word;
        wgw_sip_round(sip);
        sip->v0 ^= word;
    }

    /* the last word ends with the length modulo 256 */

    word = (uint64_t) len << 56;

    if (len % 8 == 0) {
        /* void */

    } else if (len > 8) {

        /* the last eight bytes, without those that were absorbed before */

        word |= wgw_sip_load(p + len % 8 - 8) >> (64 - 8 * (len % 8));

    } else {
        for (n = 0; n < len; n++) {
            word |= (uint64_t) p[n] << 8 * n;
        }
    }

    sip->v3 ^= word;
    wgw_sip_round(sip);
    sip->v0 ^= word;
}


static inline uint64_t
wgw_sip_end(wgw_sip_t *sip)
{
    wgw_sip_round(sip);
    wgw_sip_round(sip);
    wgw_sip_round(sip);

    return sip->v0 ^ sip->v1 ^ sip->v2 ^ sip->v3;
}


static inline uint64_t
wgw_sip_load(const uint8_t *p)
{
    uint64_t  word;

    memcpy(&word, p, sizeof(word));

#if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
    word = __builtin_bswap64(word);
#endif

    return word;
}


static inline uint64_t
wgw_sip_rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}


static inline void
wgw_sip_round(wgw_sip_t *sip)
{
    sip->v0 += sip->v1;
    sip->v1 = wgw_sip_rotate(sip->v1, 13) ^ sip->v0;
    sip->v0 = wgw_sip_rotate(sip->v0, 32);

    sip->v2 += sip->v3;
    sip->v3 = wgw_sip_rotate(sip->v3, 16) ^ sip->v2;

    sip->v0 += sip->v3;
    sip->v3 = wgw_sip_rotate(sip->v3, 21) ^ sip->v0;

    sip->v2 += sip->v1;
    sip->v1 = wgw_sip_rotate(sip->v1, 17) ^ sip->v2;
    sip->v2 = wgw_sip_rotate(sip->v2, 32);
}
