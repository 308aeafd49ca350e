
/*
 * cbor: see cbor.h.
 */

#include "format/cbor.h"
#include "format/cid.h"

#include <string.h>


#define WGW_CBOR_TAG_LINK  42
#define WGW_CBOR_WIDE      73786976294838206464.0       /* 2^66 */


/* One level of the document: how many items are to come, and of what. */
typedef struct {
    uint64_t      left;             /* of a map: keys and values */
    unsigned      map;
    wgw_text_t    key;              /* the last one; data NULL at first */
} wgw_cbor_level_t;


typedef struct {
    const uint8_t     *pos;
    const uint8_t     *end;
    unsigned           items;
    unsigned           depth;
    wgw_cbor_level_t   levels[WGW_CBOR_DEPTH];
} wgw_cbor_check_t;


static const char *wgw_cbor_check_item(wgw_cbor_check_t *check);
static const char *wgw_cbor_check_head(wgw_cbor_check_t *check,
    unsigned *major, uint64_t *number);
static const char *wgw_cbor_check_string(wgw_cbor_check_t *check,
    unsigned text, uint64_t len);
static const char *wgw_cbor_check_key(wgw_cbor_level_t *level,
    wgw_text_t key);
static const char *wgw_cbor_check_link(wgw_cbor_check_t *check,
    uint64_t tag);
static const char *wgw_cbor_check_simple(wgw_cbor_check_t *check,
    uint64_t number);
static const char *wgw_cbor_enter(wgw_cbor_check_t *check, unsigned map,
    uint64_t n);
static const uint8_t *wgw_cbor_head(const uint8_t *p, unsigned *major,
    uint64_t *number);
static int wgw_cbor_equal_items(const wgw_cbor_t *a, const wgw_cbor_t *b,
    int map);
static int wgw_cbor_integer(const wgw_cbor_t *item, __int128 *number);
static int wgw_cbor_against(__int128 number, double real);
static void wgw_cbor_put_head(wgw_out_t *out, unsigned major, uint64_t n);


const char *
wgw_cbor_check(const void *data, size_t len)
{
    const char        *reason;
    wgw_cbor_check_t   check;

    check.pos = data;
    check.end = check.pos + len;
    check.items = 0;
    check.depth = 0;

    /* what is open is one level up from what is read next */

    do {
        while (check.depth && check.levels[check.depth - 1].left == 0) {

            if (--check.depth == 0) {
                goto done;
            }
        }

        reason = wgw_cbor_check_item(&check);

        if (reason) {
            return reason;
        }

    } while (check.depth);

done:

    return check.pos == check.end ? NULL : "cbor:trailing";
}


static const char *
wgw_cbor_check_item(wgw_cbor_check_t *check)
{
    uint64_t           number;
    unsigned           major, key;
    wgw_text_t         text;
    const char        *reason;
    wgw_cbor_level_t  *level;

    if (++check->items > WGW_CBOR_ITEMS) {
        return "cbor:too-many-items";
    }

    reason = wgw_cbor_check_head(check, &major, &number);

    if (reason) {
        return reason;
    }

    level = check->depth ? &check->levels[check->depth - 1] : NULL;
    key = level && level->map && level->left % 2 == 0;

    if (level) {
        level->left--;
    }

    if (key && major != 3) {
        return "cbor:key-not-string";
    }

    switch (major) {

    case 2:
    case 3:
        text.data = (const char *) check->pos;
        text.len = (size_t) number;
        reason = wgw_cbor_check_string(check, major == 3, number);

        if (reason == NULL && key) {
            reason = wgw_cbor_check_key(level, text);
        }

        return reason;

    case 4:
    case 5:
        return wgw_cbor_enter(check, major == 5, number);

    case 6:
        return wgw_cbor_check_link(check, number);

    case 7:
        return wgw_cbor_check_simple(check, number);

    default:
        return NULL;
    }
}


/* Of major type 7 the number is the lower five bits of the head. */

