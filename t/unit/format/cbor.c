
/*
 * The strict reader of DAG-CBOR.
 */

#include "t/unit/tap.h"
#include "t/unit/claims/vectors.h"
#include "format/hex.h"


/* egress 88: every row of the vectors. */

static void
test_vectors(void)
{
    size_t       i, len;
    uint8_t     *bytes;
    yajl_val     root, row;
    const char  *hex, *reason, *expected;

    root = vectors_read("ucan", "cbor");

    for (i = 0; i < YAJL_GET_ARRAY(member(root, "vectors"))->len; i++) {
        row = YAJL_GET_ARRAY(member(root, "vectors"))->values[i];
        hex = string(row, "hex");
        len = strlen(hex) / 2;

        bytes = malloc(len ? len : 1);
        wgw_hex_decode(bytes, len, view(hex));

        reason = wgw_cbor_check(bytes, len);
        expected = string(row, "reason");

        if (!ok(expected ? reason && strcmp(reason + 5, expected) == 0
                         : reason == NULL,
                "egress 88: %s: %s", string(row, "what"),
                string(row, "expect")))
        {
            printf("# got %s\n", reason ? reason : "accept");
        }

        free(bytes);
    }

    yajl_tree_free(root);
}


typedef struct {
    const char  *hex;
    const char  *reason;
    const char  *what;
} more_t;


static const more_t  more[] = {
    { "5fff", "cbor:indefinite", "egress 75: endless bytes" },
    { "1f", "cbor:reserved", "an endless integer" },
    { "9bffffffffffffffff", "cbor:truncated", "egress 86: an endless array" },
    { "bb7fffffffffffffff00", "cbor:truncated", "egress 86: a huge map" },
    { "7b4000000000000000", "cbor:truncated", "egress 86: a huge text" },
    { "5bffffffffffffffff", "cbor:truncated", "huge bytes" },
    { "d82a4101", "cbor:tag42-prefix", "a link of one other byte" },
    { "d82a6161", "cbor:tag42-type", "a link that is text" },
    { "d82a430001ff", "cbor:tag42-cid", "a link to no CID" },
    { "d82a", "cbor:truncated", "a link of nothing" },
    { "d82a582600017112209f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d"
      "6c15b0f00a0800", "cbor:tag42-cid", "a link and a byte" },
    { "c101", "cbor:tag", "tag 1" },
    { "c24101", "cbor:tag", "egress 85: a bignum" },
    { "a1f4f4", "cbor:key-not-string", "a key that is false" },
    { "a18001", "cbor:key-not-string", "a key that is a list" },
    { "a16161", "cbor:truncated", "a key without a value" },
    { "a26161a1616101616202", NULL, "a map in a map" },
    { "fb7ff8", "cbor:truncated", "a float cut" },
    { "f820", "cbor:simple", "simple value 32" },
    { "63eda080", "cbor:bad-utf8", "a surrogate" },
    { "64f4908080", "cbor:bad-utf8", "beyond the last code point" },
    { "62c080", "cbor:bad-utf8", "an overlong zero" },
    { "6100", NULL, "a zero byte in a text" }
};


static void
test_more(void)
{
    char         deep[WGW_CBOR_DEPTH + 2];
    size_t       i, len;
    uint8_t     *bytes;
    const char  *reason;

    for (i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        len = strlen(more[i].hex) / 2;
        bytes = malloc(len);
        wgw_hex_decode(bytes, len, view(more[i].hex));
        reason = wgw_cbor_check(bytes, len);

        ok(reason == more[i].reason
           || (reason && more[i].reason
               && strcmp(reason, more[i].reason) == 0),
           "%s: %s", more[i].what, reason ? reason : "accept");

        free(bytes);
    }

    memset(deep, 0x81, sizeof(deep));
    deep[WGW_CBOR_DEPTH] = 0;
    ok(wgw_cbor_check(deep, WGW_CBOR_DEPTH + 1) == NULL, "64 deep");
    deep[WGW_CBOR_DEPTH] = (char) 0x81;
    deep[WGW_CBOR_DEPTH + 1] = 0;
    reason = wgw_cbor_check(deep, WGW_CBOR_DEPTH + 2);
    ok(reason && strcmp(reason, "cbor:too-deep") == 0, "65 deep");
}


