
/*
 * origin: whether a message was signed for this server.
 *
 * The configuration says where sign-in is: "gw.example/auth", or more
 * exactly "https://gw.example:8443/auth".  Host and path of a message's URI
 * must be these; scheme and port only where the configuration sets them.
 * Its query and fragment are not looked at, its path is taken as written.
 *
 * The domain of a message is a host with a port, from which the scheme's own
 * port (80, 443) may be left out.  The scheme is the one before the domain,
 * else that of the message's URI.
 *
 * Hosts are compared as wgw_uri_same_host() does.
 */

#ifndef WGW_ORIGIN_H
#define WGW_ORIGIN_H


#include "format/uri.h"

#pragma GCC visibility push(hidden)


/* Views into the configuration. */
typedef struct {
    wgw_text_t   scheme;        /* data NULL: any */
    wgw_text_t   host;
    uint16_t     port;          /* 0: any, of a domain the scheme's own */
    wgw_text_t   path;          /* "/" where none is given */
} wgw_origin_t;


/*
 * [scheme://]host[:port][/path], or host[:port] of a domain; ::1 needs its
 * brackets only before a port or path.  Returns NULL or a phrase such as
 * "has no host", to be put after the name of the directive.
 */
const char *wgw_origin_parse(wgw_origin_t *origin, wgw_text_t text);
const char *wgw_origin_domain_parse(wgw_origin_t *origin, wgw_text_t text);

/* 1 when the URI is this one. */
int wgw_origin_is_uri(const wgw_origin_t *origin, const wgw_uri_t *uri);

/*
 * 1 when the domain, a valid one, is this one; `scheme` may be absent, and
 * then that of `uri` counts.
 */
int wgw_origin_is_domain(const wgw_origin_t *origin, wgw_text_t scheme,
    wgw_text_t domain, const wgw_uri_t *uri);

/*
 * 1 when the domain is that of the URI: the same host, the same port or
 * none, as routers send it.
 */
int wgw_origin_of_uri(const wgw_uri_t *uri, wgw_text_t scheme,
    wgw_text_t domain);


#pragma GCC visibility pop

#endif /* WGW_ORIGIN_H */
