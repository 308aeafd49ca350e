
/*
 * addr: see addr.h.
 */

#include "format/addr.h"

#include <assert.h>
#include <string.h>
#include <strings.h>
#include <arpa/inet.h>


_Static_assert(INET6_ADDRSTRLEN + sizeof("[]:65535") <= WGW_ADDR_TEXT,
               "the longest text fits");


static const char *wgw_addr_authority(wgw_addr_t *addr, wgw_text_t text);
static const char *wgw_addr_rest(wgw_text_t text);
static const char *wgw_addr_port(wgw_addr_t *addr, wgw_text_t text);
static const char *wgw_addr_judge(const wgw_addr_t *addr,
    unsigned allow_loopback);
static unsigned wgw_addr_private(const wgw_addr_t *addr);
static unsigned wgw_addr_local_nat64(const wgw_addr_t *addr);
static size_t wgw_addr_find(wgw_text_t text, const char *set);
static wgw_text_t wgw_addr_after(wgw_text_t text, size_t n);
static char *wgw_addr_digits(char *p, unsigned number);


int
wgw_addr_parse(wgw_addr_t *addr, wgw_text_t text)
{
    char  literal[INET6_ADDRSTRLEN];

    static const uint8_t  mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                         0xff, 0xff };

    if (text.len == 0 || text.len >= sizeof(literal)
        || memchr(text.data, '\0', text.len))
    {
        return -1;
    }

    memcpy(literal, text.data, text.len);
    literal[text.len] = '\0';

    memset(addr, 0, sizeof(wgw_addr_t));

    if (inet_pton(AF_INET, literal, addr->addr) == 1) {
        addr->family = 4;
        return 0;
    }

    if (inet_pton(AF_INET6, literal, addr->addr) != 1) {
        return -1;
    }

    addr->family = 6;

    if (memcmp(addr->addr, mapped, sizeof(mapped)) == 0) {
        addr->family = 4;
        memcpy(addr->addr, addr->addr + 12, 4);
        memset(addr->addr + 4, 0, 12);
    }

    return 0;
}


const char *
wgw_addr_target(wgw_addr_t *addr, wgw_text_t text)
{
    const char  *error;

    if (wgw_addr_find(text, "/") < text.len) {
        return "must be address:port, not a URL";
    }

    error = wgw_addr_authority(addr, text);

    if (error == NULL && addr->port == 0) {
        return "has no port";
    }

    return error;
}


const char *
wgw_addr_url(wgw_addr_t *addr, unsigned *https, wgw_text_t text)
{
    size_t       i, end;
    const char  *error;

    for (i = 0; i < text.len; i++) {
        if ((uint8_t) text.data[i] <= ' ' || text.data[i] == 0x7f) {
            return "has a blank or a control character";
        }
    }

    if (text.len >= 7 && strncasecmp(text.data, "http://", 7) == 0) {
        *https = 0;
        text = wgw_addr_after(text, 7);

    } else if (text.len >= 8 && strncasecmp(text.data, "https://", 8) == 0) {
        *https = 1;
        text = wgw_addr_after(text, 8);

    } else {
        return "must begin with http:// or https://";
    }

    end = wgw_addr_find(text, "/?#");

    error = wgw_addr_rest(wgw_addr_after(text, end));

    if (error) {
        return error;
    }

    text.len = end;

    if (wgw_addr_find(text, "@") < end) {
        return "has user information";
    }

    error = wgw_addr_authority(addr, text);

    if (error == NULL && addr->port == 0) {
        addr->port = *https ? 443 : 80;
    }

    return error;
}


/* A path that is the root means the same as none. */

static const char *
wgw_addr_rest(wgw_text_t text)
{
    if (text.len && text.data[0] == '/') {
        text = wgw_addr_after(text, 1);

        if (text.len && text.data[0] != '?' && text.data[0] != '#') {
            return "has a path";
        }
    }

    if (text.len == 0) {
        return NULL;
    }

    return text.data[0] == '?' ? "has a query" : "has a fragment";
}


/* A host, in brackets or not, and a port, which is 0 where it is missing. */

