
#include "format/size.h"


/* a millionth of the largest unit is more than anybody writes */
#define WGW_SIZE_DECIMALS  9


static uint64_t wgw_size_unit(wgw_text_t unit);
static uint64_t wgw_size_base(wgw_text_t unit);
static wgw_text_t wgw_size_digits(wgw_text_t *text);


int
wgw_size_parse(wgw_text_t text, uint64_t max, uint64_t *bytes)
{
    size_t             i;
    uint64_t           unit, number, part, scale;
    wgw_text_t         whole, decimals;
    unsigned __int128  sum;

    whole = wgw_size_digits(&text);
    decimals.len = 0;
    part = 0;
    scale = 1;

    if (text.len && *text.data == '.') {
        text.data++;
        text.len--;

        decimals = wgw_size_digits(&text);

        if (decimals.len == 0 || decimals.len > WGW_SIZE_DECIMALS) {
            return -1;
        }

        for (i = 0; i < decimals.len; i++) {
            part = part * 10 + (uint64_t) (decimals.data[i] - '0');
            scale *= 10;
        }
    }

    unit = wgw_size_unit(text);

    if (unit == 0
        || (unit == 1 && decimals.len)
        || wgw_text_uint(whole, max / unit, &number) != 0)
    {
        return -1;
    }

    sum = (unsigned __int128) number * unit
          + (unsigned __int128) part * unit / scale;

    if (sum > max) {
        return -1;
    }

    *bytes = (uint64_t) sum;

    return 0;
}


/* Takes the digits that the text begins with. */

static wgw_text_t
wgw_size_digits(wgw_text_t *text)
{
    wgw_text_t  digits;

    digits.data = text->data;
    digits.len = 0;

    while (text->len && *text->data >= '0' && *text->data <= '9') {
        text->data++;
        text->len--;
        digits.len++;
    }

    return digits;
}


/* 0 for what is no unit. */

static uint64_t
wgw_size_unit(wgw_text_t unit)
{
    size_t       power;
    uint64_t     factor, base;
    const char  *p;

    static const char  powers[] = "kmgt";

    if (unit.len == 0) {
        return 1;
    }

    for (p = powers; *p; p++) {
        if ((unit.data[0] | 0x20) == *p) {
            break;
        }
    }

    if (*p == '\0') {
        return 0;
    }

    base = 1024;

    if (unit.len != 1) {

        base = wgw_size_base(unit);
    }

    if (base == 0) {
        return 0;
    }

    factor = 1;

    for (power = (size_t) (p - powers) + 1; power; power--) {
        factor *= base;
    }

    return factor;
}


/* Of a unit with more than its letter; "KB", "mB" and "gb" are none. */

static uint64_t
wgw_size_base(wgw_text_t unit)
{
    unsigned  lower;

    lower = unit.data[0] & 0x20;

    if (unit.len == 2 && unit.data[1] == 'B') {
        return lower == (unit.data[0] == 'k' || unit.data[0] == 'K' ? 0x20 : 0)
               ? 1000 : 0;
    }

    if (unit.len == 3 && unit.data[1] == 'i' && unit.data[2] == 'B') {
        return lower ? 0 : 1024;
    }

    return 0;
}
