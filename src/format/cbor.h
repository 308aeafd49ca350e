
/*
 * cbor: a strict reader and a writer of DAG-CBOR
 * (https://ipld.io/specs/codecs/dag-cbor/spec/), RFC 8949 with one form for
 * each value:
 *
 *   definite lengths, every head in its shortest form
 *   map keys are texts, unique, shorter ones first, then by bytes
 *   one tag, 42, over bytes 00 and a whole CID: a link
 *   floats have 64 bits and are finite; no simple values but false, true,
 *   null; texts are UTF-8
 *
 * A document is checked once as a whole; what is read from it then are views,
 * and no length is trusted before there are bytes for it.
 */

#ifndef WGW_CBOR_H
#define WGW_CBOR_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_CBOR_DEPTH     64       /* of nesting */
#define WGW_CBOR_ITEMS     4096     /* of a document, keys among them */
#define WGW_CBOR_TEXT_MAX  8192     /* bytes of a text */


typedef enum {
    WGW_CBOR_NULL = 0,
    WGW_CBOR_BOOL,
    WGW_CBOR_UINT,                  /* number */
    WGW_CBOR_NINT,                  /* -1 - number */
    WGW_CBOR_FLOAT,                 /* number has its bits */
    WGW_CBOR_BYTES,
    WGW_CBOR_TEXT,
    WGW_CBOR_LINK,                  /* bytes of the CID */
    WGW_CBOR_LIST,
    WGW_CBOR_MAP
} wgw_cbor_type_t;


/*
 * Of a list or map `number` counts items or pairs, and `first` is where they
 * begin.  `keyed` is set by those who read a map's values as a list: each has
 * its key before it.
 */
typedef struct {
    wgw_cbor_type_t   type;
    unsigned          keyed;
    uint64_t          number;
    wgw_text_t        bytes;
    const uint8_t    *first;
} wgw_cbor_t;


/*
 * NULL when the bytes are one whole item, and nothing else, within the bounds
 * above; else why not: "cbor:non-minimal".
 */
const char *wgw_cbor_check(const void *data, size_t len);

/*
 * The item at `p`, which is within a checked document.  Returns where the
 * next one begins: of a list or map that is where its items do.
 */
const uint8_t *wgw_cbor_read(wgw_cbor_t *item, const uint8_t *p);

/* Past the whole item at `p`. */
const uint8_t *wgw_cbor_skip(const uint8_t *p);

/*
 * The value of a map's key; 0 if there is none.  `at`, unless NULL, gets
 * where the value begins.
 */
int wgw_cbor_find(wgw_cbor_t *value, const wgw_cbor_t *map, wgw_text_t key,
    const uint8_t **at);

/* 1 when both are the same; integers and floats compare by value. */
int wgw_cbor_equal(const wgw_cbor_t *a, const wgw_cbor_t *b);

/* The order of two numbers: -1, 0 or 1; 2 when one is no number. */
int wgw_cbor_compare(const wgw_cbor_t *a, const wgw_cbor_t *b);

/*
 * What may be written.  Of maps the caller gives the pairs in their order.
 */
void wgw_cbor_put_null(wgw_out_t *out);
void wgw_cbor_put_bool(wgw_out_t *out, unsigned truth);
void wgw_cbor_put_int(wgw_out_t *out, int64_t number);
void wgw_cbor_put_bytes(wgw_out_t *out, const void *data, size_t len);
void wgw_cbor_put_text(wgw_out_t *out, wgw_text_t text);
void wgw_cbor_put_list(wgw_out_t *out, uint64_t items);
void wgw_cbor_put_map(wgw_out_t *out, uint64_t pairs);


#pragma GCC visibility pop

#endif /* WGW_CBOR_H */
