
/*
 * selector: see selector.h.
 */

#include "claims/selector.h"

#include <string.h>


#define WGW_SELECTOR_INT_MAX  INT64_C(9007199254740991)     /* 2^53 - 1 */


typedef struct {
    const char   *pos;
    const char   *end;
    char         *room;             /* for names with escapes */
    unsigned      quotes;           /* single ones are allowed */
} wgw_selector_read_t;


static const char *wgw_selector_dot(wgw_selector_read_t *read,
    wgw_step_t *step, unsigned first);
static const char *wgw_selector_bracket(wgw_selector_read_t *read,
    wgw_step_t *step);
static const char *wgw_selector_quoted(wgw_selector_read_t *read,
    wgw_text_t *name);
static int wgw_selector_escape(wgw_selector_read_t *read, char **out);
static void wgw_selector_put(char **out, uint32_t code);
static int wgw_selector_hex(const char *p, const char *end, uint32_t *code);
static const char *wgw_selector_range(wgw_selector_read_t *read,
    wgw_step_t *step);
static const char *wgw_selector_int(wgw_selector_read_t *read,
    int64_t *number);
static size_t wgw_selector_letter(const char *p, const char *end,
    unsigned first);
static int wgw_selector_index(wgw_cbor_t *value, const wgw_cbor_t *from,
    int64_t index);
static int wgw_selector_slice(wgw_cbor_t *value, const wgw_cbor_t *from,
    const wgw_step_t *step);
static const uint8_t *wgw_selector_pass(const wgw_cbor_t *list, uint64_t n);
static void wgw_selector_cut(wgw_text_t *text, uint64_t from, uint64_t to);
static uint64_t wgw_selector_points(wgw_text_t text);


const char *
wgw_selector_read(wgw_selector_t *selector, wgw_step_t *steps,
    wgw_text_t text, unsigned quotes, char *room)
{
    wgw_step_t            step;
    const char           *reason;
    wgw_selector_read_t   read;

    if (text.len > WGW_SELECTOR_MAX) {
        return "policy:selector-long";
    }

    if (text.len == 0 || text.data[0] != '.') {
        return "policy:selector-start";
    }

    read.pos = text.data;
    read.end = text.data + text.len;
    read.room = room;
    read.quotes = quotes;

    selector->steps = steps;
    selector->n = 0;

    while (read.pos < read.end) {
        memset(&step, 0, sizeof(step));
        step.name.data = NULL;

        if (*read.pos == '.') {
            reason = wgw_selector_dot(&read, &step, read.pos == text.data);

        } else if (*read.pos == '[') {
            reason = wgw_selector_bracket(&read, &step);

        } else {
            reason = "policy:selector";
        }

        if (reason) {
            return reason;
        }

        while (read.pos < read.end && *read.pos == '?') {
            step.optional = 1;
            read.pos++;
        }

        /* the whole is no step */

        if (step.type == WGW_STEP_FIELD && step.name.data == NULL) {
            continue;
        }

        if (selector->n == WGW_SELECTOR_STEPS) {
            return "policy:selector-long";
        }

        steps[selector->n++] = step;
    }

    return NULL;
}


/* A name, or a bracket of which the dot is a part; alone only at first. */

static const char *
wgw_selector_dot(wgw_selector_read_t *read, wgw_step_t *step, unsigned first)
{
    size_t  n;

    read->pos++;

    if (read->pos < read->end && *read->pos == '[') {
        return wgw_selector_bracket(read, step);
    }

    n = wgw_selector_letter(read->pos, read->end, 1);

    if (n == 0) {
        return first && (read->pos == read->end || *read->pos == '?')
               ? NULL : "policy:selector";
    }

    step->name.data = read->pos;

    do {
        read->pos += n;
        n = wgw_selector_letter(read->pos, read->end, 0);
    } while (n);

    step->name.len = (size_t) (read->pos - step->name.data);

    return NULL;
}


