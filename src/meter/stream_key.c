
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_stream.h>

#include "meter/stream_key.h"


static ngx_int_t ngx_stream_wgw_meter_index(ngx_conf_t *cf, ngx_str_t *name);
static ngx_uint_t ngx_stream_wgw_meter_defined(ngx_conf_t *cf,
    ngx_str_t *name);
static void *ngx_stream_wgw_meter_compile(ngx_conf_t *cf, ngx_str_t *value);


const ngx_wgw_meter_proto_t  ngx_stream_wgw_meter_proto = {
    ngx_stream_wgw_meter_index,
    ngx_stream_wgw_meter_defined,
    ngx_stream_wgw_meter_compile,
    0
};


ngx_int_t
ngx_stream_wgw_meter_key(void *data, ngx_int_t index, void *value,
    ngx_str_t *key)
{
    ngx_variable_value_t  *v;

    if (index == NGX_ERROR) {
        return ngx_stream_complex_value(data, value, key);
    }

    v = ngx_stream_get_flushed_variable(data, index);

    ngx_str_null(key);

    if (v && !v->not_found) {
        key->data = v->data;
        key->len = v->len;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_stream_wgw_meter_index(ngx_conf_t *cf, ngx_str_t *name)
{
    return ngx_stream_get_variable_index(cf, name);
}


/* An index for a variable that nobody defines would be a failure. */

static ngx_uint_t
ngx_stream_wgw_meter_defined(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_stream_core_main_conf_t  *cmcf;

    cmcf = ngx_stream_conf_get_module_main_conf(cf, ngx_stream_core_module);

    return ngx_wgw_meter_has(&cmcf->variables_keys->keys, name);
}


static void *
ngx_stream_wgw_meter_compile(ngx_conf_t *cf, ngx_str_t *value)
{
    ngx_stream_complex_value_t          *cv;
    ngx_stream_compile_complex_value_t   ccv;

    cv = ngx_palloc(cf->pool, sizeof(ngx_stream_complex_value_t));
    if (cv == NULL) {
        return NULL;
    }

    ngx_memzero(&ccv, sizeof(ngx_stream_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = cv;

    return ngx_stream_compile_complex_value(&ccv) == NGX_OK ? cv : NULL;
}
