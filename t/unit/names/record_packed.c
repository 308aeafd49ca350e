
/*
 * Records: the packed form, what differs in it, and what is damaged.
 */

#include "t/unit/names/record.h"


static void
test_equal(void)
{
    static const char *const  others[] = {
        BACKEND "[\"http://[2001:db8::10]:8081\"]}",
        BACKEND "[\"http://[2001:db8::11]:8080\"]}",
        BACKEND "[\"https://[2001:db8::10]:8080\"]}",
        BACKEND "[\"http://[2001:db8::10]:8080\",\"http://192.0.2.1\"]}",
        NAMED "\"backends\":[\"[2001:db8::10]:8080\"],"
        "\"tls_passthrough\":true}",
        HTTP ",\"cap_bytes\":1}",
        HTTP ",\"addresses\":[\"203.0.113.10\"]}",
        HTTP ",\"owner\":\"x\"}",
        HTTP ",\"workload\":\"x\"}",
        HTTP ",\"state\":\"paused\"}"
    };

    static const char *const  secure[] = {
        HTTPS ",\"tls_name\":\"c.d\"}",
        HTTPS ",\"tls_verify\":false}",
        HTTPS ",\"tls_ca\":\"" CERT1 "\"}"
    };

    char                *keep;
    size_t               i;
    wgw_text_t           text;
    wgw_record_t         a, b;
    wgw_record_error_t   error;

    /* texts of the first record must outlive the parsing of the second */

    keep = malloc(WGW_RECORD_JSON);

    text = wgw_text("{\"name\":\"c.d\","
                    "\"backends\":[\"http://[2001:db8::10]:8080\"]}");
    wgw_record_parse(&a, text, wgw_text(""), &rules, keep, NULL, &error);
    a.change = 5;

    parse(&b, HTTP "}", "", NULL, &error);
    ok(equal(&a, &b), "changes are not looked at");

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ok(parse(&b, others[i], "", NULL, &error) == 0
           && !equal(&a, &b), "not equal: http %zu", i);
    }

    text = wgw_text(HTTP ",\"addresses\":[\"203.0.113.10\"]}");
    wgw_record_parse(&a, text, wgw_text(""), &rules, keep, NULL, &error);
    parse(&b, HTTP ",\"addresses\":[\"203.0.113.11\"]}", "", NULL, &error);
    ok(!equal(&a, &b), "not equal: another address");

    text = wgw_text(PASS "}");
    wgw_record_parse(&a, text, wgw_text(""), &rules, keep, NULL, &error);
    parse(&b, PASS ",\"proxy_protocol\":true}", "", NULL, &error);
    ok(!equal(&a, &b), "not equal: PROXY protocol");

    text = wgw_text(HTTPS "}");
    wgw_record_parse(&a, text, wgw_text(""), &rules, keep, NULL, &error);

    for (i = 0; i < sizeof(secure) / sizeof(secure[0]); i++) {
        ok(parse(&b, secure[i], "", NULL, &error) == 0
           && !equal(&a, &b), "not equal: https %zu", i);
    }

    free(keep);
}


typedef struct {
    size_t       offset;
    uint8_t      byte;
    const char  *what;
} record_damage_t;


/*
 * Two https backends and an address; then texts of 3, the certificate's, 1
 * and 1 bytes.
 */

#define TEXTS  (24 + 3 * 20)

static const record_damage_t  damages[] = {
    { 0, 0, "format 0" },
    { 0, 2, "format 2" },
    { 1, 0x26, "an unknown flag" },
    { 1, 0x16, "PROXY protocol without passthrough" },
    { 1, 0x07, "passthrough with https" },
    { 1, 0x04, "TLS texts without https" },
    { 2, 0, "no backends" },
    { 2, 17, "17 backends" },
    { 2, 1, "one backend less" },
    { 2, 3, "one backend more" },
    { 3, 17, "17 addresses" },
    { 3, 0, "one address less" },
    { 4, 0, "another length" },
    { 7, 1, "a huge length" },
    { 22, 0x20, "a cap of 2^53 and more" },
    { 24, 0, "family 0" },
    { 24, 5, "family 5" },
    { 25, 1, "a byte that is to be zero" },
    { 27, 0, "port 0" },
    { 44 + 8, 1, "more than an IPv4 address" },
    { 44 + 19, 1, "an IPv4 address with a last byte" },
    { 64 + 3, 1, "an address with a port" },
    { TEXTS, 4, "a longer text" },
    { TEXTS + 1, 1, "a text beyond the limit" },
    { TEXTS + 2, '\n', "a control character in tls_name" },
    { TEXTS + 5 + 1, 0x81, "tls_ca beyond its limit" }
};


