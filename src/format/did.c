
/*
 * did: see did.h.
 */

#include "format/did.h"
#include "format/multibase.h"
#include "format/varint.h"

#include <string.h>


#define WGW_DID_ROOM  400           /* a varint and an RSA key of 2048 bits */


static const struct {
    uint64_t       code;
    wgw_varsig_t   algorithm;
    size_t         len;
} wgw_did_kinds[] = {
    { 0xed, WGW_VARSIG_ED25519, 32 },
    { 0xe7, WGW_VARSIG_SECP256K1, 33 },
    { 0x1200, WGW_VARSIG_P256, 33 }
};


#define WGW_DID_KINDS  (sizeof(wgw_did_kinds) / sizeof(wgw_did_kinds[0]))


static const char  wgw_did_key_prefix[] = "did:key:";


const char *
wgw_did_check(wgw_text_t did)
{
    size_t   i, method;
    uint8_t  c;

    static const char  prefix[] = "did:";

    if (did.len < sizeof(prefix) - 1
        || memcmp(did.data, prefix, sizeof(prefix) - 1) != 0)
    {
        return "did:syntax";
    }

    method = sizeof(prefix) - 1;

    for (i = method; i < did.len; i++) {
        c = (uint8_t) did.data[i];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9')) {
            break;
        }
    }

    if (i == method || i == did.len || did.data[i] != ':'
        || wgw_did_bare(did).len <= i + 1)
    {
        return "did:syntax";
    }

    for (i++; i < did.len; i++) {
        c = (uint8_t) did.data[i];

        if (c <= ' ' || c >= 0x7f) {
            return "did:syntax";
        }
    }

    return NULL;
}


wgw_text_t
wgw_did_bare(wgw_text_t did)
{
    size_t  i;

    for (i = 0; i < did.len; i++) {

        if (did.data[i] == '#' || did.data[i] == '?') {
            did.len = i;
            break;
        }
    }

    return did;
}


int
wgw_did_is_key(wgw_text_t did)
{
    return did.len >= sizeof(wgw_did_key_prefix) - 1
           && memcmp(did.data, wgw_did_key_prefix,
                     sizeof(wgw_did_key_prefix) - 1) == 0;
}


const char *
wgw_did_key(wgw_did_key_t *key, wgw_text_t did)
{
    int         n;
    size_t      i, len;
    uint8_t     bytes[WGW_DID_ROOM];
    uint64_t    code;
    wgw_text_t  id;

    did = wgw_did_bare(did);

    if (!wgw_did_is_key(did)) {
        return "did:unresolved";
    }

    id.data = did.data + sizeof(wgw_did_key_prefix) - 1;
    id.len = did.len - (sizeof(wgw_did_key_prefix) - 1);

    if (id.len == 0 || id.data[0] != 'z') {
        return "did:multibase";
    }

    switch (wgw_multibase_decode(bytes, sizeof(bytes), &len, id)) {
    case WGW_MULTIBASE_OK:
        break;
    case WGW_MULTIBASE_LONG:
        return "did:key-length";
    default:
        return "did:base58";
    }

    n = wgw_varint(bytes, len, &code);

    if (n <= 0) {
        return n ? "did:varint-not-minimal" : "did:varint";
    }

    for (i = 0; i < WGW_DID_KINDS; i++) {

        if (wgw_did_kinds[i].code == code) {
            break;
        }
    }

    if (i == WGW_DID_KINDS) {
        return "did:key-type";
    }

    if (len - (size_t) n != wgw_did_kinds[i].len) {
        return "did:key-length";
    }

    key->algorithm = wgw_did_kinds[i].algorithm;
    key->len = wgw_did_kinds[i].len;
    memcpy(key->bytes, bytes + n, key->len);

    return NULL;
}


void
wgw_did_write(wgw_out_t *out, const wgw_did_key_t *key)
{
    uint8_t  bytes[2 + 33];

    static const uint8_t  codes[][2] = {
        [WGW_VARSIG_ED25519] = { 0xed, 0x01 },
        [WGW_VARSIG_SECP256K1] = { 0xe7, 0x01 },
        [WGW_VARSIG_P256] = { 0x80, 0x24 }
    };

    memcpy(bytes, codes[key->algorithm], 2);
    memcpy(bytes + 2, key->bytes, key->len);

    wgw_out_str(out, "did:key:z");
    wgw_base58_encode(out, bytes, 2 + key->len);
}
