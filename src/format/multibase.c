
/*
 * multibase: see multibase.h.
 */

#include "format/multibase.h"

#include <string.h>


#define WGW_MULTIBASE_BAD  0xff


typedef uint8_t (*wgw_digit_pt)(uint8_t c);


static wgw_multibase_t wgw_bits_decode(uint8_t *bytes, size_t room,
    size_t *len, wgw_text_t digits, wgw_digit_pt digit, unsigned bits);
static wgw_multibase_t wgw_base32_decode(uint8_t *bytes, size_t room,
    size_t *len, wgw_text_t digits);
static void wgw_bits_encode(wgw_out_t *out, const uint8_t *p, size_t len,
    const char *digits, unsigned bits);
static wgw_multibase_t wgw_base_decode(uint8_t *bytes, size_t room,
    size_t *len, wgw_text_t digits, wgw_digit_pt digit, unsigned base);
static uint8_t wgw_digit_16(uint8_t c);
static uint8_t wgw_digit_16_upper(uint8_t c);
static uint8_t wgw_digit_32(uint8_t c);
static uint8_t wgw_digit_32_upper(uint8_t c);
static uint8_t wgw_digit_36(uint8_t c);
static uint8_t wgw_digit_36_upper(uint8_t c);
static uint8_t wgw_digit_58(uint8_t c);
static uint8_t wgw_digit_64(uint8_t c);
static uint8_t wgw_digit_64_url(uint8_t c);


static const char  wgw_base58_digits[] =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";


/*
 * The digit's value and 0x20; 0 is no digit.  Every request for a content
 * decodes this one; the other alphabets are rarer.
 */

#define WGW_BASE32_GOOD  0x20

static const uint8_t  wgw_base32_values[256] = {
    ['a'] = 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29,
    0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35,
    0x36, 0x37, 0x38, 0x39,
    ['2'] = 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f
};


wgw_multibase_t
wgw_multibase_decode(void *bytes, size_t room, size_t *len, wgw_text_t text)
{
    wgw_text_t  rest;

    if (text.len == 0) {
        return WGW_MULTIBASE_UNKNOWN;
    }

    rest.data = text.data + 1;
    rest.len = text.len - 1;

    switch (text.data[0]) {

    case 'b':
        return wgw_base32_decode(bytes, room, len, rest);

    case 'B':
        return wgw_bits_decode(bytes, room, len, rest, wgw_digit_32_upper, 5);

    case 'f':
        return wgw_bits_decode(bytes, room, len, rest, wgw_digit_16, 4);

    case 'F':
        return wgw_bits_decode(bytes, room, len, rest, wgw_digit_16_upper, 4);

    case 'm':
        return wgw_bits_decode(bytes, room, len, rest, wgw_digit_64, 6);

    case 'u':
        return wgw_bits_decode(bytes, room, len, rest, wgw_digit_64_url, 6);

    case 'k':
        return wgw_base_decode(bytes, room, len, rest, wgw_digit_36, 36);

    case 'K':
        return wgw_base_decode(bytes, room, len, rest, wgw_digit_36_upper,
                               36);

    case 'z':
        return wgw_base_decode(bytes, room, len, rest, wgw_digit_58, 58);

    default:
        return WGW_MULTIBASE_UNKNOWN;
    }
}


wgw_multibase_t
wgw_base58_decode(void *bytes, size_t room, size_t *len, wgw_text_t digits)
{
    return wgw_base_decode(bytes, room, len, digits, wgw_digit_58, 58);
}


wgw_multibase_t
wgw_base64_decode(void *bytes, size_t room, size_t *len, wgw_text_t digits,
    unsigned url)
{
    return wgw_bits_decode(bytes, room, len, digits,
                           url ? wgw_digit_64_url : wgw_digit_64, 6);
}


void
wgw_base32_encode(wgw_out_t *out, const void *data, size_t len)
{
    wgw_bits_encode(out, data, len, "abcdefghijklmnopqrstuvwxyz234567", 5);
}


void
wgw_base64_encode(wgw_out_t *out, const void *data, size_t len)
{
    wgw_bits_encode(out, data, len,
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                    "0123456789+/", 6);
}