static const char *
wgw_cbor_check_head(wgw_cbor_check_t *check, unsigned *major,
    uint64_t *number)
{
    size_t    i, n;
    uint8_t   low;
    uint64_t  value;

    if (check->pos == check->end) {
        return "cbor:truncated";
    }

    *major = *check->pos >> 5;
    low = *check->pos++ & 0x1f;

    if (*major == 7 || low < 24) {
        *number = low;
        return NULL;
    }

    if (low == 31) {
        return *major < 2 || *major == 6 ? "cbor:reserved"
                                         : "cbor:indefinite";
    }

    if (low > 27) {
        return "cbor:reserved";
    }

    n = (size_t) 1 << (low - 24);

    if ((size_t) (check->end - check->pos) < n) {
        return "cbor:truncated";
    }

    value = 0;

    for (i = 0; i < n; i++) {
        value = value << 8 | *check->pos++;
    }

    /* a head of half the size would have held it */

    if (value < 24 || (n > 1 && value >> 4 * n == 0)) {
        return "cbor:non-minimal";
    }

    *number = value;

    return NULL;
}


static const char *
wgw_cbor_check_string(wgw_cbor_check_t *check, unsigned text, uint64_t len)
{
    wgw_text_t  view;

    if (len > (uint64_t) (check->end - check->pos)) {
        return "cbor:truncated";
    }

    view.data = (const char *) check->pos;
    view.len = (size_t) len;
    check->pos += view.len;

    if (!text) {
        return NULL;
    }

    if (view.len > WGW_CBOR_TEXT_MAX) {
        return "cbor:text-long";
    }

    return wgw_text_well_formed(view) ? NULL : "cbor:bad-utf8";
}


static const char *
wgw_cbor_check_key(wgw_cbor_level_t *level, wgw_text_t key)
{
    int         order;
    wgw_text_t  last;

    last = level->key;
    level->key = key;

    if (last.data == NULL) {
        return NULL;
    }

    if (last.len != key.len) {
        return last.len < key.len ? NULL : "cbor:key-order";
    }

    order = memcmp(last.data, key.data, key.len);

    if (order == 0) {
        return "cbor:duplicate-key";
    }

    return order < 0 ? NULL : "cbor:key-order";
}


static const char *
wgw_cbor_check_link(wgw_cbor_check_t *check, uint64_t tag)
{
    uint64_t        len;
    unsigned        major;
    wgw_cid_t       cid;
    const char     *reason;
    const uint8_t  *p;

    if (tag != WGW_CBOR_TAG_LINK) {
        return "cbor:tag";
    }

    reason = wgw_cbor_check_head(check, &major, &len);

    if (reason) {
        return reason;
    }

    if (major != 2) {
        return "cbor:tag42-type";
    }

    p = check->pos;
    reason = wgw_cbor_check_string(check, 0, len);

    if (reason) {
        return reason;
    }

    if (len < 2 || p[0] != 0) {
        return "cbor:tag42-prefix";
    }

    if (wgw_cid_read_bytes(&cid, p + 1, (size_t) len - 1) != 0) {
        return "cbor:tag42-cid";
    }

    return NULL;
}


static const char *
wgw_cbor_check_simple(wgw_cbor_check_t *check, uint64_t number)
{
    const uint8_t  *p;

    if (number >= 20 && number <= 22) {
        return NULL;
    }

    if (number != 27) {
        return "cbor:simple";
    }

    p = check->pos;

    if (check->end - p < 8) {
        return "cbor:truncated";
    }

    check->pos += 8;

    /* all bits of the exponent: infinite or not a number */

    if ((p[0] & 0x7f) == 0x7f && (p[1] & 0xf0) == 0xf0) {
        return "cbor:float-not-finite";
    }

    return NULL;
}


/* An item has one byte at least: more than there are cannot follow. */

static const char *
wgw_cbor_enter(wgw_cbor_check_t *check, unsigned map, uint64_t n)
{
    wgw_cbor_level_t  *level;

    if (n > (uint64_t) (check->end - check->pos) >> map) {
        return "cbor:truncated";
    }

    if (check->depth == WGW_CBOR_DEPTH) {
        return "cbor:too-deep";
    }

    level = &check->levels[check->depth++];
    level->left = n << map;
    level->map = map;
    level->key.data = NULL;
    level->key.len = 0;

    return NULL;
}


