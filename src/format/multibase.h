
/*
 * multibase: bytes as text, a first letter telling the alphabet
 * (https://github.com/multiformats/multibase).
 *
 *   b B   base32, RFC 4648, without padding
 *   k K   base36
 *   z     base58btc
 *   f F   base16
 *   u m   base64url, base64, without padding
 *
 * A capital letter stands for capital digits, and either case may not be
 * mixed with the other.  Each text has one meaning: bits that are left over
 * must be zero.  What is not a power of two takes time in the square of its
 * length, hence the bound on it.
 */

#ifndef WGW_MULTIBASE_H
#define WGW_MULTIBASE_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_MULTIBASE_MAX  512      /* bytes of a text in base36 or 58 */


typedef enum {
    WGW_MULTIBASE_OK = 0,
    WGW_MULTIBASE_UNKNOWN,          /* no alphabet of ours, or no text */
    WGW_MULTIBASE_DIGIT,            /* not of the alphabet, or bits over */
    WGW_MULTIBASE_LONG              /* does not fit into the room */
} wgw_multibase_t;


wgw_multibase_t wgw_multibase_decode(void *bytes, size_t room, size_t *len,
    wgw_text_t text);

/* The same without a first letter; base64 with its own digits or url's. */
wgw_multibase_t wgw_base58_decode(void *bytes, size_t room, size_t *len,
    wgw_text_t digits);
wgw_multibase_t wgw_base64_decode(void *bytes, size_t room, size_t *len,
    wgw_text_t digits, unsigned url);

/* Without the first letter and padding; base58 of at most 128 bytes. */
void wgw_base32_encode(wgw_out_t *out, const void *data, size_t len);
void wgw_base58_encode(wgw_out_t *out, const void *data, size_t len);
void wgw_base64_encode(wgw_out_t *out, const void *data, size_t len);


#pragma GCC visibility pop

#endif /* WGW_MULTIBASE_H */
