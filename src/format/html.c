
#include "format/html.h"


static const char  digits[] = "0123456789abcdef";


static const char *html_entity(uint8_t c);


void
wgw_out_html(wgw_out_t *out, wgw_text_t text)
{
    char            hex[] = "\\x00";
    size_t          i, n;
    uint32_t        code;
    const char     *entity;
    const uint8_t  *p;

    p = (const uint8_t *) text.data;

    for (i = 0; i < text.len; i += n) {

        n = wgw_text_utf8(p + i, text.len - i, &code);

        if (n == 0
            || !wgw_text_visible((wgw_text_t) { text.data + i, n })
            || (p[i] == '\\' && i + 1 < text.len && p[i + 1] == 'x'))
        {
            hex[2] = digits[p[i] >> 4];
            hex[3] = digits[p[i] & 15];

            wgw_out_bytes(out, hex, 4);

            /* the rest of a sequence is none that is whole */

            n = 1;
            continue;
        }

        entity = html_entity(p[i]);

        if (entity) {
            wgw_out_str(out, entity);

        } else {
            wgw_out_bytes(out, p + i, n);
        }
    }
}


static const char *
html_entity(uint8_t c)
{
    switch (c) {

    case '&':
        return "&amp;";

    case '<':
        return "&lt;";

    case '>':
        return "&gt;";

    case '"':
        return "&quot;";

    case '\'':
        return "&#39;";

    default:
        return NULL;
    }
}


void
wgw_out_query(wgw_out_t *out, wgw_text_t text)
{
    char            hex[] = "%00";
    size_t          i;
    const uint8_t  *p;

    p = (const uint8_t *) text.data;

    for (i = 0; i < text.len; i++) {

        if ((p[i] >= '0' && p[i] <= '9')
            || ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'z')
            || p[i] == '-' || p[i] == '.' || p[i] == '_' || p[i] == '~')
        {
            wgw_out_bytes(out, p + i, 1);
            continue;
        }

        hex[1] = digits[p[i] >> 4];
        hex[2] = digits[p[i] & 15];

        wgw_out_bytes(out, hex, 3);
    }
}