static const char *
wgw_selector_bracket(wgw_selector_read_t *read, wgw_step_t *step)
{
    const char  *reason;

    if (++read->pos == read->end) {
        return "policy:selector";
    }

    reason = NULL;

    if (*read->pos == ']') {
        step->type = WGW_STEP_VALUES;

    } else if (*read->pos == '"' || (*read->pos == '\'' && read->quotes)) {
        reason = wgw_selector_quoted(read, &step->name);

    } else {
        reason = wgw_selector_range(read, step);
    }

    if (reason) {
        return reason;
    }

    if (read->pos == read->end || *read->pos != ']') {
        return "policy:selector";
    }

    read->pos++;

    return NULL;
}


/* As a string of JSON; the other quote is an ordinary character. */

static const char *
wgw_selector_quoted(wgw_selector_read_t *read, wgw_text_t *name)
{
    char         quote, *out;
    const char  *start;

    quote = *read->pos++;
    start = read->pos;

    while (read->pos < read->end && *read->pos != quote
           && *read->pos != '\\' && (uint8_t) *read->pos >= 0x20)
    {
        read->pos++;
    }

    name->data = start;
    name->len = (size_t) (read->pos - start);

    if (read->pos < read->end && *read->pos == quote) {
        read->pos++;
        return NULL;
    }

    /* with escapes it is written anew */

    out = read->room;
    memcpy(out, start, name->len);
    out += name->len;

    while (read->pos < read->end && *read->pos != quote) {

        if ((uint8_t) *read->pos < 0x20) {
            return "policy:selector";
        }

        if (*read->pos != '\\') {
            *out++ = *read->pos++;
            continue;
        }

        if (wgw_selector_escape(read, &out) != 0) {
            return "policy:selector";
        }
    }

    if (read->pos == read->end) {
        return "policy:selector";
    }

    read->pos++;

    name->data = read->room;
    name->len = (size_t) (out - read->room);
    read->room = out;

    return NULL;
}


/* Never writes more than was read. */

static int
wgw_selector_escape(wgw_selector_read_t *read, char **out)
{
    uint32_t      code, low;
    const char   *found;

    static const char  plain[] = "\"\\/'bfnrt";
    static const char  meant[] = "\"\\/'\b\f\n\r\t";

    if (++read->pos == read->end) {
        return -1;
    }

    found = *read->pos ? strchr(plain, *read->pos) : NULL;

    if (found && (*read->pos != '\'' || read->quotes)) {
        *(*out)++ = meant[found - plain];
        read->pos++;
        return 0;
    }

    if (*read->pos != 'u'
        || wgw_selector_hex(read->pos + 1, read->end, &code) != 0)
    {
        return -1;
    }

    read->pos += 5;

    if (code >= 0xd800 && code <= 0xdbff) {

        if (read->end - read->pos < 6 || read->pos[0] != '\\'
            || read->pos[1] != 'u'
            || wgw_selector_hex(read->pos + 2, read->end, &low) != 0
            || low < 0xdc00 || low > 0xdfff)
        {
            return -1;
        }

        read->pos += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);

    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return -1;
    }

    wgw_selector_put(out, code);

    return 0;
}


/* In UTF-8 */

static void
wgw_selector_put(char **out, uint32_t code)
{
    char  *p;

    p = *out;

    if (code < 0x80) {
        *p++ = (char) code;
        *out = p;
        return;
    }

    if (code < 0x800) {
        *p++ = (char) (0xc0 | code >> 6);

    } else if (code < 0x10000) {
        *p++ = (char) (0xe0 | code >> 12);
        *p++ = (char) (0x80 | (code >> 6 & 0x3f));

    } else {
        *p++ = (char) (0xf0 | code >> 18);
        *p++ = (char) (0x80 | (code >> 12 & 0x3f));
        *p++ = (char) (0x80 | (code >> 6 & 0x3f));
    }

    *p++ = (char) (0x80 | (code & 0x3f));
    *out = p;
}


