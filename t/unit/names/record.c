
/*
 * Records: the JSON form, read, and its checks.  What is accepted survives
 * both ways of writing it.
 */

#include "t/unit/names/record.h"

#include <openssl/err.h>

#define RULES_BACKENDS
#include "t/unit/format/rules.h"


typedef struct {
    const char  *json;
    const char  *field;         /* NULL: accepted */
    const char  *message;
    const char  *what;
} record_case_t;


static const record_case_t  cases[] = {
    { HTTP "}", NULL, NULL, "the least record" },
    { " \r\n\t" HTTP " }\n ", NULL, NULL, "blanks around" },

    /* the object */

    { "\xef\xbb\xbf" HTTP "}", NULL, NULL, "a byte order mark" },
    { "\xef\xbb\xbf\xef\xbb\xbf" HTTP "}", "",
      "is not valid JSON near byte 1", "two of them" },
    { HTTP ",\"owner\":\"a\\u200b\"}", "owner",
      "has a character that nobody sees", "field 11 kinds: owner" },
    { HTTP ",\"workload\":\"\\ufeffa\"}", "workload",
      "has a character that nobody sees", "field 11 kinds: workload" },
    { "", "", "is not complete JSON", "tf 29: empty" },
    { "   ", "", "is not complete JSON", "tf 29: blanks" },
    { "null", "", "is not a JSON object", "tf 29: null" },
    { "[]", "", "is not a JSON object", "tf 29: array" },
    { "\"a\"", "", "is not a JSON object", "string" },
    { "17 ", "", "is not a JSON object", "number" },
    { "true", "", "is not a JSON object", "truth" },
    { "{", "", "is not complete JSON", "opened only" },
    { HTTP, "", "is not complete JSON", "cut before its end" },
    { HTTP "}{}", "", "is not valid JSON near byte 57", "a second object" },
    { HTTP "} x", "", "is not valid JSON near byte 58", "text after" },
    { HTTP ",}", "", "is not valid JSON near byte 57", "final comma" },
    { "{'name':1}", "", "is not valid JSON near byte 2", "other quotes" },
    { HTTP "/**/}", "", "is not valid JSON near byte 55", "comment" },
    { NAMED "\"owner\":\"\xff\"}", "", "is not valid JSON near byte 24",
      "bytes that are not UTF-8" },
    { NAMED "\"owner\":\"\x01\"}", "", "is not valid JSON near byte 23",
      "raw control character" },
    { "{}", "name", "is missing", "nothing in it" },

    /* members */

    { HTTP ",\"nmae\":1}", "nmae", "is not known", "unknown member" },
    { HTTP ",\"__type\":\"x\"}", "__type", "is not known",
      "a client's own member: strict here" },
    { HTTP ",\"network\":null}", "network", "is not known",
      "private network: none here" },
    { HTTP ",\"delete\":true}", "delete", "is not known",
      "delete outside bulk" },
    { HTTP ",\"Name\":\"a.b\"}", "Name", "is not known",
      "members have a case" },
    { HTTP ",\"\":1}", "", "is not known", "member without a name" },
    { HTTP ",\"a\\u0000\\n\\\"\xc3\xa9 b\":1}", "a??????b", "is not known",
      "a member's name is cleaned" },
    { HTTP ",\"abcdefghijklmnopqrstuvwxyz0123456789\":1}",
      "abcdefghijklmnopqrstuvwxyz01234", "is not known",
      "a member's name is cut" },
    { HTTP ",\"name\":\"a.b\"}", "name", "is duplicate", "repeated member" },
    { HTTP ",\"backends\":[]}", "backends", "is duplicate",
      "repeated array" },
    { HTTP ",\"cap_bytes\":null,\"cap_bytes\":1}", "cap_bytes",
      "is duplicate", "repeated after null" },
    { HTTP ",\"n\\u0061me\":\"a.b\"}", "name", "is duplicate",
      "repeated member, escaped" },
    { HTTP ",\"tls_passthrough\":null,\"cap_bytes\":null,\"addresses\":null,"
      "\"tls_name\":null,\"tls_verify\":null,\"tls_ca\":null,"
      "\"proxy_protocol\":null,\"owner\":null,"
      "\"workload\":null,\"state\":null}", NULL, NULL,
      "null is the default" },

    /* name */

    { "{\"backends\":[\"http://192.0.2.1\"]}", "name", "is missing",
      "no name" },
    { "{\"name\":null}", "name", "must be a string", "name null" },
    { "{\"name\":7}", "name", "must be a string", "name a number" },
    { "{\"name\":[\"a\"]}", "name", "must be a string", "name an array" },
    { "{\"name\":{}}", "name", "must be a string", "name an object" },
    { "{\"name\":\"\"}", "name", "is empty", "tf 17: name empty" },
    { "{\"name\":\"a b\"}", "name",
      "has a character that is not a letter, digit, \"-\" or \"_\"",
      "tf 17: name with a blank" },
    { "{\"name\":\"a\\u0000.b\"}", "name",
      "has a character that is not a letter, digit, \"-\" or \"_\"",
      "tf 46: name with a zero byte" },
    { "{\"name\":\"*\"}", "name", "is a wildcard without a domain",
      "tf 17: star" },
    { "{\"name\":\"_acme-challenge\"}", "name",
      "is reserved for the gateway's own certificate",
      "tf 17: _acme-challenge" },

    /* backends: those one by one are in rules.h */

    { NAMED "\"owner\":\"x\"}", "backends", "is missing",
      "tf 14: no backends" },
    { BACKEND "[]}", "backends", "is empty", "tf 14: empty backends" },
    { BACKEND "null}", "backends", "must be an array of strings",
      "backends null" },
    { BACKEND "\"http://192.0.2.1\"}", "backends",
      "must be an array of strings", "tf 14: backends as a string" },
    { BACKEND "{}}", "backends", "must be an array of strings",
      "backends an object" },
    { BACKEND "[7]}", "backends[0]", "must be a string",
      "a backend a number" },
    { BACKEND "[\"http://192.0.2.1\",null]}", "backends[1]",
      "must be a string", "a backend null" },
    { BACKEND "[[\"http://192.0.2.1\"]]}", "backends[0]", "must be a string",
      "a backend an array" },
    { BACKEND "[{}]}", "backends[0]", "must be a string",
      "a backend an object" },
    { BACKEND "[\"http://192.0.2.1\",\"http://192.0.2.2\",\"x\"]}",
      "backends[2]", "must begin with http:// or https://",
      "the third backend" },
    { BACKEND "[\"http://192.0.2.1\",\"http://192.0.2.1:80/\"]}",
      "backends[1]", "is duplicate", "the same backend twice" },
    { BACKEND "[\"http://192.0.2.1\",\"http://[::ffff:192.0.2.1]\"]}",
      "backends[1]", "is duplicate", "the same backend, v4-mapped" },
    { BACKEND "[\"http://192.0.2.1\",\"http://192.0.2.1:81\"]}", NULL, NULL,
      "the same address, another port" },
    { BACKEND "[\"http://192.0.2.1\",\"https://192.0.2.2\"]}", "backends[1]",
      "has another scheme than the first", "two schemes" },
    { BACKEND "[\"http://203.0.113.10\"]}", "backends[0]",
      "is the gateway itself", "tf 19: own IPv4 address" },
    { BACKEND "[\"http://203.0.113.11:8080\"]}", "backends[0]",
      "is the gateway itself", "tf 19: own second address, other port" },
    { BACKEND "[\"http://[::ffff:203.0.113.10]\"]}", "backends[0]",
      "is the gateway itself", "tf 19: own address, v4-mapped" },
    { BACKEND "[\"http://[::203.0.113.10]\"]}", "backends[0]",
      "is the gateway itself", "field 11 kinds: own, v4-compatible" },
    { BACKEND "[\"http://[2002:cb00:710a::1]\"]}", "backends[0]",
      "is the gateway itself", "field 11 kinds: own, 6to4" },
    { BACKEND "[\"http://[64:ff9b::203.0.113.10]\"]}", "backends[0]",
      "is the gateway itself", "field 11 kinds: own, NAT64" },
    { BACKEND "[\"http://[64:ff9b:1::cb00:710a]\"]}", "backends[0]",
      "is the gateway itself", "field 11 kinds: own, local NAT64" },
    { BACKEND "[\"http://[::ffff:0:203.0.113.10]\"]}", "backends[0]",
      "is the gateway itself", "field 11 kinds: own, translated" },
    { BACKEND "[\"http://[2001:0:1:2:0:0:34ff:8ef5]\"]}", "backends[0]",
      "is the gateway itself", "field 11 kinds: own, Teredo" },
    { BACKEND "[\"http://[2001:DB8:ffff:0::10]\"]}", "backends[0]",
      "is the gateway itself", "tf 19: own IPv6 address" },
    { PASS ",\"workload\":null}", NULL, NULL, "passthrough" },
    { NAMED "\"backends\":[\"192.0.2.10:443\"],\"tls_passthrough\":true}",
      NULL, NULL, "tls_passthrough after backends" },
    { NAMED "\"tls_passthrough\":true,\"backends\":[\"203.0.113.10:1\"]}",
      "backends[0]", "is the gateway itself",
      "tf 19: own address, passthrough" },
    { NAMED "\"tls_passthrough\":true,\"backends\":[\"192.0.2.1:443/x\"]}",
      "backends[0]", "must be address:port, not a URL",
      "passthrough with a path" },
    { NAMED "\"tls_passthrough\":true,\"backends\":[\"192.0.2.1:70000\"]}",
      "backends[0]", "has a port out of range",
      "tf 16: passthrough, port 70000" },
    { BACKEND "[\"http://169.254.169.254/\"]}", "backends[0]",
      "is a link-local address", "link-local IPv4" },
    { BACKEND "[\"http://[fe80::1]\"]}", "backends[0]",
      "is a link-local address", "link-local IPv6" },
    { BACKEND "[\"http://[2001:db8::10\"]}", "backends[0]",
      "has no closing bracket", "bracket left open" },
    { BACKEND "[\"http://[2001:db8::10]x:80\"]}", "backends[0]",
      "has something between address and port", "text after the bracket" },
    { BACKEND "[\"http://a@b@192.0.2.1:81?@[::1]\"]}", "backends[0]",
      "has a query", "field 11.26: a query" },
    { BACKEND "[\"http://a@b@192.0.2.1:81\"]}", "backends[0]",
      "has user information", "field 11.26: a user" },
    { BACKEND "[\"http://192.0.2.1\\u0000\"]}", "backends[0]",
      "has a blank or a control character", "backend with a zero byte" },
    { NAMED "\"tls_passthrough\":true,"
      "\"backends\":[\"192.0.2.1\\u0000:443\"]}", "backends[0]",
      "is not an IP address", "passthrough with a zero byte" },
    { NAMED "\"tls_passthrough\":\"true\"}", "tls_passthrough",
      "must be true or false", "tf 14: tls_passthrough as a string" },

    /* cap_bytes */

    { HTTP ",\"cap_bytes\":0}", NULL, NULL, "tf 28: cap of 0" },
    { HTTP ",\"cap_bytes\":9007199254740992}", NULL, NULL,
      "tf 28: cap of 2^53" },
    { HTTP ",\"cap_bytes\":9007199254740993}", "cap_bytes", NUMBER,
      "tf 28: cap above 2^53" },
    { HTTP ",\"cap_bytes\":18446744073709551617}", "cap_bytes", NUMBER,
      "tf 28: cap above 2^64" },
    { HTTP ",\"cap_bytes\":-1}", "cap_bytes", NUMBER,
      "tf 28: cap negative" },
    { HTTP ",\"cap_bytes\":-0}", "cap_bytes", NUMBER, "cap of minus 0" },
    { HTTP ",\"cap_bytes\":1.5}", "cap_bytes", NUMBER,
      "tf 28: cap a fraction" },
    { HTTP ",\"cap_bytes\":1.0}", NULL, NULL, "cap a fraction of nothing" },
    { HTTP ",\"cap_bytes\":1e9}", NULL, NULL, "cap with an exponent" },
    { HTTP ",\"cap_bytes\":\"1000\"}", "cap_bytes", NUMBER,
      "tf 28: cap as text" },
    { HTTP ",\"cap_bytes\":true}", "cap_bytes", NUMBER, "cap a truth" },
    { HTTP ",\"cap_bytes\":[1]}", "cap_bytes", NUMBER, "cap an array" },
    { HTTP ",\"cap_bytes\":01}", "", "is not valid JSON near byte 69",
      "cap with a leading zero" },

    /* addresses */

    { HTTP ",\"addresses\":[]}", NULL, NULL, "no addresses" },
    { HTTP ",\"addresses\":[\"203.0.113.11\"]}", NULL, NULL,
      "tf 27: own second address" },
    { HTTP ",\"addresses\":[\"2001:db8:ffff::10\",\"203.0.113.10\"]}", NULL,
      NULL, "tf 27: two own addresses" },
    { HTTP ",\"addresses\":[\"203.0.113.12\"]}", "addresses[0]",
      "is not an address of the gateway", "tf 27: unknown address" },
    { HTTP ",\"addresses\":[\"203.0.113.11\",\"::ffff:203.0.113.11\"]}",
      "addresses[1]", "is duplicate", "the same address twice" },
    { HTTP ",\"addresses\":[\"[2001:db8:ffff::10]\"]}", "addresses[0]",
      "is not an IP address", "address in brackets" },
    { HTTP ",\"addresses\":[\"\"]}", "addresses[0]", "is not an IP address",
      "address empty" },
    { HTTP ",\"addresses\":\"203.0.113.11\"}", "addresses",
      "must be an array of strings", "addresses as a string" },

    /* TLS */

    { HTTPS ",\"tls_name\":\"Origin.Example.\"}", NULL, NULL, "tls_name" },
    { HTTPS ",\"tls_name\":\"2001:db8:0::10\"}", NULL, NULL,
      "tls_name an address" },
    { HTTPS ",\"tls_name\":\"origin\"}", "tls_name",
      "is a single label and no domain completes it",
      "tls_name a single label" },
    { HTTPS ",\"tls_name\":\"*.example\"}", "tls_name",
      "must not be a wildcard", "tls_name a wildcard" },
    { HTTPS ",\"tls_verify\":false}", NULL, NULL, "tls_verify off" },
    { HTTPS ",\"tls_verify\":0}", "tls_verify", "must be true or false",
      "tls_verify a number" },
    { HTTPS ",\"tls_ca\":\"" CERT1 "\"}", NULL, NULL, "a certificate" },
    { HTTPS ",\"tls_ca\":\"text\\n" CERT1 "more\\n\\u0001" CERT2 "end\"}",
      NULL, NULL, "two certificates and text around them" },
    { HTTPS ",\"tls_ca\":\"none\"}", "tls_ca", "has no certificate",
      "no certificate" },
    { HTTPS ",\"tls_ca\":\"" CERT1 "-----BEGIN CERTIFICATE-----\\nMII\"}",
      "tls_ca", "has broken PEM", "a certificate cut off" },
    { HTTPS ",\"tls_ca\":\"-----BEGIN CERTIFICATE-----\\nMIIB\\n"
      "-----END CERTIFICATE-----\\n\"}", "tls_ca",
      "has a broken certificate", "not a certificate" },
    { HTTPS ",\"tls_ca\":\"" CERT1 "-----BEGIN PRIVATE KEY-----\\nMIIB\\n"
      "-----END PRIVATE KEY-----\\n\"}", "tls_ca",
      "has something other than certificates", "a private key" },
    { HTTPS ",\"tls_ca\":[]}", "tls_ca", "must be a string",
      "tls_ca an array" },
    { HTTP ",\"tls_name\":\"a.b\"}", "tls_name", "needs https backends",
      "tls_name with http" },
    { HTTP ",\"tls_ca\":\"" CERT1 "\"}", "tls_ca", "needs https backends",
      "tls_ca with http" },
    { HTTP ",\"tls_verify\":false}", "tls_verify", "needs https backends",
      "tls_verify off with http" },
    { HTTP ",\"tls_verify\":true,\"tls_name\":\"\",\"tls_ca\":\"\"}", NULL,
      NULL, "TLS members at their defaults with http" },
    { PASS ",\"tls_name\":\"a.b\"}", "tls_name",
      "has no meaning with tls_passthrough", "tls_name, passthrough" },
    { PASS ",\"tls_ca\":\"" CERT1 "\"}", "tls_ca",
      "has no meaning with tls_passthrough", "tls_ca, passthrough" },
    { PASS ",\"tls_verify\":false}", "tls_verify",
      "has no meaning with tls_passthrough", "tls_verify, passthrough" },
    { PASS ",\"tls_verify\":true,\"tls_name\":\"\",\"tls_ca\":\"\"}", NULL,
      NULL, "TLS members at their defaults, passthrough" },
    { PASS ",\"proxy_protocol\":true}", NULL, NULL, "PROXY protocol" },
    { PASS ",\"proxy_protocol\":\"v2\"}", "proxy_protocol",
      "must be true or false", "PROXY protocol a string" },
    { HTTP ",\"proxy_protocol\":true}", "proxy_protocol",
      "needs tls_passthrough", "PROXY protocol with http" },
    { HTTPS ",\"proxy_protocol\":true}", "proxy_protocol",
      "needs tls_passthrough", "PROXY protocol with https" },
    { HTTPS ",\"proxy_protocol\":false}", NULL, NULL,
      "PROXY protocol off with https" },

    /* gateways */

    { HTTP ",\"gateways\":[]}", NULL, NULL, "no gateways" },
    { HTTP ",\"gateways\":[\"gw1\",\"GW1\",\"a_b.c-d\"]}", NULL, NULL,
      "gateways" },
    { HTTP ",\"gateways\":[\"gw1\",\"gw2\",\"gw1\"]}", "gateways[2]",
      "is duplicate", "a gateway twice" },
    { HTTP ",\"gateways\":[\"\"]}", "gateways[0]",
      "must be up to 63 letters, digits and any of \"._-\"",
      "an empty gateway" },
    { HTTP ",\"gateways\":[\"a b\"]}", "gateways[0]",
      "must be up to 63 letters, digits and any of \"._-\"",
      "a gateway with a blank" },
    { HTTP ",\"gateways\":[\"" T60 "aaa\"]}", NULL, NULL,
      "a gateway of 63" },
    { HTTP ",\"gateways\":[\"" T60 "aaaa\"]}", "gateways[0]",
      "must be up to 63 letters, digits and any of \"._-\"",
      "a gateway of 64" },
    { HTTP ",\"gateways\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\","
      "\"h\",\"i\",\"j\",\"k\",\"l\",\"m\",\"n\",\"o\",\"p\",\"q\"]}",
      "gateways[16]", "is one more than 16", "17 gateways" },
    { HTTP ",\"gateways\":\"gw1\"}", "gateways", "must be an array of strings",
      "gateways a string" },
    { HTTP ",\"served\":false}", NULL, NULL, "served, which says nothing" },
    { HTTP ",\"served\":\"no\"}", "served", "must be true or false",
      "served a string" },

    /* notes and state */

    { HTTP ",\"owner\":\"7341\",\"workload\":\"7341-12-web\"}", NULL, NULL,
      "owner and workload" },
    { HTTP ",\"owner\":\"caf\\u00e9 \\\\ \\\"x\\\" \\ud83d\\uDE00 \xc3\xa9\"}",
      NULL, NULL, "owner in UTF-8, with escapes" },
    { HTTP ",\"owner\":\"\\ud83d\"}", "", "has an unpaired surrogate",
      "lone high surrogate" },
    { HTTP ",\"owner\":\"\\ud83dx\\ude00\"}", "",
      "has an unpaired surrogate", "halves apart" },
    { HTTP ",\"owner\":\"\\ud83d\\u0041\"}", "", "has an unpaired surrogate",
      "high surrogate before another character" },
    { HTTP ",\"owner\":\"\\ude00\"}", "", "has an unpaired surrogate",
      "lone low surrogate" },
    { HTTP ",\"owner\":\"\\\\ud83d\"}", NULL, NULL,
      "an escaped backslash is no surrogate" },
    { HTTP ",\"owner\":\"a\\nb\"}", "owner", "must be printable UTF-8",
      "owner with a line feed" },
    { HTTP ",\"owner\":\"\\u0000\"}", "owner", "must be printable UTF-8",
      "owner with a zero byte" },
    { HTTP ",\"owner\":\"\xc0\xaf\"}", "owner", "must be printable UTF-8",
      "owner with an overlong form" },
    { HTTP ",\"owner\":\"" T255 "\",\"workload\":\"" T255 "\"}", NULL, NULL,
      "notes of 255 bytes" },
    { HTTP ",\"owner\":\"" T255 "a\"}", "owner", "is longer than 255 bytes",
      "owner of 256 bytes" },
    { HTTP ",\"workload\":\"" T255 "a\"}", "workload",
      "is longer than 255 bytes", "workload of 256 bytes" },
    { HTTP ",\"workload\":7}", "workload", "must be a string",
      "workload a number" },
    { HTTP ",\"state\":\"ok\"}", NULL, NULL, "state ok" },
    { HTTP ",\"state\":\"paused\"}", NULL, NULL, "state paused" },
    { HTTP ",\"state\":\"Paused\"}", "state",
      "must be \"ok\" or \"paused\"", "state in another case" },
    { HTTP ",\"state\":\"\"}", "state", "must be \"ok\" or \"paused\"",
      "state empty" }
};


