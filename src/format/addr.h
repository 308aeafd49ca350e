
/*
 * addr: an IP address with a port, and the ways it is written.
 *
 * Only literals: IPv4 as four decimal numbers without leading zeros, IPv6 as
 * in RFC 4291, without zone.  An IPv4-mapped IPv6 address (::ffff:192.0.2.1)
 * is the IPv4 address, so that no check is evaded by writing it so.
 *
 * Where a function returns a phrase, it is NULL when all is well and else to
 * be put after the name of a field: "has no port".
 */

#ifndef WGW_ADDR_H
#define WGW_ADDR_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_ADDR_TEXT     56            /* of any address */
#define WGW_ADDR_TEXT_V4  21            /* "255.255.255.255:65535" */
#define WGW_ADDR_INSIDE   2


typedef struct {
    uint8_t      family;        /* 4 or 6; v4-mapped addresses become 4 */
    uint16_t     port;          /* host order; 0 for an address alone */
    uint8_t      addr[16];      /* network order; unused bytes are zero */
} wgw_addr_t;


/* IP literal without port or brackets.  Returns 0 or -1. */
int wgw_addr_parse(wgw_addr_t *addr, wgw_text_t text);

/* "192.0.2.10:443" or "[2001:db8::10]:443"; the port is required. */
const char *wgw_addr_target(wgw_addr_t *addr, wgw_text_t text);

/*
 * "http://[2001:db8::10]:8080"; the port is 80 or 443 where it is missing.
 * User information, a path but the root, query and fragment would have no
 * meaning, and are refused.
 */
const char *wgw_addr_url(wgw_addr_t *addr, unsigned *https, wgw_text_t text);

/* 1 for 127.0.0.0/8 and ::1. */
int wgw_addr_loopback(const wgw_addr_t *addr);

/*
 * The IPv4 addresses that an IPv6 address leads to: compatible, translated,
 * 6to4, NAT64 or Teredo (which has a server's and a client's).  Returns how
 * many, at most WGW_ADDR_INSIDE.
 */
size_t wgw_addr_inside(const wgw_addr_t *addr,
    wgw_addr_t inside[WGW_ADDR_INSIDE]);

/*
 * Why no backend can be there, or NULL.  An address inside is judged as if it
 * was written plainly; a private one cannot be there but by local NAT64.
 */
const char *wgw_addr_unfit(const wgw_addr_t *addr, unsigned allow_loopback);

/* "[2001:db8::10]:8080", or "2001:db8::10" when the port is 0. */
void wgw_addr_text(const wgw_addr_t *addr, wgw_out_t *out);

/*
 * The same at `p`, not terminated; its end.  WGW_ADDR_TEXT bytes are needed,
 * WGW_ADDR_TEXT_V4 for an address of family 4.
 */
char *wgw_addr_write(const wgw_addr_t *addr, char *p);

/*
 * 1 when an IPv6 address stands for an IPv4 one, and which: mapped
 * (::ffff:192.0.2.1), compatible (::192.0.2.1), of a translator
 * (64:ff9b::192.0.2.1, RFC 6052) or of 6to4 (2002:c000:201::, RFC 3056).
 */
int wgw_addr_embedded(uint8_t v4[4], const uint8_t v6[16]);

/* 1 when family and address are the same; ports are not looked at. */
int wgw_addr_equal(const wgw_addr_t *a, const wgw_addr_t *b);


#pragma GCC visibility pop

#endif /* WGW_ADDR_H */
