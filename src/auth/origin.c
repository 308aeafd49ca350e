
/*
 * origin: see origin.h.
 */

#include "auth/origin.h"

#include <string.h>
#include <strings.h>


static const char *wgw_origin_host(wgw_origin_t *origin, wgw_text_t text);
static int wgw_origin_same_path(wgw_text_t a, wgw_text_t b);


const char *
wgw_origin_parse(wgw_origin_t *origin, wgw_text_t text)
{
    size_t       i;
    wgw_uri_t    uri;
    wgw_text_t   authority;

    memset(origin, 0, sizeof(wgw_origin_t));

    for (i = 0; i + 3 <= text.len; i++) {

        if (memcmp(text.data + i, "://", 3) == 0) {
            break;
        }
    }

    if (i + 3 <= text.len) {

        if (wgw_uri_parse(&uri, text) != 0 || uri.scheme.len != i) {
            return "is not a valid URI";
        }

        if (uri.query.data || uri.fragment.data) {
            return "has a query or fragment";
        }

        origin->scheme = uri.scheme;

        text.data += i + 3;
        text.len -= i + 3;
    }

    authority = text;

    for (i = 0; i < text.len && text.data[i] != '/'; i++) { /* void */ }

    authority.len = i;
    origin->path = wgw_text("/");

    if (i < text.len) {
        origin->path.data = text.data + i;
        origin->path.len = text.len - i;
    }

    if (!wgw_uri_path(origin->path)) {
        return "has a path with a character that must be escaped";
    }

    return wgw_origin_host(origin, authority);
}


const char *
wgw_origin_domain_parse(wgw_origin_t *origin, wgw_text_t text)
{
    memset(origin, 0, sizeof(wgw_origin_t));

    return wgw_origin_host(origin, text);
}


static const char *
wgw_origin_host(wgw_origin_t *origin, wgw_text_t text)
{
    wgw_uri_t  uri;

    memset(&uri, 0, sizeof(wgw_uri_t));

    if (wgw_uri_authority(&uri, text, 1) != 0) {
        return "is not a host with an optional port";
    }

    if (uri.userinfo.data) {
        return "has user information";
    }

    if (uri.host.len == 0) {
        return "has no host";
    }

    if (uri.port.data
        && (uri.port.len == 0
            || wgw_uri_port(&origin->port, uri.scheme, uri.port) != 0))
    {
        return "has a port that is not 1 to 65535";
    }

    origin->host = uri.host;

    return NULL;
}


int
wgw_origin_is_uri(const wgw_origin_t *origin, const wgw_uri_t *uri)
{
    uint16_t  port;

    /* https://good.example@evil.example/ is another host than it seems */

    if (uri->host.len == 0 || uri->userinfo.data
        || !wgw_uri_same_host(origin->host, uri->host)
        || !wgw_origin_same_path(origin->path, uri->path)
        || wgw_uri_port(&port, uri->scheme, uri->port) != 0)
    {
        return 0;
    }

    if (origin->port && origin->port != port) {
        return 0;
    }

    return origin->scheme.data == NULL
           || (origin->scheme.len == uri->scheme.len
               && strncasecmp(origin->scheme.data, uri->scheme.data,
                              uri->scheme.len) == 0);
}


int
wgw_origin_is_domain(const wgw_origin_t *origin, wgw_text_t scheme,
    wgw_text_t domain, const wgw_uri_t *uri)
{
    uint16_t    port, own;
    wgw_uri_t   parts;
    wgw_text_t  none = { NULL, 0 };

    if (scheme.data == NULL) {
        scheme = uri->scheme;
    }

    if (wgw_uri_authority(&parts, domain, 1) != 0 || parts.userinfo.data
        || wgw_uri_port(&own, scheme, none) != 0
        || wgw_uri_port(&port, scheme, parts.port) != 0)
    {
        return 0;
    }

    return wgw_uri_same_host(origin->host, parts.host)
           && port == (origin->port ? origin->port : own);
}


int
wgw_origin_of_uri(const wgw_uri_t *uri, wgw_text_t scheme, wgw_text_t domain)
{
    uint16_t   port, other;
    wgw_uri_t  parts;

    if (scheme.data == NULL) {
        scheme = uri->scheme;
    }

    if (uri->host.len == 0 || uri->userinfo.data
        || wgw_uri_authority(&parts, domain, 1) != 0 || parts.userinfo.data
        || !wgw_uri_same_host(uri->host, parts.host))
    {
        return 0;
    }

    return parts.port.data == NULL
           || (wgw_uri_port(&port, scheme, parts.port) == 0
               && wgw_uri_port(&other, uri->scheme, uri->port) == 0
               && port == other);
}


/* No path at all is the root. */

static int
wgw_origin_same_path(wgw_text_t a, wgw_text_t b)
{
    if (b.len == 0) {
        b = wgw_text("/");
    }

    return wgw_text_equal(a, b);
}
