
/*
 * Pages of other origins (https://fetch.spec.whatwg.org/#http-cors-protocol).
 *
 * Preflights are answered before all limits, in the phase of rewrites; what
 * lets a page read a response is added to every response, by whoever it is,
 * in a filter: a page that may not read a 429 cannot tell it from a server
 * that is down.
 */


#include "auth/auth_module.h"
#include "core/reply.h"
#include "core/request.h"


#define CORS_HEADERS  1024              /* bytes of names that are allowed */


static ngx_http_wgw_auth_conf_t *cors_conf(ngx_http_request_t *r);
static ngx_uint_t cors_used(ngx_http_wgw_auth_conf_t *conf);
static ngx_int_t cors_remember(ngx_http_request_t *r,
    ngx_http_wgw_auth_conf_t *conf);
static ngx_int_t cors_filter(ngx_http_request_t *r);
static void cors_forget(ngx_http_request_t *r);
static ngx_uint_t cors_ours(ngx_table_elt_t *header);
static ngx_str_t *cors_origin(ngx_http_request_t *r,
    ngx_http_wgw_auth_conf_t *conf);
static ngx_int_t cors_preflight(ngx_http_request_t *r,
    ngx_http_wgw_auth_conf_t *conf);
static const char *cors_headers(ngx_http_request_t *r);
static ngx_uint_t cors_names(ngx_str_t *value);


static const char  cors_vary[] = "Vary";
static const char  cors_allow[] = "Access-Control-Allow-Origin";
static const char  cors_expose[] = "Access-Control-Expose-Headers";
static const char  cors_credentials[] = "Access-Control-Allow-Credentials";

static ngx_http_output_header_filter_pt  cors_next;


void
ngx_http_wgw_auth_cors_init(void)
{
    cors_next = ngx_http_top_header_filter;
    ngx_http_top_header_filter = cors_filter;
}


ngx_int_t
ngx_http_wgw_auth_cors_handler(ngx_http_request_t *r)
{
    ngx_http_wgw_auth_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_auth_module);

    if (!cors_used(conf) || r != r->main) {
        return NGX_DECLINED;
    }

    if (cors_remember(r, conf) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r->method == NGX_HTTP_OPTIONS && cors_origin(r, conf)
        && wgw_request_header(r, "access-control-request-method", NULL))
    {
        return cors_preflight(r, conf);
    }

    return NGX_DECLINED;
}


/* Where there is something of ours that a page could ask for. */

static ngx_uint_t
cors_used(ngx_http_wgw_auth_conf_t *conf)
{
    return conf->cors && (conf->enable || conf->signin || conf->allow
                          || conf->deny);
}


/* For the page of an error, in a location of its own. */

static ngx_int_t
cors_remember(ngx_http_request_t *r, ngx_http_wgw_auth_conf_t *conf)
{
    ngx_http_wgw_auth_ctx_t  *ctx;

    ctx = ngx_http_wgw_auth_find_ctx(r);

    if (ctx == NULL) {
        ctx = ngx_http_wgw_auth_create_ctx(r);
        if (ctx == NULL) {
            return NGX_ERROR;
        }
    }

    ctx->cors = conf;

    return NGX_OK;
}


static ngx_http_wgw_auth_conf_t *
cors_conf(ngx_http_request_t *r)
{
    ngx_http_wgw_auth_ctx_t   *ctx;
    ngx_http_wgw_auth_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_auth_module);

    if (cors_used(conf)) {
        return conf;
    }

    ctx = ngx_http_wgw_auth_find_ctx(r);

    return ctx ? ctx->cors : NULL;
}


static ngx_int_t
cors_filter(ngx_http_request_t *r)
{
    ngx_str_t                 *origin;
    ngx_http_wgw_auth_conf_t  *conf;

    conf = r == r->main ? cors_conf(r) : NULL;

    if (conf == NULL) {
        return cors_next(r);
    }

    cors_forget(r);

    /* caches must not give one origin's answer to another */

    if (wgw_reply_header(r, cors_vary, "Origin") == NULL) {
        return NGX_ERROR;
    }

    origin = cors_origin(r, conf);

    /* nginx has refused control characters; the value has a final zero */

    if (origin
        && (wgw_reply_header(r, cors_allow, (char *) origin->data) == NULL
            || wgw_reply_header(r, cors_expose, "Retry-After") == NULL))
    {
        return NGX_ERROR;
    }

    return cors_next(r);
}


