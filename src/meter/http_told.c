
/*
 * What the route module tells the meter: in variables, where it is loaded.
 */

#include "meter/http_told.h"


enum {
    TOLD_NAME = 0,
    TOLD_CAP,
    TOLD_OWNER,
    TOLD_WORKLOAD,
    TOLD_STATE,
    TOLD_PARTS
};


static ngx_int_t told_parts(ngx_http_variable_value_t *v,
    wgw_usage_known_t *known);


/* by WGW_TOLD_* */
static const char *const  told_prefixes[] = {
    NGX_HTTP_WGW_TOLD_NAME,
    NGX_HTTP_WGW_TOLD_NEXT_CAP,
    NGX_HTTP_WGW_TOLD_NEXT
};


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


ngx_int_t
ngx_http_wgw_told_name(void *request, ngx_str_t *name, ngx_uint_t next,
    wgw_usage_known_t *known)
{
    ngx_http_request_t *r = request;

    size_t                      len;
    ngx_str_t                   variable;
    ngx_uint_t                  hash;
    ngx_http_variable_value_t  *v;

    len = sizeof(NGX_HTTP_WGW_TOLD_NAME) - 1;

    if (name->len > NGX_HTTP_WGW_TOLD_MAX) {
        return NGX_DECLINED;
    }

    variable.len = len + name->len;
    variable.data = ngx_pnalloc(r->pool, variable.len + 1);

    if (variable.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(variable.data, told_prefixes[next], len);
    (void) ngx_hash_strlow(variable.data + len, name->data, name->len);
    hash = ngx_hash_key(variable.data, variable.len);

    v = ngx_http_get_variable(r, &variable, hash);

    if (v == NULL) {
        return NGX_ERROR;
    }

    return v->not_found ? NGX_DECLINED : told_parts(v, known);
}


ngx_int_t
ngx_http_wgw_told_followed(ngx_http_request_t *r, ngx_str_t *value)
{
    ngx_uint_t                  hash;
    ngx_http_variable_value_t  *v;

    static ngx_str_t  name = ngx_string(NGX_HTTP_WGW_TOLD_FOLLOWED);

    ngx_str_null(value);

    hash = ngx_hash_key(name.data, name.len);
    v = ngx_http_get_variable(r, &name, hash);

    if (v == NULL) {
        return NGX_ERROR;
    }

    if (!v->not_found) {
        value->data = v->data;
        value->len = v->len;
    }

    return NGX_OK;
}


static ngx_int_t
told_parts(ngx_http_variable_value_t *v, wgw_usage_known_t *known)
{
    u_char      *p;
    ngx_str_t    part[TOLD_PARTS];
    ngx_uint_t   i;
    wgw_text_t   cap;

    p = v->data;

    for (i = 0; i < TOLD_PARTS; i++) {
        part[i].data = p;
        part[i].len = v->data + v->len - p;

        p = i < TOLD_STATE ? memchr(p, '\0', part[i].len)
                           : v->data + v->len;

        if (p == NULL) {
            return NGX_DECLINED;
        }

        part[i].len = p++ - part[i].data;
    }

    cap.data = (char *) part[TOLD_CAP].data;
    cap.len = part[TOLD_CAP].len;

    known->name = part[TOLD_NAME];
    known->owner = part[TOLD_OWNER];
    known->workload = part[TOLD_WORKLOAD];
    known->paused = (part[TOLD_STATE].len == 6
                     && ngx_strncmp(part[TOLD_STATE].data, "paused", 6) == 0);

    return wgw_text_uint(cap, WGW_METER_CAP_MAX, &known->cap) == 0
           ? NGX_OK : NGX_DECLINED;
}
