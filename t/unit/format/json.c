
/*
 * JSON objects read the open way.  The strict way is tested with records.
 */

#include "t/unit/tap.h"
#include "format/json.h"

#include <stdlib.h>


#define A8  "[[[[[[[["
#define Z8  "]]]]]]]]"


static const char *set_text(void *data, const wgw_json_value_t *value);
static const char *set_number(void *data, const wgw_json_value_t *value);


static const wgw_json_member_t  members[] = {
    { "a", WGW_JSON_STRING, 1, set_text },
    { "n", WGW_JSON_NUMBER, 1, set_number },
    { "s", WGW_JSON_STRINGS, 1, set_text }
};


/* What was read, each value behind a blank; or why not. */
typedef struct {
    const char  *json;
    const char  *read;
} json_case_t;


static const json_case_t  cases[] = {
    { "{}", "" },
    { "{\"a\":\"x\",\"n\":1}", " x 1" },
    { "{\"n\":1,\"x\":2,\"a\":\"x\"}", " 1 x" },
    { "{\"x\":null,\"y\":true,\"z\":-1.5e9,\"w\":\"w\",\"a\":\"b\"}", " b" },
    { "{\"x\":{\"a\":\"no\",\"n\":{\"n\":9}},\"n\":1}", " 1" },
    { "{\"x\":[1,[\"a\",{\"a\":\"no\"}],null],\"n\":1}", " 1" },
    { "{\"x\":{},\"x\":[],\"a\":\"b\"}", " b" },
    { "{\"s\":\"x\"}", " x" },
    { "{\"s\":[\"x\",\"y\"]}", " x y" },
    { "{\"s\":[]}", "" },
    { "{\"x\":" A8 A8 A8 A8 Z8 Z8 Z8 Z8 ",\"n\":1}", " 1" },
    { "{\"x\":[" A8 A8 A8 A8 Z8 Z8 Z8 Z8 "]}", "is nested too deep" },
    { "{\"x\":[1],\"a\":[]}", "a must be a string" },
    { "{\"x\":1,\"n\":\"1\"}", "n must be a whole number from 0 to "
      "9007199254740992" },
    { "{\"n\":1e3}", " 1000" },
    { "{\"n\":1.795E9}", " 1795000000" },
    { "{\"n\":100000000000000.0}", " 100000000000000" },
    { "{\"n\":1e14}", " 100000000000000" },
    { "{\"n\":12000e-3}", " 12" },
    { "{\"n\":0e999999999999}", " 0" },
    { "{\"n\":9007199254740992}", " 9007199254740992" },
    { "{\"n\":1.5}", "n must be a whole number from 0 to 9007199254740992" },
    { "{\"n\":1e-1}", "n must be a whole number from 0 to 9007199254740992" },
    { "{\"n\":1e16}", "n must be a whole number from 0 to 9007199254740992" },
    { "{\"n\":-1e3}", "n must be a whole number from 0 to 9007199254740992" },
    { "{\"n\":\"\\ud800\\\\z\"}", "has an unpaired surrogate" },
    { "{\"a\":null}", "a must be a string" },
    { "{\"a\":{}}", "a must be a string" },
    { "{\"s\":[1]}", "s[0] must be a string" },
    { "{\"s\":[\"x\",[]]}", "s[1] must be a string" },
    { "{\"s\":{}}", "s must be a string or an array of strings" },
    { "{\"a\":\"x\",\"a\":\"y\"}", "a is duplicate" },
    { "{\"a\":\"x\",\"\\u0061\":\"y\"}", "a is duplicate" },
    { "{\"x\":\"\\ud800\"}", "has an unpaired surrogate" },
    { "{\"x\":1}]", "is not valid JSON near byte 8" },
    { "{\"x\":[1}", "is not valid JSON near byte 8" },
    { "{\"x\":[1]", "is not complete JSON" },
    { "[]", "is not a JSON object" },
    { "null", "is not a JSON object" },
    { "true", "is not a JSON object" },
    { "", "is not complete JSON" }
};


static const char *
set_text(void *data, const wgw_json_value_t *value)
{
    wgw_out_str(data, " ");
    wgw_out_bytes(data, value->text.data, value->text.len);

    return NULL;
}


static const char *
set_number(void *data, const wgw_json_value_t *value)
{
    wgw_out_str(data, " ");
    wgw_out_uint(data, value->number);

    return NULL;
}


static void
test_case(const json_case_t *t)
{
    char              *copy, read[256];
    uint32_t           seen;
    wgw_out_t          out;
    wgw_text_t         json;
    wgw_json_error_t   error;

    /* on the heap, where the sanitizer sees a byte too many */

    json.len = strlen(t->json);
    copy = malloc(json.len);
    memcpy(copy, t->json, json.len);
    json.data = copy;

    wgw_out_init(&out, read, sizeof(read));

    if (wgw_json_read_open(json, members, 3, &out, &seen, &error) != 0) {
        wgw_out_init(&out, read, sizeof(read));
        wgw_out_str(&out, error.field);
        wgw_out_str(&out, error.field[0] ? " " : "");
        wgw_out_str(&out, error.message);
    }

    is(read, (size_t) (out.pos - out.start), t->read, t->json);

    free(copy);
}


int
main(void)
{
    size_t  i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_case(&cases[i]);
    }

    return done();
}
