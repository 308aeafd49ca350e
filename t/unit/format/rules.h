
/*
 * rules: what the grid's nodes accept as names and backends, beside what we
 * do, row by row; `why` is set where the verdicts differ.
 */

#ifndef WGW_RULES_H
#define WGW_RULES_H


#include <stddef.h>


#define RULES_LOOPBACK                                                        \
    "is a loopback address, which \"allow_loopback\" of \"wgw_names\" would "  \
    "accept"


/* Refused with this phrase, or NULL where it is accepted. */
typedef struct {
    const char  *text;
    unsigned     zos_offload:1;
    unsigned     zos_passthrough:1;
    const char  *offload;
    const char  *passthrough;
    const char  *why;
} rules_backend_t;


/* `name` is the canonical form, with the domain gw.localhost. */
typedef struct {
    const char  *text;
    unsigned     zos:1;
    const char  *name;
    const char  *refused;
    const char  *why;
} rules_name_t;


#ifdef RULES_BACKENDS

static const rules_backend_t  rules_backends[] = {
    { "http://[2001:db8::10]:8080", 1, 0, NULL,
      "must be address:port, not a URL", NULL },
    { "http://[2001:db8::10]", 1, 0, NULL, "must be address:port, not a URL",
      NULL },
    { "http://[2001:DB8:0:0:0:0:0:10]:80", 1, 0, NULL,
      "must be address:port, not a URL", NULL },
    { "http://192.0.2.10", 1, 0, NULL, "must be address:port, not a URL",
      NULL },
    { "http://192.0.2.10:80", 1, 0, NULL, "must be address:port, not a URL",
      NULL },
    { "http://[200:1111:2222:3333::1]:80", 1, 0, NULL,
      "must be address:port, not a URL", NULL },
    { "http://[400:abcd::1]:9000", 1, 0, NULL,
      "must be address:port, not a URL", NULL },
    { "http://10.20.2.2:9000", 1, 0, NULL, "must be address:port, not a URL",
      NULL },
    { "http://[fd00::1]:80", 1, 0, NULL, "must be address:port, not a URL",
      NULL },
    { "HTTP://192.0.2.10", 1, 0, NULL, "must be address:port, not a URL",
      NULL },
    { "http://192.0.2.10/", 1, 0, NULL, "must be address:port, not a URL",
      NULL },
    { "http://192.0.2.10/path?q=1#f", 1, 0, "has a path",
      "must be address:port, not a URL", "it would be dropped" },
    { "http://192.0.2.10/?q=1", 1, 0, "has a query",
      "must be address:port, not a URL", "it would be dropped" },
    { "http://192.0.2.10?q=1", 1, 0, "has a query",
      "must be address:port, not a URL", "it would be dropped" },
    { "http://192.0.2.10#f", 1, 0, "has a fragment",
      "must be address:port, not a URL", "it would be dropped" },
    { "http://192.0.2.10//", 1, 0, "has a path",
      "must be address:port, not a URL", "it would be dropped" },
    { "http://user:pw@192.0.2.10", 1, 0, "has user information",
      "must be address:port, not a URL", "it would be dropped" },
    { "http://192.0.2.10:", 1, 0, NULL, "must be address:port, not a URL",
      NULL },
    { "http://192.0.2.10:0", 1, 0, "has a port out of range",
      "must be address:port, not a URL", "port range" },
    { "http://192.0.2.10:65535", 1, 0, NULL, "must be address:port, not a URL",
      NULL },
    { "http://192.0.2.10:65536", 1, 0, "has a port out of range",
      "must be address:port, not a URL", "port range" },
    { "http://192.0.2.10:99999999", 1, 0, "has a port out of range",
      "must be address:port, not a URL", "port range" },
    { "http://192.0.2.10:port", 0, 0, "has a port that is not a number",
      "must be address:port, not a URL", NULL },
    { "http://192.0.2.010", 0, 0, "is not an IP address",
      "must be address:port, not a URL", NULL },
    { "http://192.0.2.1 ", 0, 0, "has a blank or a control character",
      "must be address:port, not a URL", NULL },
    { " http://192.0.2.1", 0, 0, "has a blank or a control character",
      "must be address:port, not a URL", NULL },
    { "http://2001:db8::10", 0, 0, "needs brackets around an IPv6 address",
      "must be address:port, not a URL", NULL },
    { "http://2001:db8::10:80", 1, 0, "needs brackets around an IPv6 address",
      "must be address:port, not a URL", "ambiguous without brackets" },
    { "http://[fe80::1%25eth0]:80", 0, 0, "has a zone id",
      "must be address:port, not a URL", NULL },
    { "http://[::1]:80", 0, 0, RULES_LOOPBACK,
      "must be address:port, not a URL", NULL },
    { "http://127.0.0.1", 0, 0, RULES_LOOPBACK,
      "must be address:port, not a URL", NULL },
    { "http://127.8.9.1:80", 0, 0, RULES_LOOPBACK,
      "must be address:port, not a URL", NULL },
    { "http://[::ffff:127.0.0.1]:80", 0, 0, RULES_LOOPBACK,
      "must be address:port, not a URL", NULL },
    { "http://localhost", 0, 0, "is not an IP address",
      "must be address:port, not a URL", NULL },
    { "http://example.com", 0, 0, "is not an IP address",
      "must be address:port, not a URL", NULL },
    { "http://[::]:80", 1, 0, "is an unspecified address",
      "must be address:port, not a URL", "hardening" },
    { "http://0.0.0.0:80", 1, 0, "is an unspecified address",
      "must be address:port, not a URL", "hardening" },
    { "http://[ff02::1]:80", 1, 0, "is a multicast address",
      "must be address:port, not a URL", "hardening" },
    { "http://224.0.0.1", 1, 0, "is a multicast address",
      "must be address:port, not a URL", "hardening" },
    { "http://255.255.255.255", 1, 0, "is the broadcast address",
      "must be address:port, not a URL", "hardening" },
    { "http://[::127.0.0.1]:80", 1, 0, RULES_LOOPBACK,
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[2002:7f00:1::]:80", 1, 0, RULES_LOOPBACK,
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[64:ff9b::7f00:1]:80", 1, 0, RULES_LOOPBACK,
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[64:ff9b:1::7f00:1]:80", 1, 0, RULES_LOOPBACK,
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[::ffff:0:7f00:1]:80", 1, 0, RULES_LOOPBACK,
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[2001:0:102:304::80ff:fffe]:80", 1, 0, RULES_LOOPBACK,
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[2001:0:7f00:1::fefd:fcfb]:80", 1, 0, RULES_LOOPBACK,
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[64:ff9b::169.254.169.254]", 1, 0, "is a link-local address",
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[2002:e000:1::]", 1, 0, "is a multicast address",
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[64:ff9b::255.255.255.255]", 1, 0, "is the broadcast address",
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[2002::1]", 1, 0, "is an unspecified address",
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[64:ff9b::10.0.0.1]", 1, 0, "has a private address inside",
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[2002:c0a8:101::1]", 1, 0, "has a private address inside",
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[::172.16.0.1]", 1, 0, "has a private address inside",
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[2001:0:102:304::9bbf:fffe]", 1, 0,
      "has a private address inside",
      "must be address:port, not a URL", "IPv4 inside" },
    { "http://[64:ff9b:1::10.0.0.1]", 1, 0, NULL,
      "must be address:port, not a URL", NULL },
    { "http://[64:ff9b::198.51.100.1]", 1, 0, NULL,
      "must be address:port, not a URL", NULL },
    { "http://[2002:c633:6401::1]", 1, 0, NULL,
      "must be address:port, not a URL", NULL },
    { "http://[2001:db8::127.0.0.1]", 1, 0, NULL,
      "must be address:port, not a URL", NULL },
    { "http://[::ffff:192.0.2.10]:80", 1, 0, NULL,
      "must be address:port, not a URL", NULL },
    { "https://192.0.2.10", 0, 0, NULL, "must be address:port, not a URL",
      "https is accepted" },
    { "https://[2001:db8::10]:443", 0, 0, NULL,
      "must be address:port, not a URL", "https is accepted" },
    { "ftp://192.0.2.10", 0, 0, "must begin with http:// or https://",
      "must be address:port, not a URL", NULL },
    { "//[2001:db8::10]:443", 0, 0, "must begin with http:// or https://",
      "must be address:port, not a URL", NULL },
    { "192.0.2.10", 0, 0, "must begin with http:// or https://", "has no port",
      NULL },
    { "", 0, 0, "must begin with http:// or https://", "has no address", NULL },
    { "http://", 0, 0, "has no address", "must be address:port, not a URL",
      NULL },
    { "http:///", 0, 0, "has no address", "must be address:port, not a URL",
      NULL },
    { "invalid", 0, 0, "must begin with http:// or https://",
      "is not an IP address", NULL },
    { "192.0.2.10:443", 0, 1, "must begin with http:// or https://", NULL,
      NULL },
    { "[2001:db8::10]:443", 0, 1, "must begin with http:// or https://", NULL,
      NULL },
    { "[2001:db8::10]:0", 0, 1, "must begin with http:// or https://",
      "has a port out of range", "port range" },
    { "[2001:db8::10]:65535", 0, 1, "must begin with http:// or https://", NULL,
      NULL },
    { "[2001:db8::10]:65536", 0, 0, "must begin with http:// or https://",
      "has a port out of range", NULL },
    { "[2001:db8::10]:99999999999999999999", 0, 0,
      "must begin with http:// or https://", "has a port out of range", NULL },
    { "[2001:db8::10]:+443", 0, 0, "must begin with http:// or https://",
      "has a port that is not a number", NULL },
    { "[2001:db8::10]:-1", 0, 0, "must begin with http:// or https://",
      "has a port that is not a number", NULL },
    { "[2001:db8::10]:0443", 0, 1, "must begin with http:// or https://", NULL,
      NULL },
    { "[2001:db8::10]: 443", 0, 0, "has a blank or a control character",
      "has a port that is not a number", NULL },
    { "[2001:db8::10]:https", 0, 0, "must begin with http:// or https://",
      "has a port that is not a number", NULL },
    { "[2001:db8::10]:", 0, 0, "must begin with http:// or https://",
      "has no port", NULL },
    { "[2001:db8::10]", 0, 0, "must begin with http:// or https://",
      "has no port", NULL },
    { "2001:db8::10:443", 0, 0, "must begin with http:// or https://",
      "needs brackets around an IPv6 address", NULL },
    { "[fe80::1%eth0]:443", 0, 0, "must begin with http:// or https://",
      "has a zone id", NULL },
    { "[::1]:443", 0, 1, "must begin with http:// or https://",
      RULES_LOOPBACK, "hardening" },
    { "127.0.0.1:443", 0, 1, "must begin with http:// or https://",
      RULES_LOOPBACK, "hardening" },
    { "localhost:443", 0, 0, "must begin with http:// or https://",
      "is not an IP address", NULL },
    { "example.com:443", 0, 0, "must begin with http:// or https://",
      "is not an IP address", NULL },
    { "[192.0.2.10]:443", 0, 1, "must begin with http:// or https://", NULL,
      NULL },
    { ":443", 0, 0, "must begin with http:// or https://", "has no address",
      NULL },
};