static const char *
wgw_addr_authority(wgw_addr_t *addr, wgw_text_t text)
{
    size_t      end;
    wgw_text_t  host, rest;

    if (text.len > 0 && text.data[0] == '[') {
        host = wgw_addr_after(text, 1);
        end = wgw_addr_find(host, "]");

        if (end == host.len) {
            return "has no closing bracket";
        }

        rest = wgw_addr_after(host, end + 1);
        host.len = end;

    } else {
        host = text;
        host.len = wgw_addr_find(text, ":");
        rest = wgw_addr_after(text, host.len);

        if (rest.len > 0
            && wgw_addr_find(wgw_addr_after(rest, 1), ":") < rest.len - 1)
        {
            return "needs brackets around an IPv6 address";
        }
    }

    if (host.len == 0) {
        return "has no address";
    }

    if (wgw_addr_find(host, "%") < host.len) {
        return "has a zone id";
    }

    if (wgw_addr_parse(addr, host) != 0) {
        return "is not an IP address";
    }

    return wgw_addr_port(addr, rest);
}


static const char *
wgw_addr_port(wgw_addr_t *addr, wgw_text_t text)
{
    size_t    i;
    uint64_t  port;

    if (text.len == 0) {
        return NULL;
    }

    if (text.data[0] != ':') {
        return "has something between address and port";
    }

    text = wgw_addr_after(text, 1);

    if (text.len == 0) {
        return NULL;
    }

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return "has a port that is not a number";
        }
    }

    if (wgw_text_uint(text, 65535, &port) != 0 || port == 0) {
        return "has a port out of range";
    }

    addr->port = (uint16_t) port;

    return NULL;
}


/* Where the first character of the set is, the length if there is none. */

static size_t
wgw_addr_find(wgw_text_t text, const char *set)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] != '\0' && strchr(set, text.data[i])) {
            break;
        }
    }

    return i;
}


static wgw_text_t
wgw_addr_after(wgw_text_t text, size_t n)
{
    assert(n <= text.len);

    text.data += n;
    text.len -= n;

    return text;
}


int
wgw_addr_loopback(const wgw_addr_t *addr)
{
    static const uint8_t  zero[15];

    return addr->family == 4
           ? addr->addr[0] == 127
           : memcmp(addr->addr, zero, 15) == 0 && addr->addr[15] == 1;
}


size_t
wgw_addr_inside(const wgw_addr_t *addr, wgw_addr_t inside[WGW_ADDR_INSIDE])
{
    size_t          i, n;
    const uint8_t  *a;

    static const uint8_t  zero[12];
    static const uint8_t  teredo[4] = { 0x20, 0x01, 0, 0 };
    static const uint8_t  nat64[12] = { 0, 0x64, 0xff, 0x9b };
    static const uint8_t  local[6] = { 0, 0x64, 0xff, 0x9b, 0, 1 };
    static const uint8_t  translated[12] = { 0, 0, 0, 0, 0, 0, 0, 0,
                                             0xff, 0xff };

    if (addr->family != 6) {
        return 0;
    }

    a = addr->addr;
    n = 0;

    memset(inside, 0, WGW_ADDR_INSIDE * sizeof(wgw_addr_t));

    for (i = 0; i < WGW_ADDR_INSIDE; i++) {
        inside[i].family = 4;
    }

    if (a[0] == 0x20 && a[1] == 0x02) {
        memcpy(inside[n++].addr, a + 2, 4);

    } else if (memcmp(a, teredo, sizeof(teredo)) == 0) {
        memcpy(inside[n++].addr, a + 4, 4);

        for (i = 0; i < 4; i++) {
            inside[n].addr[i] = (uint8_t) ~a[12 + i];
        }

        n++;

    } else if (memcmp(a, nat64, sizeof(nat64)) == 0
               || memcmp(a, local, sizeof(local)) == 0
               || memcmp(a, translated, sizeof(translated)) == 0)
    {
        memcpy(inside[n++].addr, a + 12, 4);

    } else if (memcmp(a, zero, sizeof(zero)) == 0
               && (a[12] || a[13] || a[14] || a[15] > 1))
    {
        /* :: and ::1 are no IPv4 */
        memcpy(inside[n++].addr, a + 12, 4);
    }

    return n;
}


const char *
wgw_addr_unfit(const wgw_addr_t *addr, unsigned allow_loopback)
{
    size_t       i, n;
    wgw_addr_t   inside[WGW_ADDR_INSIDE];
    const char  *error;

    error = wgw_addr_judge(addr, allow_loopback);

    n = wgw_addr_inside(addr, inside);

    for (i = 0; i < n && error == NULL; i++) {
        error = wgw_addr_judge(&inside[i], allow_loopback);

        if (error == NULL && wgw_addr_private(&inside[i])
            && !wgw_addr_local_nat64(addr))
        {
            error = "has a private address inside";
        }
    }

    return error;
}