static int
wgw_selector_hex(const char *p, const char *end, uint32_t *code)
{
    int       i;
    uint8_t   c;
    uint32_t  value;

    if (end - p < 4) {
        return -1;
    }

    value = 0;

    for (i = 0; i < 4; i++) {
        c = (uint8_t) p[i];

        if (c >= '0' && c <= '9') {
            value = value << 4 | (uint32_t) (c - '0');

        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            value = value << 4 | (uint32_t) ((c | 0x20) - 'a' + 10);

        } else {
            return -1;
        }
    }

    *code = value;

    return 0;
}


/* n, n:m, n: or :m */

static const char *
wgw_selector_range(wgw_selector_read_t *read, wgw_step_t *step)
{
    const char  *reason;

    if (*read->pos != ':') {
        reason = wgw_selector_int(read, &step->from);

        if (reason) {
            return reason;
        }

        step->has_from = 1;
    }

    step->type = WGW_STEP_INDEX;

    if (read->pos == read->end || *read->pos != ':') {
        return NULL;
    }

    step->type = WGW_STEP_SLICE;
    read->pos++;

    if (read->pos < read->end && *read->pos == ']') {
        return step->has_from ? NULL : "policy:selector";
    }

    step->has_to = 1;

    return wgw_selector_int(read, &step->to);
}


static const char *
wgw_selector_int(wgw_selector_read_t *read, int64_t *number)
{
    int64_t      n;
    unsigned     negative;
    const char  *start;

    negative = read->pos < read->end && *read->pos == '-';
    read->pos += negative;
    start = read->pos;
    n = 0;

    while (read->pos < read->end && *read->pos >= '0' && *read->pos <= '9') {
        n = n * 10 + (*read->pos++ - '0');

        if (n > WGW_SELECTOR_INT_MAX) {
            return "policy:selector-range";
        }
    }

    if (read->pos == start || (*start == '0' && read->pos - start > 1)
        || (negative && n == 0))
    {
        return "policy:selector";
    }

    *number = negative ? -n : n;

    return NULL;
}


/*
 * How many bytes the letter of a name at `p` has; 0 when it is none.  Beyond
 * ASCII all is a letter but controls, blanks, punctuation and symbols of the
 * Latin-1 and the general blocks.
 */

static size_t
wgw_selector_letter(const char *p, const char *end, unsigned first)
{
    char      c;
    size_t    n;
    uint32_t  code;

    if (p == end) {
        return 0;
    }

    c = *p;

    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') {
        return 1;
    }

    if ((uint8_t) c < 0x80) {
        return !first
               && ((c >= '0' && c <= '9') || c == '$' || c == '-');
    }

    n = wgw_text_utf8((const uint8_t *) p, (size_t) (end - p), &code);

    if ((code < 0xc0 && code != 0xaa && code != 0xb5 && code != 0xba)
        || code == 0xd7 || code == 0xf7
        || (code >= 0x2000 && code <= 0x206f)
        || (code >= 0x2190 && code <= 0x2bff)
        || (code >= 0x3000 && code <= 0x3004)
        || (code >= 0xe000 && code <= 0xf8ff)
        || (code >= 0xfe00 && code <= 0xfe6f) || code == 0xfeff
        || code >= 0xe0000 || (code >= 0xfff0 && code <= 0xffff))
    {
        return 0;
    }

    return n;
}


int
wgw_selector_find(wgw_cbor_t *value, const wgw_cbor_t *root,
    const wgw_step_t *steps, size_t n)
{
    size_t      i;
    wgw_cbor_t  from;

    *value = *root;

    for (i = 0; i < n; i++) {
        from = *value;

        if (wgw_selector_step(value, &from, &steps[i])) {
            continue;
        }

        if (!steps[i].optional) {
            return 0;
        }

        memset(value, 0, sizeof(wgw_cbor_t));
        value->type = WGW_CBOR_NULL;
    }

    return 1;
}


