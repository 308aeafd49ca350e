
/*
 * Records as the store keeps them.  Bytes that are accepted must be those
 * that packing makes.
 */

#include "names/record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char          *json;
    size_t         len;
    uint8_t       *packed;
    wgw_out_t      out;
    wgw_record_t   record;

    if (wgw_record_unpack(&record, data, size) != 0) {
        return 0;
    }

    packed = malloc(WGW_RECORD_PACKED);

    len = wgw_record_pack(&record, packed);
    assert(len == size && memcmp(packed, data, len) == 0);

    free(packed);

    /* a CA that is no PEM is found by whoever reads it: here it is bytes */

    json = malloc(6 * WGW_RECORD_JSON);

    wgw_out_init(&out, json, 6 * WGW_RECORD_JSON);
    wgw_record_json(&record, &out);
    assert(!out.overflow);

    free(json);

    return 0;
}
