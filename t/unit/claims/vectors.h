
/*
 * The vectors of t/vectors/ucan: their DAG-JSON values turned into DAG-CBOR.
 */

#ifndef WGW_T_CLAIMS_VECTORS_H
#define WGW_T_CLAIMS_VECTORS_H


#include "format/cbor.h"
#include "format/dagjson_read.h"
#include "format/multibase.h"
#include "t/unit/vectors.h"


typedef struct {
    uint8_t  *data;
    size_t    len;
} bytes_t;


__attribute__((unused))
static const char *
string(yajl_val object, const char *name)
{
    yajl_val  value;

    value = member(object, name);

    return value ? YAJL_GET_STRING(value) : NULL;
}


/* Base64 with or without padding, by way of multibase. */
__attribute__((unused))
static bytes_t
base64(const char *text)
{
    char     *copy;
    size_t    n;
    bytes_t   bytes;

    n = strlen(text);

    while (n && text[n - 1] == '=') {
        n--;
    }

    copy = malloc(n + 1);
    copy[0] = 'm';
    memcpy(copy + 1, text, n);

    bytes.data = malloc(n + 1);

    if (wgw_multibase_decode(bytes.data, n + 1, &bytes.len,
                             (wgw_text_t) { copy, n + 1 })
        != WGW_MULTIBASE_OK)
    {
        fprintf(stderr, "not base64: %s\n", text);
        exit(1);
    }

    free(copy);

    /* no byte too much, so that a sanitizer sees what is read beyond */

    bytes.data = realloc(bytes.data, bytes.len ? bytes.len : 1);

    return bytes;
}


/* The value as a checked document. */
__attribute__((unused))
static wgw_cbor_t
document(yajl_val value, char *buffer, size_t size)
{
    wgw_out_t    out;
    wgw_cbor_t   root;
    const char  *reason;

    wgw_out_init(&out, buffer, size);
    reason = wgw_dagjson_put(&out, value) != 0 || out.overflow
             ? "too long"
                          : wgw_cbor_check(buffer,
                                           (size_t) (out.pos - buffer));

    if (reason) {
        fprintf(stderr, "a vector is no document: %s\n", reason);
        exit(1);
    }

    wgw_cbor_read(&root, (const uint8_t *) buffer);

    return root;
}


#endif /* WGW_T_CLAIMS_VECTORS_H */
