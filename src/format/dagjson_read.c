
/*
 * dagjson_read: see dagjson_read.h.
 */

#include "format/dagjson_read.h"
#include "format/cid.h"
#include "format/multibase.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>


#define WGW_DAGJSON_MEMBERS  256


static int wgw_dagjson_object(wgw_out_t *out, yajl_val value);
static int wgw_dagjson_special(wgw_out_t *out, yajl_val value);
static int wgw_dagjson_bytes(wgw_out_t *out, const char *text);
static int wgw_dagjson_cid(wgw_out_t *out, const char *text);
static int wgw_dagjson_number(wgw_out_t *out, const char *number);
static int wgw_dagjson_order(const void *a, const void *b);


int
wgw_dagjson_put(wgw_out_t *out, yajl_val value)
{
    size_t       i;
    const char  *text;

    if (YAJL_IS_OBJECT(value)) {
        return wgw_dagjson_object(out, value);
    }

    if (YAJL_IS_ARRAY(value)) {
        wgw_cbor_put_list(out, YAJL_GET_ARRAY(value)->len);

        for (i = 0; i < YAJL_GET_ARRAY(value)->len; i++) {

            if (wgw_dagjson_put(out, YAJL_GET_ARRAY(value)->values[i]) != 0) {
                return -1;
            }
        }

    } else if (YAJL_IS_STRING(value)) {
        text = YAJL_GET_STRING(value);
        wgw_cbor_put_text(out, (wgw_text_t) { text, strlen(text) });

    } else if (YAJL_IS_NUMBER(value)) {
        return wgw_dagjson_number(out, YAJL_GET_NUMBER(value));

    } else if (YAJL_IS_NULL(value)) {
        wgw_cbor_put_null(out);

    } else {
        wgw_cbor_put_bool(out, YAJL_IS_TRUE(value));
    }

    return 0;
}


static int
wgw_dagjson_object(wgw_out_t *out, yajl_val value)
{
    size_t       i, n;
    const char  *keys[WGW_DAGJSON_MEMBERS], *path[2];

    n = YAJL_GET_OBJECT(value)->len;

    if (n > WGW_DAGJSON_MEMBERS) {
        return -1;
    }

    if (n == 1 && strcmp(YAJL_GET_OBJECT(value)->keys[0], "/") == 0) {
        return wgw_dagjson_special(out, YAJL_GET_OBJECT(value)->values[0]);
    }

    for (i = 0; i < n; i++) {
        keys[i] = YAJL_GET_OBJECT(value)->keys[i];
    }

    qsort(keys, n, sizeof(keys[0]), wgw_dagjson_order);
    wgw_cbor_put_map(out, n);

    path[1] = NULL;

    for (i = 0; i < n; i++) {
        wgw_cbor_put_text(out, (wgw_text_t) { keys[i], strlen(keys[i]) });
        path[0] = keys[i];

        if (wgw_dagjson_put(out, yajl_tree_get(value, path, yajl_t_any))
            != 0)
        {
            return -1;
        }
    }

    return 0;
}


/* Bytes or a link. */

static int
wgw_dagjson_special(wgw_out_t *out, yajl_val value)
{
    yajl_val  bytes;

    static const char  *path[] = { "bytes", NULL };

    if (YAJL_IS_STRING(value)) {
        return wgw_dagjson_cid(out, YAJL_GET_STRING(value));
    }

    bytes = yajl_tree_get(value, path, yajl_t_string);

    return bytes ? wgw_dagjson_bytes(out, bytes->u.string) : -1;
}


static int
wgw_dagjson_bytes(wgw_out_t *out, const char *text)
{
    int          rc;
    size_t       len;
    uint8_t     *bytes;
    wgw_text_t   digits;

    digits.data = text;
    digits.len = strlen(text);

    while (digits.len && text[digits.len - 1] == '=') {
        digits.len--;
    }

    bytes = malloc(digits.len + 1);

    rc = bytes && wgw_base64_decode(bytes, digits.len, &len, digits, 0)
                  == WGW_MULTIBASE_OK ? 0 : -1;

    if (rc == 0) {
        wgw_cbor_put_bytes(out, bytes, len);
    }

    free(bytes);

    return rc;
}


static int
wgw_dagjson_cid(wgw_out_t *out, const char *text)
{
    uint8_t    bytes[1 + WGW_CID_BYTES];
    wgw_cid_t  cid;

    if (wgw_cid_read(&cid, (wgw_text_t) { text, strlen(text) }) != 0) {
        return -1;
    }

    bytes[0] = 0;
    memcpy(bytes + 1, cid.bytes, cid.len);

    wgw_out_bytes(out, "\xd8\x2a", 2);          /* tag 42 */
    wgw_cbor_put_bytes(out, bytes, 1 + cid.len);

    return 0;
}


static int
wgw_dagjson_number(wgw_out_t *out, const char *number)
{
    char       head[9];
    double     real;
    size_t     i;
    uint64_t   bits;
    long long  n;

    if (strpbrk(number, ".eE") == NULL) {
        errno = 0;
        n = strtoll(number, NULL, 10);

        if (errno) {
            return -1;
        }

        wgw_cbor_put_int(out, n);

        return 0;
    }

    real = strtod(number, NULL);
    memcpy(&bits, &real, sizeof(bits));
    head[0] = (char) 0xfb;

    for (i = 0; i < 8; i++) {
        head[1 + i] = (char) (bits >> (56 - 8 * i));
    }

    wgw_out_bytes(out, head, sizeof(head));

    return 0;
}


static int
wgw_dagjson_order(const void *a, const void *b)
{
    size_t             m, n;
    const char *const *x, *const *y;

    x = a;
    y = b;
    m = strlen(*x);
    n = strlen(*y);

    return m != n ? (m < n ? -1 : 1) : strcmp(*x, *y);
}
