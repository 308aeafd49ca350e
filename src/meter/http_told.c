
/*
 * What the route module tells the meter: in variables, where it is loaded.
 */

#include "meter/http_told.h"


ngx_int_t
ngx_http_wgw_told_index(ngx_conf_t *cf, const char *variable)
{
    ngx_str_t                   name;
    ngx_uint_t                  i;
    ngx_hash_key_t             *key;
    ngx_http_core_main_conf_t  *cmcf;

    name.data = (u_char *) variable;
    name.len = ngx_strlen(variable);

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    key = cmcf->variables_keys->keys.elts;

    for (i = 0; i < cmcf->variables_keys->keys.nelts; i++) {
        if (key[i].key.len == name.len
            && ngx_strncmp(key[i].key.data, name.data, name.len) == 0)
        {
            return ngx_http_get_variable_index(cf, &name);
        }
    }

    return NGX_ERROR;
}


ngx_uint_t
ngx_http_wgw_told(ngx_http_request_t *r, ngx_int_t index)
{
    ngx_variable_value_t  *v;

    if (index == NGX_ERROR) {
        return 0;
    }

    v = ngx_http_get_flushed_variable(r, index);

    return v && !v->not_found && v->len == 1 && v->data[0] == '1';
}
