
/*
 * hello: the server name in a TLS ClientHello (RFC 8446 4.1.2, RFC 6066 3).
 *
 * Works on the bytes from the start of a connection, all that have come so
 * far; a caller that peeks calls again with more, from the start.  The
 * message may be spread over any number of TLS records.  Nothing is copied
 * but the name.
 *
 * A caller that waits for `wanted` bytes before each call parses a hello at
 * most some 60 times, however small its pieces and records are: what is
 * still missing shrinks by a sixth each time, even if all records have one
 * byte behind their five of header.
 */

#ifndef WGW_HELLO_H
#define WGW_HELLO_H


#include "format/name.h"
#include "format/text.h"

#pragma GCC visibility push(hidden)


/* The most bytes a hello may take on the wire, record headers included. */
#define WGW_HELLO_MAX  32768


typedef enum {
    WGW_HELLO_DONE = 0,     /* complete; `name` may still be empty */
    WGW_HELLO_AGAIN,        /* more bytes are needed */
    WGW_HELLO_FOREIGN,      /* not TLS: plain HTTP, SSLv2, noise */
    WGW_HELLO_BAD           /* TLS, but broken or too long */
} wgw_hello_rc_t;


typedef struct {
    char         name[WGW_NAME_MAX];  /* folded: wgw_name_fold() */
    uint8_t      len;                 /* 0: no server name was sent */
    unsigned     acme:1;              /* ALPN offers acme-tls/1 */
    uint16_t     wanted;              /* AGAIN: the fewest bytes, of all,
                                         that can be a whole hello */
} wgw_hello_t;


wgw_hello_rc_t wgw_hello_parse(wgw_hello_t *hello, const uint8_t *data,
    size_t len);


#pragma GCC visibility pop

#endif /* WGW_HELLO_H */