static void
test_json_form(const wgw_record_t *record, const char *what)
{
    char                *json, *again;
    wgw_out_t            out;
    wgw_text_t           text, none = { NULL, 0 };
    wgw_record_t         copy;
    wgw_record_error_t   error;

    json = malloc(WGW_RECORD_JSON);
    again = malloc(WGW_RECORD_JSON);

    wgw_out_init(&out, json, WGW_RECORD_JSON);
    wgw_record_json(record, &out);

    text.data = json;
    text.len = (size_t) (out.pos - out.start);

    ok(!out.overflow
       && wgw_record_parse(&copy, text, none, &rules, again, NULL, &error)
          == 0
       && equal(record, &copy)
       && wgw_text_equal(record->name, copy.name),
       "%s: back from JSON", what);

    free(again);
    free(json);
}


/* Of packed bytes no beginning is a record, also if it says its length. */

static size_t
parts_accepted(const uint8_t *packed, size_t len)
{
    size_t        i, accepted;
    uint8_t      *part;
    wgw_record_t  unpacked;

    accepted = 0;

    for (i = 0; i < len; i += i > 1024 ? 98 : 1) {
        part = malloc(i ? i : 1);
        memcpy(part, packed, i);
        accepted += wgw_record_unpack(&unpacked, part, i) == 0;

        if (i >= 8) {
            memset(part + 4, 0, 4);
            part[4] = (uint8_t) i;
            part[5] = (uint8_t) (i >> 8);
            accepted += wgw_record_unpack(&unpacked, part, i) == 0;
        }

        free(part);
    }

    return accepted;
}