int
wgw_selector_step(wgw_cbor_t *value, const wgw_cbor_t *from,
    const wgw_step_t *step)
{
    switch (step->type) {

    case WGW_STEP_FIELD:
        return wgw_cbor_find(value, from, step->name, NULL);

    case WGW_STEP_INDEX:
        return wgw_selector_index(value, from, step->from);

    case WGW_STEP_SLICE:
        return wgw_selector_slice(value, from, step);

    default:

        *value = *from;

        if (from->type == WGW_CBOR_MAP) {
            value->type = WGW_CBOR_LIST;
            value->keyed = 1;
            return 1;
        }

        return from->type == WGW_CBOR_LIST;
    }
}


static int
wgw_selector_index(wgw_cbor_t *value, const wgw_cbor_t *from, int64_t index)
{
    uint64_t        n;
    const uint8_t  *p;

    if (from->type == WGW_CBOR_LIST) {
        n = from->number;

    } else if (from->type == WGW_CBOR_BYTES) {
        n = from->bytes.len;

    } else {
        return 0;
    }

    if (index < 0) {
        index += (int64_t) n;
    }

    if (index < 0 || (uint64_t) index >= n) {
        return 0;
    }

    if (from->type == WGW_CBOR_LIST) {
        p = wgw_selector_pass(from, (uint64_t) index);
        wgw_cbor_read(value, from->keyed ? wgw_cbor_skip(p) : p);
        return 1;
    }

    memset(value, 0, sizeof(wgw_cbor_t));
    value->type = WGW_CBOR_UINT;
    value->number = (uint8_t) from->bytes.data[index];

    return 1;
}


static int
wgw_selector_slice(wgw_cbor_t *value, const wgw_cbor_t *from,
    const wgw_step_t *step)
{
    int64_t  n, a, b;

    if (from->type == WGW_CBOR_LIST) {
        n = (int64_t) from->number;

    } else if (from->type == WGW_CBOR_BYTES) {
        n = (int64_t) from->bytes.len;

    } else if (from->type == WGW_CBOR_TEXT) {
        n = (int64_t) wgw_selector_points(from->bytes);

    } else {
        return 0;
    }

    a = step->has_from ? step->from : 0;
    b = step->has_to ? step->to : n;

    a = a < 0 ? a + n : a;
    b = b < 0 ? b + n : b;
    a = a < 0 ? 0 : a > n ? n : a;
    b = b < a ? a : b > n ? n : b;

    *value = *from;

    if (from->type == WGW_CBOR_LIST) {
        value->first = wgw_selector_pass(from, (uint64_t) a);
        value->number = (uint64_t) (b - a);

    } else if (from->type == WGW_CBOR_BYTES) {
        value->bytes.data += a;
        value->bytes.len = (size_t) (b - a);

    } else {
        wgw_selector_cut(&value->bytes, (uint64_t) a, (uint64_t) b);
    }

    return 1;
}


/* Past the first n of a list. */

static const uint8_t *
wgw_selector_pass(const wgw_cbor_t *list, uint64_t n)
{
    const uint8_t  *p;

    p = list->first;

    for (n <<= list->keyed; n; n--) {
        p = wgw_cbor_skip(p);
    }

    return p;
}


/* To the code points from `from` on and before `to`. */

static void
wgw_selector_cut(wgw_text_t *text, uint64_t from, uint64_t to)
{
    size_t    i, start, end;
    uint64_t  points;

    points = 0;
    start = text->len;
    end = text->len;

    for (i = 0; i < text->len; i++) {

        if (((uint8_t) text->data[i] & 0xc0) == 0x80) {
            continue;
        }

        start = points == from ? i : start;
        end = points == to ? i : end;
        points++;
    }

    text->data += start;
    text->len = start < end ? end - start : 0;
}


static uint64_t
wgw_selector_points(wgw_text_t text)
{
    size_t    i;
    uint64_t  points;

    points = 0;

    for (i = 0; i < text.len; i++) {
        points += ((uint8_t) text.data[i] & 0xc0) != 0x80;
    }

    return points;
}
