
/*
 * varsig: see varsig.h.  Varints have one form, so that headers can be
 * compared as they are.
 */

#include "format/varsig.h"

#include <string.h>


static const uint8_t  wgw_varsig_headers[][WGW_VARSIG_HEADER] = {
    [WGW_VARSIG_ED25519] = { 0x34, 0x01, 0xed, 0x01, 0xed, 0x01, 0x13, 0x71 },
    [WGW_VARSIG_SECP256K1] = { 0x34, 0x01, 0xec, 0x01, 0xe7, 0x01, 0x12,
                               0x71 },
    [WGW_VARSIG_P256] = { 0x34, 0x01, 0xec, 0x01, 0x80, 0x24, 0x12, 0x71 }
};


wgw_varsig_t
wgw_varsig_read(wgw_text_t header)
{
    wgw_varsig_t  algorithm;

    if (header.len != WGW_VARSIG_HEADER) {
        return WGW_VARSIG_NONE;
    }

    for (algorithm = WGW_VARSIG_ED25519; algorithm <= WGW_VARSIG_P256;
         algorithm++)
    {
        if (memcmp(header.data, wgw_varsig_headers[algorithm],
                   WGW_VARSIG_HEADER)
            == 0)
        {
            return algorithm;
        }
    }

    return WGW_VARSIG_NONE;
}


const uint8_t *
wgw_varsig_header(wgw_varsig_t algorithm)
{
    return algorithm == WGW_VARSIG_NONE ? NULL : wgw_varsig_headers[algorithm];
}