/* Whatever is accepted survives both ways of writing it. */

static void
test_forms(const wgw_record_t *record, const char *what)
{
    size_t         len;
    uint8_t       *packed, *exact;
    wgw_record_t   unpacked;

    test_json_form(record, what);

    packed = malloc(WGW_RECORD_PACKED);
    len = wgw_record_pack(record, packed);

    /* a copy of just the length, where the sanitizer sees a byte too many */

    exact = malloc(len);
    memcpy(exact, packed, len);

    ok(wgw_record_unpack(&unpacked, exact, len) == 0
       && equal(record, &unpacked)
       && unpacked.change == record->change && unpacked.name.len == 0,
       "%s: back from packed bytes", what);

    free(exact);

    ok(parts_accepted(packed, len) == 0,
       "%s: no part of the packed bytes is accepted", what);

    free(packed);
}


static void
test_cases(void)
{
    int                   rc;
    size_t                i;
    wgw_record_t          record;
    wgw_record_error_t    error;
    const record_case_t  *t;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        t = &cases[i];
        rc = parse(&record, t->json, "", NULL, &error);

        if (t->field) {
            ok(rc == -1, "%s: refused", t->what);
            is(error.field, strlen(error.field), t->field, t->what);
            is(error.message, strlen(error.message), t->message, t->what);

        } else {
            is(error.message, strlen(error.message), "none", t->what);

            if (ok(rc == 0, "%s: accepted", t->what)) {
                record.change = i * 0x0123456789abcdefULL;
                test_forms(&record, t->what);
            }
        }
    }
}


