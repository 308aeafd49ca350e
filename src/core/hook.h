
/*
 * hook: where a module of http hangs into nginx while its configuration is
 * read.
 */

#ifndef WGW_HOOK_H
#define WGW_HOOK_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/value.h"

#pragma GCC visibility push(hidden)


/*
 * In preconfiguration: the variables of a table that ends with
 * ngx_http_null_variable.
 */
ngx_int_t wgw_hook_vars(ngx_conf_t *cf, ngx_http_variable_t *vars);

/* The same for a list of value.h, all not cacheable. */
ngx_int_t wgw_hook_values(ngx_conf_t *cf, const wgw_value_name_t *list,
    ngx_http_get_variable_pt getter);

/*
 * In postconfiguration: a phase's handler; of these the last one is first, but
 * realip's stays before ours: who asks is known then, of a location, too.
 */
ngx_int_t wgw_hook_phase(ngx_conf_t *cf, ngx_uint_t phase,
    ngx_http_handler_pt handler);


#pragma GCC visibility pop

#endif /* WGW_HOOK_H */
