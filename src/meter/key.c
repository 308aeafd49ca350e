
#include <openssl/evp.h>

#include "format/hex.h"
#include "meter/key.h"


#define WGW_KEY_DIGEST  32


int
wgw_key_hash(wgw_text_t *key, char buffer[WGW_KEY_TEXT])
{
    uint8_t         digest[WGW_KEY_DIGEST];
    unsigned        len;

    static EVP_MD  *sha256;             /* fetched once in a process */

    if (sha256 == NULL) {
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    }

    len = WGW_KEY_DIGEST;

    if (sha256 == NULL
        || EVP_Digest(key->data, key->len, digest, &len, sha256, NULL) != 1)
    {
        return -1;
    }

    memcpy(buffer, WGW_KEY_HASHED, WGW_KEY_HASHED_LEN);
    wgw_hex_encode(buffer + WGW_KEY_HASHED_LEN, digest, WGW_KEY_DIGEST);

    key->data = buffer;
    key->len = WGW_KEY_TEXT;

    return 0;
}
