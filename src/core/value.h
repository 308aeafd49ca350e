
/*
 * value: what a variable's getter answers, of http or of stream.
 */

#ifndef WGW_VALUE_H
#define WGW_VALUE_H


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * A variable that http and stream have alike, of a list that ends with an
 * empty name: each has a getter for all of them, which is told the field.
 */
typedef struct {
    ngx_str_t   name;
    uintptr_t   field;
} wgw_value_name_t;


/* Where there is none; both return NGX_OK, as a getter does. */

static ngx_inline ngx_int_t
wgw_value_none(ngx_variable_value_t *v)
{
    v->not_found = 1;

    return NGX_OK;
}


static ngx_inline ngx_int_t
wgw_value_set(ngx_variable_value_t *v, const ngx_str_t *value)
{
    v->data = value->data;
    v->len = value->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


#endif /* WGW_VALUE_H */