const uint8_t *
wgw_cbor_read(wgw_cbor_t *item, const uint8_t *p)
{
    uint64_t  number;
    unsigned  major;

    static const wgw_cbor_type_t  types[] = {
        WGW_CBOR_UINT, WGW_CBOR_NINT, WGW_CBOR_BYTES, WGW_CBOR_TEXT,
        WGW_CBOR_LIST, WGW_CBOR_MAP, WGW_CBOR_LINK
    };

    p = wgw_cbor_head(p, &major, &number);

    item->keyed = 0;
    item->number = number;
    item->first = p;
    item->bytes.data = (const char *) p;
    item->bytes.len = 0;

    if (major == 7) {
        item->type = number == 22 ? WGW_CBOR_NULL : WGW_CBOR_BOOL;
        item->number = number == 21;

        if (number == 27) {
            item->type = WGW_CBOR_FLOAT;
            memcpy(&item->number, p, 8);
#if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
            item->number = __builtin_bswap64(item->number);
#endif
            p += 8;
        }

        return p;
    }

    item->type = types[major];

    if (major == 6) {
        p = wgw_cbor_head(p, &major, &number);
        item->bytes.data = (const char *) p + 1;
        item->bytes.len = (size_t) number - 1;
        return p + number;
    }

    if (major == 2 || major == 3) {
        item->bytes.len = (size_t) number;
        return p + number;
    }

    return p;
}


/* How many items are still to be passed says how deep it is. */

const uint8_t *
wgw_cbor_skip(const uint8_t *p)
{
    uint64_t    left;
    wgw_cbor_t  item;

    left = 1;

    do {
        p = wgw_cbor_read(&item, p);
        left--;

        if (item.type == WGW_CBOR_LIST) {
            left += item.number;

        } else if (item.type == WGW_CBOR_MAP) {
            left += 2 * item.number;
        }

    } while (left);

    return p;
}


static const uint8_t *
wgw_cbor_head(const uint8_t *p, unsigned *major, uint64_t *number)
{
    size_t    n;
    uint8_t   low;
    uint64_t  value;

    *major = *p >> 5;
    low = *p++ & 0x1f;

    if (*major == 7 || low < 24) {
        *number = low;
        return p;
    }

    value = 0;

    for (n = (size_t) 1 << (low - 24); n; n--) {
        value = value << 8 | *p++;
    }

    *number = value;

    return p;
}


int
wgw_cbor_find(wgw_cbor_t *value, const wgw_cbor_t *map, wgw_text_t key,
    const uint8_t **at)
{
    uint64_t        i;
    wgw_cbor_t      item;
    const uint8_t  *p;

    if (map->type != WGW_CBOR_MAP) {
        return 0;
    }

    p = map->first;

    for (i = 0; i < map->number; i++) {
        p = wgw_cbor_read(&item, p);

        if (item.bytes.len > key.len) {
            return 0;
        }

        if (wgw_text_equal(item.bytes, key)) {

            if (at) {
                *at = p;
            }

            wgw_cbor_read(value, p);
            return 1;
        }

        p = wgw_cbor_skip(p);
    }

    return 0;
}


int
wgw_cbor_equal(const wgw_cbor_t *a, const wgw_cbor_t *b)
{
    if (a->type >= WGW_CBOR_UINT && a->type <= WGW_CBOR_FLOAT) {
        return wgw_cbor_compare(a, b) == 0;
    }

    if (a->type != b->type) {
        return 0;
    }

    switch (a->type) {

    case WGW_CBOR_NULL:
        return 1;

    case WGW_CBOR_BOOL:
        return a->number == b->number;

    case WGW_CBOR_LIST:
        return wgw_cbor_equal_items(a, b, 0);

    case WGW_CBOR_MAP:
        return wgw_cbor_equal_items(a, b, 1);

    default:
        return wgw_text_equal(a->bytes, b->bytes);
    }
}


/*
 * It and wgw_cbor_equal() call each other as deep as documents are nested, at
 * most.  The order of maps is the same where their keys are.
 */