/*
 * What the backend says of origins, and we have said where a response is
 * replaced by another: one that is there twice is none to a browser.
 */

static void
cors_forget(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (cors_ours(&header[i])) {
                header[i].hash = 0;
            }
        }
    }
}


static ngx_uint_t
cors_ours(ngx_table_elt_t *header)
{
    if (header->key.data == (u_char *) cors_vary
        || header->key.data == (u_char *) cors_expose)
    {
        return 1;
    }

    return (header->key.len == sizeof(cors_allow) - 1
            && ngx_strncasecmp(header->key.data, (u_char *) cors_allow,
                               sizeof(cors_allow) - 1)
               == 0)
           || (header->key.len == sizeof(cors_credentials) - 1
               && ngx_strncasecmp(header->key.data,
                                  (u_char *) cors_credentials,
                                  sizeof(cors_credentials) - 1)
                  == 0);
}


/* The request's, if it is allowed; of two origins nobody knows which it is. */

static ngx_str_t *
cors_origin(ngx_http_request_t *r, ngx_http_wgw_auth_conf_t *conf)
{
    ngx_str_t        *allowed, *value;
    ngx_uint_t        i, n;
    ngx_table_elt_t  *origin;

    origin = wgw_request_header(r, "origin", &n);

    if (n != 1) {
        return NULL;
    }

    value = &origin->value;
    allowed = conf->cors->elts;

    for (i = 0; i < conf->cors->nelts; i++) {

        if (allowed[i].len == 1 && allowed[i].data[0] == '*') {
            return value;
        }

        if (allowed[i].len == value->len
            && ngx_strncasecmp(allowed[i].data, value->data, value->len)
               == 0)
        {
            return value;
        }
    }

    return NULL;
}


static ngx_int_t
cors_preflight(ngx_http_request_t *r, ngx_http_wgw_auth_conf_t *conf)
{
    ngx_int_t                 rc;
    const char               *methods, *headers;
    ngx_http_wgw_auth_ctx_t  *ctx;

    ctx = ngx_http_wgw_auth_find_ctx(r);

    if (ctx) {
        ctx->preflight = 1;
    }

    methods = conf->signin || conf->allow || conf->deny
              ? "POST" : "GET, HEAD, POST";

    headers = cors_headers(r);

    if (headers == NULL
        || wgw_reply_header(r, "Access-Control-Allow-Methods", methods)
           == NULL
        || wgw_reply_header(r, "Access-Control-Allow-Headers", headers)
           == NULL
        || wgw_reply_header(r, "Access-Control-Max-Age", "600") == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = wgw_reply_discard(r);

    return rc == NGX_OK ? wgw_reply_send(r, NGX_HTTP_NO_CONTENT, "", NULL)
                        : rc;
}


/* Those that are asked for, of all fields of that name. */

static const char *
cors_headers(ngx_http_request_t *r)
{
    u_char           *p, *list;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    static const char  name[] = "access-control-request-headers";

    list = ngx_pnalloc(r->pool, CORS_HEADERS + 1);
    if (list == NULL) {
        return NULL;
    }

    p = list;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (header[i].key.len != sizeof(name) - 1
                || ngx_memcmp(header[i].lowcase_key, name, sizeof(name) - 1)
                   != 0
                || header[i].value.len == 0)
            {
                continue;
            }

            if (header[i].value.len + 2
                > (size_t) (list + CORS_HEADERS - p)
                || !cors_names(&header[i].value))
            {
                return "Content-Type, X-Api-Key";
            }

            if (p > list) {
                *p++ = ',';
                *p++ = ' ';
            }

            p = ngx_cpymem(p, header[i].value.data, header[i].value.len);
        }
    }

    *p = '\0';

    return p > list ? (char *) list : "Content-Type, X-Api-Key";
}


/* A list of header names and nothing else. */

static ngx_uint_t
cors_names(ngx_str_t *value)
{
    ngx_uint_t  i;

    for (i = 0; i < value->len; i++) {
        if (!isalnum(value->data[i]) && !ngx_strchr("-_, ", value->data[i])) {
            return 0;
        }
    }

    return 1;
}
