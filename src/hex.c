
/*
 * hex: see hex.h.
 */

#include "hex.h"


static int wgw_hex_value(char c);


int
wgw_hex_decode(uint8_t *bytes, size_t n, wgw_text_t digits)
{
    int     high, low;
    size_t  i;

    if (digits.len != 2 * n) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        high = wgw_hex_value(digits.data[2 * i]);
        low = wgw_hex_value(digits.data[2 * i + 1]);

        if (high < 0 || low < 0) {
            return -1;
        }

        bytes[i] = (uint8_t) (high << 4 | low);
    }

    return 0;
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


static int
wgw_hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    return (c >= 'A' && c <= 'F') ? c - 'A' + 10 : -1;
}
