
/*
 * http_args: see http_args.h.
 */

#include "claims/http_args.h"


#define ARGS_NAMES  128                 /* of headers, of the query */
#define ARGS_ROOM   32768               /* of all of them as CBOR */


typedef struct {
    wgw_text_t    name;
    wgw_text_t    value;
} args_pair_t;


static int args_find(void *data, wgw_text_t group, const wgw_text_t *name,
    wgw_cbor_t *value);
static int args_text(wgw_cbor_t *value, const u_char *data, size_t len);
static void args_set(wgw_text_t *text, const ngx_str_t *value);
static unsigned args_url(wgw_http_args_t *http, wgw_text_t *text);
static unsigned args_header(wgw_http_args_t *http, wgw_text_t name,
    wgw_text_t *text);
static unsigned args_is(const ngx_table_elt_t *header, wgw_text_t name);
static unsigned args_join(wgw_http_args_t *http, wgw_text_t name,
    wgw_text_t *text, size_t len);
static unsigned args_single(wgw_text_t name);
static void args_origin(wgw_text_t *text);
static unsigned args_query(wgw_http_args_t *http, wgw_text_t name,
    wgw_text_t *text);
static unsigned args_next(ngx_http_request_t *r, size_t *at,
    args_pair_t *pair);
static unsigned args_unescape(ngx_http_request_t *r, wgw_text_t *text);
static const wgw_cbor_t *args_whole(void *data);
static unsigned args_write(wgw_http_args_t *http, wgw_out_t *out);
static unsigned args_write_group(wgw_http_args_t *http, wgw_out_t *out,
    const char *group, wgw_text_t *names, size_t n);
static unsigned args_add(wgw_text_t *names, size_t *n, wgw_text_t name);
static unsigned args_header_names(wgw_http_args_t *http, wgw_text_t *names,
    size_t *n);
static unsigned args_query_names(wgw_http_args_t *http, wgw_text_t *names,
    size_t *n);
static int ngx_libc_cdecl args_order(const void *a, const void *b);


void
wgw_http_args(wgw_policy_args_t *args, wgw_http_args_t *http)
{
    args->find = args_find;
    args->whole = args_whole;
    args->data = http;

    http->has_url = 0;
    http->has_whole = 0;
}


static int
args_find(void *data, wgw_text_t group, const wgw_text_t *name,
    wgw_cbor_t *value)
{
    wgw_text_t         text;
    wgw_claim_arg_t    arg;
    wgw_http_args_t   *http = data;

    arg = wgw_claim_arg(group, name != NULL);

    if (arg == WGW_CLAIM_ARG_GROUP) {
        return -1;
    }

    if (!wgw_http_args_text(http, arg, name, &text)) {
        return 0;
    }

    if (arg == WGW_CLAIM_ARG_CONTENT) {
        ngx_memzero(value, sizeof(wgw_cbor_t));
        value->type = WGW_CBOR_BYTES;
        value->bytes = text;
        return 1;
    }

    return args_text(value, (u_char *) text.data, text.len);
}


unsigned
wgw_http_args_text(wgw_http_args_t *http, wgw_claim_arg_t arg,
    const wgw_text_t *name, wgw_text_t *text)
{
    ngx_http_request_t  *r;

    r = http->request;

    switch (arg) {

    case WGW_CLAIM_ARG_HEADER:
        return name ? args_header(http, *name, text) : 0;

    case WGW_CLAIM_ARG_QUERY:
        return name ? args_query(http, *name, text) : 0;

    case WGW_CLAIM_ARG_CONTENT:
        *text = http->content;
        return 1;

    case WGW_CLAIM_ARG_URL:
        return args_url(http, text);

    case WGW_CLAIM_ARG_METHOD:
        args_set(text, &r->method_name);
        return 1;

    case WGW_CLAIM_ARG_PATH:
        args_set(text, &r->uri);
        return 1;

    case WGW_CLAIM_ARG_HOST:
        args_set(text, &r->headers_in.server);
        return text->len != 0;

    default:
        return 0;
    }
}


static void
args_set(wgw_text_t *text, const ngx_str_t *value)
{
    text->data = (char *) value->data;
    text->len = value->len;
}


/* 1, or 0 for what is no text. */

static int
args_text(wgw_cbor_t *value, const u_char *data, size_t len)
{
    size_t          n, left;
    uint32_t        code;
    uint64_t        word;
    const uint8_t  *p;

    p = data;

    for (left = len; left; left -= n, p += n) {

        n = sizeof(uint64_t);

        if (left >= n) {
            ngx_memcpy(&word, p, n);

            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                continue;
            }
        }

        if (*p < 0x80) {
            n = 1;
            continue;
        }

        n = wgw_text_utf8(p, left, &code);

        if (n == 0) {
            return 0;
        }
    }

    ngx_memzero(value, sizeof(wgw_cbor_t));

    value->type = WGW_CBOR_TEXT;
    value->bytes.data = (const char *) data;
    value->bytes.len = len;

    return 1;
}


