
/*
 * hex: bytes as hexadecimal digits.
 */

#ifndef WGW_HEX_H
#define WGW_HEX_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


/*
 * Two digits of either case a byte.  Returns 0, or -1 for anything else, and
 * then `bytes` has no meaning.
 */
int wgw_hex_decode(uint8_t *bytes, size_t n, wgw_text_t digits);

/* Writes 2 * n lower-case digits. */
void wgw_hex_encode(char *digits, const uint8_t *bytes, size_t n);


#pragma GCC visibility pop

#endif /* WGW_HEX_H */
