
/*
 * Pages of other origins (https://fetch.spec.whatwg.org/#http-cors-protocol).
 */


#include "auth/auth_module.h"
#include "core/reply.h"
#include "core/request.h"


static void cors_forget(ngx_http_request_t *r);
static ngx_int_t cors_allowed(ngx_array_t *origins, ngx_str_t *origin);
static ngx_int_t cors_preflight(ngx_http_request_t *r, const char *methods);
static ngx_uint_t cors_names(ngx_str_t *value);


static const char  cors_vary[] = "Vary";
static const char  cors_origin[] = "Access-Control-Allow-Origin";
static const char  cors_expose[] = "Access-Control-Expose-Headers";


ngx_int_t
ngx_http_wgw_auth_cors(ngx_http_request_t *r, const char *methods)
{
    ngx_table_elt_t           *origin;
    ngx_http_wgw_auth_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_auth_module);

    cors_forget(r);

    /* caches must not give one origin's answer to another */

    if (wgw_reply_header(r, cors_vary, "Origin") == NULL) {
        return NGX_ERROR;
    }

    origin = wgw_request_header(r, "origin", NULL);

    if (origin == NULL || cors_allowed(conf->cors, &origin->value) != NGX_OK)
    {
        return NGX_OK;
    }

    /* nginx has refused control characters; the value has a final zero */

    if (wgw_reply_header(r, cors_origin, (char *) origin->value.data) == NULL
        || wgw_reply_header(r, cors_expose, "Retry-After") == NULL)
    {
        return NGX_ERROR;
    }

    if (r->method == NGX_HTTP_OPTIONS
        && wgw_request_header(r, "access-control-request-method", NULL))
    {
        return cors_preflight(r, methods);
    }

    return NGX_OK;
}


/*
 * Those of the location before an internal redirect: an origin that is there
 * twice is none to a browser.
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
            if (header[i].key.data == (u_char *) cors_vary
                || header[i].key.data == (u_char *) cors_origin
                || header[i].key.data == (u_char *) cors_expose)
            {
                header[i].hash = 0;
            }
        }
    }
}


static ngx_int_t
cors_allowed(ngx_array_t *origins, ngx_str_t *origin)
{
    ngx_str_t   *allowed;
    ngx_uint_t   i;

    allowed = origins->elts;

    for (i = 0; i < origins->nelts; i++) {

        if (allowed[i].len == 1 && allowed[i].data[0] == '*') {
            return NGX_OK;
        }

        if (allowed[i].len == origin->len
            && ngx_strncasecmp(allowed[i].data, origin->data, origin->len)
               == 0)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
cors_preflight(ngx_http_request_t *r, const char *methods)
{
    const char       *headers;
    ngx_table_elt_t  *asked;

    headers = "Content-Type, X-Api-Key";

    asked = wgw_request_header(r, "access-control-request-headers", NULL);

    if (asked && cors_names(&asked->value)) {
        headers = (char *) asked->value.data;
    }

    if (wgw_reply_header(r, "Access-Control-Allow-Methods", methods) == NULL
        || wgw_reply_header(r, "Access-Control-Allow-Headers", headers)
           == NULL
        || wgw_reply_header(r, "Access-Control-Max-Age", "600") == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_DONE;
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

    return value->len > 0 && value->len <= 1024;
}


ngx_int_t
ngx_http_wgw_auth_preflight(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_discard_request_body(r);

    return rc == NGX_OK ? wgw_reply_send(r, NGX_HTTP_NO_CONTENT, "", NULL)
                        : rc;
}