static unsigned
args_url(wgw_http_args_t *http, wgw_text_t *text)
{
    if (http->url == NULL) {
        return 0;
    }

    if (!http->has_url) {

        if (ngx_http_complex_value(http->request, http->url,
                                   &http->url_value)
            != NGX_OK)
        {
            return 0;
        }

        http->has_url = 1;
    }

    args_set(text, &http->url_value);

    return 1;
}


static unsigned
args_header(wgw_http_args_t *http, wgw_text_t name, wgw_text_t *text)
{
    size_t            len;
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    len = 0;
    n = 0;

    for (part = &http->request->headers_in.headers.part; part;
         part = part->next)
    {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (args_is(&header[i], name)) {
                args_set(text, &header[i].value);
                len += header[i].value.len + 2;
                n++;
            }
        }
    }

    if (n == 0
        || (n > 1 && (args_single(name)
                      || !args_join(http, name, text, len))))
    {
        return 0;
    }

    if (http->origin_host && wgw_text_equal(name, wgw_text("origin"))) {
        args_origin(text);
    }

    return 1;
}


static unsigned
args_is(const ngx_table_elt_t *header, wgw_text_t name)
{
    return header->key.len == name.len
           && ngx_memcmp(header->lowcase_key, name.data, name.len) == 0;
}


/* Several lines in `len` bytes, with ", " behind each; 0: no memory. */

static unsigned
args_join(wgw_http_args_t *http, wgw_text_t name, wgw_text_t *text,
    size_t len)
{
    u_char           *p;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    p = ngx_pnalloc(http->request->pool, len);
    if (p == NULL) {
        return 0;
    }

    text->data = (char *) p;
    text->len = len - 2;

    for (part = &http->request->headers_in.headers.part; part;
         part = part->next)
    {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (args_is(&header[i], name)) {
                p = ngx_cpymem(p, header[i].value.data, header[i].value.len);
                *p++ = ',';
                *p++ = ' ';
            }
        }
    }

    return 1;
}


static unsigned
args_single(wgw_text_t name)
{
    return wgw_text_equal(name, wgw_text("origin"))
           || wgw_text_equal(name, wgw_text("host"))
           || wgw_text_equal(name, wgw_text("authorization"));
}


/* https://example.com:8443 as example.com */

static void
args_origin(wgw_text_t *text)
{
    u_char  *p, *last, *host;

    p = (u_char *) text->data;
    last = p + text->len;

    host = ngx_strlcasestrn(p, last, (u_char *) "://", 2);

    if (host == NULL) {
        return;
    }

    host += 3;
    p = host;

    if (p < last && *p == '[') {

        while (p < last && *p != ']') {
            p++;
        }
    }

    while (p < last && *p != ':' && *p != '/') {
        p++;
    }

    text->data = (char *) host;
    text->len = p - host;
}


static unsigned
args_query(wgw_http_args_t *http, wgw_text_t name, wgw_text_t *text)
{
    size_t         at;
    unsigned       found;
    args_pair_t    pair;

    at = 0;
    found = 0;

    while (args_next(http->request, &at, &pair)) {

        if (!args_unescape(http->request, &pair.name)
            || !wgw_text_equal(pair.name, name))
        {
            continue;
        }

        if (found++) {
            return 0;
        }

        *text = pair.value;
    }

    return found && args_unescape(http->request, text);
}


/* The next pair of the query, as it came; a name without `=` is empty. */

static unsigned
args_next(ngx_http_request_t *r, size_t *at, args_pair_t *pair)
{
    size_t   i;
    u_char  *p;

    p = r->args.data;
    i = *at;

    while (i < r->args.len && p[i] == '&') {
        i++;
    }

    if (i >= r->args.len) {
        return 0;
    }

    pair->name.data = (char *) p + i;

    while (i < r->args.len && p[i] != '&' && p[i] != '=') {
        i++;
    }

    pair->name.len = (char *) p + i - pair->name.data;

    if (i < r->args.len && p[i] == '=') {
        i++;
    }

    pair->value.data = (char *) p + i;

    while (i < r->args.len && p[i] != '&') {
        i++;
    }

    pair->value.len = (char *) p + i - pair->value.data;
    *at = i;

    return 1;
}


/* 0: no memory */

static unsigned
args_unescape(ngx_http_request_t *r, wgw_text_t *text)
{
    u_char  *dst, *src, *start;

    if (text->len == 0 || memchr(text->data, '%', text->len) == NULL) {
        return 1;
    }

    start = ngx_pnalloc(r->pool, text->len);
    if (start == NULL) {
        return 0;
    }

    dst = start;
    src = (u_char *) text->data;

    ngx_unescape_uri(&dst, &src, text->len, 0);

    text->data = (char *) start;
    text->len = dst - start;

    return 1;
}


