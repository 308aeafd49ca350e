
/*
 * text: see text.h.
 */

#include "format/text.h"

#include <assert.h>
#include <string.h>


/* U+FFFD, the replacement character */
#define WGW_TEXT_REPLACEMENT  "\xef\xbf\xbd"


static size_t text_mantissa(wgw_text_t text, int64_t *point);
static void wgw_out_quoted(wgw_out_t *out, wgw_text_t text, unsigned json);
static size_t wgw_out_plain(const uint8_t *p, size_t left, unsigned json);
static void wgw_out_escape(wgw_out_t *out, uint8_t c);


int
wgw_text_equal(wgw_text_t a, wgw_text_t b)
{
    return a.len == b.len
           && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


int
wgw_text_uint(wgw_text_t text, uint64_t max, uint64_t *number)
{
    size_t    i;
    uint64_t  n, digit;

    if (text.len == 0) {
        return -1;
    }

    n = 0;

    for (i = 0; i < text.len; i++) {

        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }

        digit = (uint64_t) (text.data[i] - '0');

        if (n > max / 10 || digit > max - n * 10) {
            return -1;
        }

        n = n * 10 + digit;
    }

    *number = n;

    return 0;
}


int
wgw_text_number(wgw_text_t text, uint64_t max, uint64_t *whole,
    unsigned *fraction)
{
    size_t    end, i;
    int64_t   point;
    uint64_t  n, digit;

    end = text_mantissa(text, &point);

    if (end == 0) {
        return -1;
    }

    n = 0;
    *fraction = 0;

    for (i = 0; i < end; i++) {

        if (text.data[i] == '.') {
            continue;
        }

        digit = (uint64_t) (text.data[i] - '0');

        if (point <= 0) {
            *fraction |= digit != 0;
            continue;
        }

        point--;

        if (n > max / 10 || digit > max - n * 10) {
            return -1;
        }

        n = n * 10 + digit;
    }

    for ( /* void */ ; n && point > 0; point--) {

        if (n > max / 10) {
            return -1;
        }

        n *= 10;
    }

    *whole = n;

    return 0;
}


/*
 * Where the mantissa ends, or 0, and how many of its digits are before the
 * point, the exponent being done: these may be more than there are.
 */

static size_t
text_mantissa(wgw_text_t text, int64_t *point)
{
    size_t    i, digits, end;
    int64_t   exponent, sign;

    digits = 0;
    *point = -1;

    for (i = 0; i < text.len; i++) {

        if (text.data[i] == '.' && *point == -1 && digits) {
            *point = (int64_t) digits;

        } else if (text.data[i] >= '0' && text.data[i] <= '9') {
            digits++;

        } else {
            break;
        }
    }

    end = i;

    if (digits == 0 || text.data[end - 1] == '.') {
        return 0;
    }

    if (*point == -1) {
        *point = (int64_t) digits;
    }

    if (end == text.len) {
        return end;
    }

    if (text.data[i] != 'e' && text.data[i] != 'E') {
        return 0;
    }

    i++;
    sign = 1;

    if (i < text.len && (text.data[i] == '+' || text.data[i] == '-')) {
        sign = text.data[i] == '-' ? -1 : 1;
        i++;
    }

    if (i == text.len) {
        return 0;
    }

    for (exponent = 0; i < text.len; i++) {

        if (text.data[i] < '0' || text.data[i] > '9') {
            return 0;
        }

        /* far beyond any maximum, and any number of digits */

        if (exponent < INT64_MAX / 100) {
            exponent = exponent * 10 + (text.data[i] - '0');
        }
    }

    *point += sign * exponent;

    return end;
}


int
wgw_text_printable(wgw_text_t text)
{
    size_t    i, n;
    uint32_t  code;

    for (i = 0; i < text.len; i += n) {

        n = wgw_text_utf8((const uint8_t *) text.data + i, text.len - i,
                          &code);

        /* C0, DEL and C1 */

        if (n == 0 || code < 0x20 || (code >= 0x7f && code <= 0x9f)) {
            return 0;
        }
    }

    return 1;
}


size_t
wgw_text_utf8(const uint8_t *p, size_t left, uint32_t *code)
{
    size_t    i, n;
    uint32_t  c, least;

    c = p[0];

    if (c < 0x80) {
        *code = c;
        return 1;
    }

    if ((c & 0xe0) == 0xc0) {
        n = 2;
        c &= 0x1f;
        least = 0x80;

    } else if ((c & 0xf0) == 0xe0) {
        n = 3;
        c &= 0x0f;
        least = 0x800;

    } else if ((c & 0xf8) == 0xf0) {
        n = 4;
        c &= 0x07;
        least = 0x10000;

    } else {
        return 0;
    }

    if (left < n) {
        return 0;
    }

    for (i = 1; i < n; i++) {

        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }

        c = (c << 6) | (p[i] & 0x3f);
    }

    if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return 0;
    }

    *code = c;

    return n;
}


