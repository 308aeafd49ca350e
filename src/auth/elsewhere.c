
#include "auth/elsewhere.h"
#include "format/hex.h"


static ngx_int_t elsewhere_number(wgw_text_t *text, int64_t *number);


ngx_str_t
wgw_elsewhere_name(u_char *buffer, const uint8_t address[WGW_TOKENS_ADDRESS],
    wgw_text_t nonce)
{
    u_char     *p;
    ngx_str_t   name;

    p = ngx_hex_dump(buffer, (u_char *) address, WGW_TOKENS_ADDRESS);
    *p++ = ':';
    p = ngx_cpymem(p, nonce.data, nonce.len);

    name.data = buffer;
    name.len = p - buffer;

    return name;
}


ngx_int_t
wgw_elsewhere_token(wgw_elsewhere_t *elsewhere,
    const uint8_t id[WGW_TOKENS_ID], int64_t until)
{
    u_char     *p, buffer[WGW_ELSEWHERE_TEXT];
    ngx_str_t   text;

    p = ngx_cpymem(buffer, "token ", 6);
    p = ngx_hex_dump(p, (u_char *) id, WGW_TOKENS_ID);
    p = ngx_sprintf(p, " %L", until);

    text.data = buffer;
    text.len = p - buffer;

    return elsewhere->say(elsewhere->desk, &text);
}


ngx_int_t
wgw_elsewhere_address(wgw_elsewhere_t *elsewhere,
    const uint8_t address[WGW_TOKENS_ADDRESS], int64_t second, int64_t until)
{
    u_char     *p, buffer[WGW_ELSEWHERE_TEXT];
    ngx_str_t   text;

    p = ngx_cpymem(buffer, "address ", 8);
    p = ngx_hex_dump(p, (u_char *) address, WGW_TOKENS_ADDRESS);
    p = ngx_sprintf(p, " %L %L", second, until);

    text.data = buffer;
    text.len = p - buffer;

    return elsewhere->say(elsewhere->desk, &text);
}


ngx_int_t
wgw_elsewhere_heard(wgw_expiring_t *table, wgw_text_t text, int64_t now)
{
    int64_t  second, until;
    uint8_t  id[WGW_TOKENS_ID], address[WGW_TOKENS_ADDRESS];

    if (wgw_elsewhere_bytes(&text, "token ", id, WGW_TOKENS_ID) == NGX_OK) {

        if (elsewhere_number(&text, &until) != NGX_OK || text.len) {
            return NGX_DECLINED;
        }

        if (until > now) {
            (void) wgw_tokens_revoke(table, id, until, now);
        }

        return NGX_OK;
    }

    if (wgw_elsewhere_bytes(&text, "address ", address, WGW_TOKENS_ADDRESS)
        != NGX_OK
        || elsewhere_number(&text, &second) != NGX_OK
        || elsewhere_number(&text, &until) != NGX_OK || text.len)
    {
        return NGX_DECLINED;
    }

    second = ngx_min(second, now);

    /* one that is heard again must not end keys that were given since */

    if (until > now && wgw_tokens_since(table, address, second) == second) {
        (void) wgw_tokens_revoke_address(table, address, until, second);
    }

    return NGX_OK;
}


ngx_int_t
wgw_elsewhere_bytes(wgw_text_t *text, const char *word, uint8_t *bytes,
    size_t len)
{
    size_t      skip;
    wgw_text_t  hex;

    skip = ngx_strlen(word);

    if (text->len < skip + 2 * len || ngx_memcmp(text->data, word, skip) != 0)
    {
        return NGX_DECLINED;
    }

    hex.data = text->data + skip;
    hex.len = 2 * len;

    if (wgw_hex_decode(bytes, len, hex) != 0) {
        return NGX_DECLINED;
    }

    text->data += skip + 2 * len;
    text->len -= skip + 2 * len;

    return NGX_OK;
}


/* " NUMBER" */

static ngx_int_t
elsewhere_number(wgw_text_t *text, int64_t *number)
{
    size_t      n;
    uint64_t    value;
    wgw_text_t  digits;

    if (text->len < 2 || text->data[0] != ' ') {
        return NGX_DECLINED;
    }

    for (n = 1; n < text->len && text->data[n] != ' '; n++) { /* void */ }

    digits.data = text->data + 1;
    digits.len = n - 1;

    if (wgw_text_uint(digits, INT64_MAX, &value) != 0) {
        return NGX_DECLINED;
    }

    *number = (int64_t) value;
    text->data += n;
    text->len -= n;

    return NGX_OK;
}
