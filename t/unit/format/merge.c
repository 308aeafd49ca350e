
#include "format/merge.h"
#include "t/unit/tap.h"

#include <stdlib.h>


static const struct {
    const char  *document;
    const char  *patch;
    const char  *result;        /* NULL: refused */
} cases[] = {
    { "{\"a\":1,\"b\":2}", "{}", "{\"a\":1,\"b\":2}" },
    { "{\"a\":1,\"b\":2}", "{\"a\":3}", "{\"b\":2,\"a\":3}" },
    { "{\"a\":1,\"b\":2}", "{\"a\":null}", "{\"b\":2}" },
    { "{\"a\":1}", "{\"a\":null}", "{}" },
    { "{\"a\":1}", "{\"c\":\"x\"}", "{\"a\":1,\"c\":\"x\"}" },
    { "{\"a\":1}", "{\"c\":null}", "{\"a\":1,\"c\":null}" },
    { "{\"a\":1}", " \n{ \"a\" :\t[\"x\", \"},{\"] , \"b\":true }\r\n",
      "{\"a\":[\"x\", \"},{\"],\"b\":true}" },
    { "{\"a\":[1,2],\"b\":{\"c\":[]}}", "{\"a\":null}",
      "{\"b\":{\"c\":[]}}" },
    { "{\"a\":\"q\\\"}\"}", "{\"b\":\"\\\\\"}",
      "{\"a\":\"q\\\"}\",\"b\":\"\\\\\"}" },
    { "{\"a\":\"null\"}", "{\"a\":\"null\"}", "{\"a\":\"null\"}" },
    { "{}", "{}", "{}" },
    { "{\"a\":1}", "{\"a\":2,\"a\":3}", "{\"a\":2,\"a\":3}" },

    { "{}", "", NULL },
    { "{}", "null", NULL },
    { "{}", "[]", NULL },
    { "{}", "1", NULL },
    { "{}", "{", NULL },
    { "{}", "{}x", NULL },
    { "{}", "{\"a\"}", NULL },
    { "{}", "{\"a\":}", NULL },
    { "{}", "{\"a\":1,}", NULL },
    { "{}", "{,\"a\":1}", NULL },
    { "{}", "{\"a\":1 \"b\":2}", NULL },
    { "{}", "{\"a\":1", NULL },
    { "{}", "{\"a\":\"", NULL },
    { "{}", "{\"a\":\"\\", NULL },
    { "{}", "{\"a\":[1,{\"b\":2}", NULL },
    { "{}", "{a:1}", NULL },
    { "{}", "{\"a\":tru e}", NULL },
    { "{}", "{} {}", NULL }
};


static wgw_text_t
copy(const char *text)
{
    char    *data;
    size_t   len;

    /* of its very size, so that a sanitizer sees each byte too much */

    len = strlen(text);
    data = malloc(len ? len : 1);
    memcpy(data, text, len);

    return (wgw_text_t) { data, len };
}


int
main(void)
{
    char         buffer[8192], many[4096], *p;
    size_t       i;
    wgw_out_t    out;
    wgw_text_t   document, patch;
    const char  *error;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        document = copy(cases[i].document);
        patch = copy(cases[i].patch);

        wgw_out_init(&out, buffer, sizeof(buffer));
        error = wgw_merge(document, patch, &out);

        if (cases[i].result) {
            ok(error == NULL, "start 10.8 merged: %s", cases[i].patch);
            is(buffer, (size_t) (out.pos - out.start), cases[i].result,
               "start 10.8 the result");

        } else {
            ok(error != NULL, "start 10.8 refused: \"%s\"", cases[i].patch);
        }

        free((void *) document.data);
        free((void *) patch.data);
    }

    p = many;
    *p++ = '{';

    for (i = 0; i < WGW_MERGE_MEMBERS; i++) {
        p += sprintf(p, "\"m%zu\":1,", i);
    }

    p[-1] = '}';

    wgw_out_init(&out, buffer, sizeof(buffer));
    patch = (wgw_text_t) { many, (size_t) (p - many) };
    ok(wgw_merge(wgw_text("{}"), patch, &out) == NULL, "as many as may be");

    p += sprintf(p - 1, ",\"m\":1}") - 1;
    patch.len = (size_t) (p - many);
    wgw_out_init(&out, buffer, sizeof(buffer));
    ok(wgw_merge(wgw_text("{}"), patch, &out) != NULL, "one more");

    return done();
}