static void
test_rule(const rules_backend_t *rule, unsigned passthrough, unsigned n)
{
    int                  rc;
    char                 json[256], what[64];
    unsigned             zos;
    const char          *refused;
    wgw_record_t         record;
    wgw_record_error_t   error;

    snprintf(json, sizeof(json), "{\"name\":\"a.b\",\"tls_passthrough\":%s,"
             "\"backends\":[\"%s\"]}", passthrough ? "true" : "false",
             rule->text);
    snprintf(what, sizeof(what), "tf %d: rules: backend %u%s",
             passthrough ? 16 : 15, n, passthrough ? ", passthrough" : "");

    refused = passthrough ? rule->passthrough : rule->offload;
    zos = passthrough ? rule->zos_passthrough : rule->zos_offload;

    rc = parse(&record, json, "", NULL, &error);

    ok(rc == (refused ? -1 : 0), "%s", what);
    is(error.message, strlen(error.message), refused ? refused : "none",
       what);

    if (refused) {
        is(error.field, strlen(error.field), "backends[0]", what);
    }

    ok(zos == (refused == NULL) || rule->why,
       "%s: the grid's verdict differs only with a reason", what);
}


static void
test_rules(void)
{
    unsigned  i;

    for (i = 0; i < sizeof(rules_backends) / sizeof(rules_backends[0]); i++) {
        test_rule(&rules_backends[i], 0, i);
        test_rule(&rules_backends[i], 1, i);
    }
}


