
/*
 * option: what lines of a block are made of: NAME=VALUE, and what is said of
 * one that is wrong.
 */

#ifndef WGW_OPTION_H
#define WGW_OPTION_H


#include <ngx_config.h>
#include <ngx_core.h>

#pragma GCC visibility push(hidden)


/*
 * When the value begins with `name`, "lag=", and has a number, or a time of
 * 10 ms to an hour, after it: NGX_OK.  NGX_DECLINED: it is another one, or a
 * bad one.
 */
ngx_int_t wgw_option_number(ngx_str_t *value, const char *name,
    ngx_int_t min, ngx_int_t max, ngx_uint_t *number);
ngx_int_t wgw_option_time(ngx_str_t *value, const char *name,
    ngx_msec_t *msec);

/* The text after the name, at least one character. */
ngx_int_t wgw_option_text(ngx_str_t *value, const char *name,
    ngx_str_t *text);

/* Says so, at the line; NGX_CONF_ERROR. */
char *wgw_option_bad(ngx_conf_t *cf, const char *what, ngx_str_t *value);


#pragma GCC visibility pop

#endif /* WGW_OPTION_H */
