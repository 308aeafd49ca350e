
/*
 * stream_hook: hook.h for a module of stream.
 */

#ifndef WGW_STREAM_HOOK_H
#define WGW_STREAM_HOOK_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_stream.h>

#include "core/value.h"

#pragma GCC visibility push(hidden)


ngx_int_t wgw_stream_hook_vars(ngx_conf_t *cf, ngx_stream_variable_t *vars);
ngx_int_t wgw_stream_hook_values(ngx_conf_t *cf, const wgw_value_name_t *list,
    ngx_stream_get_variable_pt getter);

ngx_int_t wgw_stream_hook_phase(ngx_conf_t *cf, ngx_uint_t phase,
    ngx_stream_handler_pt handler);


#pragma GCC visibility pop

#endif /* WGW_STREAM_HOOK_H */