static void
test_name(void)
{
    int                  deleted;
    wgw_record_t         record;
    wgw_record_error_t   error;

    static const char  unnamed[] = "{\"backends\":[\"http://192.0.2.1\"]}";

    ok(parse(&record, unnamed, "x.gw.test", NULL, &error) == 0,
       "the URL's name alone");
    is(record.name.data, record.name.len, "x.gw.test", "the URL's name");

    ok(parse(&record, "{\"name\":\"X\",\"backends\":[\"http://192.0.2.1\"]}",
             "x.gw.test", NULL, &error) == 0, "the same name as in the URL");

    ok(parse(&record, HTTP "}", "x.gw.test", NULL, &error) == -1,
       "another name than in the URL");
    is(error.field, strlen(error.field), "name", "the field");
    is(error.message, strlen(error.message), "is not the name in the URL",
       "the message");

    deleted = 7;
    ok(parse(&record, HTTP "}", "", &deleted, &error) == 0 && deleted == 0,
       "bulk: a record");

    ok(parse(&record, "{\"delete\":true,\"name\":\"A.b\"}", "", &deleted,
             &error) == 0 && deleted == 1, "bulk: delete");
    is(record.name.data, record.name.len, "a.b", "bulk: the name to delete");

    ok(parse(&record, "{\"delete\":true}", "", &deleted, &error) == -1
       && deleted == 0, "bulk: delete without a name");
    is(error.field, strlen(error.field), "name", "bulk: the field");

    ok(parse(&record, "{\"name\":\"a.b\",\"delete\":false}", "", &deleted,
             &error) == -1, "bulk: delete false");
    is(error.message, strlen(error.message), "must be true",
       "bulk: delete false");

    ok(parse(&record, "{\"name\":\"a.b\",\"delete\":null}", "", &deleted,
             &error) == -1, "bulk: delete null");

    ok(parse(&record, HTTP ",\"delete\":true}", "", &deleted, &error) == -1
       && deleted == 0, "bulk: delete next to backends");
    is(error.field, strlen(error.field), "delete", "bulk: the field");
    is(error.message, strlen(error.message),
       "must stand next to \"name\" alone", "bulk: the message");

    ok(parse(&record, "{\"name\":\"a.b\",\"delete\":true,\"cap_bytes\":null}",
             "", &deleted, &error) == -1, "bulk: delete next to null");
}


