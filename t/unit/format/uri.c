
/*
 * URIs and what they are compared with.
 */

#include "t/unit/tap.h"
#include "auth/origin.h"
#include "format/uri.h"

#include <stdlib.h>


/* The parts in order, joined by "|", absent ones as "-"; NULL: refused. */
typedef struct {
    const char  *text;
    const char  *parts;
} uri_case_t;


static const uri_case_t  uris[] = {
    { "https://gw.example/auth", "https|-|gw.example|-|/auth|-|-" },
    { "HTTPS://u:p@Gw.Example:8443/a/b?c=d&e#f?/",
      "HTTPS|u:p|Gw.Example|8443|/a/b|c=d&e|f?/" },
    { "https://gw.example", "https|-|gw.example|-||-|-" },
    { "https://gw.example?", "https|-|gw.example|-|||-" },
    { "https://gw.example#", "https|-|gw.example|-||-|" },
    { "https://gw.example:/", "https|-|gw.example||/|-|-" },
    { "https://[::1]:80/", "https|-|::1|80|/|-|-" },
    { "https://[::cafe]", "https|-|::cafe|-||-|-" },
    { "file:///etc", "file|-||-|/etc|-|-" },
    { "din://12@0xabc?rps=3", "din|12|0xabc|-||rps=3|-" },
    { "urn:a:b", "urn|-|-|-|a:b|-|-" },
    { "did:web:x.example", "did|-|-|-|web:x.example|-|-" },
    { "ipfs://Qme7/", "ipfs|-|Qme7|-|/|-|-" },
    { "a+b-c.1:", "a+b-c.1|-|-|-||-|-" },
    { "x:%2f%aF", "x|-|-|-|%2f%aF|-|-" },

    { "", NULL },
    { ":", NULL },
    { "/auth", NULL },
    { "auth", NULL },
    { "gw.example/auth", NULL },
    { "1a:b", NULL },
    { "a b:c", NULL },
    { "a_b:c", NULL },
    { "https://gw.example/a b", NULL },
    { "https://gw.example/%", NULL },
    { "https://gw.example/%4", NULL },
    { "https://gw.example/%4g", NULL },
    { "https://gw.example/\xc3\xa9", NULL },
    { "https://gw.example/[a]", NULL },
    { "https://gw.example/\"", NULL },
    { "https://gw.example/\\", NULL },
    { "https://gw.example/#a#b", NULL },
    { "https://gw.example:8x/", NULL },
    { "https://gw.example:8:9/", NULL },
    { "https://a@b@c/", NULL },
    { "https://::1/", NULL },
    { "https://[::1/", NULL },
    { "https://[::1]x/", NULL },
    { "https://[1.2.3.4]/", NULL },
    { "https://[v1.a]/", NULL },
    { "https://[fe80::1%25eth0]/", NULL },
    { "https://gw<.example/", NULL }
};


typedef struct {
    const char  *configured;
    const char  *uri;
    int          same;
} origin_case_t;


