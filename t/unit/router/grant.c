
/*
 * Answers to sign-ins: good ones, and every bad one (R04, R05, R08).
 */

#include <stdlib.h>

#include "t/unit/tap.h"
#include "router/grant.h"


typedef struct {
    const char  *body;
    const char  *phrase;            /* NULL: a grant */
    const char  *headers;           /* "name=value name=value" */
    uint64_t     exp;
    uint64_t     uses;
    const char  *what;
} case_t;


#define KEY  "\"headers\":{\"x-api-key\":\"k\"}"


static const case_t  cases[] = {
    { "{" KEY ",\"exp\":1767326645}", NULL, "x-api-key=k", 1767326645, 0,
      "R01: as providers answer" },
    { "{\"Headers\":{\"x-api-key\":\"k\"},\"exp\":5}\n", NULL, "x-api-key=k",
      5, 0, "R04: Headers" },
    { "{\"HEADERS\":{\"X-API-KEY\":\"k\"},\"EXP\":5,\"Uses\":3}", NULL,
      "X-API-KEY=k", 5, 3, "R13: exp and uses, in any case" },
    { "{" KEY "}", NULL, "x-api-key=k", 0, 0, "R11: neither" },
    { "{" KEY ",\"exp\":null,\"uses\":null,\"error\":null}", NULL,
      "x-api-key=k", 0, 0, "nulls are nothing" },
    { "{" KEY ",\"error\":\"\"}", NULL, "x-api-key=k", 0, 0,
      "an empty error is none" },
    { "{\"x\":[{\"exp\":1}],\"y\":{\"headers\":{}}," KEY "}", NULL,
      "x-api-key=k", 0, 0, "others are passed over" },
    { "{\"headers\":{\"x-team\":\"7\",\"x-api-key\":\"k\\u0041\"}}", NULL,
      "x-team=7 x-api-key=kA", 0, 0, "R05: extra headers" },
    { "{\"headers\":{\"host\":\"h\",\"Connection\":\"c\",\"x-api-key\":\"k\","
      "\"Transfer-Encoding\":\"x\",\"Content-Length\":\"1\",\"TE\":\"t\"}}",
      NULL, "x-api-key=k", 0, 0, "R05: Host and hop-by-hop are left out" },

    { "", "is not JSON", NULL, 0, 0, "R08: empty" },
    { "<html>", "is not JSON", NULL, 0, 0, "R08: HTML" },
    { "{}", "has no x-api-key", NULL, 0, 0, "R08: {}" },
    { "[]", "is not an object", NULL, 0, 0, "R08: an array" },
    { "null", "is not an object", NULL, 0, 0, "R08: null" },
    { "7", "is not an object", NULL, 0, 0, "R08: a number" },
    { "true", "is not an object", NULL, 0, 0, "R08: true" },
    { "\"x\"", "is not an object", NULL, 0, 0, "R08: a string" },
    { "{" KEY, "is not JSON", NULL, 0, 0, "R08: cut off" },
    { "{" KEY "}x", "is not JSON", NULL, 0, 0, "R08: junk behind it" },
    { "{\"headers\":{}}", "has no x-api-key", NULL, 0, 0,
      "R08: no header at all" },
    { "{\"headers\":{\"x-other\":\"k\"},\"exp\":5}", "has no x-api-key",
      NULL, 0, 0, "R08: no x-api-key" },
    { "{\"headers\":{\"x-api-key\":\"\"}}", "has no x-api-key", NULL, 0, 0,
      "R08: an empty one" },
    { "{\"headers\":null}", "has no x-api-key", NULL, 0, 0,
      "R08: null headers" },
    { "{\"headers\":[\"x-api-key\"]}", "has a member of another type", NULL,
      0, 0, "R08: headers in an array" },
    { "{\"headers\":\"x-api-key: k\"}", "has a member of another type", NULL,
      0, 0, "R08: headers as text" },
    { "{\"headers\":{\"x-api-key\":7}}", "has a member of another type",
      NULL, 0, 0, "R08: a number for a value" },
    { "{\"headers\":{\"x-api-key\":null}}", "has a header that is no text",
      NULL, 0, 0, "R08: null for a value" },
    { "{\"headers\":{\"x-api-key\":[\"k\"]}}", "has a member of another type",
      NULL, 0, 0, "R08: an array for a value" },
    { "{\"headers\":{\"x-api-key\":{\"k\":\"v\"}}}",
      "has a header that is no text", NULL, 0, 0,
      "R08: an object for a value" },
    { "{\"headers\":{\"x-api-key\":\"k\\r\\nX: y\"}}",
      "has a header that is none of HTTP", NULL, 0, 0, "R08: CR and LF" },
    { "{\"headers\":{\"x-api-key\":\"k\\u0000\"}}",
      "has a header that is none of HTTP", NULL, 0, 0, "R08: NUL" },
    { "{\"headers\":{\"x-api-key\":\"k\",\"a b\":\"c\"}}",
      "has a header that is none of HTTP", NULL, 0, 0,
      "R08: a blank in a name" },
    { "{\"headers\":{\"x-api-key\":\"k\",\"\":\"c\"}}",
      "has a header that is none of HTTP", NULL, 0, 0, "R08: an empty name" },
    { "{\"headers\":{\"x-api-key\":\"k\",\"X-Api-Key\":\"c\"}}",
      "has a header twice", NULL, 0, 0, "R08: two keys" },
    { "{" KEY "," KEY "}", "has a member twice", NULL, 0, 0,
      "R08: headers twice" },
    { "{" KEY ",\"Headers\":{}}", "has a member twice", NULL, 0, 0,
      "R08: headers twice, in another case" },
    { "{" KEY ",\"exp\":\"5\"}", "has a member of another type", NULL, 0, 0,
      "R08: exp as text" },
    { "{" KEY ",\"exp\":-5}", "has a number that is none of seconds or uses",
      NULL, 0, 0, "R08: a negative exp" },
    { "{" KEY ",\"exp\":1.5}", "has a number that is none of seconds or uses",
      NULL, 0, 0, "R08: a fraction" },
    { "{" KEY ",\"exp\":1e9}", "has a number that is none of seconds or uses",
      NULL, 0, 0, "R08: an exponent" },
    { "{" KEY ",\"exp\":99999999999999999999}",
      "has a number that is none of seconds or uses", NULL, 0, 0,
      "R08: too far away" },
    { "{" KEY ",\"uses\":true}", "has a member of another type", NULL, 0, 0,
      "R08: uses true" },
    { "{" KEY ",\"error\":\"unauthorized signer\"}", "is an error", NULL, 0,
      0, "R07: an error" },
    { "{" KEY ",\"error\":{\"a\":1}}", "has a member of another type", NULL,
      0, 0, "R08: an error that is no text" },
    { "\xef\xbb\xbf{" KEY "}", "is not JSON", NULL, 0, 0, "R08: a BOM" },
};