static void
test_loopback(void)
{
    static const char *const  urls[] = {
        "http://[::1]:80", "http://127.0.0.1", "http://127.9.9.9",
        "http://[::ffff:127.0.0.1]"
    };

    char                 json[128];
    size_t               i;
    wgw_record_t         record;
    wgw_record_error_t   error;

    for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        snprintf(json, sizeof(json), BACKEND "[\"%s\"]}", urls[i]);

        rules.allow_loopback = 0;
        ok(parse(&record, json, "", NULL, &error) == -1,
           "tf 15: %s refused", urls[i]);

        rules.allow_loopback = 1;
        ok(parse(&record, json, "", NULL, &error) == 0,
           "%s with allow_loopback", urls[i]);
    }

    own[2] = record.backends[0];
    own[2].port = 0;
    ok(parse(&record, json, "", NULL, &error) == -1,
       "an own loopback address is refused all the same");

    wgw_addr_parse(&own[2], wgw_text("2001:db8:ffff::10"));
    rules.allow_loopback = 0;

    rules.nown = 0;
    ok(parse(&record, HTTP ",\"addresses\":[\"203.0.113.10\"]}", "", NULL,
             &error) == -1, "addresses without configured ones");
    is(error.message, strlen(error.message), "needs the gateway's addresses "
       "to be configured (address= of wgw_names)", "the message");
    ok(parse(&record, HTTP ",\"addresses\":[]}", "", NULL, &error) == 0,
       "no addresses without configured ones");
    rules.nown = 3;
}


