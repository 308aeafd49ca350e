
/*
 * keccak: see keccak.h.  After "The Keccak reference" 3.0, with the five
 * steps of a round merged and two rounds a turn, from one array to another
 * and back, so that no lane is moved for its own sake.
 */

#include "crypto/keccak.h"

#include <assert.h>
#include <string.h>


static inline void wgw_keccak_round(uint64_t e[25], const uint64_t a[25],
    uint64_t constant);
static inline void wgw_keccak_row(uint64_t e[5], uint64_t b0, uint64_t b1,
    uint64_t b2, uint64_t b3, uint64_t b4);
static inline uint64_t wgw_keccak_rotate(uint64_t lane, unsigned bits);
static inline uint64_t wgw_keccak_load(const uint8_t *p);


static const uint64_t  wgw_keccak_constants[24] = {
    UINT64_C(0x0000000000000001), UINT64_C(0x0000000000008082),
    UINT64_C(0x800000000000808a), UINT64_C(0x8000000080008000),
    UINT64_C(0x000000000000808b), UINT64_C(0x0000000080000001),
    UINT64_C(0x8000000080008081), UINT64_C(0x8000000000008009),
    UINT64_C(0x000000000000008a), UINT64_C(0x0000000000000088),
    UINT64_C(0x0000000080008009), UINT64_C(0x000000008000000a),
    UINT64_C(0x000000008000808b), UINT64_C(0x800000000000008b),
    UINT64_C(0x8000000000008089), UINT64_C(0x8000000000008003),
    UINT64_C(0x8000000000008002), UINT64_C(0x8000000000000080),
    UINT64_C(0x000000000000800a), UINT64_C(0x800000008000000a),
    UINT64_C(0x8000000080008081), UINT64_C(0x8000000000008080),
    UINT64_C(0x0000000080000001), UINT64_C(0x8000000080008008)
};


void
wgw_keccak(uint8_t digest[WGW_KECCAK_SIZE], const void *data, size_t len)
{
    wgw_keccak_t  keccak;

    wgw_keccak_init(&keccak);
    wgw_keccak_update(&keccak, data, len);
    wgw_keccak_final(&keccak, digest);
}


void
wgw_keccak_init(wgw_keccak_t *keccak)
{
    memset(keccak, 0, sizeof(wgw_keccak_t));
}


void
wgw_keccak_update(wgw_keccak_t *keccak, const void *data, size_t len)
{
    size_t          n, at;
    const uint8_t  *p;

    assert(keccak->used < WGW_KECCAK_RATE);

    for (p = data; len; p += n, len -= n) {

        at = keccak->used;

        if (at % 8 == 0 && len >= 8) {
            n = 8;
            keccak->lanes[at / 8] ^= wgw_keccak_load(p);

        } else {
            n = 1;
            keccak->lanes[at / 8] ^= (uint64_t) *p << 8 * (at % 8);
        }

        keccak->used += n;

        if (keccak->used == WGW_KECCAK_RATE) {
            wgw_keccak_permute(keccak->lanes);
            keccak->used = 0;
        }
    }
}


void
wgw_keccak_final(wgw_keccak_t *keccak, uint8_t digest[WGW_KECCAK_SIZE])
{
    size_t  i;

    assert(keccak->used < WGW_KECCAK_RATE);

    /* the padding: 1, zeros, 1 in the last bit of the block */

    keccak->lanes[keccak->used / 8] ^= UINT64_C(1) << 8 * (keccak->used % 8);
    keccak->lanes[WGW_KECCAK_RATE / 8 - 1] ^= UINT64_C(1) << 63;

    wgw_keccak_permute(keccak->lanes);

    for (i = 0; i < WGW_KECCAK_SIZE; i++) {
        digest[i] = (uint8_t) (keccak->lanes[i / 8] >> 8 * (i % 8));
    }
}


