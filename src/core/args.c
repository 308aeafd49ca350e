
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/args.h"
#include "core/reply.h"


#define ARGS_FIELD  64                  /* of an unknown argument's name */


static ngx_int_t args_one(ngx_http_request_t *r, wgw_arg_t *args,
    ngx_str_t *arg, wgw_args_error_t *error);
static ngx_int_t args_unknown(ngx_http_request_t *r, u_char *name,
    size_t len, wgw_args_error_t *error);
static ngx_int_t args_value(ngx_http_request_t *r, wgw_text_t *value,
    u_char *p, u_char *last);


ngx_int_t
wgw_args_read(ngx_http_request_t *r, wgw_arg_t *args,
    wgw_args_error_t *error)
{
    u_char     *p, *end, *last;
    ngx_int_t   rc;
    ngx_str_t   arg;

    p = r->args.data;
    last = p + r->args.len;

    for ( /* void */ ; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '&');

        if (end == NULL) {
            end = last;
        }

        arg.data = p;
        arg.len = end - p;

        if (arg.len == 0) {
            continue;
        }

        rc = args_one(r, args, &arg, error);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
args_one(ngx_http_request_t *r, wgw_arg_t *args, ngx_str_t *arg,
    wgw_args_error_t *error)
{
    size_t      len;
    u_char     *end, *last;
    wgw_arg_t  *known;

    last = arg->data + arg->len;
    end = ngx_strlchr(arg->data, last, '=');
    len = (end ? end : last) - arg->data;

    for (known = args; known && known->name; known++) {

        if (ngx_strlen(known->name) != len
            || ngx_strncmp(known->name, arg->data, len) != 0)
        {
            continue;
        }

        if (known->value.data) {
            error->field = known->name;
            error->message = "is duplicate";
            return NGX_DECLINED;
        }

        return args_value(r, &known->value, end ? end + 1 : last, last);
    }

    return args_unknown(r, arg->data, len, error);
}


static ngx_int_t
args_unknown(ngx_http_request_t *r, u_char *name, size_t len,
    wgw_args_error_t *error)
{
    u_char  *field;

    len = ngx_min(len, ARGS_FIELD);

    field = ngx_pnalloc(r->pool, len + 1);
    if (field == NULL) {
        return NGX_ERROR;
    }

    *ngx_cpymem(field, name, len) = '\0';

    error->field = (char *) field;
    error->message = "is not an argument of this request";

    return NGX_DECLINED;
}


static ngx_int_t
args_value(ngx_http_request_t *r, wgw_text_t *value, u_char *p, u_char *last)
{
    u_char  *dst;

    value->data = (char *) p;
    value->len = last - p;

    if (ngx_strlchr(p, last, '%') == NULL) {
        return NGX_OK;
    }

    dst = ngx_pnalloc(r->pool, value->len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    value->data = (char *) dst;

    ngx_unescape_uri(&dst, &p, value->len, 0);

    value->len = (char *) dst - value->data;

    return NGX_OK;
}


ngx_int_t
wgw_args_refused(ngx_http_request_t *r, ngx_int_t rc,
    wgw_args_error_t *error)
{
    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, error->field,
                           error->message);
}
