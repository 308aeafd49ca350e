
/*
 * DAG-CBOR: what is checked can be walked through, is equal to itself, and
 * no byte of it can be left out.
 */

#include "format/cbor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static const uint8_t *
walk(const uint8_t *p)
{
    uint64_t        i;
    wgw_cbor_t      item, key, value, found;
    const uint8_t  *start, *at;

    start = p;
    p = wgw_cbor_read(&item, p);

    if (item.type == WGW_CBOR_LIST) {

        for (i = 0; i < item.number; i++) {
            p = walk(p);
        }

    } else if (item.type == WGW_CBOR_MAP) {

        for (i = 0; i < item.number; i++) {
            p = wgw_cbor_read(&key, p);
            assert(key.type == WGW_CBOR_TEXT);
            assert(wgw_cbor_find(&found, &item, key.bytes, &at) && at == p);
            wgw_cbor_read(&value, p);
            assert(value.type == found.type);
            p = walk(p);
        }
    }

    assert(wgw_cbor_skip(start) == p);
    assert(wgw_cbor_equal(&item, &item));

    return p;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t  *copy;

    copy = malloc(size ? size : 1);
    memcpy(copy, data, size);

    if (wgw_cbor_check(copy, size) == NULL) {
        assert(walk(copy) == copy + size);
        assert(wgw_cbor_check(copy, size - 1) != NULL);
    }

    free(copy);

    return 0;
}
