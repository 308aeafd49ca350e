
#include "grid/scale.h"


void
grid_scale_init(grid_scale_t *scale, const void *data, size_t len)
{
    scale->p = data;
    scale->end = scale->p + len;
    scale->bad = 0;
    scale->steps = 0;
}


const uint8_t *
grid_scale_bytes(grid_scale_t *scale, uint64_t len)
{
    const uint8_t  *p = scale->p;

    if (scale->bad || len > (uint64_t) (scale->end - p)) {
        scale->bad = 1;
        return NULL;
    }

    scale->p += len;

    return p;
}


uint64_t
grid_scale_uint(grid_scale_t *scale, size_t size)
{
    size_t          i;
    uint64_t        number;
    const uint8_t  *p;

    p = grid_scale_bytes(scale, size);

    if (p == NULL) {
        return 0;
    }

    number = 0;

    for (i = size; i-- > 0; /* void */ ) {
        if (number >> 56) {
            scale->bad = 1;
            return 0;
        }

        number = number << 8 | p[i];
    }

    return number;
}


/* The two lowest bits tell how long it is. */

uint64_t
grid_scale_compact(grid_scale_t *scale)
{
    uint64_t        number;
    const uint8_t  *p = scale->p;

    if (scale->bad || p == scale->end) {
        scale->bad = 1;
        return 0;
    }

    switch (*p & 3) {

    case 0:
        return grid_scale_uint(scale, 1) >> 2;

    case 1:
        return grid_scale_uint(scale, 2) >> 2;

    case 2:
        return grid_scale_uint(scale, 4) >> 2;
    }

    number = (grid_scale_uint(scale, 1) >> 2) + 4;

    return grid_scale_uint(scale, number);
}


wgw_text_t
grid_scale_text(grid_scale_t *scale)
{
    wgw_text_t  text;

    text.len = grid_scale_compact(scale);
    text.data = (const char *) grid_scale_bytes(scale, text.len);

    if (text.data == NULL) {
        text.data = "";
        text.len = 0;
    }

    return text;
}


uint64_t
grid_scale_count(grid_scale_t *scale)
{
    uint64_t  n;

    n = grid_scale_compact(scale);

    if (n > (uint64_t) (scale->end - scale->p)) {
        scale->bad = 1;
    }

    return scale->bad ? 0 : n;
}


void
grid_scale_put_uint(wgw_out_t *out, uint64_t number, size_t size)
{
    uint8_t  byte;

    while (size--) {
        byte = (uint8_t) number;
        number >>= 8;
        wgw_out_bytes(out, &byte, 1);
    }
}


void
grid_scale_put_compact(wgw_out_t *out, uint64_t number)
{
    size_t  size;

    if (number < 1 << 6) {
        grid_scale_put_uint(out, number << 2, 1);

    } else if (number < 1 << 14) {
        grid_scale_put_uint(out, number << 2 | 1, 2);

    } else if (number < 1 << 30) {
        grid_scale_put_uint(out, number << 2 | 2, 4);

    } else {
        for (size = 4; size < 8 && number >> 8 * size; size++) { /* void */ }

        grid_scale_put_uint(out, (size - 4) << 2 | 3, 1);
        grid_scale_put_uint(out, number, size);
    }
}


void
grid_scale_put_text(wgw_out_t *out, const void *data, size_t len)
{
    grid_scale_put_compact(out, len);
    wgw_out_bytes(out, data, len);
}