static void
test_limits(void)
{
    int           i;
    char         *body, buffer[WGW_GRANT_BYTES], *p;
    wgw_text_t    text;
    const char   *phrase;
    wgw_grant_t   grant;

    body = malloc(WGW_GRANT_BODY + 100);

    p = body + sprintf(body, "{\"headers\":{\"x-api-key\":\"k\"");

    for (i = 0; i < WGW_GRANT_HEADERS; i++) {
        p += sprintf(p, ",\"h%d\":\"v\"", i);
    }

    p += sprintf(p, "}}");
    text.data = body;
    text.len = (size_t) (p - body);

    phrase = wgw_grant_read(&grant, text, buffer);
    ok(phrase && strcmp(phrase, "has too many headers") == 0,
       "R27: too many headers");

    p = body + sprintf(body, "{\"headers\":{\"x-api-key\":\"");
    memset(p, 'k', WGW_GRANT_BYTES);
    strcpy(p + WGW_GRANT_BYTES, "\"}}");
    text.len = strlen(body);

    phrase = wgw_grant_read(&grant, text, buffer);
    ok(phrase && strcmp(phrase, "has too many headers") == 0,
       "R27: a key that is too long");

    memset(body, ' ', WGW_GRANT_BODY + 1);
    text.len = WGW_GRANT_BODY + 1;

    phrase = wgw_grant_read(&grant, text, buffer);
    ok(phrase && strcmp(phrase, "is too long") == 0, "R27: too long");

    memset(body, '[', 1000);
    memcpy(body, "{\"a\":", 5);
    text.len = 1000;

    phrase = wgw_grant_read(&grant, text, buffer);
    ok(phrase && strcmp(phrase, "is nested too deeply") == 0,
       "R27: too deep");

    free(body);
}


int
main(void)
{
    size_t        i, k;
    char          buffer[WGW_GRANT_BYTES], got[512], *p;
    wgw_text_t    body;
    const char   *phrase;
    wgw_grant_t   grant;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        body.data = cases[i].body;
        body.len = strlen(cases[i].body);

        phrase = wgw_grant_read(&grant, body, buffer);

        if (cases[i].phrase) {
            is(phrase ? phrase : "", phrase ? strlen(phrase) : 0,
               cases[i].phrase, cases[i].what);
            continue;
        }

        if (!ok(phrase == NULL, "%s", cases[i].what)) {
            printf("# %s\n", phrase);
            continue;
        }

        p = got;

        for (k = 0; k < grant.nheaders; k++) {
            p += sprintf(p, "%s%.*s=%.*s", k ? " " : "",
                         (int) grant.headers[k].name.len,
                         grant.headers[k].name.data,
                         (int) grant.headers[k].value.len,
                         grant.headers[k].value.data);
        }

        is(got, (size_t) (p - got), cases[i].headers, "its headers");
        ok(grant.exp == cases[i].exp && grant.uses == cases[i].uses,
           "its end");
    }

    test_limits();

    return done();
}