#endif


#ifdef RULES_NAMES

/* labels below a gateway's domain: node and chain */

static const rules_name_t  rules_names[] = {
    { "a", 0, "a.gw.localhost", NULL, "no lower limit without a chain" },
    { "ab", 0, "ab.gw.localhost", NULL, "no lower limit without a chain" },
    { "abc", 1, "abc.gw.localhost", NULL, NULL },
    { "mysite", 1, "mysite.gw.localhost", NULL, NULL },
    { "my-site", 1, "my-site.gw.localhost", NULL, NULL },
    { "my_site", 1, "my_site.gw.localhost", NULL, NULL },
    { "-abc", 1, "-abc.gw.localhost", NULL, NULL },
    { "abc-", 1, "abc-.gw.localhost", NULL, NULL },
    { "--", 0, "--.gw.localhost", NULL, "no lower limit without a chain" },
    { "MySite", 0, "mysite.gw.localhost", NULL, "folded" },
    { "my.site", 0, "my.site", NULL, "a full name" },
    { "*", 0, NULL, "is a wildcard without a domain", NULL },
    { "*.a", 0, "*.a", NULL, "wildcards are names" },
    { "", 0, NULL, "is empty", NULL },
    { "a b", 0, NULL,
      "has a character that is not a letter, digit, \"-\" or \"_\"", NULL },
    { "caf\303\251", 0, NULL, "must be written as an A-label (xn--...)", NULL },
    { "xn--caf-dma", 1, "xn--caf-dma.gw.localhost", NULL, NULL },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1,
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.gw.localhost", NULL, NULL },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1,
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.gw.localhost", NULL, NULL },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1,
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
      "gw.localhost", NULL, NULL },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1,
      NULL, "has a label longer than 63 bytes", "DNS limit" },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0,
      NULL, "has a label longer than 63 bytes", NULL },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, NULL,
      "is longer than 253 bytes", NULL },
    { "abc\n", 0, NULL,
      "has a character that is not a letter, digit, \"-\" or \"_\"", NULL },
    { "www", 1, "www.gw.localhost", NULL, NULL },
    { "0", 0, "0.gw.localhost", NULL, "no lower limit without a chain" },
    { "123", 1, "123.gw.localhost", NULL, NULL },
    { "a/b", 0, NULL,
      "has a character that is not a letter, digit, \"-\" or \"_\"", NULL },
    { "_acme-challenge", 1, NULL,
      "is reserved for the gateway's own certificate", "hardening" },
    { "%41", 0, NULL,
      "has a character that is not a letter, digit, \"-\" or \"_\"", NULL },
};


