
/*
 * Views, numbers, UTF-8, and the bounded writer.
 */

#include "t/unit/tap.h"
#include "format/text.h"

#include <stdlib.h>


/* a literal with its length, so that it may have zero bytes */
#define bytes(literal)  literal, sizeof(literal) - 1


typedef struct {
    const char  *text;
    size_t       len;
    int          printable;
    const char  *json;
    const char  *label;
    const char  *what;
} text_case_t;


static const text_case_t  cases[] = {
    { bytes(""), 1, "\"\"", "\"\"", "empty" },
    { bytes("plain"), 1, "\"plain\"", "\"plain\"", "ASCII" },
    { bytes("a\"b\\c"), 1, "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\"",
      "quote and backslash" },
    { bytes("a\nb"), 0, "\"a\\nb\"", "\"a\\nb\"", "line feed" },
    { bytes("a\rb\tc"), 0, "\"a\\rb\\tc\"", "\"a\rb\tc\"",
      "carriage return and tab" },
    { bytes("\x01\x1f"), 0, "\"\\u0001\\u001f\"", "\"\x01\x1f\"",
      "control characters" },
    { bytes("\x7f"), 0, "\"\x7f\"", "\"\x7f\"", "DEL" },
    { bytes("\xc2\x85"), 0, "\"\xc2\x85\"", "\"\xc2\x85\"", "C1 control" },
    { bytes("\xc2\xa0"), 1, "\"\xc2\xa0\"", "\"\xc2\xa0\"", "U+00A0" },
    { bytes("caf\xc3\xa9"), 1, "\"caf\xc3\xa9\"", "\"caf\xc3\xa9\"",
      "two bytes" },
    { bytes("\xe2\x82\xac"), 1, "\"\xe2\x82\xac\"", "\"\xe2\x82\xac\"",
      "three bytes" },
    { bytes("\xf0\x9f\x98\x80"), 1, "\"\xf0\x9f\x98\x80\"",
      "\"\xf0\x9f\x98\x80\"", "four bytes" },
    { bytes("\xf4\x8f\xbf\xbf"), 1, "\"\xf4\x8f\xbf\xbf\"",
      "\"\xf4\x8f\xbf\xbf\"", "U+10FFFF" },
    { bytes("\xf4\x90\x80\x80"), 0,
      "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
      "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
      "above U+10FFFF" },
    { bytes("a\xff" "b"), 0, "\"a\xef\xbf\xbd" "b\"", "\"a\xef\xbf\xbd" "b\"",
      "a byte that is never UTF-8" },
    { bytes("\x80"), 0, "\"\xef\xbf\xbd\"", "\"\xef\xbf\xbd\"",
      "a lone continuation byte" },
    { bytes("\xc3"), 0, "\"\xef\xbf\xbd\"", "\"\xef\xbf\xbd\"",
      "cut after one of two" },
    { bytes("\xe2\x82"), 0, "\"\xef\xbf\xbd\xef\xbf\xbd\"",
      "\"\xef\xbf\xbd\xef\xbf\xbd\"", "cut after two of three" },
    { bytes("\xc3("), 0, "\"\xef\xbf\xbd(\"", "\"\xef\xbf\xbd(\"",
      "a second byte that does not continue" },
    { bytes("\xc0\xaf"), 0, "\"\xef\xbf\xbd\xef\xbf\xbd\"",
      "\"\xef\xbf\xbd\xef\xbf\xbd\"", "overlong slash" },
    { bytes("\xe0\x9f\xbf"), 0, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
      "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "overlong three bytes" },
    { bytes("\xf0\x8f\xbf\xbf"), 0,
      "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
      "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
      "overlong four bytes" },
    { bytes("\xed\xa0\x80"), 0, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
      "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "surrogate" }
};


typedef struct {
    const char  *text;
    uint64_t     max;
    int          rc;
    uint64_t     number;
} text_uint_t;


static const text_uint_t  uints[] = {
    { "0", 0, 0, 0 },
    { "1", 0, -1, 0 },
    { "0443", 65535, 0, 443 },
    { "65535", 65535, 0, 65535 },
    { "65536", 65535, -1, 0 },
    { "70000", 65535, -1, 0 },
    { "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
    { "18446744073709551616", UINT64_MAX, -1, 0 },
    { "99999999999999999999999", UINT64_MAX, -1, 0 },
    { "", 9, -1, 0 },
    { "+1", 9, -1, 0 },
    { "-1", 9, -1, 0 },
    { " 1", 9, -1, 0 },
    { "1 ", 9, -1, 0 },
    { "1.0", 99, -1, 0 },
    { "0x1", 99, -1, 0 }
};


static void
test_quoted(void)
{
    char                out[64];
    size_t              i;
    wgw_out_t           o;
    wgw_text_t          text;
    const text_case_t  *t;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        t = &cases[i];
        text.data = t->text;
        text.len = t->len;

        ok(wgw_text_printable(text) == t->printable, "printable: %s",
           t->what);

        wgw_out_init(&o, out, sizeof(out));
        wgw_out_json(&o, text);
        is(out, (size_t) (o.pos - out), t->json, t->what);

        wgw_out_init(&o, out, sizeof(out));
        wgw_out_label(&o, text);
        is(out, (size_t) (o.pos - out), t->label, t->what);
    }

    text.data = "a\0b";
    text.len = 3;

    ok(!wgw_text_printable(text), "printable: zero byte");

    wgw_out_init(&o, out, sizeof(out));
    wgw_out_json(&o, text);
    is(out, (size_t) (o.pos - out), "\"a\\u0000b\"", "zero byte");
}


static void
test_uint(void)
{
    int         rc;
    char        out[20];
    size_t      i;
    uint64_t    number;
    wgw_out_t   o;
    wgw_text_t  text;

    for (i = 0; i < sizeof(uints) / sizeof(uints[0]); i++) {
        text.data = uints[i].text;
        text.len = strlen(uints[i].text);
        number = 0;

        rc = wgw_text_uint(text, uints[i].max, &number);

        ok(rc == uints[i].rc && number == uints[i].number,
           "number \"%s\" of at most %llu", uints[i].text,
           (unsigned long long) uints[i].max);
    }

    wgw_out_init(&o, out, sizeof(out));
    wgw_out_uint(&o, UINT64_MAX);
    is(out, (size_t) (o.pos - out), "18446744073709551615", "largest number");
    ok(!o.overflow, "it fits 20 bytes");

    wgw_out_init(&o, out, sizeof(out));
    wgw_out_uint(&o, 0);
    is(out, (size_t) (o.pos - out), "0", "zero");
}


/* Each size from nothing to all: what lies behind must stay untouched. */

static void
test_overflow(void)
{
    char        *out;
    size_t       size, full;
    unsigned     bad;
    wgw_out_t    o;

    full = sizeof("ab12345\"x\\ny\"") - 1;
    bad = 0;

    for (size = 0; size <= full + 1; size++) {

        /* on the heap, where the sanitizer sees a byte too many */

        out = malloc(size ? size : 1);

        wgw_out_init(&o, out, size);
        wgw_out_str(&o, "ab");
        wgw_out_uint(&o, 12345);
        wgw_out_json(&o, wgw_text("x\ny"));
        wgw_out_bytes(&o, NULL, 0);

        if (o.overflow != (size < full) || o.pos > o.end) {
            bad++;
        }

        free(out);
    }

    ok(bad == 0, "overflow is flagged exactly when it happens");

    {
        char  small[4];

        wgw_out_init(&o, small, sizeof(small));
        wgw_out_str(&o, "abc");
        wgw_out_str(&o, "too long");
        is(small, (size_t) (o.pos - small), "abc",
           "a piece that does not fit is dropped whole");
    }
}


/* Keys: any bytes, no two of them written as one (field 11 kinds). */

static const struct {
    const char  *text;
    size_t       len;
    const char  *json;
    const char  *label;
} keys[] = {
    { bytes("plain"), "\"plain\"", "\"plain\"" },
    { bytes("caf\xc3\xa9"), "\"caf\xc3\xa9\"", "\"caf\xc3\xa9\"" },
    { bytes("caf\xe9"), "\"caf\\\\xe9\"", "\"caf\\\\xe9\"" },
    { bytes("caf\xe8"), "\"caf\\\\xe8\"", "\"caf\\\\xe8\"" },
    { bytes("caf\xef\xbf\xbd"), "\"caf\xef\xbf\xbd\"",
      "\"caf\xef\xbf\xbd\"" },
    { bytes("caf\\xe9"), "\"caf\\\\x5cxe9\"", "\"caf\\\\x5cxe9\"" },
    { bytes("\\"), "\"\\\\\"", "\"\\\\\"" },
    { bytes("\\\xe9"), "\"\\\\\\\\xe9\"", "\"\\\\\\\\xe9\"" },
    { bytes("C:\\dir"), "\"C:\\\\dir\"", "\"C:\\\\dir\"" },
    { bytes("a\xe2\x80\x8b"), "\"a\\\\xe2\\\\x80\\\\x8b\"",
      "\"a\\\\xe2\\\\x80\\\\x8b\"" },
    { bytes("\xef\xbb\xbf" "a"), "\"\\\\xef\\\\xbb\\\\xbfa\"",
      "\"\\\\xef\\\\xbb\\\\xbfa\"" },
    { bytes("a\rb"), "\"a\\rb\"", "\"a\\\\x0db\"" },
    { bytes("a\nb"), "\"a\\nb\"", "\"a\\nb\"" },
    { bytes("a\x7f\"b"), "\"a\\\\x7f\\\"b\"", "\"a\\\\x7f\\\"b\"" },
    { bytes("a\0b"), "\"a\\u0000b\"", "\"a\\\\x00b\"" }
};


static void
test_keys(void)
{
    char        buffer[256];
    size_t      i;
    wgw_out_t   out;
    wgw_text_t  text;

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        text.data = keys[i].text;
        text.len = keys[i].len;

        wgw_out_init(&out, buffer, sizeof(buffer));
        wgw_out_json_key(&out, text);
        is(buffer, (size_t) (out.pos - buffer), keys[i].json, "key, JSON");

        wgw_out_init(&out, buffer, sizeof(buffer));
        wgw_out_label_key(&out, text);
        is(buffer, (size_t) (out.pos - buffer), keys[i].label, "key, label");
    }

    ok(wgw_text_visible(wgw_text("a \xc3\xa9 \xf0\x9f\x98\x80")), "visible");
    ok(!wgw_text_visible(wgw_text("a\xe2\x80\x8b")), "a blank of no width");
    ok(!wgw_text_visible(wgw_text("a\xe2\x80\xae")), "turned");
    ok(!wgw_text_visible(wgw_text("\xef\xbb\xbf" "a")), "a byte order mark");
    ok(!wgw_text_visible(wgw_text("\xe9")), "no UTF-8");

    is(wgw_text_marked(wgw_text("\xef\xbb\xbf{")).data, 1, "{",
       "a mark is cut off");
    ok(wgw_text_marked(wgw_text("\xef\xbb")).len == 2, "half of one is not");
}


int
main(void)
{
    wgw_text_t  none = { NULL, 0 };

    ok(wgw_text_equal(wgw_text("ab"), wgw_text("ab")), "equal");
    ok(!wgw_text_equal(wgw_text("ab"), wgw_text("ac")), "other byte");
    ok(!wgw_text_equal(wgw_text("ab"), wgw_text("abc")), "other length");
    ok(wgw_text_equal(none, wgw_text("")), "nothing equals empty");

    test_quoted();
    test_keys();
    test_uint();
    test_overflow();

    return done();
}