static void
test_addresses(void)
{
    char                 json[1024], *p;
    size_t               i, n;
    wgw_addr_t           many[17];
    wgw_record_t         record;
    wgw_record_error_t   error;

    for (i = 0; i < 17; i++) {
        many[i] = own[0];
        many[i].addr[3] = (uint8_t) (100 + i);
    }

    rules.own = many;
    rules.nown = 17;

    for (n = 16; n <= 17; n++) {
        p = json + sprintf(json, HTTP ",\"addresses\":[");

        for (i = 0; i < n; i++) {
            p += sprintf(p, "%s\"203.0.113.%zu\"", i ? "," : "", 100 + i);
        }

        sprintf(p, "]}");

        ok(parse(&record, json, "", NULL, &error) == (n == 16 ? 0 : -1),
           "%zu addresses", n);
    }

    is(error.field, strlen(error.field), "addresses[16]",
       "17 addresses: the field");
    is(error.message, strlen(error.message), "is one more than 16",
       "17 addresses: the message");

    rules.own = own;
    rules.nown = 3;
}


/* A certificate in lines of 192, as JSON: two of three ends are left out. */

static char *
put_long_lines(char *p, const char *cert)
{
    size_t  line;

    for (line = 0; *cert; cert++) {

        if (cert[0] == '\\' && cert[1] == 'n') {
            line++;

            if (line == 2 || line == 3 || line == 5 || line == 6) {
                cert++;
                continue;
            }
        }

        *p++ = *cert;
    }

    return p;
}


/* As much of everything as is allowed, and one more. */