static const origin_case_t  origins[] = {
    { "gw.example/auth", "https://gw.example/auth", 1 },
    { "gw.example/auth", "http://GW.Example.:8080/auth", 1 },
    { "gw.example./auth", "https://gw.example/auth?x=1#y", 1 },
    { "gw.example/auth", "https://gw.example/auth/", 0 },
    { "gw.example/auth", "https://gw.example/AUTH", 0 },
    { "gw.example/auth", "https://gw.example/%61uth", 0 },
    { "gw.example/auth", "https://gw.example/x/../auth", 0 },
    { "gw.example/auth", "https://gw.example//auth", 0 },
    { "gw.example/auth", "https://gw.example", 0 },
    { "gw.example/auth", "https://evil.example/auth", 0 },
    { "gw.example/auth", "https://gw.example@evil.example/auth", 0 },
    { "gw.example/auth", "https://evil.example@gw.example/auth", 0 },
    { "gw.example/auth", "https://gw.example.evil/auth", 0 },
    { "gw.example/auth", "https:gw.example/auth", 0 },
    { "gw.example/auth", "https:///auth", 0 },
    { "gw.example/auth", "https://gw.example:99999/auth", 0 },
    { "gw.example/auth", "https://gw.example:0/auth", 0 },
    { "gw.example", "https://gw.example", 1 },
    { "gw.example", "https://gw.example/", 1 },
    { "gw.example/", "https://gw.example", 1 },
    { "gw.example", "https://gw.example/auth", 0 },
    { "https://gw.example/auth", "https://gw.example/auth", 1 },
    { "https://gw.example/auth", "HTTPS://gw.example:8443/auth", 1 },
    { "https://gw.example/auth", "http://gw.example/auth", 0 },
    { "gw.example:443/auth", "https://gw.example/auth", 1 },
    { "gw.example:443/auth", "https://gw.example:/auth", 1 },
    { "gw.example:443/auth", "http://gw.example/auth", 0 },
    { "gw.example:8443/auth", "https://gw.example:8443/auth", 1 },
    { "gw.example:8443/auth", "https://gw.example/auth", 0 },
    { "[::1]:8545/auth", "http://[0:0::1]:8545/auth", 1 },
    { "[::1]/auth", "http://[::2]/auth", 0 },
    { "::1", "http://[::1]/", 1 },
    { "127.0.0.1:8545/auth", "http://127.0.0.1:8545/auth", 1 },
    { "127.0.0.1/auth", "http://[::ffff:127.0.0.1]/auth", 1 },
    { "127.0.0.1/auth", "http://127.1/auth", 0 }
};


typedef struct {
    const char  *configured;    /* NULL: none, the URI's is meant */
    const char  *scheme;        /* of the message, or NULL */
    const char  *domain;
    const char  *uri;
    int          same;
} domain_case_t;


static const domain_case_t  domains[] = {
    { "gw.example", NULL, "gw.example", "https://x/", 1 },
    { "gw.example", NULL, "GW.example.", "https://x/", 1 },
    { "gw.example", NULL, "gw.example:443", "https://x/", 1 },
    { "gw.example", NULL, "gw.example:80", "https://x/", 0 },
    { "gw.example", "http", "gw.example:80", "https://x/", 1 },
    { "gw.example", "http", "gw.example:443", "https://x/", 0 },
    { "gw.example", NULL, "gw.example:8443", "https://x/", 0 },
    { "gw.example:8443", NULL, "gw.example:8443", "https://x/", 1 },
    { "gw.example:8443", NULL, "gw.example", "https://x/", 0 },
    { "gw.example:443", NULL, "gw.example", "https://x/", 1 },
    { "gw.example:443", NULL, "gw.example", "urn:x", 0 },
    { "gw.example", NULL, "evil.example", "https://x/", 0 },
    { "::1", NULL, "[::1]", "http://x/", 1 },
    { "[::1]", NULL, "::1", "http://x/", 1 },
    { "::1", NULL, "[::1]:80", "http://x/", 1 },

    { NULL, NULL, "gw.example", "https://gw.example/auth", 1 },
    { NULL, NULL, "gw.example", "https://gw.example:8443/auth", 1 },
    { NULL, NULL, "gw.example:8443", "https://gw.example:8443/auth", 1 },
    { NULL, NULL, "gw.example:443", "https://gw.example/auth", 1 },
    { NULL, NULL, "gw.example:8444", "https://gw.example:8443/auth", 0 },
    { NULL, NULL, "evil.example", "https://gw.example/auth", 0 },
    { NULL, NULL, "gw.example", "https://gw.example@evil.example/", 0 },
    { NULL, NULL, "::1", "http://[::1]:8545/auth", 1 },
    { NULL, NULL, "x", "urn:x", 0 }
};


typedef struct {
    const char  *text;
    const char  *refused;
} refusal_t;