/* For the few policies that want more than one of them. */

static const wgw_cbor_t *
args_whole(void *data)
{
    char             *buffer;
    wgw_out_t         out;
    wgw_http_args_t  *http = data;

    if (http->has_whole) {
        return &http->whole;
    }

    buffer = ngx_palloc(http->request->pool, ARGS_ROOM);
    if (buffer == NULL) {
        return NULL;
    }

    wgw_out_init(&out, buffer, ARGS_ROOM);

    if (!args_write(http, &out) || out.overflow
        || wgw_cbor_check(buffer, out.pos - buffer) != NULL)
    {
        return NULL;
    }

    wgw_cbor_read(&http->whole, (uint8_t *) buffer);
    http->has_whole = 1;

    return &http->whole;
}


/* Keys are in the order of DAG-CBOR. */

static unsigned
args_write(wgw_http_args_t *http, wgw_out_t *out)
{
    size_t       i, n, nheaders, nquery;
    wgw_cbor_t   value;
    wgw_text_t   headers[ARGS_NAMES], query[ARGS_NAMES];

    static const wgw_text_t  names[] = {
        { "url", 3 }, { "host", 4 }, { "path", 4 }, { "method", 6 }
    };

    if (!args_header_names(http, headers, &nheaders)
        || !args_query_names(http, query, &nquery))
    {
        return 0;
    }

    n = 3;                              /* content, query, headers */

    for (i = 0; i < 4; i++) {
        n += args_find(http, names[i], NULL, &value) == 1;
    }

    wgw_cbor_put_map(out, n);

    for (i = 0; i < 4; i++) {

        if (i == 3 && !args_write_group(http, out, "query", query, nquery)) {
            return 0;
        }

        if (args_find(http, names[i], NULL, &value) == 1) {
            wgw_cbor_put_text(out, names[i]);
            wgw_cbor_put_text(out, value.bytes);
        }
    }

    wgw_cbor_put_text(out, wgw_text("content"));
    wgw_cbor_put_bytes(out, http->content.data, http->content.len);

    return args_write_group(http, out, "headers", headers, nheaders);
}


static unsigned
args_write_group(wgw_http_args_t *http, wgw_out_t *out, const char *group,
    wgw_text_t *names, size_t n)
{
    size_t       i, there;
    wgw_text_t   name;
    wgw_cbor_t   value;

    name.data = group;
    name.len = ngx_strlen(group);

    for (i = 0, there = 0; i < n; i++) {
        there += args_find(http, name, &names[i], &value) == 1;
    }

    wgw_cbor_put_text(out, name);
    wgw_cbor_put_map(out, there);

    for (i = 0; i < n; i++) {

        if (args_find(http, name, &names[i], &value) == 1) {
            wgw_cbor_put_text(out, names[i]);
            wgw_cbor_put_text(out, value.bytes);
        }
    }

    return 1;
}


/* 0: there are too many. */

static unsigned
args_add(wgw_text_t *names, size_t *n, wgw_text_t name)
{
    size_t      i;
    wgw_cbor_t  text;

    if (!args_text(&text, (u_char *) name.data, name.len)) {
        return 1;
    }

    for (i = 0; i < *n; i++) {

        if (wgw_text_equal(names[i], name)) {
            return 1;
        }
    }

    if (*n == ARGS_NAMES) {
        return 0;
    }

    names[(*n)++] = name;

    return 1;
}


static unsigned
args_header_names(wgw_http_args_t *http, wgw_text_t *names, size_t *n)
{
    ngx_uint_t        i;
    wgw_text_t        name;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    *n = 0;

    for (part = &http->request->headers_in.headers.part; part;
         part = part->next)
    {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            name.data = (char *) header[i].lowcase_key;
            name.len = header[i].key.len;

            if (!args_add(names, n, name)) {
                return 0;
            }
        }
    }

    ngx_qsort(names, *n, sizeof(wgw_text_t), args_order);

    return 1;
}


static unsigned
args_query_names(wgw_http_args_t *http, wgw_text_t *names, size_t *n)
{
    size_t       at;
    args_pair_t  pair;

    *n = 0;
    at = 0;

    while (args_next(http->request, &at, &pair)) {

        if (!args_unescape(http->request, &pair.name)
            || !args_add(names, n, pair.name))
        {
            return 0;
        }
    }

    ngx_qsort(names, *n, sizeof(wgw_text_t), args_order);

    return 1;
}


static int ngx_libc_cdecl
args_order(const void *a, const void *b)
{
    const wgw_text_t  *x = a;
    const wgw_text_t  *y = b;

    if (x->len != y->len) {
        return x->len < y->len ? -1 : 1;
    }

    return ngx_memcmp(x->data, y->data, x->len);
}
