
/*
 * dagjson: see dagjson.h.
 */

#include "format/dagjson.h"
#include "format/cid.h"
#include "format/multibase.h"

#include <stdio.h>
#include <string.h>


static const uint8_t *wgw_dagjson_item(wgw_out_t *out, const uint8_t *p);
static void wgw_dagjson_float(wgw_out_t *out, uint64_t bits);
static void wgw_dagjson_link(wgw_out_t *out, wgw_text_t bytes);
static const uint8_t *wgw_dagjson_items(wgw_out_t *out, const uint8_t *p,
    const wgw_cbor_t *item);


void
wgw_dagjson_write(wgw_out_t *out, const uint8_t *p)
{
    (void) wgw_dagjson_item(out, p);
}


/* Calls itself as deep as the document is nested, at most. */

static const uint8_t *
wgw_dagjson_item(wgw_out_t *out, const uint8_t *p)
{
    wgw_cbor_t  item;

    p = wgw_cbor_read(&item, p);

    switch (item.type) {

    case WGW_CBOR_NULL:
        wgw_out_str(out, "null");
        break;

    case WGW_CBOR_BOOL:
        wgw_out_str(out, item.number ? "true" : "false");
        break;

    case WGW_CBOR_UINT:
        wgw_out_uint(out, item.number);
        break;

    case WGW_CBOR_NINT:
        wgw_out_str(out, "-");

        if (item.number == UINT64_MAX) {
            wgw_out_str(out, "18446744073709551616");

        } else {
            wgw_out_uint(out, item.number + 1);
        }

        break;

    case WGW_CBOR_FLOAT:
        wgw_dagjson_float(out, item.number);
        break;

    case WGW_CBOR_BYTES:
        wgw_out_str(out, "{\"/\":{\"bytes\":\"");
        wgw_base64_encode(out, item.bytes.data, item.bytes.len);
        wgw_out_str(out, "\"}}");
        break;

    case WGW_CBOR_TEXT:
        wgw_out_json(out, item.bytes);
        break;

    case WGW_CBOR_LINK:
        wgw_dagjson_link(out, item.bytes);
        break;

    default:
        return wgw_dagjson_items(out, p, &item);
    }

    return p;
}


static void
wgw_dagjson_float(wgw_out_t *out, uint64_t bits)
{
    char    text[32];
    double  real;

    memcpy(&real, &bits, sizeof(real));
    snprintf(text, sizeof(text), "%.17g", real);

    wgw_out_str(out, text);

    if (strpbrk(text, ".e") == NULL) {
        wgw_out_str(out, ".0");
    }
}


static void
wgw_dagjson_link(wgw_out_t *out, wgw_text_t bytes)
{
    wgw_cid_t  cid;

    wgw_out_str(out, "{\"/\":\"");

    if (wgw_cid_read_bytes(&cid, bytes.data, bytes.len) == 0) {
        wgw_cid_write(out, &cid);
    }

    wgw_out_str(out, "\"}");
}


static const uint8_t *
wgw_dagjson_items(wgw_out_t *out, const uint8_t *p, const wgw_cbor_t *item)
{
    uint64_t  i;
    unsigned  map;

    map = item->type == WGW_CBOR_MAP;
    wgw_out_str(out, map ? "{" : "[");

    for (i = 0; i < item->number; i++) {
        wgw_out_str(out, i ? "," : "");

        if (map) {
            p = wgw_dagjson_item(out, p);
            wgw_out_str(out, ":");
        }

        p = wgw_dagjson_item(out, p);
    }

    wgw_out_str(out, map ? "}" : "]");

    return p;
}
