
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/reply.h"
#include "core/request.h"
#include "names/names_api.h"
#include "names/names_bulk.h"
#include "names/names_change.h"
#include "names/names_list.h"
#include "names/rows.h"


static ngx_int_t api_item(ngx_http_request_t *r, wgw_text_t name);
static ngx_int_t api_get(ngx_http_request_t *r, wgw_text_t name);


void
wgw_names_api_init(wgw_names_store_pt store,
    const wgw_record_rules_t *rules, wgw_names_failures_pt failures)
{
    wgw_names_request_init(store, rules);
    wgw_names_list_init(failures);
}


ngx_int_t
wgw_names_api_handler(ngx_http_request_t *r, ngx_array_t *hosts)
{
    char                 name[WGW_NAME_MAX];
    wgw_text_t           text;
    wgw_names_refusal_t  refusal;

    if (!wgw_request_trusted(r, hosts)) {
        return wgw_request_distrust(r);
    }

    if (wgw_names_name(r, name, &text, &refusal) != NGX_OK) {
        return wgw_names_refused(r, &refusal);
    }

    if (text.len) {
        return api_item(r, text);
    }

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return wgw_names_list(r);
    }

    if (r->method & NGX_HTTP_POST) {
        return wgw_names_bulk(r);
    }

    return wgw_reply_not_allowed(r, "GET, HEAD, POST");
}


static ngx_int_t
api_item(ngx_http_request_t *r, wgw_text_t name)
{
    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return api_get(r, name);
    }

    if (r->method & (NGX_HTTP_PUT|NGX_HTTP_PATCH)) {
        return wgw_names_put(r);
    }

    if (r->method & NGX_HTTP_DELETE) {
        return wgw_names_delete(r, name);
    }

    return wgw_reply_not_allowed(r, "GET, HEAD, PUT, PATCH, DELETE");
}


static ngx_int_t
api_get(ngx_http_request_t *r, wgw_text_t name)
{
    uint64_t             id;
    ngx_int_t            rv;
    wgw_text_t           packed;
    wgw_store_t         *store;
    wgw_record_t         record;
    wgw_names_refusal_t  refusal;
    wgw_store_rc_t       rc;
    wgw_store_error_t    error;

    rv = wgw_reply_discard(r);
    if (rv != NGX_OK) {
        return rv;
    }

    store = wgw_names_args(r, NULL, &refusal) == NGX_OK
            ? wgw_names_look(r, &id, &refusal) : NULL;

    if (store == NULL) {
        return wgw_names_refused(r, &refusal);
    }

    rc = wgw_store_get(store, WGW_ROWS, name, &packed, &error);

    if (rc != WGW_STORE_OK) {
        wgw_names_failed(r, rc, &error, &refusal);
        rv = wgw_names_refused(r, &refusal);

    } else if (wgw_record_unpack(&record, (uint8_t *) packed.data, packed.len)
               == 0)
    {
        record.name = name;
        wgw_record_place(&record, wgw_names_rules()->node);
        rv = wgw_names_record(r, NGX_HTTP_OK, &record);

    } else {
        rv = wgw_reply_error(r, NGX_HTTP_INTERNAL_SERVER_ERROR, "",
                             "the record is damaged: put it again");
    }

    wgw_store_end(store);

    return rv;
}
