
#include <string.h>

#include "crypto/sha256.h"
#include "format/hex.h"
#include "meter/key.h"


int
wgw_key_hash(wgw_text_t *key, char buffer[WGW_KEY_TEXT])
{
    uint8_t  digest[WGW_SHA256];

    if (wgw_sha256(key->data, key->len, digest) != 0) {
        return -1;
    }

    memcpy(buffer, WGW_KEY_HASHED, WGW_KEY_HASHED_LEN);
    wgw_hex_encode(buffer + WGW_KEY_HASHED_LEN, digest, WGW_SHA256);

    key->data = buffer;
    key->len = WGW_KEY_TEXT;

    return 0;
}
