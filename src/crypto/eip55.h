
/*
 * eip55: an Ethereum address, 20 bytes, and how it is written.
 *
 * EIP-55: `0x` and 40 hexadecimal digits, whose capitals are a checksum: a
 * letter is a capital where the digit at its place in the Keccak-256 of the
 * lower-case digits is 8 or more.  Addresses are compared as bytes.
 */

#ifndef WGW_EIP55_H
#define WGW_EIP55_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_EIP55_BYTES  20
#define WGW_EIP55_LEN    42         /* of the text */


/*
 * Strict: the capitals must be right, so that a mistyped address is found.
 * With `lenient` all letters may also be in lower case, as many wallets give
 * an address out.
 *
 * Returns NULL, or a phrase such as "has a wrong EIP-55 checksum", to be put
 * after the name of the field; then the address is not set.
 */
const char *wgw_eip55_parse(uint8_t address[WGW_EIP55_BYTES],
    wgw_text_t text, unsigned lenient);

/* With its checksum; not terminated. */
void wgw_eip55_print(char text[WGW_EIP55_LEN],
    const uint8_t address[WGW_EIP55_BYTES]);

/* All lower case, the form to use as a key; not terminated. */
void wgw_eip55_lower(char text[WGW_EIP55_LEN],
    const uint8_t address[WGW_EIP55_BYTES]);


#pragma GCC visibility pop

#endif /* WGW_EIP55_H */
