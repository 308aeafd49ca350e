
/*
 * uri: see uri.h.
 */

#include "format/addr.h"
#include "format/uri.h"

#include <string.h>
#include <strings.h>


static int wgw_uri_chars(wgw_text_t text, const char *also);
static int wgw_uri_digits(wgw_text_t text);
static unsigned wgw_uri_plain(char c);
static unsigned wgw_uri_hex(char c);
static int wgw_uri_literal(wgw_uri_t *uri, wgw_text_t text);
static int wgw_uri_ipv6(wgw_text_t text);
static wgw_text_t wgw_uri_cut(wgw_text_t *text, const char *set);
static wgw_text_t wgw_uri_dotless(wgw_text_t host);


int
wgw_uri_parse(wgw_uri_t *uri, wgw_text_t text)
{
    wgw_text_t  rest;

    memset(uri, 0, sizeof(wgw_uri_t));

    rest = text;
    uri->scheme = wgw_uri_cut(&rest, ":");

    if (rest.len == 0 || !wgw_uri_scheme(uri->scheme)) {
        return -1;
    }

    rest.data++;
    rest.len--;

    if (rest.len >= 2 && memcmp(rest.data, "//", 2) == 0) {
        rest.data += 2;
        rest.len -= 2;

        if (wgw_uri_authority(uri, wgw_uri_cut(&rest, "/?#"), 0) != 0) {
            return -1;
        }
    }

    uri->path = wgw_uri_cut(&rest, "?#");

    if (rest.len && rest.data[0] == '?') {
        uri->query = wgw_uri_cut(&rest, "#");
        uri->query.data++;
        uri->query.len--;
    }

    if (rest.len) {
        uri->fragment.data = rest.data + 1;
        uri->fragment.len = rest.len - 1;
    }

    return wgw_uri_path(uri->path)
           && wgw_uri_chars(uri->query, ":@/?")
           && wgw_uri_chars(uri->fragment, ":@/?") ? 0 : -1;
}


int
wgw_uri_scheme(wgw_text_t text)
{
    char    c;
    size_t  i;

    for (i = 0; i < text.len; i++) {
        c = (char) (text.data[i] | 0x20);

        if (c >= 'a' && c <= 'z') {
            continue;
        }

        c = text.data[i];

        if (i == 0 || ((c < '0' || c > '9') && c != '+' && c != '-'
                       && c != '.'))
        {
            return 0;
        }
    }

    return text.len != 0;
}


int
wgw_uri_path(wgw_text_t text)
{
    return wgw_uri_chars(text, ":@/");
}


int
wgw_uri_segment(wgw_text_t text)
{
    return wgw_uri_chars(text, ":@");
}


int
wgw_uri_authority(wgw_uri_t *uri, wgw_text_t text, unsigned bare)
{
    wgw_text_t   rest;
    const char  *at;

    uri->userinfo.data = NULL;
    uri->userinfo.len = 0;
    uri->port = uri->userinfo;
    uri->host = text;

    rest = text;
    at = text.len ? memchr(text.data, '@', text.len) : NULL;

    if (at) {
        uri->userinfo = wgw_uri_cut(&rest, "@");
        rest.data++;
        rest.len--;

        if (!wgw_uri_chars(uri->userinfo, ":")) {
            return -1;
        }
    }

    if (rest.len && rest.data[0] == '[') {
        return wgw_uri_literal(uri, rest);
    }

    if (bare && at == NULL && wgw_uri_ipv6(rest) == 0) {
        return 0;
    }

    uri->host = wgw_uri_cut(&rest, ":");

    if (rest.len) {
        uri->port.data = rest.data + 1;
        uri->port.len = rest.len - 1;
    }

    return wgw_uri_digits(uri->port) && wgw_uri_chars(uri->host, "") ? 0 : -1;
}


/* [::1] and what may follow */

