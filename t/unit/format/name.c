
/*
 * Names: the canonical form, folding, widening.
 */

#include "t/unit/tap.h"
#include "format/name.h"

#include <stdlib.h>

#define RULES_NAMES
#include "t/unit/format/rules.h"



/* 62 and 253 bytes */
#define L62  "abcdefghijklmnopqrstuvwxyz-0123456789_abcdefghijklmnopqrstuvwx"
#define LONGEST  L62 "." L62 "." L62 "." L62 ".a"


typedef struct {
    const char  *text;
    const char  *domain;
    const char  *name;
    const char  *refused;
    const char  *what;
} name_case_t;


#define BYTE      "has a character that is not a letter, digit, " \
                  "\"-\" or \"_\""
#define WILDCARD  "has a wildcard that is not the whole first label"


static const name_case_t  cases[] = {
    { "bar1", "gw.localhost", "bar1.gw.localhost", NULL, "bare name" },
    { "Bar1.", "gw.localhost", "bar1.gw.localhost", NULL,
      "bare name, upper case, final dot" },
    { "bar1", "", NULL, "is a single label and no domain completes it",
      "bare name without a domain" },
    { "shop.gw1.example", "", "shop.gw1.example", NULL,
      "full name without a domain" },
    { "SHOP.GW1.example.", "gw.localhost", "shop.gw1.example", NULL,
      "tf 38: case and final dot" },
    { "gw.localhost", "gw.localhost", "gw.localhost", NULL,
      "the domain itself" },
    { "gw", "gw.localhost", "gw.gw.localhost", NULL,
      "a label of the domain" },
    { "a..", "d.e", NULL, "has an empty label", "two final dots" },
    { ".", "d.e", NULL, "has an empty label", "a dot" },
    { "..", "d.e", NULL, "has an empty label", "two dots" },
    { ".a.b", "d.e", NULL, "has an empty label", "leading dot" },

    { "", "d.e", NULL, "is empty", "tf 17: empty" },
    { "a b", "d.e", NULL, BYTE, "tf 17: blank" },
    { "*", "d.e", NULL, "is a wildcard without a domain", "tf 17: star" },
    { "*.", "d.e", NULL, "is a wildcard without a domain", "star and dot" },
    { "caf\xc3\xa9", "d.e", NULL, "must be written as an A-label (xn--...)",
      "tf 17: another script" },
    { "_acme-challenge", "d.e", NULL,
      "is reserved for the gateway's own certificate",
      "tf 17: _acme-challenge" },
    { "_ACME-Challenge.shop.example", "", NULL,
      "is reserved for the gateway's own certificate",
      "tf 17: _acme-challenge in another case, of a full name" },
    { "_acme-challenge2.a", "", "_acme-challenge2.a", NULL,
      "longer than _acme-challenge" },
    { "a._acme-challenge.b", "", "a._acme-challenge.b", NULL,
      "_acme-challenge further in" },

    { "*.d", "", "*.d", NULL, "wildcard" },
    { "*.Sub.example.", "", "*.sub.example", NULL,
      "wildcard, upper case, final dot" },
    { "a.*.d", "", NULL, WILDCARD, "wildcard in the middle" },
    { "a*.d", "", NULL, WILDCARD, "wildcard as a part" },
    { "*a.d", "", NULL, WILDCARD, "wildcard and more" },
    { "**.d", "", NULL, WILDCARD, "two stars" },
    { "*.*.d", "", NULL, WILDCARD, "two wildcards" },
    { "d.*", "", NULL, WILDCARD, "wildcard at the end" },

    { "192.0.2.10", "d.e", NULL, "ends in a number, as an IP address does",
      "IPv4 literal" },
    { "192.0.2.10.", "d.e", NULL, "ends in a number, as an IP address does",
      "IPv4 literal with a dot" },
    { "*.2.10", "d.e", NULL, "ends in a number, as an IP address does",
      "wildcard over numbers" },
    { "123", "d.e", "123.d.e", NULL, "digits only" },
    { "1.example", "d.e", "1.example", NULL, "digits first" },

    { "a.b:443", "", NULL, BYTE, "port" },
    { "a.b/c", "", NULL, BYTE, "slash" },
    { "a.b\t", "", NULL, BYTE, "tab" },
    { "a@b.c", "", NULL, BYTE, "at" },
    { "::1", "d.e", NULL, BYTE, "IPv6 literal" },

    { L62 "c", "d.e", L62 "c.d.e", NULL, "label of 63" },
    { L62 "cd", "d.e", NULL, "has a label longer than 63 bytes",
      "tf 17: label of 64" },
    { LONGEST, "", LONGEST, NULL, "253 bytes" },
    { LONGEST ".", "", LONGEST, NULL, "253 bytes and a dot" },
    { LONGEST "c", "", NULL, "is longer than 253 bytes", "254 bytes" },
    { L62, L62 "." L62 "." L62 ".a", LONGEST, NULL,
      "completed to 253 bytes" },
    { L62 "a", L62 "." L62 "." L62 ".a", NULL,
      "is longer than 253 bytes with the domain", "completed to 254 bytes" }
};


typedef struct {
    const char  *name;
    const char  *steps[5];
} name_widen_t;