void
wgw_out_init(wgw_out_t *out, void *buffer, size_t size)
{
    out->start = buffer;
    out->pos = buffer;
    out->end = out->start + size;
    out->overflow = 0;
}


void
wgw_out_bytes(wgw_out_t *out, const void *data, size_t len)
{
    assert(out->pos <= out->end);

    if (len > (size_t) (out->end - out->pos)) {
        out->overflow = 1;
        return;
    }

    if (len == 0) {
        return;
    }

    memcpy(out->pos, data, len);
    out->pos += len;
}


void
wgw_out_str(wgw_out_t *out, const char *terminated)
{
    wgw_out_bytes(out, terminated, strlen(terminated));
}


void
wgw_out_uint(wgw_out_t *out, uint64_t number)
{
    char  *p, digits[sizeof("18446744073709551615") - 1];

    p = digits + sizeof(digits);

    do {
        *--p = (char) ('0' + number % 10);
        number /= 10;
    } while (number);

    wgw_out_bytes(out, p, (size_t) (digits + sizeof(digits) - p));
}


void
wgw_out_json(wgw_out_t *out, wgw_text_t text)
{
    wgw_out_quoted(out, text, 1);
}


void
wgw_out_label(wgw_out_t *out, wgw_text_t text)
{
    wgw_out_quoted(out, text, 0);
}


static void
wgw_out_quoted(wgw_out_t *out, wgw_text_t text, unsigned json)
{
    size_t          i, n;
    const uint8_t  *p;

    p = (const uint8_t *) text.data;

    wgw_out_bytes(out, "\"", 1);

    for (i = 0; i < text.len; i++) {

        n = wgw_out_plain(p + i, text.len - i, json);

        wgw_out_bytes(out, p + i, n);

        i += n;

        if (i == text.len) {
            break;
        }

        if (p[i] < 0x80) {
            wgw_out_escape(out, p[i]);

        } else {
            wgw_out_str(out, WGW_TEXT_REPLACEMENT);
        }
    }

    wgw_out_bytes(out, "\"", 1);
}


/* How many bytes from `p` on may stand between the quotes as they are. */

static size_t
wgw_out_plain(const uint8_t *p, size_t left, unsigned json)
{
    size_t    i, n;
    uint32_t  code;

    for (i = 0; i < left; i += n) {

        n = 1;

        if (p[i] >= 0x80) {
            n = wgw_text_utf8(p + i, left - i, &code);

            if (n == 0) {
                break;
            }

        } else if (p[i] == '"' || p[i] == '\\' || p[i] == '\n'
                   || (json && p[i] < 0x20))
        {
            break;
        }
    }

    return i;
}


static void
wgw_out_escape(wgw_out_t *out, uint8_t c)
{
    char               code[6];
    static const char  hex[] = "0123456789abcdef";

    switch (c) {

    case '"':
        wgw_out_bytes(out, "\\\"", 2);
        break;

    case '\\':
        wgw_out_bytes(out, "\\\\", 2);
        break;

    case '\n':
        wgw_out_bytes(out, "\\n", 2);
        break;

    case '\r':
        wgw_out_bytes(out, "\\r", 2);
        break;

    case '\t':
        wgw_out_bytes(out, "\\t", 2);
        break;

    default:
        memcpy(code, "\\u00", 4);
        code[4] = hex[c >> 4];
        code[5] = hex[c & 0xf];

        wgw_out_bytes(out, code, sizeof(code));
    }
}


size_t
wgw_text_unseen(wgw_text_t text, int at_end)
{
    size_t       i, len;
    const char  *p;

    static const char  *unseen[] = {
        " ", "\t", "\r",
        "\xc2\xa0",               /* U+00A0, no-break space */
        "\xe2\x80\x8b",           /* U+200B, without width */
        "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f",
        "\xe2\x80\xaf",           /* U+202F, narrow no-break space */
        "\xe2\x81\xa0",           /* U+2060, word joiner */
        "\xef\xbb\xbf"            /* U+FEFF, byte order mark */
    };

    for (i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++) {
        len = strlen(unseen[i]);

        if (len <= text.len) {
            p = at_end ? text.data + text.len - len : text.data;

            if (memcmp(p, unseen[i], len) == 0) {
                return len;
            }
        }
    }

    return 0;
}
