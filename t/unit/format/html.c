
/*
 * Text in a document: nothing of it is markup, and nothing is hidden.
 */

#include "t/unit/tap.h"
#include "format/html.h"


static const struct {
    const char  *text;
    size_t       len;
    const char  *html;
} cases[] = {
    { "shop.gw1.example", 16, "shop.gw1.example" },
    { "<script>alert(1)</script>", 25,
      "&lt;script&gt;alert(1)&lt;/script&gt;" },
    { "\" onload='x' &amp;", 18, "&quot; onload=&#39;x&#39; &amp;amp;" },
    { "gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f" },
    { "a\0b\nc", 5, "a\\x00b\\x0ac" },
    { "\xff<", 2, "\\xff&lt;" },
    { "\xc3", 1, "\\xc3" },
    { "a\xe2\x80\xaeg", 5, "a\\xe2\\x80\\xaeg" },
    { "\\x41", 4, "\\x5cx41" },
    { "C:\\dir", 6, "C:\\dir" },
    { "", 0, "" }
};


int
main(void)
{
    char       buffer[256];
    size_t     i;
    unsigned   c, bad;
    wgw_out_t  out;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wgw_out_init(&out, buffer, sizeof(buffer));
        wgw_out_html(&out, (wgw_text_t) { cases[i].text, cases[i].len });

        is(buffer, out.pos - buffer, cases[i].html, cases[i].html);
    }

    for (c = 0, bad = 0; c < 256; c++) {
        char  byte = (char) c;

        wgw_out_init(&out, buffer, sizeof(buffer));
        wgw_out_html(&out, (wgw_text_t) { &byte, 1 });

        bad += out.pos - out.start > WGW_HTML_MAX;
        bad += memchr(buffer, '<', out.pos - out.start) != NULL;
        bad += memchr(buffer, '"', out.pos - out.start) != NULL;
    }

    ok(bad == 0, "every byte is bounded, and none opens anything");

    wgw_out_init(&out, buffer, sizeof(buffer));
    wgw_out_query(&out, wgw_text("*.a b&c=\xc3~"));
    is(buffer, out.pos - buffer, "%2a.a%20b%26c%3d%c3~", "in a query");

    return done();
}
