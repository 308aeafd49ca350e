
/*
 * grant: what a DIN provider answers to a sign-in:
 *
 *     {"headers":{"x-api-key":"..."},"exp":1767326645,"uses":1000}
 *
 * `headers` are to be sent with each request, until `exp` (seconds since
 * 1970, by the provider's clock) or for that many uses, whichever ends first.
 * A non-empty `error` refuses; providers also send it with status 200.
 *
 * Names of members are taken in any case: the Go provider of 2024 sends
 * "Headers".  Others are passed over.  Read strictly is what matters: all of
 * it must be JSON, each member at most once, values of headers are texts
 * without control characters, and one of them is x-api-key, or it is no
 * grant.  Fields of the connection, and Host, are a provider's business in
 * no way: they are left out.
 */

#ifndef WGW_GRANT_H
#define WGW_GRANT_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_GRANT_BODY     16384        /* bytes of an answer */
#define WGW_GRANT_HEADERS  16
#define WGW_GRANT_BYTES    4096         /* of all names and values */


typedef struct {
    wgw_text_t           name;
    wgw_text_t           value;
} wgw_grant_header_t;


/* Texts are views into the buffer. */
typedef struct {
    wgw_grant_header_t   headers[WGW_GRANT_HEADERS];
    size_t               nheaders;
    uint64_t             exp;           /* 0: none */
    uint64_t             uses;          /* 0: any number */
} wgw_grant_t;


/*
 * Returns NULL, or a phrase to be put after "the answer": nothing of what
 * was sent is in it.
 */
const char *wgw_grant_read(wgw_grant_t *grant, wgw_text_t body,
    char buffer[WGW_GRANT_BYTES]);

/* 1 for the name of a field that may be set on a request, in any case. */
int wgw_grant_field(wgw_text_t name);


#pragma GCC visibility pop

#endif /* WGW_GRANT_H */