void
wgw_keccak_permute(uint64_t a[25])
{
    size_t    i;
    uint64_t  e[25];

    for (i = 0; i < 24; i += 2) {
        wgw_keccak_round(e, a, wgw_keccak_constants[i]);
        wgw_keccak_round(a, e, wgw_keccak_constants[i + 1]);
    }
}


/*
 * Lane x, y is a[x + 5 * y].  Theta adds d[x] to each lane of column x; rho
 * and pi say which lane, turned by how much, stands where in the new rows;
 * chi works within a row.
 */

static inline void
wgw_keccak_round(uint64_t e[25], const uint64_t a[25], uint64_t constant)
{
    uint64_t  c0, c1, c2, c3, c4, d0, d1, d2, d3, d4;

    c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20];
    c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
    c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22];
    c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
    c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];

    d0 = c4 ^ wgw_keccak_rotate(c1, 1);
    d1 = c0 ^ wgw_keccak_rotate(c2, 1);
    d2 = c1 ^ wgw_keccak_rotate(c3, 1);
    d3 = c2 ^ wgw_keccak_rotate(c4, 1);
    d4 = c3 ^ wgw_keccak_rotate(c0, 1);

    wgw_keccak_row(e, a[0] ^ d0,
                   wgw_keccak_rotate(a[6] ^ d1, 44),
                   wgw_keccak_rotate(a[12] ^ d2, 43),
                   wgw_keccak_rotate(a[18] ^ d3, 21),
                   wgw_keccak_rotate(a[24] ^ d4, 14));

    e[0] ^= constant;

    wgw_keccak_row(e + 5, wgw_keccak_rotate(a[3] ^ d3, 28),
                   wgw_keccak_rotate(a[9] ^ d4, 20),
                   wgw_keccak_rotate(a[10] ^ d0, 3),
                   wgw_keccak_rotate(a[16] ^ d1, 45),
                   wgw_keccak_rotate(a[22] ^ d2, 61));

    wgw_keccak_row(e + 10, wgw_keccak_rotate(a[1] ^ d1, 1),
                   wgw_keccak_rotate(a[7] ^ d2, 6),
                   wgw_keccak_rotate(a[13] ^ d3, 25),
                   wgw_keccak_rotate(a[19] ^ d4, 8),
                   wgw_keccak_rotate(a[20] ^ d0, 18));

    wgw_keccak_row(e + 15, wgw_keccak_rotate(a[4] ^ d4, 27),
                   wgw_keccak_rotate(a[5] ^ d0, 36),
                   wgw_keccak_rotate(a[11] ^ d1, 10),
                   wgw_keccak_rotate(a[17] ^ d2, 15),
                   wgw_keccak_rotate(a[23] ^ d3, 56));

    wgw_keccak_row(e + 20, wgw_keccak_rotate(a[2] ^ d2, 62),
                   wgw_keccak_rotate(a[8] ^ d3, 55),
                   wgw_keccak_rotate(a[14] ^ d4, 39),
                   wgw_keccak_rotate(a[15] ^ d0, 41),
                   wgw_keccak_rotate(a[21] ^ d1, 2));
}


static inline void
wgw_keccak_row(uint64_t e[5], uint64_t b0, uint64_t b1, uint64_t b2,
    uint64_t b3, uint64_t b4)
{
    e[0] = b0 ^ (~b1 & b2);
    e[1] = b1 ^ (~b2 & b3);
    e[2] = b2 ^ (~b3 & b4);
    e[3] = b3 ^ (~b4 & b0);
    e[4] = b4 ^ (~b0 & b1);
}


static inline uint64_t
wgw_keccak_rotate(uint64_t lane, unsigned bits)
{
    return (lane << bits) | (lane >> (64 - bits));
}


static inline uint64_t
wgw_keccak_load(const uint8_t *p)
{
    return (uint64_t) p[0] | (uint64_t) p[1] << 8
           | (uint64_t) p[2] << 16 | (uint64_t) p[3] << 24
           | (uint64_t) p[4] << 32 | (uint64_t) p[5] << 40
           | (uint64_t) p[6] << 48 | (uint64_t) p[7] << 56;
}