static const char *
wgw_addr_judge(const wgw_addr_t *addr, unsigned allow_loopback)
{
    const uint8_t  *a;
    unsigned        link_local, multicast, unspecified;

    static const uint8_t  broadcast[4] = { 255, 255, 255, 255 };
    static const uint8_t  zero[16];

    a = addr->addr;

    if (addr->family == 4) {
        unspecified = (a[0] == 0);
        link_local = (a[0] == 169 && a[1] == 254);
        multicast = (a[0] >= 224 && a[0] <= 239);

        if (memcmp(a, broadcast, sizeof(broadcast)) == 0) {
            return "is the broadcast address";
        }

    } else {
        unspecified = (memcmp(a, zero, 16) == 0);
        link_local = (a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
        multicast = (a[0] == 0xff);
    }

    if (unspecified) {
        return "is an unspecified address";
    }

    if (multicast) {
        return "is a multicast address";
    }

    if (link_local) {
        return "is a link-local address";
    }

    if (wgw_addr_loopback(addr) && !allow_loopback) {
        return "is a loopback address, which \"allow_loopback\" of "
               "\"wgw_names\" would accept";
    }

    return NULL;
}


/* RFC 1918; and RFC 6598, between a provider and its clients */

static unsigned
wgw_addr_private(const wgw_addr_t *addr)
{
    const uint8_t  *a;

    a = addr->addr;

    return a[0] == 10
           || (a[0] == 172 && (a[1] & 0xf0) == 16)
           || (a[0] == 192 && a[1] == 168)
           || (a[0] == 100 && (a[1] & 0xc0) == 64);
}


/* 64:ff9b:1::/48, which is for private addresses, too (RFC 8215) */

static unsigned
wgw_addr_local_nat64(const wgw_addr_t *addr)
{
    return addr->addr[0] == 0 && addr->addr[1] == 0x64 && addr->addr[5] == 1;
}


void
wgw_addr_text(const wgw_addr_t *addr, wgw_out_t *out)
{
    char  text[WGW_ADDR_TEXT];

    wgw_out_bytes(out, text, (size_t) (wgw_addr_write(addr, text) - text));
}


char *
wgw_addr_write(const wgw_addr_t *addr, char *p)
{
    char        *start;
    const char  *literal;

    assert(addr->family == 4 || addr->family == 6);

    if (addr->family == 4) {
        p = wgw_addr_digits(p, addr->addr[0]);
        *p++ = '.';
        p = wgw_addr_digits(p, addr->addr[1]);
        *p++ = '.';
        p = wgw_addr_digits(p, addr->addr[2]);
        *p++ = '.';
        p = wgw_addr_digits(p, addr->addr[3]);

    } else {
        start = p;
        p += (addr->port != 0);

        literal = inet_ntop(AF_INET6, addr->addr, p, INET6_ADDRSTRLEN);

        assert(literal);

        p += strlen(literal);

        if (addr->port) {
            *start = '[';
            *p++ = ']';
        }
    }

    if (addr->port) {
        *p++ = ':';
        p = wgw_addr_digits(p, addr->port);
    }

    return p;
}


/* inet_ntop() makes 1,700 instructions of it, on the way of a request. */

static char *
wgw_addr_digits(char *p, unsigned number)
{
    char      *end;
    unsigned   n;

    if (number < 10) {
        *p = (char) ('0' + number);
        return p + 1;
    }

    n = 2 + (number > 99) + (number > 999) + (number > 9999);
    end = p + n;

    do {
        p[--n] = (char) ('0' + number % 10);
        number /= 10;
    } while (n);

    return end;
}


int
wgw_addr_embedded(uint8_t v4[4], const uint8_t v6[16])
{
    size_t  i;

    static const uint8_t  six[2] = { 0x20, 0x02 };
    static const uint8_t  prefixes[3][12] = {
        { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff },
        { 0, 0x64, 0xff, 0x9b },
        { 0 }
    };

    if (memcmp(v6, six, sizeof(six)) == 0) {
        memcpy(v4, v6 + 2, 4);
        return 1;
    }

    for (i = 0; i < 3; i++) {

        if (memcmp(v6, prefixes[i], sizeof(prefixes[i])) == 0) {
            memcpy(v4, v6 + 12, 4);

            /* :: and ::1 are nobody's IPv4 address */

            return i < 2 || v4[0] != 0;
        }
    }

    return 0;
}


int
wgw_addr_equal(const wgw_addr_t *a, const wgw_addr_t *b)
{
    return a->family == b->family && memcmp(a->addr, b->addr, 16) == 0;
}
