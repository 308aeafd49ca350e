
/*
 * base64url: see base64url.h.
 */

#include "format/base64url.h"


static const char  wgw_base64url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";


/* 0x80 for what is no digit */

static const uint8_t  wgw_base64url_values[256] = {
#define XX  0x80
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, 62, XX, XX,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, XX, XX, XX, XX, XX, XX,
    XX,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, XX, XX, XX, XX, 63,
    XX, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX
#undef XX
};


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
    uint8_t        *out, bad;
    uint32_t        bits;
    const uint8_t  *p, *v;

    v = wgw_base64url_values;
    p = (const uint8_t *) text.data;
    out = bytes;
    bad = 0;

    for (left = text.len; left >= 4; left -= 4, p += 4, out += 3) {
        bad |= v[p[0]] | v[p[1]] | v[p[2]] | v[p[3]];

        bits = (uint32_t) v[p[0]] << 18 | (uint32_t) v[p[1]] << 12
               | (uint32_t) v[p[2]] << 6 | v[p[3]];

        out[0] = (uint8_t) (bits >> 16);
        out[1] = (uint8_t) (bits >> 8);
        out[2] = (uint8_t) bits;
    }

    if (left == 1) {
        return -1;
    }

    if (left) {
        bad |= v[p[0]] | v[p[1]] | (left == 3 ? v[p[2]] : 0);

        bits = (uint32_t) v[p[0]] << 18 | (uint32_t) v[p[1]] << 12
               | (left == 3 ? (uint32_t) v[p[2]] << 6 : 0);

        if (bits & (left == 3 ? 0xff : 0xffff)) {
            return -1;
        }

        *out++ = (uint8_t) (bits >> 16);

        if (left == 3) {
            *out++ = (uint8_t) (bits >> 8);
        }
    }

    *len = (size_t) (out - (uint8_t *) bytes);

    return (bad & 0x80) ? -1 : 0;
}