static void
limit_backends(char *json)
{
    char                *p;
    size_t               i, n;
    wgw_record_t         record;
    wgw_record_error_t   error;

    for (n = 16; n <= 17; n++) {
        p = json + sprintf(json, BACKEND "[");

        for (i = 0; i < n; i++) {
            p += sprintf(p, "%s\"https://[2001:db8:ffff:ffff:ffff:ffff:255.255."
                         "255.255]:%zu\"", i ? "," : "", 65520 + i % 16);
        }

        sprintf(p, "]}");

        if (n == 16) {
            ok(parse(&record, json, "", NULL, &error) == 0, "16 backends");
            test_forms(&record, "16 backends");

        } else {
            ok(parse(&record, json, "", NULL, &error) == -1, "17 backends");
            is(error.field, strlen(error.field), "backends[16]",
               "17 backends: the field");
            is(error.message, strlen(error.message), "is one more than 16",
               "17 backends: the message");
        }
    }
}


static void
limit_bytes(char *json)
{
    char                *p;
    size_t               used;
    wgw_record_t         record;
    wgw_record_error_t   error;

    p = json + sprintf(json, BACKEND "[\"http://192.0.2.1:1");
    p--;
    used = strlen("http://192.0.2.1:");
    memset(p, '0', 1024 - used);
    p[1023 - used] = '1';
    strcpy(p + 1024 - used, "\"]}");
    ok(parse(&record, json, "", NULL, &error) == 0, "backend of 1024 bytes");

    p[1023 - used] = '0';
    strcpy(p + 1024 - used, "1\"]}");
    ok(parse(&record, json, "", NULL, &error) == -1,
       "backend of 1025 bytes");

    /* 65536 bytes in all, then one more */

    used = (size_t) sprintf(json, HTTP);
    memset(json + used, ' ', WGW_RECORD_JSON - used);
    strcpy(json + WGW_RECORD_JSON - 1, "}");
    ok(parse(&record, json, "", NULL, &error) == 0, "65536 bytes");

    memset(json + used, ' ', WGW_RECORD_JSON - used);
    strcpy(json + WGW_RECORD_JSON, "}");
    ok(parse(&record, json, "", NULL, &error) == -1, "65537 bytes");
    is(error.message, strlen(error.message), "is longer than 65536 bytes",
       "65537 bytes");

    /* tf 36: depth */

    p = json + sprintf(json, NAMED "\"owner\":");
    memset(p, '[', 1000);
    p[1000] = '\0';
    ok(parse(&record, json, "", NULL, &error) == -1, "tf 36: deep JSON");
    is(error.field, strlen(error.field), "owner", "tf 36: the field");
}


static void
limit_ca(char *json)
{
    char                *p;
    size_t               i, used;
    wgw_record_t         record;
    wgw_record_error_t   error;

    /* tls_ca: text around counts, and so does the canonical form */

    p = json + sprintf(json, HTTPS ",\"tls_ca\":\"" CERT2);
    used = sizeof(CERT2) - 1;

    for (i = 0; CERT2[i]; i++) {
        used -= CERT2[i] == '\\';
    }

    memset(p, ' ', WGW_RECORD_CA - used);
    strcpy(p + WGW_RECORD_CA - used, "\"}");
    ok(parse(&record, json, "", NULL, &error) == 0, "tls_ca of 32768 bytes");
    ok(record.tls_ca.len == used, "tls_ca without the text around");

    strcpy(p + WGW_RECORD_CA - used, " \"}");
    ok(parse(&record, json, "", NULL, &error) == -1,
       "tls_ca of 32769 bytes");
    is(error.message, strlen(error.message), "is longer than 32768 bytes",
       "tls_ca of 32769 bytes");

    p = json + sprintf(json, HTTPS ",\"tls_ca\":\"");

    for (i = 0; i + used <= WGW_RECORD_CA; i += used) {
        p += sprintf(p, CERT2);
    }

    sprintf(p, "\"}");
    ok(parse(&record, json, "", NULL, &error) == 0,
       "as many certificates as fit");
    test_forms(&record, "as many certificates as fit");

    /* in longer lines one more fits, but not when written in short ones */

    p = json + sprintf(json, HTTPS ",\"tls_ca\":\"");

    for (i = 0; i <= WGW_RECORD_CA / used; i++) {
        p = put_long_lines(p, CERT2);
    }

    sprintf(p, "\"}");
    ok(parse(&record, json, "", NULL, &error) == -1,
       "certificates that grow too long");
    is(error.message, strlen(error.message), "is longer than 32768 bytes",
       "certificates that grow too long");

    ok(ERR_peek_error() == 0, "OpenSSL's error queue is left empty");
}


static void
test_limits(void)
{
    char  *json;

    json = malloc(2 * WGW_RECORD_JSON);

    limit_backends(json);
    limit_bytes(json);
    limit_ca(json);

    free(json);
}


int
main(void)
{
    gateway();

    test_cases();
    test_rules();
    test_name();
    test_loopback();
    test_addresses();
    test_limits();

    return done();
}