static void
test_damaged(void)
{
    size_t               i, len;
    uint8_t             *packed, byte;
    wgw_record_t         record;
    wgw_record_error_t   error;

    parse(&record, BACKEND "[\"https://[2001:db8::10]:81\","
          "\"https://192.0.2.1\"],\"addresses\":[\"203.0.113.10\"],"
          "\"tls_name\":\"c.d\",\"tls_ca\":\"" CERT2 "\",\"owner\":\"o\","
          "\"workload\":\"w\",\"cap_bytes\":1}", "", NULL, &error);

    packed = malloc(WGW_RECORD_PACKED);
    record.change = 0x0102030405060708ULL;
    len = wgw_record_pack(&record, packed);

    ok(packed[8] == 8 && packed[15] == 1 && packed[16] == 1,
       "numbers are little-endian");
    ok(packed[24] == 6 && packed[26] == 0 && packed[27] == 81
       && packed[28] == 0x20 && packed[29] == 0x01,
       "ports and addresses are in network order");
    ok(wgw_record_unpack(&record, packed, len) == 0, "before any damage");

    for (i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        byte = packed[damages[i].offset];
        packed[damages[i].offset] = damages[i].byte;

        ok(wgw_record_unpack(&record, packed, len) == -1, "damaged: %s",
           damages[i].what);

        packed[damages[i].offset] = byte;
    }

    packed[4]++;
    packed[len] = 0;
    ok(wgw_record_unpack(&record, packed, len + 1) == -1,
       "damaged: a byte behind the texts");
    packed[4]--;

    packed[len - 1] = 0x80;
    ok(wgw_record_unpack(&record, packed, len) == -1,
       "damaged: workload is not UTF-8");

    free(packed);
}


/* What an earlier version stored must be read, also when bits are added. */

static void
test_placed(void)
{
    size_t               i, len, made;
    uint8_t             *packed;
    wgw_text_t           rest, gateway;
    wgw_record_t         record, other;
    wgw_record_error_t   error;

    parse(&record, HTTP ",\"gateways\":[\"gw1\",\"b\"]}", "", NULL, &error);

    packed = malloc(WGW_RECORD_PACKED);
    len = wgw_record_pack(&record, packed);

    ok(packed[0] == 3 && wgw_record_unpack(&other, packed, len) == 0
       && wgw_text_equal(other.gateways, record.gateways) && other.life == 0,
       "gateways are packed");

    rest = other.gateways;
    ok(wgw_record_gateway(&rest, &gateway)
       && wgw_text_equal(gateway, wgw_text("gw1"))
       && wgw_record_gateway(&rest, &gateway)
       && wgw_text_equal(gateway, wgw_text("b"))
       && !wgw_record_gateway(&rest, &gateway) && rest.len == 0,
       "one after another");

    wgw_record_place(&other, wgw_text("b"));
    ok(!other.elsewhere, "served by one of them");
    wgw_record_place(&other, wgw_text("gw"));
    ok(other.elsewhere, "not by another");

    ok(wgw_record_live(packed, len, 5) == len
       && wgw_record_unpack(&other, packed, len) == 0 && other.life == 5
       && wgw_record_live(packed, len, 0) == len
       && wgw_record_unpack(&other, packed, len) == 0 && other.life == 0,
       "with a life, or without");

    made = 0;

    for (i = 1; i < len; i++) {
        made += wgw_record_unpack(&other, packed, len - i) == 0;
    }

    ok(made == 0, "cut off anywhere it is damaged");

    packed[len - 8 - 2]++;
    ok(wgw_record_unpack(&other, packed, len) == -1, "a length too long");
    packed[len - 8 - 2] = 0;
    ok(wgw_record_unpack(&other, packed, len) == -1, "or none");

    free(packed);
}


static void
test_earlier(void)
{
    size_t        len;
    uint8_t       packed[WGW_RECORD_PACKED];
    wgw_record_t  record;

    static const uint8_t  stored[] = {
        1, 0x05, 1, 0, 53, 0, 0, 0,             /* passthrough, verify */
        7, 0, 0, 0, 0, 0, 0, 0,
        0, 202, 154, 59, 0, 0, 0, 0,
        4, 0, 1, 187, 192, 0, 2, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 1, 0, 'o', 0, 0
    };

    ok(wgw_record_unpack(&record, stored, sizeof(stored)) == 0
       && record.passthrough && !record.proxy && record.change == 7
       && record.cap_bytes == 1000000000 && record.backends[0].port == 443,
       "stored by an earlier version");

    len = wgw_record_pack(&record, packed);
    ok(len == sizeof(stored) && memcmp(packed, stored, len) == 0,
       "and stored so again");
}


int
main(void)
{
    gateway();

    test_equal();
    test_damaged();
    test_placed();
    test_earlier();

    return done();
}
