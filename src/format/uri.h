
/*
 * uri: the parts of an absolute URI (RFC 3986), and what one is compared
 * with.
 *
 * Parsing judges the whole syntax.  It normalizes nothing: escapes and
 * letters stay as they were, and all parts are views into the text.
 */

#ifndef WGW_URI_H
#define WGW_URI_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


/* An absent part has data NULL; an empty one has not. */
typedef struct {
    wgw_text_t   scheme;
    wgw_text_t   userinfo;
    wgw_text_t   host;          /* an IPv6 literal without its brackets */
    wgw_text_t   port;          /* the digits; may be empty */
    wgw_text_t   path;          /* never absent */
    wgw_text_t   query;
    wgw_text_t   fragment;
} wgw_uri_t;


/* `scheme:` and anything: https://host/path, urn:a:b.  Returns 0 or -1. */
int wgw_uri_parse(wgw_uri_t *uri, wgw_text_t text);

/* ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ).  Returns 1 or 0. */
int wgw_uri_scheme(wgw_text_t text);

/*
 * Only what a path may have, which is pchar and slashes; or what one of its
 * segments may have.  Returns 1 or 0.
 */
int wgw_uri_path(wgw_text_t text);
int wgw_uri_segment(wgw_text_t text);

/*
 * `userinfo@host:port` alone; sets these three, to absent where they are.
 * With `bare` an IPv6 literal need not be in brackets (then without port),
 * as Go programs write it.  Returns 0 or -1.
 */
int wgw_uri_authority(wgw_uri_t *uri, wgw_text_t text, unsigned bare);

/*
 * 1 when both are the same host: letters of either case, with or without a
 * final dot, IP literals in any way of writing.
 */
int wgw_uri_same_host(wgw_text_t a, wgw_text_t b);

/*
 * The port as a number; where it is absent or empty, the scheme's own (80 of
 * http and ws, 443 of https and wss), else 0.  Returns 0, or -1 when it is
 * none of 1 to 65535.
 */
int wgw_uri_port(uint16_t *port, wgw_text_t scheme, wgw_text_t digits);


#pragma GCC visibility pop

#endif /* WGW_URI_H */
