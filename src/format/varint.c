
/*
 * varint: see varint.h.
 */

#include "format/varint.h"


int
wgw_varint(const uint8_t *p, size_t len, uint64_t *number)
{
    int       i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < WGW_VARINT_MAX && (size_t) i < len; i++) {

        n |= (uint64_t) (p[i] & 0x7f) << 7 * i;

        if (p[i] & 0x80) {
            continue;
        }

        if (i && p[i] == 0) {
            return -1;
        }

        *number = n;

        return i + 1;
    }

    return 0;
}
