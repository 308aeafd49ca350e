
/*
 * Records as JSON.  What is accepted must survive both ways of writing it.
 */

#include "names/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* As the store sees it: by the packed bytes but for the change. */

static int
equal(const wgw_record_t *a, const wgw_record_t *b)
{
    size_t           len;
    wgw_record_t     one, two;

    static uint8_t   first[WGW_RECORD_PACKED], second[WGW_RECORD_PACKED];

    one = *a;
    two = *b;
    one.change = two.change = 0;

    len = wgw_record_pack(&one, first);

    return wgw_record_pack(&two, second) == len
           && memcmp(first, second, len) == 0;
}


static void
forms(const wgw_record_t *record, const wgw_record_rules_t *rules)
{
    int                  rc;
    char                *json, *storage;
    size_t               len;
    uint8_t             *packed, *exact;
    wgw_out_t            out;
    wgw_text_t           text;
    wgw_record_t         copy;
    wgw_record_error_t   error;

    json = malloc(WGW_RECORD_JSON);
    storage = malloc(WGW_RECORD_JSON);

    wgw_out_init(&out, json, WGW_RECORD_JSON);
    wgw_record_json(record, &out);
    assert(!out.overflow);

    text.data = json;
    text.len = (size_t) (out.pos - out.start);

    rc = wgw_record_parse(&copy, text, record->name, rules, storage, NULL,
                          &error);
    assert(rc == 0);
    assert(equal(record, &copy));
    assert(wgw_text_equal(record->name, copy.name));

    packed = malloc(WGW_RECORD_PACKED);
    len = wgw_record_pack(record, packed);

    exact = malloc(len);
    memcpy(exact, packed, len);

    rc = wgw_record_unpack(&copy, exact, len);
    assert(rc == 0);
    assert(equal(record, &copy));

    free(exact);
    free(packed);
    free(storage);
    free(json);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                  rc, deleted, bulk;
    char                *storage;
    wgw_addr_t           own[2];
    wgw_text_t           json;
    wgw_record_t         record;
    wgw_record_error_t   error;
    wgw_record_rules_t   rules;

    if (size == 0) {
        return 0;
    }

    memset(&rules, 0, sizeof(rules));
    rules.domain = wgw_text("gw.test");
    rules.own = own;
    rules.nown = (data[0] & 1) ? 2 : 0;
    rules.allow_loopback = (data[0] & 2) != 0;
    bulk = (data[0] & 4) != 0;

    wgw_addr_parse(&own[0], wgw_text("203.0.113.10"));
    wgw_addr_parse(&own[1], wgw_text("2001:db8::1"));

    json.data = (const char *) data + 1;
    json.len = size - 1;

    storage = malloc(WGW_RECORD_JSON);
    memset(&error, 0xff, sizeof(error));

    rc = wgw_record_parse(&record, json, (data[0] & 8) ? wgw_text("a.gw.test")
                                                       : wgw_text(""),
                          &rules, storage, bulk ? &deleted : NULL, &error);

    if (rc != 0) {
        assert(memchr(error.field, '\0', sizeof(error.field)));
        assert(memchr(error.message, '\0', sizeof(error.message)));
        assert(error.message[0] != '\0');

    } else {
        assert(record.name.len > 0);

        if (!bulk || !deleted) {
            forms(&record, &rules);
        }
    }

    free(storage);

    return 0;
}
