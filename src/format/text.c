
/*
 * text: see text.h.
 */

#include "format/text.h"

#include <assert.h>
#include <string.h>


/* U+FFFD, the replacement character */
#define WGW_TEXT_REPLACEMENT  "\xef\xbf\xbd"

/* how a text is quoted: for JSON or else a label; of any bytes, injectively */
#define WGW_TEXT_JSON         1
#define WGW_TEXT_KEY          2


static inline int text_without(wgw_text_t text,
    unsigned (*those)(uint32_t code));
static unsigned text_control(uint32_t code);
static unsigned text_unseen(uint32_t code);
static unsigned text_hidden(uint32_t code);
static void wgw_out_quoted(wgw_out_t *out, wgw_text_t text, unsigned flags);
static size_t wgw_out_plain(const uint8_t *p, size_t left, unsigned flags);
static size_t wgw_out_odd(wgw_out_t *out, const uint8_t *p, size_t left,
    unsigned flags);
static void wgw_out_key_byte(wgw_out_t *out, uint8_t c);
static size_t text_mantissa(wgw_text_t text, int64_t *point);
static int text_exponent(wgw_text_t text, int64_t *exponent);
static void wgw_out_escape(wgw_out_t *out, uint8_t c);


int
wgw_text_equal(wgw_text_t a, wgw_text_t b)
{
    return a.len == b.len
           && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


int
wgw_text_plain(wgw_text_t text)
{
    char    c;
    size_t  i;

    for (i = 0; i < text.len; i++) {
        c = text.data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
        {
            return 0;
        }
    }

    return text.len != 0;
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
    size_t   i, digits;
    int64_t  exponent;

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

    if (digits == 0 || text.data[i - 1] == '.') {
        return 0;
    }

    if (*point == -1) {
        *point = (int64_t) digits;
    }

    if (i == text.len) {
        return i;
    }

    text.data += i;
    text.len -= i;

    if (text_exponent(text, &exponent) != 0) {
        return 0;
    }

    *point += exponent;

    return i;
}


/* "e10", "E+10", "e-10" */

static int
text_exponent(wgw_text_t text, int64_t *exponent)
{
    size_t   i;
    int64_t  sign;

    if (text.data[0] != 'e' && text.data[0] != 'E') {
        return -1;
    }

    i = 1;
    sign = 1;

    if (i < text.len && (text.data[i] == '+' || text.data[i] == '-')) {
        sign = text.data[i] == '-' ? -1 : 1;
        i++;
    }

    if (i == text.len) {
        return -1;
    }

    for (*exponent = 0; i < text.len; i++) {

        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }

        /* far beyond any maximum, and any number of digits */

        if (*exponent < INT64_MAX / 100) {
            *exponent = *exponent * 10 + (text.data[i] - '0');
        }
    }

    *exponent *= sign;

    return 0;
}


int
wgw_text_well_formed(wgw_text_t text)
{
    return text_without(text, NULL);
}


int
wgw_text_printable(wgw_text_t text)
{
    return text_without(text, text_control);
}


int
wgw_text_visible(wgw_text_t text)
{
    return text_without(text, text_unseen);
}


/* 1 when all of it is UTF-8, and no character is one of those. */

static inline int
text_without(wgw_text_t text, unsigned (*those)(uint32_t code))
{
    size_t    i, n;
    uint32_t  code;

    for (i = 0; i < text.len; i += n) {

        n = wgw_text_utf8((const uint8_t *) text.data + i, text.len - i,
                          &code);

        if (n == 0 || (those && those(code))) {
            return 0;
        }
    }

    return 1;
}


/* C0, DEL and C1 */

static unsigned
text_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}


static unsigned
text_unseen(uint32_t code)
{
    return code < 0x20 || text_hidden(code);
}


/*
 * DEL and C1; and what Unicode has to be ignored by default or to turn the
 * direction of what follows.
 */

static unsigned
text_hidden(uint32_t code)
{
    size_t  i;

    static const uint32_t  ranges[][2] = {
        { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c },
        { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f },
        { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
        { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
        { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0x1bca0, 0x1bca3 },
        { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff }
    };

    for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {

        if (code < ranges[i][0]) {
            return 0;
        }

        if (code <= ranges[i][1]) {
            return 1;
        }
    }

    return 0;
}


wgw_text_t
wgw_text_marked(wgw_text_t text)
{
    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        text.data += 3;
        text.len -= 3;
    }

    return text;
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
    wgw_out_quoted(out, text, WGW_TEXT_JSON);
}


void
wgw_out_json_key(wgw_out_t *out, wgw_text_t text)
{
    wgw_out_quoted(out, text, WGW_TEXT_JSON|WGW_TEXT_KEY);
}


void
wgw_out_label(wgw_out_t *out, wgw_text_t text)
{
    wgw_out_quoted(out, text, 0);
}


void
wgw_out_label_key(wgw_out_t *out, wgw_text_t text)
{
    wgw_out_quoted(out, text, WGW_TEXT_KEY);
}


static void
wgw_out_quoted(wgw_out_t *out, wgw_text_t text, unsigned flags)
{
    size_t          i, n;
    const uint8_t  *p;

    p = (const uint8_t *) text.data;

    wgw_out_bytes(out, "\"", 1);

    for (i = 0; i < text.len; /* void */ ) {

        n = wgw_out_plain(p + i, text.len - i, flags);

        wgw_out_bytes(out, p + i, n);

        i += n;

        if (i < text.len) {
            i += wgw_out_odd(out, p + i, text.len - i, flags);
        }
    }

    wgw_out_bytes(out, "\"", 1);
}


/* How many bytes from `p` on may stand between the quotes as they are. */

static size_t
wgw_out_plain(const uint8_t *p, size_t left, unsigned flags)
{
    size_t    i, n;
    uint32_t  code;

    for (i = 0; i < left; i += n) {

        n = 1;

        if (p[i] >= 0x7f) {
            n = wgw_text_utf8(p + i, left - i, &code);

            if (n == 0
                || ((flags & WGW_TEXT_KEY) && text_hidden(code)))
            {
                break;
            }

        } else if (p[i] == '"' || p[i] == '\\' || p[i] == '\n'
                   || (flags && p[i] < 0x20))
        {
            break;
        }
    }

    return i;
}


/* Writes what may not stand as it is; how many bytes that was. */

static size_t
wgw_out_odd(wgw_out_t *out, const uint8_t *p, size_t left, unsigned flags)
{
    size_t    i, n;
    uint32_t  code;

    n = 1;

    if (p[0] >= 0x7f) {

        if (!(flags & WGW_TEXT_KEY)) {
            wgw_out_str(out, WGW_TEXT_REPLACEMENT);
            return 1;
        }

        n = wgw_text_utf8(p, left, &code);
        n += (n == 0);

    } else if (!(flags & WGW_TEXT_KEY)
               || (p[0] == '\\' ? (left == 1 || p[1] != 'x')
                                 : p[0] >= 0x20 || p[0] == '\n'
                                   || (flags & WGW_TEXT_JSON)))
    {
        wgw_out_escape(out, p[0]);
        return 1;
    }

    for (i = 0; i < n; i++) {
        wgw_out_key_byte(out, p[i]);
    }

    return n;
}


/* The backslash is one of the text, and so escaped itself. */

static void
wgw_out_key_byte(wgw_out_t *out, uint8_t c)
{
    char               code[5];
    static const char  hex[] = "0123456789abcdef";

    memcpy(code, "\\\\x", 3);
    code[3] = hex[c >> 4];
    code[4] = hex[c & 0xf];

    wgw_out_bytes(out, code, sizeof(code));
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
