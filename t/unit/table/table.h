
/*
 * What the tests of a table share: one in memory of its own, that forked
 * processes share, and short ways to look at it.
 */

#ifndef WGW_TEST_TABLE_H
#define WGW_TEST_TABLE_H


#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "table/mend.h"

#include "t/unit/tap.h"


#define DAY  INT64_C(86400)


static const uint8_t  seed[WGW_HASH_SEED] = { 7, 1, 8, 2, 8, 1, 8, 2, 8, 4 };


static void *
shared(size_t size)
{
    void  *p;

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1,
             0);
    assert(p != MAP_FAILED);

    return p;
}


static inline size_t
make(wgw_table_t *t, uint32_t keys, uint32_t key_bytes, int kind)
{
    void              *memory;
    size_t             size;
    wgw_table_conf_t   conf;

    memset(&conf, 0, sizeof(conf));

    conf.keys = keys;
    conf.key_bytes = key_bytes;
    conf.window.kind = (uint8_t) kind;
    conf.window.reset_day = 1;

    size = wgw_table_size(&conf);
    memory = shared(size);

    wgw_table_format(memory, &conf, seed);
    wgw_table_open(t, memory);

    return size;
}


static wgw_text_t
text(const char *s)
{
    wgw_text_t  t;

    t.data = s;
    t.len = strlen(s);

    return t;
}


static inline wgw_usage_t
usage_of(wgw_table_t *t, const char *key, int64_t now)
{
    uint32_t     record;
    wgw_usage_t  usage;

    record = wgw_table_find(t, text(key));

    if (record == WGW_TABLE_UNKNOWN
        || wgw_table_read(t, record, now, &usage) != 0)
    {
        memset(&usage, 0xff, sizeof(usage));
    }

    return usage;
}


#endif /* WGW_TEST_TABLE_H */
