
/*
 * cid: see cid.h.
 */

#include "format/cid.h"
#include "format/multibase.h"
#include "format/varint.h"

#include <string.h>


#define WGW_CID_DAG_PB     0x70
#define WGW_CID_SHA2_256   0x12
#define WGW_CID_SHA2_512   0x13
#define WGW_CID_V0_TEXT    46
#define WGW_CID_V0_BYTES   34


void
wgw_cid_copy(wgw_cid_t *to, const wgw_cid_t *from)
{
    *to = *from;

    to->multihash.data = (const char *) to->bytes
                         + (from->multihash.data
                            - (const char *) from->bytes);
}


int
wgw_cid_read(wgw_cid_t *cid, wgw_text_t text)
{
    size_t   len;
    uint8_t  bytes[WGW_CID_BYTES];

    if (text.len > WGW_CID_TEXT_MAX) {
        return -1;
    }

    if (text.len == WGW_CID_V0_TEXT && text.data[0] == 'Q') {

        if (wgw_base58_decode(bytes, sizeof(bytes), &len, text) != 0
            || len != WGW_CID_V0_BYTES)
        {
            return -1;
        }

        return wgw_cid_read_bytes(cid, bytes, len);
    }

    if (wgw_multibase_decode(bytes, sizeof(bytes), &len, text) != 0) {
        return -1;
    }

    if (wgw_cid_read_bytes(cid, bytes, len) != 0) {
        return -1;
    }

    /* v0 has no multibase letter */

    return cid->version == 1 ? 0 : -1;
}


int
wgw_cid_read_bytes(wgw_cid_t *cid, const void *data, size_t len)
{
    int             n;
    size_t          at;
    uint64_t        number;
    const uint8_t  *p;

    p = data;

    if (len == 0 || len > WGW_CID_BYTES) {
        return -1;
    }

    memcpy(cid->bytes, p, len);
    cid->len = len;

    if (len == WGW_CID_V0_BYTES && p[0] == WGW_CID_SHA2_256 && p[1] == 32) {
        cid->version = 0;
        cid->codec = WGW_CID_DAG_PB;
        at = 0;

    } else {
        if (p[0] != 1) {
            return -1;
        }

        n = wgw_varint(p + 1, len - 1, &number);

        if (n <= 0) {
            return -1;
        }

        cid->version = 1;
        cid->codec = number;
        at = 1 + (size_t) n;
    }

    cid->multihash.data = (const char *) cid->bytes + at;
    cid->multihash.len = len - at;

    return wgw_multihash_check(cid->multihash.data, cid->multihash.len);
}


int
wgw_multihash_check(const void *data, size_t len)
{
    int             code_len, size_len;
    uint64_t        code, size;
    const uint8_t  *p;

    p = data;
    code_len = wgw_varint(p, len, &code);

    if (code_len <= 0) {
        return -1;
    }

    size_len = wgw_varint(p + code_len, len - (size_t) code_len, &size);

    if (size_len <= 0 || size > WGW_CID_DIGEST
        || size != len - (size_t) code_len - (size_t) size_len)
    {
        return -1;
    }

    if (code == WGW_CID_SHA2_256) {
        return size == 32 ? 0 : -1;
    }

    if (code == WGW_CID_SHA2_512) {
        return size == 64 ? 0 : -1;
    }

    return 0;
}


void
wgw_cid_write(wgw_out_t *out, const wgw_cid_t *cid)
{
    uint8_t  bytes[2 + WGW_CID_V0_BYTES];

    wgw_out_bytes(out, "b", 1);

    if (cid->version) {
        wgw_base32_encode(out, cid->bytes, cid->len);
        return;
    }

    bytes[0] = 1;
    bytes[1] = WGW_CID_DAG_PB;
    memcpy(bytes + 2, cid->bytes, WGW_CID_V0_BYTES);

    wgw_base32_encode(out, bytes, sizeof(bytes));
}


wgw_text_t
wgw_cid_of_path(wgw_text_t path)
{
    wgw_text_t   cid;
    const char  *end;

    static const char  prefix[] = "/ipfs/";

    cid.data = path.data;
    cid.len = 0;

    if (path.len < sizeof(prefix) - 1
        || memcmp(path.data, prefix, sizeof(prefix) - 1) != 0)
    {
        return cid;
    }

    cid.data = path.data + sizeof(prefix) - 1;
    cid.len = path.len - (sizeof(prefix) - 1);

    end = memchr(cid.data, '/', cid.len);

    if (end) {
        cid.len = (size_t) (end - cid.data);
    }

    return cid;
}


wgw_text_t
wgw_cid_of_host(wgw_text_t host)
{
    wgw_text_t   cid;
    const char  *dot;

    static const char  label[] = ".ipfs.";

    cid.data = host.data;
    cid.len = 0;

    dot = host.len ? memchr(host.data, '.', host.len) : NULL;

    if (dot == NULL
        || (size_t) (host.data + host.len - dot) <= sizeof(label) - 1
        || memcmp(dot, label, sizeof(label) - 1) != 0)
    {
        return cid;
    }

    cid.len = (size_t) (dot - host.data);

    return cid;
}
