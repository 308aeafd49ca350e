
#include <ngx_config.h>
#include <ngx_core.h>

#include "router/option.h"


ngx_int_t
wgw_option_number(ngx_str_t *value, const char *name, ngx_int_t min,
    ngx_int_t max, ngx_uint_t *number)
{
    ngx_int_t  n;
    ngx_str_t  text;

    if (wgw_option_text(value, name, &text) != NGX_OK) {
        return NGX_DECLINED;
    }

    n = ngx_atoi(text.data, text.len);

    if (n == NGX_ERROR || n < min || n > max) {
        return NGX_DECLINED;
    }

    *number = n;

    return NGX_OK;
}


ngx_int_t
wgw_option_time(ngx_str_t *value, const char *name, ngx_msec_t *msec)
{
    ngx_int_t  n;
    ngx_str_t  text;

    if (wgw_option_text(value, name, &text) != NGX_OK) {
        return NGX_DECLINED;
    }

    n = ngx_parse_time(&text, 0);

    if (n == NGX_ERROR || n < 10 || n > 3600000) {
        return NGX_DECLINED;
    }

    *msec = n;

    return NGX_OK;
}


ngx_int_t
wgw_option_text(ngx_str_t *value, const char *name, ngx_str_t *text)
{
    size_t  len;

    len = ngx_strlen(name);

    if (value->len <= len || ngx_strncmp(value->data, name, len) != 0) {
        return NGX_DECLINED;
    }

    text->data = value->data + len;
    text->len = value->len - len;

    return NGX_OK;
}


char *
wgw_option_bad(ngx_conf_t *cf, const char *what, ngx_str_t *value)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s \"%V\"", what, value);

    return NGX_CONF_ERROR;
}
