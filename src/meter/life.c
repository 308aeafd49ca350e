
#include "meter/life.h"
#include "format/text.h"


static inline ngx_uint_t wgw_meter_digits(const u_char *p, uint64_t *number);


uint64_t
wgw_meter_life(const ngx_variable_value_t *v)
{
    uint64_t    life, high;
    wgw_text_t  text;

    if (v == NULL || v->not_found || v->len == 0) {
        return 0;
    }

    /* $wgw_life is 16 digits: microseconds */

    if (v->len == 16
        && wgw_meter_digits(v->data, &high)
        && wgw_meter_digits(v->data + 8, &life))
    {
        return high * 100000000 + life;
    }

    text.data = (const char *) v->data;
    text.len = v->len;

    return wgw_text_uint(text, UINT64_MAX, &life) == 0 ? life : 0;
}


/*
 * Eight digits at once, as numbers of one, two, four and eight of them, each
 * multiplied by a power of ten into the place above it.  1, or 0: they are not.
 */

static inline ngx_uint_t
wgw_meter_digits(const u_char *p, uint64_t *number)
{
    uint64_t  n;

    ngx_memcpy(&n, p, sizeof(uint64_t));

    /* '0' is 0x30, and what is above '9' has a carry with 6 */

    if (((n & (n + UINT64_C(0x0606060606060606)))
         & UINT64_C(0xf0f0f0f0f0f0f0f0))
        != UINT64_C(0x3030303030303030)
        || (n & UINT64_C(0xf0f0f0f0f0f0f0f0))
           != UINT64_C(0x3030303030303030))
    {
        return 0;
    }

    n = (n & UINT64_C(0x0f0f0f0f0f0f0f0f)) * (10 * 256 + 1) >> 8;
    n = (n & UINT64_C(0x00ff00ff00ff00ff)) * (100 * 65536 + 1) >> 16;
    n = (n & UINT64_C(0x0000ffff0000ffff))
        * (10000 * UINT64_C(0x100000000) + 1) >> 32;

    *number = n;

    return 1;
}