static void
test_bounds(void)
{
    char         *bytes;
    const char   *reason;

    /* a list of as many items as there may be, itself among them */

    bytes = calloc(1, WGW_CBOR_ITEMS + 3);
    bytes[0] = (char) 0x99;
    bytes[1] = (char) ((WGW_CBOR_ITEMS - 1) >> 8);
    bytes[2] = (char) ((WGW_CBOR_ITEMS - 1) & 0xff);
    ok(wgw_cbor_check(bytes, WGW_CBOR_ITEMS + 2) == NULL, "4096 items");

    bytes[1] = (char) (WGW_CBOR_ITEMS >> 8);
    bytes[2] = (char) (WGW_CBOR_ITEMS & 0xff);
    reason = wgw_cbor_check(bytes, WGW_CBOR_ITEMS + 3);
    ok(reason && strcmp(reason, "cbor:too-many-items") == 0, "4097 items");
    free(bytes);

    bytes = malloc(3 + WGW_CBOR_TEXT_MAX + 1);
    memset(bytes, 'a', 3 + WGW_CBOR_TEXT_MAX + 1);
    bytes[0] = 0x79;
    bytes[1] = (char) (WGW_CBOR_TEXT_MAX >> 8);
    bytes[2] = (char) (WGW_CBOR_TEXT_MAX & 0xff);
    ok(wgw_cbor_check(bytes, 3 + WGW_CBOR_TEXT_MAX) == NULL, "a long text");
    bytes[2]++;
    reason = wgw_cbor_check(bytes, 3 + WGW_CBOR_TEXT_MAX + 1);
    ok(reason && strcmp(reason, "cbor:text-long") == 0, "a longer text");
    free(bytes);
}


typedef struct {
    const char  *a;
    const char  *b;
    int          order;             /* 2: not comparable */
    int          equal;
} pair_t;


static const pair_t  pairs[] = {
    { "01", "01", 0, 1 },
    { "01", "20", 1, 0 },
    { "20", "21", 1, 0 },
    { "01", "fb3ff0000000000000", 0, 1 },
    { "01", "fb3ff8000000000000", -1, 0 },          /* 1.5 */
    { "20", "fbbff8000000000000", 1, 0 },           /* -1 and -1.5 */
    { "21", "fbbff8000000000000", -1, 0 },
    { "00", "fb8000000000000000", 0, 1 },           /* -0.0 */
    { "1bffffffffffffffff", "fb43f0000000000000", -1, 0 },  /* 2^64 */
    { "3bffffffffffffffff", "fbc3f0000000000000", 0, 1 },   /* -2^64 */
    { "1b0020000000000001", "fb4340000000000000", 1, 0 },   /* 2^53 + 1 */
    { "1b0020000000000000", "fb4340000000000000", 0, 1 },
    { "01", "fb7fefffffffffffff", -1, 0 },
    { "01", "fbffefffffffffffff", 1, 0 },
    { "00", "fb0000000000000001", -1, 0 },
    { "f5", "01", 2, 0 },
    { "f6", "f6", 2, 1 },
    { "f5", "f4", 2, 0 },
    { "4161", "6161", 2, 0 },
    { "6161", "6161", 2, 1 },
    { "80", "a0", 2, 0 },
    { "8101", "81fb3ff0000000000000", 2, 1 },
    { "a1616101", "a16161fb3ff0000000000000", 2, 1 },
    { "a1616101", "a1616201", 2, 0 },
    { "a1616101", "a0", 2, 0 },
    { "820102", "820103", 2, 0 }
};


static void
test_order(void)
{
    size_t      i;
    uint8_t     a[16], b[16];
    wgw_cbor_t  x, y;

    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        wgw_hex_decode(a, strlen(pairs[i].a) / 2, view(pairs[i].a));
        wgw_hex_decode(b, strlen(pairs[i].b) / 2, view(pairs[i].b));
        wgw_cbor_read(&x, a);
        wgw_cbor_read(&y, b);

        ok(wgw_cbor_compare(&x, &y) == pairs[i].order
           && wgw_cbor_compare(&y, &x)
              == (pairs[i].order == 2 ? 2 : -pairs[i].order)
           && wgw_cbor_equal(&x, &y) == pairs[i].equal
           && wgw_cbor_equal(&y, &x) == pairs[i].equal,
           "%s and %s", pairs[i].a, pairs[i].b);
    }
}