static int
wgw_cbor_equal_items(const wgw_cbor_t *a, const wgw_cbor_t *b, int map)
{
    uint64_t        i;
    wgw_cbor_t      x, y;
    const uint8_t  *p, *q;

    if (a->number != b->number) {
        return 0;
    }

    p = a->first;
    q = b->first;

    for (i = 0; i < a->number; i++) {

        if (map) {
            p = wgw_cbor_read(&x, p);
            q = wgw_cbor_read(&y, q);

            if (!wgw_text_equal(x.bytes, y.bytes)) {
                return 0;
            }

        } else {
            p = a->keyed ? wgw_cbor_skip(p) : p;
            q = b->keyed ? wgw_cbor_skip(q) : q;
        }

        wgw_cbor_read(&x, p);
        wgw_cbor_read(&y, q);

        if (!wgw_cbor_equal(&x, &y)) {
            return 0;
        }

        p = wgw_cbor_skip(p);
        q = wgw_cbor_skip(q);
    }

    return 1;
}


int
wgw_cbor_compare(const wgw_cbor_t *a, const wgw_cbor_t *b)
{
    int       is_a, is_b;
    double    x, y;
    __int128  m, n;

    is_a = wgw_cbor_integer(a, &m);
    is_b = wgw_cbor_integer(b, &n);

    if ((!is_a && a->type != WGW_CBOR_FLOAT)
        || (!is_b && b->type != WGW_CBOR_FLOAT))
    {
        return 2;
    }

    if (is_a && is_b) {
        return m < n ? -1 : m > n;
    }

    memcpy(&x, &a->number, sizeof(x));
    memcpy(&y, &b->number, sizeof(y));

    if (is_a) {
        return wgw_cbor_against(m, y);
    }

    if (is_b) {
        return -wgw_cbor_against(n, x);
    }

    return x < y ? -1 : x > y;
}


static int
wgw_cbor_integer(const wgw_cbor_t *item, __int128 *number)
{
    if (item->type == WGW_CBOR_UINT) {
        *number = (__int128) item->number;
        return 1;
    }

    if (item->type == WGW_CBOR_NINT) {
        *number = -1 - (__int128) item->number;
        return 1;
    }

    *number = 0;

    return 0;
}


/* Exact: an integer of 64 bits does not always fit into a double. */

static int
wgw_cbor_against(__int128 number, double real)
{
    double    rest;
    __int128  whole;

    if (real >= WGW_CBOR_WIDE || real <= -WGW_CBOR_WIDE) {
        return real > 0 ? -1 : 1;
    }

    whole = (__int128) real;

    if (number != whole) {
        return number < whole ? -1 : 1;
    }

    rest = real - (double) whole;

    return rest > 0 ? -1 : rest < 0;
}


void
wgw_cbor_put_null(wgw_out_t *out)
{
    wgw_out_bytes(out, "\xf6", 1);
}


void
wgw_cbor_put_bool(wgw_out_t *out, unsigned truth)
{
    wgw_out_bytes(out, truth ? "\xf5" : "\xf4", 1);
}


void
wgw_cbor_put_int(wgw_out_t *out, int64_t number)
{
    if (number < 0) {
        wgw_cbor_put_head(out, 1, (uint64_t) (-1 - number));

    } else {
        wgw_cbor_put_head(out, 0, (uint64_t) number);
    }
}


void
wgw_cbor_put_bytes(wgw_out_t *out, const void *data, size_t len)
{
    wgw_cbor_put_head(out, 2, len);
    wgw_out_bytes(out, data, len);
}


void
wgw_cbor_put_text(wgw_out_t *out, wgw_text_t text)
{
    wgw_cbor_put_head(out, 3, text.len);
    wgw_out_bytes(out, text.data, text.len);
}


void
wgw_cbor_put_list(wgw_out_t *out, uint64_t items)
{
    wgw_cbor_put_head(out, 4, items);
}


void
wgw_cbor_put_map(wgw_out_t *out, uint64_t pairs)
{
    wgw_cbor_put_head(out, 5, pairs);
}


static void
wgw_cbor_put_head(wgw_out_t *out, unsigned major, uint64_t n)
{
    size_t   len;
    uint8_t  head[9];

    if (n < 24) {
        head[0] = (uint8_t) (major << 5 | n);
        wgw_out_bytes(out, head, 1);
        return;
    }

    head[0] = (uint8_t) (major << 5 | 24);

    for (len = 1; len < 8 && n >> 8 * len; len *= 2) {
        head[0]++;
    }

    wgw_out_bytes(out, head, 1);

    while (len) {
        head[0] = (uint8_t) (n >> 8 * --len);
        wgw_out_bytes(out, head, 1);
    }
}
