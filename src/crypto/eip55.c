
/*
 * eip55: see eip55.h.
 */

#include "crypto/eip55.h"
#include "format/hex.h"
#include "crypto/keccak.h"

#include <string.h>


const char *
wgw_eip55_parse(uint8_t address[WGW_EIP55_BYTES], wgw_text_t text,
    unsigned lenient)
{
    char        proper[WGW_EIP55_LEN];
    uint8_t     bytes[WGW_EIP55_BYTES];
    wgw_text_t  digits;

    if (text.len != WGW_EIP55_LEN || text.data[0] != '0'
        || text.data[1] != 'x')
    {
        return "is not 0x and 40 hexadecimal digits";
    }

    digits.data = text.data + 2;
    digits.len = text.len - 2;

    if (wgw_hex_decode(bytes, WGW_EIP55_BYTES, digits) != 0) {
        return "is not 0x and 40 hexadecimal digits";
    }

    wgw_eip55_lower(proper, bytes);

    if (!lenient || memcmp(proper, text.data, WGW_EIP55_LEN) != 0) {
        wgw_eip55_print(proper, bytes);

        if (memcmp(proper, text.data, WGW_EIP55_LEN) != 0) {
            return "has a wrong EIP-55 checksum";
        }
    }

    memcpy(address, bytes, WGW_EIP55_BYTES);

    return NULL;
}


void
wgw_eip55_print(char text[WGW_EIP55_LEN],
    const uint8_t address[WGW_EIP55_BYTES])
{
    size_t    i;
    uint8_t   hash[WGW_KECCAK_SIZE];
    unsigned  nibble;

    wgw_eip55_lower(text, address);
    wgw_keccak(hash, text + 2, WGW_EIP55_LEN - 2);

    for (i = 0; i < WGW_EIP55_LEN - 2; i++) {
        nibble = (hash[i / 2] >> (i % 2 ? 0 : 4)) & 0xf;

        if (nibble >= 8 && text[2 + i] >= 'a') {
            text[2 + i] = (char) (text[2 + i] & ~0x20);
        }
    }
}


void
wgw_eip55_lower(char text[WGW_EIP55_LEN],
    const uint8_t address[WGW_EIP55_BYTES])
{
    text[0] = '0';
    text[1] = 'x';

    wgw_hex_encode(text + 2, address, WGW_EIP55_BYTES);
}