/* full names */

static const rules_name_t  rules_fqdns[] = {
    { "example.com", 1, "example.com", NULL, NULL },
    { "www.example.com", 1, "www.example.com", NULL, NULL },
    { "WWW.Example.COM", 1, "www.example.com", NULL, NULL },
    { "a.b", 0, "a.b", NULL, "short last labels exist" },
    { "a.bc", 1, "a.bc", NULL, NULL },
    { "localhost", 0, "localhost.gw.localhost", NULL, "completed" },
    { "example.com.", 0, "example.com", NULL, "one final dot is stripped" },
    { ".example.com", 0, NULL, "has an empty label", NULL },
    { "exa mple.com", 0, NULL,
      "has a character that is not a letter, digit, \"-\" or \"_\"", NULL },
    { "ex_ample.com", 1, "ex_ample.com", NULL, NULL },
    { "*.example.com", 0, "*.example.com", NULL, "wildcards are names" },
    { "xn--bcher-kva.example", 1, "xn--bcher-kva.example", NULL, NULL },
    { "b\303\274cher.example", 0, NULL,
      "must be written as an A-label (xn--...)", NULL },
    { "192.0.2.10", 1, NULL, "ends in a number, as an IP address does",
      "an IPv4 literal is no name" },
    { "example.c", 0, "example.c", NULL, "short last labels exist" },
    { "-a.com", 1, "-a.com", NULL, NULL },
    { "a..com", 0, NULL, "has an empty label", NULL },
    { "", 0, NULL, "is empty", NULL },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com", 1,
      NULL, "has a label longer than 63 bytes", "DNS limit" },
    { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaa"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com", 1, NULL,
      "is longer than 253 bytes", "DNS limit" },
    { "example.com\n", 0, NULL,
      "has a character that is not a letter, digit, \"-\" or \"_\"", NULL },
    { "[2001:db8::1]", 0, NULL,
      "has a character that is not a letter, digit, \"-\" or \"_\"", NULL },
    { "example.com:443", 0, NULL,
      "has a character that is not a letter, digit, \"-\" or \"_\"", NULL },
};

#endif


#endif /* WGW_RULES_H */