static const refusal_t  refusals[] = {
    { "gw.example/auth?x=1", "has a path with a character that must be "
      "escaped" },
    { "https://gw.example/auth?x=1", "has a query or fragment" },
    { "https://gw.example/auth#", "has a query or fragment" },
    { "https://u@gw.example/auth", "has user information" },
    { "gw.example:0/auth", "has a port that is not 1 to 65535" },
    { "gw.example:65536/auth", "has a port that is not 1 to 65535" },
    { "gw.example:/auth", "has a port that is not 1 to 65535" },
    { "/auth", "has no host" },
    { "", "has no host" },
    { "gw example/auth", "is not a host with an optional port" },
    { "://gw.example", "is not a valid URI" },
    { "a:b://gw.example", "is not a valid URI" }
};


static wgw_text_t
view(const char *terminated)
{
    wgw_text_t  text = { terminated, terminated ? strlen(terminated) : 0 };

    return text;
}


static void
put(wgw_out_t *out, wgw_text_t part)
{
    if (out->pos > out->start) {
        wgw_out_str(out, "|");
    }

    if (part.data == NULL) {
        wgw_out_str(out, "-");

    } else {
        wgw_out_bytes(out, part.data, part.len);
    }
}


static void
test_uri(const uri_case_t *t)
{
    int         rc;
    char       *copy, parts[256];
    wgw_out_t   out;
    wgw_uri_t   uri;
    wgw_text_t  text;

    /* on the heap, where the sanitizer sees a byte too many */

    text.len = strlen(t->text);
    copy = malloc(text.len);
    memcpy(copy, t->text, text.len);
    text.data = copy;

    rc = wgw_uri_parse(&uri, text);

    if (t->parts == NULL || rc != 0) {
        ok(rc == (t->parts ? 0 : -1), "%s", t->text);
        free(copy);
        return;
    }

    wgw_out_init(&out, parts, sizeof(parts));
    put(&out, uri.scheme);
    put(&out, uri.userinfo);
    put(&out, uri.host);
    put(&out, uri.port);
    put(&out, uri.path);
    put(&out, uri.query);
    put(&out, uri.fragment);

    is(parts, (size_t) (out.pos - out.start), t->parts, t->text);

    free(copy);
}


static void
test_origin(const origin_case_t *t)
{
    wgw_uri_t      uri;
    const char    *error;
    wgw_origin_t   origin;

    error = wgw_origin_parse(&origin, view(t->configured));

    if (!ok(error == NULL && wgw_uri_parse(&uri, view(t->uri)) == 0,
            "%s and %s", t->configured, t->uri))
    {
        return;
    }

    ok(wgw_origin_is_uri(&origin, &uri) == t->same, "%s is%s %s", t->uri,
       t->same ? "" : " not", t->configured);
}


static void
test_domain(const domain_case_t *t)
{
    int            same;
    wgw_uri_t      uri;
    wgw_origin_t   origin;

    same = -1;

    if (wgw_uri_parse(&uri, view(t->uri)) == 0) {

        if (t->configured == NULL) {
            same = wgw_origin_of_uri(&uri, view(t->scheme), view(t->domain));

        } else if (wgw_origin_domain_parse(&origin, view(t->configured))
                   == NULL)
        {
            same = wgw_origin_is_domain(&origin, view(t->scheme),
                                        view(t->domain), &uri);
        }
    }

    ok(same == t->same, "domain %s is%s %s (%s)", t->domain,
       t->same ? "" : " not", t->configured ? t->configured : "the URI's",
       t->uri);
}


int
main(void)
{
    size_t         i;
    wgw_uri_t      uri;
    const char    *error;
    wgw_origin_t   origin;

    for (i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        test_uri(&uris[i]);
    }

    for (i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        test_origin(&origins[i]);
    }

    for (i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
        test_domain(&domains[i]);
    }

    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        error = wgw_origin_parse(&origin, view(refusals[i].text));
        error = error ? error : "accepted";

        is(error, strlen(error), refusals[i].refused, refusals[i].text);
    }

    {
        wgw_text_t  zero = { "https://a\0b/", 12 };

        ok(wgw_uri_parse(&uri, zero) == -1, "a zero byte");
    }

    return done();
}
