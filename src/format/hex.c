
/*
 * hex: see hex.h.
 */

#include "format/hex.h"


/* 0xf0 for what is no digit */

static const uint8_t  wgw_hex_values[256] = {
#define XX  0xf0
#define X16 XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX
    X16, X16, X16,
     0,  1,  2,  3,  4,  5,  6,  7,  8,  9, XX, XX, XX, XX, XX, XX,
    XX, 10, 11, 12, 13, 14, 15, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    X16,
    XX, 10, 11, 12, 13, 14, 15, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    X16, X16, X16, X16, X16, X16, X16, X16, X16
#undef X16
#undef XX
};


int
wgw_hex_decode(uint8_t *bytes, size_t n, wgw_text_t digits)
{
    size_t          i;
    uint8_t         high, low, bad;
    const uint8_t  *p;

    if (digits.len != 2 * n) {
        return -1;
    }

    p = (const uint8_t *) digits.data;
    bad = 0;

    for (i = 0; i < n; i++, p += 2) {
        high = wgw_hex_values[p[0]];
        low = wgw_hex_values[p[1]];

        bad |= high | low;
        bytes[i] = (uint8_t) (high << 4 | low);
    }

    return (bad & 0xf0) ? -1 : 0;
}


void
wgw_hex_encode(char *digits, const uint8_t *bytes, size_t n)
{
    size_t             i;
    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < n; i++) {
        digits[2 * i] = hex[bytes[i] >> 4];
        digits[2 * i + 1] = hex[bytes[i] & 0xf];
    }
}
