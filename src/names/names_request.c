
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/request.h"
#include "names/names_request.h"


static wgw_names_store_pt         request_store;
static const wgw_record_rules_t  *request_rules;


void
wgw_names_request_init(wgw_names_store_pt store,
    const wgw_record_rules_t *rules)
{
    request_store = store;
    request_rules = rules;
}


const wgw_record_rules_t *
wgw_names_rules(void)
{
    return request_rules;
}


ngx_int_t
wgw_names_name(ngx_http_request_t *r, char name[WGW_NAME_MAX],
    wgw_text_t *text, wgw_names_refusal_t *refusal)
{
    const char  *error;
    wgw_text_t   rest;

    text->data = name;
    text->len = 0;

    if (wgw_request_rest(r, &rest) != NGX_OK) {
        return wgw_names_refuse(refusal, NGX_HTTP_NOT_FOUND, "",
                                "no such resource");
    }

    if (rest.len == 0) {
        return NGX_OK;
    }

    text->len = wgw_name_parse(name, rest, request_rules->domain, &error);

    if (text->len == 0) {
        return wgw_names_refuse(refusal, NGX_HTTP_BAD_REQUEST, "name", error);
    }

    return NGX_OK;
}


ngx_int_t
wgw_names_args(ngx_http_request_t *r, wgw_arg_t *args,
    wgw_names_refusal_t *refusal)
{
    ngx_int_t         rc;
    wgw_args_error_t  error;

    rc = wgw_args_read(r, args, &error);

    if (rc == NGX_DECLINED) {
        return wgw_names_refuse(refusal, NGX_HTTP_BAD_REQUEST, error.field,
                                error.message);
    }

    if (rc != NGX_OK) {
        return wgw_names_refuse(refusal, NGX_HTTP_INTERNAL_SERVER_ERROR, "",
                                "");
    }

    return NGX_OK;
}


wgw_store_t *
wgw_names_store(ngx_http_request_t *r, wgw_names_refusal_t *refusal)
{
    wgw_store_t  *store;

    store = request_store(r->connection->log);

    if (store == NULL) {
        wgw_names_refuse(refusal, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                         WGW_NAMES_NO_STORE);
    }

    return store;
}


wgw_store_t *
wgw_names_look(ngx_http_request_t *r, uint64_t *id,
    wgw_names_refusal_t *refusal)
{
    wgw_store_t       *store;
    wgw_store_rc_t     rc;
    wgw_store_error_t  error;

    store = wgw_names_store(r, refusal);
    if (store == NULL) {
        return NULL;
    }

    rc = wgw_store_begin(store, id, &error);

    if (rc != WGW_STORE_OK) {
        wgw_names_failed(r, rc, &error, refusal);
        return NULL;
    }

    return store;
}
