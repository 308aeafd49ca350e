
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/hook.h"


static ngx_uint_t hook_realip(ngx_http_core_main_conf_t *cmcf);


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
    ngx_uint_t                  place;
    ngx_array_t                *handlers;
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    handlers = &cmcf->phases[phase].handlers;

    place = phase == NGX_HTTP_PREACCESS_PHASE ? hook_realip(cmcf)
                                              : handlers->nelts;

    if (ngx_array_push(handlers) == NULL) {
        return NGX_ERROR;
    }

    h = (ngx_http_handler_pt *) handlers->elts + place;

    ngx_memmove(h + 1, h, (handlers->nelts - 1 - place) * handlers->size);

    *h = handler;

    return NGX_OK;
}


/*
 * Where realip's handler is in preaccess, or the end of that.  It has no name
 * outside of its module, but is the one that is in post-read, too.
 */

static ngx_uint_t
hook_realip(ngx_http_core_main_conf_t *cmcf)
{
    ngx_uint_t            i, j;
    ngx_array_t          *handlers, *early;
    ngx_http_handler_pt  *h, *e;

    handlers = &cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers;
    early = &cmcf->phases[NGX_HTTP_POST_READ_PHASE].handlers;
    h = handlers->elts;
    e = early->elts;

    for (i = 0; i < handlers->nelts; i++) {
        for (j = 0; j < early->nelts; j++) {
            if (h[i] == e[j]) {
                return i;
            }
        }
    }

    return handlers->nelts;
}
