
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/hook.h"


ngx_int_t
wgw_hook_vars(ngx_conf_t *cf, ngx_http_variable_t *vars)
{
    ngx_http_variable_t  *var, *v;

    for (v = vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


ngx_int_t
wgw_hook_values(ngx_conf_t *cf, const wgw_value_name_t *list,
    ngx_http_get_variable_pt getter)
{
    ngx_str_t             name;
    ngx_http_variable_t  *var;

    for ( /* void */ ; list->name.len; list++) {
        name = list->name;

        var = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = getter;
        var->data = list->field;
    }

    return NGX_OK;
}


ngx_int_t
wgw_hook_phase(ngx_conf_t *cf, ngx_uint_t phase, ngx_http_handler_pt handler)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[phase].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = handler;

    return NGX_OK;
}