static void
wgw_bits_encode(wgw_out_t *out, const uint8_t *p, size_t len,
    const char *digits, unsigned bits)
{
    size_t    i;
    uint32_t  word, mask;
    unsigned  left;

    word = 0;
    left = 0;
    mask = (1u << bits) - 1;

    for (i = 0; i < len; i++) {
        word = (word << 8 | p[i]) & 0x3fff;
        left += 8;

        while (left >= bits) {
            left -= bits;
            wgw_out_bytes(out, &digits[word >> left & mask], 1);
        }
    }

    if (left) {
        wgw_out_bytes(out, &digits[word << (bits - left) & mask], 1);
    }
}


void
wgw_base58_encode(wgw_out_t *out, const void *data, size_t len)
{
    char            text[180];
    size_t          i, n, used, zeros;
    uint32_t        carry;
    const uint8_t  *p;

    p = data;

    if (len > 128) {
        out->overflow = 1;
        return;
    }

    for (zeros = 0; zeros < len && p[zeros] == 0; zeros++) {
        wgw_out_bytes(out, wgw_base58_digits, 1);
    }

    used = 0;

    for (i = zeros; i < len; i++) {
        carry = p[i];

        for (n = 0; n < used || carry; n++) {
            carry += n < used ? (uint32_t) (uint8_t) text[n] << 8 : 0;
            text[n] = (char) (carry % 58);
            carry /= 58;
        }

        used = n;
    }

    while (used) {
        wgw_out_bytes(out, &wgw_base58_digits[(uint8_t) text[--used]], 1);
    }
}


/* Eight digits are five bytes; what is left goes the common way. */

static wgw_multibase_t
wgw_base32_decode(uint8_t *bytes, size_t room, size_t *len,
    wgw_text_t digits)
{
    size_t           i, n;
    uint8_t          good;
    uint64_t         word;
    const uint8_t   *p, *v;
    wgw_multibase_t  status;

    v = wgw_base32_values;
    p = (const uint8_t *) digits.data;
    good = WGW_BASE32_GOOD;

    for (n = 0; digits.len - n / 5 * 8 >= 8 && room - n >= 5; n += 5, p += 8) {
        good &= v[p[0]] & v[p[1]] & v[p[2]] & v[p[3]]
                & v[p[4]] & v[p[5]] & v[p[6]] & v[p[7]];

        word = (uint64_t) (v[p[0]] & 0x1f) << 35
               | (uint64_t) (v[p[1]] & 0x1f) << 30
               | (uint64_t) (v[p[2]] & 0x1f) << 25
               | (uint64_t) (v[p[3]] & 0x1f) << 20
               | (uint64_t) (v[p[4]] & 0x1f) << 15
               | (uint64_t) (v[p[5]] & 0x1f) << 10
               | (uint64_t) (v[p[6]] & 0x1f) << 5
               | (uint64_t) (v[p[7]] & 0x1f);

        for (i = 0; i < 5; i++) {
            bytes[n + i] = (uint8_t) (word >> (32 - 8 * i));
        }
    }

    if (!good) {
        return WGW_MULTIBASE_DIGIT;
    }

    digits.data += n / 5 * 8;
    digits.len -= n / 5 * 8;

    status = wgw_bits_decode(bytes + n, room - n, len, digits, wgw_digit_32,
                             5);

    if (status == WGW_MULTIBASE_OK) {
        *len += n;
    }

    return status;
}


static wgw_multibase_t
wgw_bits_decode(uint8_t *bytes, size_t room, size_t *len, wgw_text_t digits,
    wgw_digit_pt digit, unsigned bits)
{
    size_t    i, n;
    uint8_t   value;
    uint32_t  word;
    unsigned  left;

    n = 0;
    word = 0;
    left = 0;

    for (i = 0; i < digits.len; i++) {
        value = digit((uint8_t) digits.data[i]);

        if (value == WGW_MULTIBASE_BAD) {
            return WGW_MULTIBASE_DIGIT;
        }

        word = (word << bits | value) & 0xffff;
        left += bits;

        if (left < 8) {
            continue;
        }

        if (n == room) {
            return WGW_MULTIBASE_LONG;
        }

        left -= 8;
        bytes[n++] = (uint8_t) (word >> left);
    }

    /* a whole digit that is left over is one too many */

    if (left >= bits || (word & ((1u << left) - 1))) {
        return WGW_MULTIBASE_DIGIT;
    }

    *len = n;

    return WGW_MULTIBASE_OK;
}