static int
wgw_uri_literal(wgw_uri_t *uri, wgw_text_t text)
{
    wgw_text_t  rest;

    rest = text;
    uri->host = wgw_uri_cut(&rest, "]");

    if (rest.len == 0) {
        return -1;
    }

    uri->host.data++;
    uri->host.len--;

    if (wgw_uri_ipv6(uri->host) != 0) {
        return -1;
    }

    if (rest.len == 1) {
        return 0;
    }

    if (rest.data[1] != ':') {
        return -1;
    }

    uri->port.data = rest.data + 2;
    uri->port.len = rest.len - 2;

    return wgw_uri_digits(uri->port) ? 0 : -1;
}


static int
wgw_uri_ipv6(wgw_text_t text)
{
    wgw_addr_t  addr;

    if (text.len == 0 || memchr(text.data, ':', text.len) == NULL) {
        return -1;
    }

    return wgw_addr_parse(&addr, text);
}


int
wgw_uri_same_host(wgw_text_t a, wgw_text_t b)
{
    wgw_addr_t  one, other;

    if (wgw_addr_parse(&one, a) == 0) {
        return wgw_addr_parse(&other, b) == 0 && wgw_addr_equal(&one, &other);
    }

    a = wgw_uri_dotless(a);
    b = wgw_uri_dotless(b);

    return a.len == b.len
           && (a.len == 0 || strncasecmp(a.data, b.data, a.len) == 0);
}


int
wgw_uri_port(uint16_t *port, wgw_text_t scheme, wgw_text_t digits)
{
    size_t    i;
    uint64_t  number;

    static const struct {
        wgw_text_t  scheme;
        uint16_t    port;
    } own[] = {
        { { "http", 4 }, 80 },
        { { "https", 5 }, 443 },
        { { "ws", 2 }, 80 },
        { { "wss", 3 }, 443 }
    };

    if (digits.len) {

        if (wgw_text_uint(digits, 65535, &number) != 0 || number == 0) {
            return -1;
        }

        *port = (uint16_t) number;

        return 0;
    }

    *port = 0;

    for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {

        if (scheme.len == own[i].scheme.len
            && strncasecmp(scheme.data, own[i].scheme.data, scheme.len) == 0)
        {
            *port = own[i].port;
        }
    }

    return 0;
}


/* The part before the first of `set`, which begins what is left. */

static wgw_text_t
wgw_uri_cut(wgw_text_t *text, const char *set)
{
    size_t      i;
    wgw_text_t  part;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] != '\0' && strchr(set, text->data[i])) {
            break;
        }
    }

    part.data = text->data;
    part.len = i;

    text->data += i;
    text->len -= i;

    return part;
}


/* Unreserved, sub-delims, whole escapes and the characters of `also`. */

static int
wgw_uri_chars(wgw_text_t text, const char *also)
{
    char    c;
    size_t  i;

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if (c == '%') {

            if (text.len - i < 3 || !wgw_uri_hex(text.data[i + 1])
                || !wgw_uri_hex(text.data[i + 2]))
            {
                return 0;
            }

            i += 2;

        } else if (c == '\0' || (!wgw_uri_plain(c) && !strchr(also, c))) {
            return 0;
        }
    }

    return 1;
}


static int
wgw_uri_digits(wgw_text_t text)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {

        if (text.data[i] < '0' || text.data[i] > '9') {
            return 0;
        }
    }

    return 1;
}


static unsigned
wgw_uri_plain(char c)
{
    char  lower;

    lower = (char) (c | 0x20);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9')
           || (c != '\0' && strchr("-._~!$&'()*+,;=", c));
}


static unsigned
wgw_uri_hex(char c)
{
    char  lower;

    lower = (char) (c | 0x20);

    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f');
}


static wgw_text_t
wgw_uri_dotless(wgw_text_t host)
{
    if (host.len > 1 && host.data[host.len - 1] == '.') {
        host.len--;
    }

    return host;
}