static void
test_write(void)
{
    char       bytes[64], hex[128];
    wgw_out_t  out;

    wgw_out_init(&out, bytes, sizeof(bytes));
    wgw_cbor_put_list(&out, 9);
    wgw_cbor_put_int(&out, 23);
    wgw_cbor_put_int(&out, 24);
    wgw_cbor_put_int(&out, 65535);
    wgw_cbor_put_int(&out, 65536);
    wgw_cbor_put_int(&out, -257);
    wgw_cbor_put_int(&out, INT64_C(4294967296));
    wgw_cbor_put_text(&out, wgw_text("a"));
    wgw_cbor_put_bool(&out, 1);
    wgw_cbor_put_null(&out);

    wgw_hex_encode(hex, (uint8_t *) bytes, (size_t) (out.pos - bytes));
    is(hex, 2 * (size_t) (out.pos - bytes),
       "8917181819ffff1a000100003901001b00000001000000006161f5f6",
       "heads are shortest");
    ok(wgw_cbor_check(bytes, (size_t) (out.pos - bytes)) == NULL,
       "what is written is read");
}


/* Walks through what was checked; every item is a part of it. */

static const uint8_t *
walk(const uint8_t *p, size_t *items)
{
    uint64_t        n;
    wgw_cbor_t      item;
    const uint8_t  *next;

    next = wgw_cbor_read(&item, p);
    (*items)++;

    if (item.type == WGW_CBOR_LIST || item.type == WGW_CBOR_MAP) {

        for (n = item.type == WGW_CBOR_MAP ? 2 * item.number : item.number; n;
             n--)
        {
            next = walk(next, items);
        }
    }

    return next == wgw_cbor_skip(p) ? next : NULL;
}


static uint32_t
number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;

    return (uint32_t) (*state >> 32);
}


/* One to four bytes changed, left out, doubled or taken from elsewhere. */

static size_t
mutate(uint8_t *bytes, size_t len, size_t room, uint64_t *state)
{
    size_t    at, from;
    uint32_t  times;

    for (times = 1 + number(state) % 4; times && len; times--) {
        at = number(state) % len;
        from = number(state) % len;

        switch (number(state) % 5) {

        case 0:
            bytes[at] ^= (uint8_t) (1 << number(state) % 8);
            break;

        case 1:
            bytes[at] = (uint8_t) number(state);
            break;

        case 2:
            memmove(bytes + at, bytes + at + 1, --len - at);
            break;

        case 3:

            if (len < room) {
                memmove(bytes + at + 1, bytes + at, len++ - at);
            }

            break;

        default:
            bytes[at] = bytes[from];
        }
    }

    return len;
}


/*
 * egress 93: six hundred thousand mutations, as many as a thousand a second
 * for ten minutes are; what is taken still is a whole, and not a byte less.
 * Each is in memory of its own length: a reader that goes beyond is seen by
 * sanitizers.
 */

#define MUTATIONS  600000


static void
test_mutations(void)
{
    size_t      i, n, len, rows, items, bad, taken;
    uint8_t     bytes[8192], *copy;
    uint64_t    state;
    yajl_val    root, list, row;
    const char *hex;

    root = vectors_read("ucan", "cbor");
    list = member(root, "vectors");
    rows = YAJL_GET_ARRAY(list)->len;
    state = UINT64_C(0x9e3779b97f4a7c15);
    bad = 0;
    taken = 0;

    for (i = 0; i < MUTATIONS; i++) {
        row = YAJL_GET_ARRAY(list)->values[i % rows];
        hex = string(row, "hex");
        n = strlen(hex) / 2;

        if (n > sizeof(bytes) / 2) {
            continue;
        }

        wgw_hex_decode(bytes, n, view(hex));
        len = mutate(bytes, n, sizeof(bytes), &state);
        copy = malloc(len ? len : 1);
        memcpy(copy, bytes, len);

        if (wgw_cbor_check(copy, len) == NULL) {
            items = 0;
            taken++;
            bad += walk(copy, &items) != copy + len
                   || items > WGW_CBOR_ITEMS
                   || wgw_cbor_check(copy, len - 1) == NULL;
        }

        free(copy);
    }

    ok(bad == 0, "egress 93: %d mutations, %zu taken, %zu of them wrongly",
       MUTATIONS, taken, bad);
    ok(taken > 0 && taken < MUTATIONS, "some are taken, and some not");

    yajl_tree_free(root);
}


int
main(void)
{
    test_vectors();
    test_more();
    test_bounds();
    test_order();
    test_write();
    test_mutations();

    return done();
}
