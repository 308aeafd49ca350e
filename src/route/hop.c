
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/rand.h>

#include "route/hop.h"


#define HOP_RANDOM  8


/* not inlined: a request without these fields pays nothing for them */
static ngx_uint_t hop_field_says(ngx_table_elt_t *h)
    __attribute__((noinline));

static void hop_port(ngx_http_request_t *r, ngx_str_t *port);
static ngx_uint_t hop_asks(ngx_http_upstream_headers_in_t *answer);
static ngx_uint_t hop_scheme(u_char *p, u_char *last);
static ngx_uint_t hop_schemes(ngx_str_t *value);


#define hop_is(h, name)                                                       \
    ((h)->key.len == sizeof(name) - 1                                         \
     && ngx_memcmp((h)->lowcase_key, name, sizeof(name) - 1) == 0)


static u_char           hop_text[sizeof("wgw-") + 2 * HOP_RANDOM];
static u_char           hop_lowcase[] = "cdn-loop";

/* the header field, with the id, as it is put into each request */
static ngx_table_elt_t  hop_field = {
    .key = ngx_string("CDN-Loop"),
    .lowcase_key = hop_lowcase
};


ngx_int_t
wgw_hop_init(ngx_log_t *log)
{
    u_char  *p, random[HOP_RANDOM];

    if (hop_field.value.len) {
        return NGX_OK;
    }

    if (RAND_bytes(random, HOP_RANDOM) != 1) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "RAND_bytes() failed");
        return NGX_ERROR;
    }

    p = ngx_cpymem(hop_text, "wgw-", 4);
    p = ngx_hex_dump(p, random, HOP_RANDOM);

    hop_field.value.data = hop_text;
    hop_field.value.len = p - hop_text;

    hop_field.hash = ngx_hash_key(hop_lowcase, hop_field.key.len);

    return NGX_OK;
}


ngx_int_t
wgw_hop_mark(ngx_http_request_t *r, ngx_uint_t *hop)
{
    ngx_list_t       *fields;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *last;

    fields = &r->headers_in.headers;

    /* a connection that ends before a request has no fields, nor their list */

    if (fields->last == NULL) {
        return NGX_OK;
    }

    for (part = &fields->part; part; part = part->next) {
        last = (ngx_table_elt_t *) part->elts + part->nelts;

        for (h = part->elts; h < last; h++) {

            if (h->key.len == sizeof("cdn-loop") - 1
                || h->key.len == sizeof("proxy-authorization") - 1)
            {
                *hop |= hop_field_says(h);
            }
        }
    }

    part = fields->last;

    if (part->nelts < fields->nalloc) {
        h = (ngx_table_elt_t *) part->elts + part->nelts++;

    } else {
        h = ngx_list_push(fields);
        if (h == NULL) {
            return NGX_ERROR;
        }
    }

    *h = hop_field;

    return NGX_OK;
}


static ngx_uint_t
hop_field_says(ngx_table_elt_t *h)
{
    if (hop_is(h, "cdn-loop")
        && ngx_strnstr(h->value.data, (char *) hop_text, h->value.len))
    {
        return WGW_HOP_LOOP;
    }

    if (hop_is(h, "proxy-authorization")
        && hop_scheme(h->value.data, h->value.data + h->value.len))
    {
        return WGW_HOP_BOUND;
    }

    return 0;
}


ngx_int_t
wgw_hop_host(ngx_http_request_t *r, ngx_str_t *host)
{
    u_char     *p;
    ngx_str_t   port;

    *host = r->headers_in.server;

    hop_port(r, &port);

    if (host->len == 0 || port.len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, host->len + port.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_cpymem(ngx_cpymem(p, host->data, host->len), port.data,
                      port.len);

    host->data = p;
    host->len += port.len;

    return NGX_OK;
}


/* With its colon, or empty. */

static void
hop_port(ngx_http_request_t *r, ngx_str_t *port)
{
    u_char  *p, *start, *last;

    port->len = 0;

    if (r->host_start) {
        start = r->host_start;
        last = r->host_end;

        /* a request line, which goes on */

        if (r->http_version < NGX_HTTP_VERSION_20 && *last == ':') {
            do {
                last++;
            } while (*last >= '0' && *last <= '9');
        }

    } else if (r->headers_in.host) {
        start = r->headers_in.host->value.data;
        last = start + r->headers_in.host->value.len;

    } else {
        return;
    }

    for (p = last; p > start && p[-1] >= '0' && p[-1] <= '9'; p--) {
        /* void */
    }

    if (p < last && p > start && p[-1] == ':') {
        port->data = p - 1;
        port->len = last - port->data;
    }
}


ngx_uint_t
wgw_hop_asked(ngx_http_request_t *r)
{
    ngx_str_t                       *value;
    ngx_http_upstream_headers_in_t  *answer;

    answer = &r->upstream->headers_in;

    if ((answer->www_authenticate || answer->status_n == 407)
        && hop_asks(answer))
    {
        return 1;
    }

    if (r->headers_in.authorization) {
        value = &r->headers_in.authorization->value;

        if (hop_scheme(value->data, value->data + value->len)) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
hop_asks(ngx_http_upstream_headers_in_t *answer)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &answer->headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if ((hop_is(&h[i], "www-authenticate")
                 || hop_is(&h[i], "proxy-authenticate"))
                && hop_schemes(&h[i].value))
            {
                return 1;
            }
        }
    }

    return 0;
}


/*
 * A list of challenges, whose parameters are separated by commas as well: a
 * quoted one that looks like such a scheme costs a connection.
 */

static ngx_uint_t
hop_schemes(ngx_str_t *value)
{
    u_char  *p, *last;

    p = value->data;
    last = p + value->len;

    while (p) {

        if (hop_scheme(p, last)) {
            return 1;
        }

        p = ngx_strlchr(p, last, ',');

        if (p) {
            p++;
        }
    }

    return 0;
}


/* NTLM, Negotiate, and Nego2, which is Negotiate with something before. */

static ngx_uint_t
hop_scheme(u_char *p, u_char *last)
{
    while (p < last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    return last - p >= 4
           && (ngx_strncasecmp(p, (u_char *) "ntlm", 4) == 0
               || ngx_strncasecmp(p, (u_char *) "nego", 4) == 0);
}
