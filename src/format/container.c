
/*
 * container: see container.h.
 */

#include "format/container.h"
#include "format/multibase.h"

#include <string.h>
#include <zlib.h>


#define WGW_CONTAINER_GZIP  (15 + 16)   /* zlib: only with a gzip header */


static const char *wgw_container_base64(wgw_text_t *data, uint8_t *room,
    size_t size, unsigned url);
static const char *wgw_container_inflate(wgw_text_t *data, uint8_t *room,
    size_t size);
static const char *wgw_container_list(wgw_container_t *container,
    wgw_text_t data);


int
wgw_container_is(wgw_text_t data)
{
    return data.len && data.data[0] && strchr("@BCMOP", data.data[0]) != NULL;
}


/* Base64 is put at the end of the room, and inflated from there. */

const char *
wgw_container_read(wgw_container_t *container, wgw_text_t data,
    uint8_t *room, size_t size)
{
    char         form;
    const char  *reason;

    if (!wgw_container_is(data)) {
        return "container:header";
    }

    form = data.data[0];
    data.data++;
    data.len--;

    if (strchr("BCOP", form)) {
        reason = wgw_container_base64(&data, room, size,
                                      form == 'C' || form == 'P');
        if (reason) {
            return reason;
        }

        if (strchr("OP", form)) {
            memmove(room + size - data.len, data.data, data.len);
            data.data = (const char *) room + size - data.len;
            size -= data.len;
        }
    }

    if (strchr("MOP", form)) {
        reason = wgw_container_inflate(&data, room, size);
        if (reason) {
            return reason;
        }
    }

    return wgw_container_list(container, data);
}


static const char *
wgw_container_base64(wgw_text_t *data, uint8_t *room, size_t size,
    unsigned url)
{
    size_t       len, pad;
    wgw_text_t   digits;

    digits = *data;

    if (digits.len && digits.data[digits.len - 1] == '\n') {
        digits.len--;
        digits.len -= digits.len && digits.data[digits.len - 1] == '\r';
    }

    if (!url) {
        if (digits.len % 4) {
            return "container:base64";
        }

        for (pad = 0; pad < 2 && digits.len; pad++) {

            if (digits.data[digits.len - 1] != '=') {
                break;
            }

            digits.len--;
        }
    }

    switch (wgw_base64_decode(room, size, &len, digits, url)) {

    case WGW_MULTIBASE_OK:
        break;

    case WGW_MULTIBASE_LONG:
        return WGW_CONTAINER_LARGE;

    default:
        return "container:base64";
    }

    data->data = (const char *) room;
    data->len = len;

    return NULL;
}


static const char *
wgw_container_inflate(wgw_text_t *data, uint8_t *room, size_t size)
{
    int        rc;
    uInt       left;
    z_stream   z;

    memset(&z, 0, sizeof(z));

    if (inflateInit2(&z, WGW_CONTAINER_GZIP) != Z_OK) {
        return "container:gzip";
    }

    z.next_in = (Bytef *) (uintptr_t) data->data;
    z.avail_in = (uInt) data->len;
    z.next_out = room;
    z.avail_out = (uInt) size;

    rc = inflate(&z, Z_FINISH);
    left = z.avail_in;
    size -= z.avail_out;

    (void) inflateEnd(&z);

    if (rc == Z_STREAM_END && left == 0) {
        data->data = (const char *) room;
        data->len = size;
        return NULL;
    }

    return rc == Z_BUF_ERROR && z.avail_out == 0 ? WGW_CONTAINER_LARGE
                                                 : "container:gzip";
}


static const char *
wgw_container_list(wgw_container_t *container, wgw_text_t data)
{
    uint64_t        i;
    wgw_cbor_t      map, key, list, item;
    const char     *reason;
    const uint8_t  *p;

    reason = wgw_cbor_check(data.data, data.len);

    if (reason) {
        return reason;
    }

    p = wgw_cbor_read(&map, (const uint8_t *) data.data);

    if (map.type != WGW_CBOR_MAP || map.number != 1) {
        return "container:shape";
    }

    p = wgw_cbor_read(&key, p);
    p = wgw_cbor_read(&list, p);

    if (!wgw_text_equal(key.bytes, wgw_text("ctn-v1"))
        || list.type != WGW_CBOR_LIST)
    {
        return "container:shape";
    }

    container->n = list.number;
    container->next = p;

    for (i = 0; i < list.number; i++) {
        p = wgw_cbor_read(&item, p);

        if (item.type != WGW_CBOR_BYTES) {
            return "container:shape";
        }
    }

    return NULL;
}


int
wgw_container_next(wgw_container_t *container, wgw_text_t *token)
{
    wgw_cbor_t  item;

    if (container->n == 0) {
        return 0;
    }

    container->n--;
    container->next = wgw_cbor_read(&item, container->next);
    *token = item.bytes;

    return 1;
}
