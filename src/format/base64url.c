
/*
 * base64url: see base64url.h.
 */

#include "format/base64url.h"

#include <string.h>


static const char  wgw_base64url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";


/*
 * Where a digit is in the first of four places; the high bit of all for what
 * is none, which stays above the 24 bits of these wherever it is moved.
 */

static const uint64_t  wgw_base64url_values[256] = {
#define XX  UINT64_C(0x8000000000000000)
#define V(n)  ((uint64_t) (n) << 18)
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, V(62), XX, XX,
    V(52), V(53), V(54), V(55), V(56), V(57), V(58), V(59),
    V(60), V(61), XX, XX, XX, XX, XX, XX,
    XX, V(0), V(1), V(2), V(3), V(4), V(5), V(6),
    V(7), V(8), V(9), V(10), V(11), V(12), V(13), V(14),
    V(15), V(16), V(17), V(18), V(19), V(20), V(21), V(22),
    V(23), V(24), V(25), XX, XX, XX, XX, V(63),
    XX, V(26), V(27), V(28), V(29), V(30), V(31), V(32),
    V(33), V(34), V(35), V(36), V(37), V(38), V(39), V(40),
    V(41), V(42), V(43), V(44), V(45), V(46), V(47), V(48),
    V(49), V(50), V(51), XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX
#undef V
#undef XX
};


static inline uint64_t wgw_base64url_bits(const uint8_t *p, size_t n);


void
wgw_base64url_encode(wgw_out_t *out, const void *data, size_t len)
{
    char           *text;
    size_t          left;
    uint32_t        bits;
    const uint8_t  *p;

    /* two digits for one byte more, three for two */

    left = len % 3;

    if (len / 3 > (size_t) (out->end - out->pos) / 4
        || len / 3 * 4 + left + (left != 0)
           > (size_t) (out->end - out->pos))
    {
        out->overflow = 1;
        return;
    }

    text = out->pos;

    for (p = data; len >= 3; p += 3, len -= 3) {
        bits = (uint32_t) p[0] << 16 | (uint32_t) p[1] << 8 | p[2];

        *text++ = wgw_base64url_alphabet[bits >> 18];
        *text++ = wgw_base64url_alphabet[bits >> 12 & 0x3f];
        *text++ = wgw_base64url_alphabet[bits >> 6 & 0x3f];
        *text++ = wgw_base64url_alphabet[bits & 0x3f];
    }

    if (left) {
        bits = (uint32_t) p[0] << 16
               | (left == 2 ? (uint32_t) p[1] << 8 : 0);

        *text++ = wgw_base64url_alphabet[bits >> 18];
        *text++ = wgw_base64url_alphabet[bits >> 12 & 0x3f];

        if (left == 2) {
            *text++ = wgw_base64url_alphabet[bits >> 6 & 0x3f];
        }
    }

    out->pos = text;
}


int
wgw_base64url_decode(void *bytes, size_t *len, wgw_text_t text)
{
    size_t          left;
    uint8_t        *out;
    uint32_t        four;
    uint64_t        bits, all;
    const uint8_t  *p;

    p = (const uint8_t *) text.data;
    out = bytes;
    all = 0;
    left = text.len;

    /* as long as there is room for a fourth byte, which the next replace */

    for ( /* void */ ; left >= 6; left -= 4, p += 4, out += 3) {
        bits = wgw_base64url_bits(p, 4);
        all |= bits;

        four = (uint32_t) bits << 8;

#if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        four = __builtin_bswap32(four);
#endif

        memcpy(out, &four, sizeof(four));
    }

    if (left >= 4) {
        bits = wgw_base64url_bits(p, 4);
        all |= bits;

        *out++ = (uint8_t) (bits >> 16);
        *out++ = (uint8_t) (bits >> 8);
        *out++ = (uint8_t) bits;

        p += 4;
        left -= 4;
    }

    if (left == 1) {
        return -1;
    }

    if (left) {
        bits = wgw_base64url_bits(p, left);
        all |= bits;

        if (bits & (left == 3 ? 0xff : 0xffff)) {
            return -1;
        }

        *out++ = (uint8_t) (bits >> 16);

        if (left == 3) {
            *out++ = (uint8_t) (bits >> 8);
        }
    }

    *len = (size_t) (out - (uint8_t *) bytes);

    return all >> 24 ? -1 : 0;
}


/* Of two, three or four digits. */

static inline uint64_t
wgw_base64url_bits(const uint8_t *p, size_t n)
{
    const uint64_t  *v;

    v = wgw_base64url_values;

    return v[p[0]] | v[p[1]] >> 6 | (n > 2 ? v[p[2]] >> 12 : 0)
           | (n > 3 ? v[p[3]] >> 18 : 0);
}
