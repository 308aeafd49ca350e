
#include "grid/twox.h"


#define TWOX_1  UINT64_C(0x9e3779b185ebca87)
#define TWOX_2  UINT64_C(0xc2b2ae3d27d4eb4f)
#define TWOX_3  UINT64_C(0x165667b19e3779f9)
#define TWOX_4  UINT64_C(0x85ebca77c2b2ae63)
#define TWOX_5  UINT64_C(0x27d4eb2f165667c5)


static uint64_t twox_hash(const uint8_t *p, size_t len, uint64_t seed);
static uint64_t twox_tail(uint64_t hash, const uint8_t *p, size_t len);
static uint64_t twox_round(uint64_t lane, uint64_t word);
static uint64_t twox_rotate(uint64_t word, unsigned bits);
static uint64_t twox_load(const uint8_t *p, size_t size);


void
grid_twox(uint8_t *hash, size_t n, const void *data, size_t len)
{
    size_t    i, k;
    uint64_t  word;

    for (i = 0; i < n; i++) {
        word = twox_hash(data, len, i);

        for (k = 0; k < 8; k++) {
            *hash++ = (uint8_t) (word >> 8 * k);
        }
    }
}


static uint64_t
twox_hash(const uint8_t *p, size_t len, uint64_t seed)
{
    size_t    i, left;
    uint64_t  hash, lanes[4];

    left = len;
    hash = seed + TWOX_5;

    if (len >= 32) {
        lanes[0] = seed + TWOX_1 + TWOX_2;
        lanes[1] = seed + TWOX_2;
        lanes[2] = seed;
        lanes[3] = seed - TWOX_1;

        for ( /* void */ ; left >= 32; left -= 32) {
            for (i = 0; i < 4; i++, p += 8) {
                lanes[i] = twox_round(lanes[i], twox_load(p, 8));
            }
        }

        hash = twox_rotate(lanes[0], 1) + twox_rotate(lanes[1], 7)
               + twox_rotate(lanes[2], 12) + twox_rotate(lanes[3], 18);

        for (i = 0; i < 4; i++) {
            hash = (hash ^ twox_round(0, lanes[i])) * TWOX_1 + TWOX_4;
        }
    }

    hash = twox_tail(hash + len, p, left);

    hash = (hash ^ hash >> 33) * TWOX_2;
    hash = (hash ^ hash >> 29) * TWOX_3;

    return hash ^ hash >> 32;
}


static uint64_t
twox_tail(uint64_t hash, const uint8_t *p, size_t len)
{
    for ( /* void */ ; len >= 8; len -= 8, p += 8) {
        hash = twox_rotate(hash ^ twox_round(0, twox_load(p, 8)), 27) * TWOX_1
               + TWOX_4;
    }

    if (len >= 4) {
        hash = twox_rotate(hash ^ twox_load(p, 4) * TWOX_1, 23) * TWOX_2
               + TWOX_3;
        len -= 4;
        p += 4;
    }

    for ( /* void */ ; len; len--, p++) {
        hash = twox_rotate(hash ^ *p * TWOX_5, 11) * TWOX_1;
    }

    return hash;
}


static uint64_t
twox_round(uint64_t lane, uint64_t word)
{
    return twox_rotate(lane + word * TWOX_2, 31) * TWOX_1;
}


static uint64_t
twox_rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}


static uint64_t
twox_load(const uint8_t *p, size_t size)
{
    uint64_t  word;

    for (word = 0; size; size--) {
        word = word << 8 | p[size - 1];
    }

    return word;
}
