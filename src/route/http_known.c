
/*
 * What the route module tells the meter of any name, in variables that have
 * the name in their own: no configuration can spell them.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/value.h"
#include "names/rows.h"
#include "route/http_known.h"
#include "route/lookup.h"


/* rows looked at in one call; the caller goes on from where it ended */
#define HTTP_KNOWN_ROWS  1000

#define HTTP_KNOWN_NUMBERS  256


static ngx_int_t http_known_value(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, wgw_text_t name, wgw_text_t packed);
static ngx_int_t http_known_next(wgw_store_t *store, wgw_text_t after,
    ngx_uint_t capped, wgw_text_t *name, wgw_text_t *packed);
static ngx_uint_t http_known_is(ngx_str_t *variable, const char *prefix);


/*
 * "NAME\0CAP\0OWNER\0WORKLOAD\0STATE" of the record of a name, which may be a
 * short one; or of the next one in order, or of the next one that has a cap,
 * which is 0 where the caller has to look on from there.
 */

ngx_int_t
ngx_http_wgw_known_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t *variable = (ngx_str_t *) data;

    char                found[WGW_NAME_MAX];
    uint64_t            id;
    ngx_int_t           rc;
    ngx_uint_t          next, capped;
    wgw_text_t          text, name, packed;
    wgw_store_t        *store;
    const char         *error;
    wgw_store_error_t   failed;

    v->not_found = 1;

    capped = http_known_is(variable, WGW_KNOWN_NEXT_CAP);
    next = capped || http_known_is(variable, WGW_KNOWN_NEXT);

    text.data = (char *) variable->data + sizeof(WGW_KNOWN_NAME) - 1;
    text.len = variable->len - (sizeof(WGW_KNOWN_NAME) - 1);

    name.data = found;
    name.len = wgw_name_parse(found, text,
                              wgw_lookup_names()->rules.domain, &error);

    if ((name.len == 0 && text.len) || wgw_lookup_names()->path.len == 0) {
        return NGX_OK;
    }

    store = wgw_lookup_store(r->connection->log);

    if (store == NULL || wgw_store_begin(store, &id, &failed) != WGW_STORE_OK)
    {
        return NGX_OK;
    }

    if (next) {
        rc = http_known_next(store, name, capped, &name, &packed);

    } else {
        rc = wgw_store_get(store, WGW_ROWS, name, &packed, &failed)
             == WGW_STORE_OK ? NGX_OK : NGX_DECLINED;
    }

    if (rc == NGX_OK) {
        rc = http_known_value(r, v, name, packed);
    }

    wgw_store_end(store);

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


static ngx_uint_t
http_known_is(ngx_str_t *variable, const char *prefix)
{
    return ngx_strncmp(variable->data, prefix, sizeof(WGW_KNOWN_NAME) - 1)
           == 0;
}


static ngx_int_t
http_known_next(wgw_store_t *store, wgw_text_t after, ngx_uint_t capped,
    wgw_text_t *name, wgw_text_t *packed)
{
    ngx_uint_t         n;
    wgw_text_t         key;
    wgw_record_t       record;
    wgw_store_error_t  error;

    for (n = 0; n < HTTP_KNOWN_ROWS; n++) {

        if (wgw_store_next(store, WGW_ROWS, after, &key, packed, &error)
            != WGW_STORE_OK)
        {
            return NGX_DECLINED;
        }

        after = key;
        *name = key;

        if (!capped) {
            break;
        }

        if (wgw_record_unpack(&record, (uint8_t *) packed->data, packed->len)
            == 0 && record.cap_bytes)
        {
            break;
        }
    }

    return NGX_OK;
}


static ngx_int_t
http_known_value(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    wgw_text_t name, wgw_text_t packed)
{
    u_char        *p;
    ngx_str_t      value;
    wgw_record_t   record;

    if (wgw_record_unpack(&record, (uint8_t *) packed.data, packed.len) != 0)
    {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, name.len + NGX_INT64_LEN + record.owner.len
                             + record.workload.len + sizeof("paused") + 4);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;

    p = ngx_sprintf(p, "%*s%Z%uL%Z%*s%Z%*s%Z%s", name.len, name.data,
                    record.cap_bytes, record.owner.len, record.owner.data,
                    record.workload.len, record.workload.data,
                    record.paused ? "paused" : "ok");

    value.len = p - value.data;

    return wgw_value_set(v, &value);
}


ngx_int_t
ngx_http_wgw_known_followed(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    wgw_out_t     out;
    ngx_str_t     value;
    wgw_names_t  *names;

    names = wgw_lookup_names();
    v->not_found = 1;

    if (names->numbers == NULL) {
        return NGX_OK;
    }

    value.data = ngx_pnalloc(r->pool, HTTP_KNOWN_NUMBERS);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    wgw_out_init(&out, value.data, HTTP_KNOWN_NUMBERS);
    names->numbers(names->followed, &out);

    value.len = out.pos - out.start;

    return wgw_value_set(v, &value);
}
