
/*
 * ETags: lists of them (field 11 kinds: a header that is a list).
 */

#include "t/unit/tap.h"
#include "names/etag.h"

#include <stdio.h>


static const struct {
    const char  *list;
    size_t       n;
    uint64_t     first;
    uint64_t     last;
} cases[] = {
    { "\"1f\"", 1, 0x1f, 0x1f },
    { "\"1\", \"2\"", 2, 1, 2 },
    { "\"1\",\"2\" , \"3\"", 3, 1, 3 },
    { ", \"1\",", 1, 1, 1 },
    { "W/\"1\", \"2\"", 1, 2, 2 },
    { "\"a, b\", \"2\"", 1, 2, 2 },
    { "\"ffffffffffffffff\"", 1, UINT64_MAX, UINT64_MAX },
    { "\"1ffffffffffffffff\"", 0, 0, 0 },
    { "\"1F\"", 0, 0, 0 },
    { "\"01\"", 0, 0, 0 },
    { "\"0\"", 0, 0, 0 },
    { "\"\"", 0, 0, 0 },
    { "W/\"1\"", 0, 0, 0 },
    { "w/\"1\"", 0, 0, 0 },
    { "1", 0, 0, 0 },
    { "\"1", 0, 0, 0 },
    { "\"1\"2", 0, 0, 0 },
    { "\"1\"\"2\"", 0, 0, 0 },
    { "\"1\", *", 0, 0, 0 },
    { "\"1\", \"2\", \"3\", \"4\", \"5\"", 0, 0, 0 },
    { "", 0, 0, 0 },
    { " , ", 0, 0, 0 }
};


int
main(void)
{
    size_t      i, n;
    uint64_t    ids[4];
    wgw_text_t  text;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text.data = cases[i].list;
        text.len = strlen(text.data);

        n = wgw_etag_list(text, ids, 4);

        ok(n == cases[i].n && (n == 0 || (ids[0] == cases[i].first
                                          && ids[n - 1] == cases[i].last)),
           "%s", cases[i].list);
    }

    return done();
}
