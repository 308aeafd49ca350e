
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "router/http_router_fields.h"


/*
 * One of the client's that the proxy does not see: it looks to it like a
 * Keep-Alive, which is never passed on.
 */
typedef struct {
    ngx_table_elt_t    *field;
    ngx_str_t           key;
    u_char             *lowcase_key;
    ngx_uint_t          hash;
} fields_hidden_t;


static ngx_uint_t fields_replaced(wgw_attempt_t *attempt, ngx_str_t *name);
static ngx_uint_t fields_ours(wgw_attempt_t *attempt, ngx_str_t *name);
static ngx_int_t fields_hide(wgw_attempt_t *attempt, ngx_table_elt_t *h);
static ngx_int_t fields_add(ngx_http_request_t *r, wgw_text_t name,
    wgw_text_t value);
static ngx_table_elt_t *fields_next(ngx_list_part_t **part, ngx_uint_t *i);
static ngx_uint_t fields_last(wgw_attempt_t *attempt, ngx_buf_t *b);
static ngx_str_t *fields_missing(wgw_attempt_t *attempt, ngx_buf_t *b);
static u_char *fields_find(u_char *p, u_char *last, ngx_str_t *name);
static void fields_keep_alive(ngx_buf_t *b);


ngx_int_t
wgw_fields_set(wgw_attempt_t *attempt)
{
    size_t                k;
    ngx_uint_t            i;
    wgw_text_t            name, value;
    ngx_list_part_t      *part;
    ngx_table_elt_t      *h;
    ngx_http_request_t   *r;
    wgw_errand_header_t  *header;

    r = attempt->request;

    wgw_fields_restore(attempt);

    part = &r->headers_in.headers.part;
    i = 0;

    while ((h = fields_next(&part, &i)) != NULL) {
        if (fields_replaced(attempt, &h->key)
            && fields_hide(attempt, h) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    attempt->last = r->headers_in.headers.last;
    attempt->nelts = attempt->last->nelts;

    header = attempt->provider->headers.elts;

    for (i = 0; i < attempt->provider->headers.nelts; i++) {
        name.data = (char *) header[i].name.data;
        name.len = header[i].name.len;
        value.data = (char *) header[i].value.data;
        value.len = header[i].value.len;

        if (fields_add(r, name, value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    for (k = 0; attempt->session && k < attempt->session->body->nheaders;
         k++)
    {
        wgw_session_header(attempt->session->body, k, &name, &value);

        if (fields_add(r, name, value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
fields_replaced(wgw_attempt_t *attempt, ngx_str_t *name)
{
    size_t                k;
    ngx_uint_t            i;
    wgw_text_t            text, value;
    wgw_errand_header_t  *header;

    if (fields_ours(attempt, name)) {
        return 1;
    }

    header = attempt->provider->headers.elts;

    for (i = 0; i < attempt->provider->headers.nelts; i++) {
        if (header[i].name.len == name->len
            && ngx_strncasecmp(header[i].name.data, name->data, name->len)
               == 0)
        {
            return 1;
        }
    }

    for (k = 0; attempt->session && k < attempt->session->body->nheaders;
         k++)
    {
        wgw_session_header(attempt->session->body, k, &text, &value);

        if (text.len == name->len
            && ngx_strncasecmp((u_char *) text.data, name->data, name->len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* A client's keys are for us; and an answer that is read is not packed. */

static ngx_uint_t
fields_ours(wgw_attempt_t *attempt, ngx_str_t *name)
{
    const char  *ours;

    switch (name->len) {

    case sizeof("x-api-key") - 1:
        ours = "x-api-key";
        break;

    case sizeof("authorization") - 1:
        ours = "authorization";
        break;

    case sizeof("accept-encoding") - 1:
        ours = attempt->providers->codes ? "accept-encoding" : NULL;
        break;

    default:
        ours = NULL;
    }

    return ours
           && ngx_strncasecmp(name->data, (u_char *) ours, name->len) == 0;
}


static ngx_int_t
fields_hide(wgw_attempt_t *attempt, ngx_table_elt_t *h)
{
    fields_hidden_t  *hidden;

    static u_char      lowcase_key[] = "keep-alive";
    static ngx_str_t   key = ngx_string("          ");
    static ngx_uint_t  hash;

    if (hash == 0) {
        hash = ngx_hash_key(lowcase_key, sizeof(lowcase_key) - 1);
    }

    if (attempt->hidden.elts == NULL
        && ngx_array_init(&attempt->hidden, attempt->request->pool, 2,
                          sizeof(fields_hidden_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    hidden = ngx_array_push(&attempt->hidden);
    if (hidden == NULL) {
        return NGX_ERROR;
    }

    hidden->field = h;
    hidden->key = h->key;
    hidden->lowcase_key = h->lowcase_key;
    hidden->hash = h->hash;

    h->key = key;
    h->lowcase_key = lowcase_key;
    h->hash = hash;

    return NGX_OK;
}


/* Texts are copied: a session may be replaced while the request lasts. */

static ngx_int_t
fields_add(ngx_http_request_t *r, wgw_text_t name, wgw_text_t value)
{
    u_char           *p;
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    p = ngx_pnalloc(r->pool, 2 * name.len + value.len);

    if (h == NULL || p == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->key.len = name.len;
    h->key.data = p;
    p = ngx_cpymem(p, name.data, name.len);

    h->lowcase_key = p;
    h->hash = ngx_hash_strlow(p, (u_char *) name.data, name.len);
    p += name.len;

    h->value.len = value.len;
    h->value.data = p;
    ngx_memcpy(p, value.data, value.len);

    return NGX_OK;
}


void
wgw_fields_restore(wgw_attempt_t *attempt)
{
    ngx_uint_t            i;
    ngx_list_t           *list;
    fields_hidden_t  *hidden;

    hidden = attempt->hidden.elts;

    for (i = 0; i < attempt->hidden.nelts; i++) {
        hidden[i].field->key = hidden[i].key;
        hidden[i].field->lowcase_key = hidden[i].lowcase_key;
        hidden[i].field->hash = hidden[i].hash;
    }

    attempt->hidden.nelts = 0;

    if (attempt->last) {
        list = &attempt->request->headers_in.headers;

        list->last = attempt->last;
        list->last->nelts = attempt->nelts;
        list->last->next = NULL;

        attempt->last = NULL;
    }
}


/* The i-th field of a part, and i after it; NULL after the last. */

static ngx_table_elt_t *
fields_next(ngx_list_part_t **part, ngx_uint_t *i)
{
    ngx_table_elt_t  *h;

    while (*i >= (*part)->nelts) {

        if ((*part)->next == NULL) {
            return NULL;
        }

        *part = (*part)->next;
        *i = 0;
    }

    h = (*part)->elts;

    return &h[(*i)++];
}


ngx_int_t
wgw_fields_check(wgw_attempt_t *attempt)
{
    ngx_buf_t  *b;
    ngx_str_t  *missing;

    if (attempt->last == NULL) {
        return NGX_ERROR;
    }

    b = attempt->request->upstream->request_bufs->buf;

    missing = fields_last(attempt, b) ? NULL : fields_missing(attempt, b);

    if (missing) {
        ngx_log_error(NGX_LOG_ERR, attempt->request->connection->log, 0,
                      "the request to provider \"%V\" has not the header "
                      "\"%V\" it needs: is there a \"proxy_set_header\" of "
                      "that name?", &attempt->provider->name, missing);
    }

    wgw_fields_restore(attempt);

    if (missing) {
        return NGX_ERROR;
    }

    fields_keep_alive(b);

    return NGX_OK;
}


/* 1 when the proxy wrote them as it found them: last, and in that order. */

static ngx_uint_t
fields_last(wgw_attempt_t *attempt, ngx_buf_t *b)
{
    u_char           *p;
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = 2;
    i = attempt->nelts;
    part = attempt->last;

    while ((h = fields_next(&part, &i)) != NULL) {
        len += h->key.len + h->value.len + 4;
    }

    if ((size_t) (b->last - b->pos) <= len) {
        return 0;
    }

    p = b->last - len;

    if (p[-1] != LF) {
        return 0;
    }

    i = attempt->nelts;
    part = attempt->last;

    while ((h = fields_next(&part, &i)) != NULL) {

        if (ngx_memcmp(p, h->key.data, h->key.len) != 0) {
            return 0;
        }

        p += h->key.len;

        if (p[0] != ':' || p[1] != ' '
            || ngx_memcmp(p + 2, h->value.data, h->value.len) != 0)
        {
            return 0;
        }

        p += h->value.len + 2;

        if (p[0] != CR || p[1] != LF) {
            return 0;
        }

        p += 2;
    }

    return p[0] == CR && p[1] == LF;
}


/*
 * The name of one that is not there, once: a proxy_set_header of the same
 * name is written in its place.
 */

static ngx_str_t *
fields_missing(wgw_attempt_t *attempt, ngx_buf_t *b)
{
    u_char           *p;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    i = attempt->nelts;
    part = attempt->last;

    while ((h = fields_next(&part, &i)) != NULL) {

        p = fields_find(b->pos, b->last, &h->key);

        if (p == NULL
            || (size_t) (b->last - p) < h->value.len + 2
            || ngx_memcmp(p, h->value.data, h->value.len) != 0
            || p[h->value.len] != CR
            || fields_find(p, b->last, &h->key))
        {
            return &h->key;
        }
    }

    return NULL;
}


/* The value of the next field of that name. */

static u_char *
fields_find(u_char *p, u_char *last, ngx_str_t *name)
{
    for ( ;; ) {
        p = memchr(p, LF, last - p);

        if (p == NULL || ++p == last || *p == CR) {
            return NULL;
        }

        if ((size_t) (last - p) > name->len + 2
            && p[name->len] == ':'
            && ngx_strncasecmp(p, name->data, name->len) == 0)
        {
            return p + name->len + 2;
        }
    }
}


/* The proxy's default before 1.29 closes each connection after its request. */

static void
fields_keep_alive(ngx_buf_t *b)
{
    u_char     *p, *start, *end;
    ngx_str_t   name = ngx_string("connection");

    end = memchr(b->pos, LF, b->last - b->pos);

    if (end == NULL || end - b->pos < 10
        || ngx_strncmp(end - 9, "HTTP/1.1", 8) != 0)
    {
        return;
    }

    p = fields_find(end, b->last, &name);

    if (p == NULL || b->last - p < 7
        || ngx_strncmp(p, "close" CRLF, 7) != 0)
    {
        return;
    }

    start = p - (sizeof("connection: ") - 1);
    end = p + 7;

    ngx_memmove(start, end, b->last - end);
    b->last -= end - start;
}