static const name_widen_t  widens[] = {
    { "a.b.c", { "*.b.c", "*.c" } },
    { "*.b.c", { "*.c" } },
    { "shop.gw1.example", { "*.gw1.example", "*.example" } },
    { "a.b", { "*.b" } },
    { "*.b", { NULL } },
    { "a", { NULL } },
    { "*", { NULL } },
    { ".", { NULL } },
    { ".a", { NULL } },
    { "a.", { NULL } },
    { "a..b", { "*..b" } },
    { "*.", { NULL } },
    { "*..", { NULL } },
    { "**.a", { "*.a" } }
};


static void
test_parse(const char *from, const char *domain, const char *expected,
    const char *refused, const char *what)
{
    char        *name;
    size_t       len;
    wgw_text_t   text, d;
    const char  *error;

    /* on the heap, where the sanitizer sees a byte too many */

    name = malloc(WGW_NAME_MAX);

    text.data = from;
    text.len = strlen(from);
    d.data = domain;
    d.len = strlen(domain);
    error = "none";

    len = wgw_name_parse(name, text, d, &error);

    if (expected) {
        is(name, len, expected, what);

    } else {
        ok(len == 0, "%s refused", what);
        is(error, strlen(error), refused, what);
    }

    free(name);
}


static void
test_rules(const rules_name_t *rules, size_t n, const char *kind)
{
    char    what[32];
    size_t  i;

    for (i = 0; i < n; i++) {
        snprintf(what, sizeof(what), "rules: %s %zu", kind, i);

        test_parse(rules[i].text, "gw.localhost", rules[i].name,
                   rules[i].refused, what);

        ok((rules[i].why != NULL)
           == (rules[i].zos != (rules[i].refused == NULL)),
           "%s: the grid's verdict differs only with a reason", what);
    }
}


static void
test_fold(void)
{
    char        *name, many[256];
    size_t       len;
    wgw_text_t   text;

    name = malloc(WGW_NAME_MAX);

    len = wgw_name_fold(name, wgw_text("Shop.GW1.Example."));
    is(name, len, "shop.gw1.example", "case and final dot");

    len = wgw_name_fold(name, wgw_text("A.b.."));
    is(name, len, "a.b.", "one dot is stripped");

    len = wgw_name_fold(name, wgw_text("[::1]:80 @\xc3\x89"));
    is(name, len, "[::1]:80 @\xc3\x89", "the rest is not judged");

    ok(wgw_name_fold(name, wgw_text("")) == 0, "nothing");
    ok(wgw_name_fold(name, wgw_text(".")) == 0, "a dot");

    memset(many, 'X', sizeof(many));
    text.data = many;
    text.len = 253;
    ok(wgw_name_fold(name, text) == 253 && name[252] == 'x', "253 bytes");

    text.len = 254;
    ok(wgw_name_fold(name, text) == 0, "254 bytes");

    many[253] = '.';
    ok(wgw_name_fold(name, text) == 253, "253 bytes and a dot");

    many[254] = '.';
    text.len = 255;
    ok(wgw_name_fold(name, text) == 0, "253 bytes and two dots");

    free(name);
}


static void
test_widen(void)
{
    char    name[WGW_NAME_MAX];
    size_t  i, n, len;

    for (i = 0; i < sizeof(widens) / sizeof(widens[0]); i++) {
        len = strlen(widens[i].name);
        memcpy(name, widens[i].name, len);

        for (n = 0; widens[i].steps[n]; n++) {
            len = wgw_name_widen(name, len);
            is(name, len, widens[i].steps[n], widens[i].name);
        }

        ok(wgw_name_widen(name, len) == 0, "%s: %zu steps", widens[i].name,
           n);
    }
}


/* Every byte at every place of every length up to 24, also in place. */

static void
test_fold_bytes(void)
{
    char        sent[24], name[WGW_NAME_MAX];
    size_t      len, i;
    unsigned    byte, wrong;
    wgw_text_t  text = { sent, 0 };

    wrong = 0;

    for (len = 1; len <= sizeof(sent); len++) {
        for (i = 0; i < len; i++) {
            for (byte = 0; byte < 256; byte++) {
                memset(sent, 'Q', sizeof(sent));
                sent[i] = (char) byte;
                text.len = len;

                if (i == len - 1 && byte == '.') {
                    continue;
                }

                wrong += wgw_name_fold(name, text) != len
                         || name[i] != (char) (byte >= 'A' && byte <= 'Z'
                                               ? byte | 0x20 : byte)
                         || name[len - 1 - i] != (i == len - 1 - i ? name[i]
                                                                   : 'q');

                memcpy(name, sent, len);
                text.data = name;
                wrong += wgw_name_fold(name, text) != len
                         || name[i] != (char) (byte >= 'A' && byte <= 'Z'
                                               ? byte | 0x20 : byte);
                text.data = sent;
            }
        }
    }

    ok(wrong == 0, "each byte is folded as by itself: %u are not", wrong);
}


int
main(void)
{
    size_t              i;
    const name_case_t  *t;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        t = &cases[i];
        test_parse(t->text, t->domain, t->name, t->refused, t->what);
    }

    test_rules(rules_names, sizeof(rules_names) / sizeof(rules_names[0]),
               "name");
    test_rules(rules_fqdns, sizeof(rules_fqdns) / sizeof(rules_fqdns[0]),
               "fqdn");

    {
        char         name[WGW_NAME_MAX];
        wgw_text_t   text = { "a\0b.c", 5 };
        const char  *error;

        ok(wgw_name_parse(name, text, wgw_text(""), &error) == 0,
           "zero byte refused");
        is(error, strlen(error), BYTE, "zero byte");
    }

    test_fold();
    test_fold_bytes();
    test_widen();

    return done();
}
