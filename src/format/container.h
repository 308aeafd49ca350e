
/*
 * container: several UCAN tokens as one text or file
 * (https://github.com/ucan-wg/container, 0.1.0).
 *
 *   @   as it is          M   gzip
 *   B   base64            O   base64 of gzip
 *   C   base64url         P   base64url of gzip
 *
 * begins it; then comes DAG-CBOR {"ctn-v1": [bytes, ...]}.  Base64 has its
 * padding, base64url none; one line feed may end either.  What is inflated is
 * bounded by the room for it.  The order of the tokens is not looked at, and
 * whether they are any is for others to say.
 */

#ifndef WGW_CONTAINER_H
#define WGW_CONTAINER_H


#include "format/cbor.h"

#pragma GCC visibility push(hidden)


#define WGW_CONTAINER_LARGE  "container:too-large"


/* Its tokens, in `room` or in the text itself. */
typedef struct {
    uint64_t        n;
    const uint8_t  *next;
} wgw_container_t;


/* 1 when the first byte is one of those above. */
int wgw_container_is(wgw_text_t data);

/*
 * NULL, or why it is none: WGW_CONTAINER_LARGE when `size` bytes of room do
 * not hold it, "container:header", "container:base64", "container:gzip",
 * "container:shape", or as cbor.h says.
 */
const char *wgw_container_read(wgw_container_t *container, wgw_text_t data,
    uint8_t *room, size_t size);

/* The next token: 1, or 0 when there is none. */
int wgw_container_next(wgw_container_t *container, wgw_text_t *token);


#pragma GCC visibility pop

#endif /* WGW_CONTAINER_H */