/* A leading zero digit is a zero byte; the rest is one long number. */

static wgw_multibase_t
wgw_base_decode(uint8_t *bytes, size_t room, size_t *len, wgw_text_t digits,
    wgw_digit_pt digit, unsigned base)
{
    size_t    i, n, used, zeros;
    uint8_t   value, swap;
    uint32_t  carry;

    if (digits.len > WGW_MULTIBASE_MAX) {
        return WGW_MULTIBASE_LONG;
    }

    used = 0;
    zeros = 0;

    for (i = 0; i < digits.len; i++) {
        value = digit((uint8_t) digits.data[i]);

        if (value == WGW_MULTIBASE_BAD) {
            return WGW_MULTIBASE_DIGIT;
        }

        zeros += zeros == i && value == 0;
        carry = value;

        for (n = 0; n < used || carry; n++) {

            if (n == room) {
                return WGW_MULTIBASE_LONG;
            }

            carry += n < used ? bytes[n] * base : 0;
            bytes[n] = (uint8_t) carry;
            carry >>= 8;
        }

        used = n;
    }

    if (zeros > room - used) {
        return WGW_MULTIBASE_LONG;
    }

    /* so far the lowest byte is the first */

    memset(bytes + used, 0, zeros);
    used += zeros;

    for (i = 0; i < used / 2; i++) {
        swap = bytes[i];
        bytes[i] = bytes[used - 1 - i];
        bytes[used - 1 - i] = swap;
    }

    *len = used;

    return WGW_MULTIBASE_OK;
}


static uint8_t
wgw_digit_16(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return (uint8_t) (c - '0');
    }

    return c >= 'a' && c <= 'f' ? (uint8_t) (c - 'a' + 10)
                                : WGW_MULTIBASE_BAD;
}


static uint8_t
wgw_digit_16_upper(uint8_t c)
{
    if (c >= 'a' && c <= 'f') {
        return WGW_MULTIBASE_BAD;
    }

    return wgw_digit_16(c >= 'A' && c <= 'F' ? (uint8_t) (c | 0x20) : c);
}


static uint8_t
wgw_digit_32(uint8_t c)
{
    c = wgw_base32_values[c];

    return c ? c & 0x1f : WGW_MULTIBASE_BAD;
}


static uint8_t
wgw_digit_32_upper(uint8_t c)
{
    if (c >= 'a' && c <= 'z') {
        return WGW_MULTIBASE_BAD;
    }

    return wgw_digit_32(c >= 'A' && c <= 'Z' ? (uint8_t) (c | 0x20) : c);
}


static uint8_t
wgw_digit_36(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return (uint8_t) (c - '0');
    }

    return c >= 'a' && c <= 'z' ? (uint8_t) (c - 'a' + 10)
                                : WGW_MULTIBASE_BAD;
}


static uint8_t
wgw_digit_36_upper(uint8_t c)
{
    if (c >= 'a' && c <= 'z') {
        return WGW_MULTIBASE_BAD;
    }

    return wgw_digit_36(c >= 'A' && c <= 'Z' ? (uint8_t) (c | 0x20) : c);
}


static uint8_t
wgw_digit_58(uint8_t c)
{
    const char  *p;

    p = c ? strchr(wgw_base58_digits, c) : NULL;

    return p ? (uint8_t) (p - wgw_base58_digits) : WGW_MULTIBASE_BAD;
}


static uint8_t
wgw_digit_64(uint8_t c)
{
    if (c == '+' || c == '/') {
        return c == '+' ? 62 : 63;
    }

    return c == '-' || c == '_' ? WGW_MULTIBASE_BAD : wgw_digit_64_url(c);
}


static uint8_t
wgw_digit_64_url(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return (uint8_t) (c - 'A');
    }

    if (c >= 'a' && c <= 'z') {
        return (uint8_t) (c - 'a' + 26);
    }

    if (c >= '0' && c <= '9') {
        return (uint8_t) (c - '0' + 52);
    }

    if (c == '-' || c == '_') {
        return c == '-' ? 62 : 63;
    }

    return WGW_MULTIBASE_BAD;
}
