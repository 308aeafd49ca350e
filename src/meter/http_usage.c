
/*
 * The directive `wgw_usage` and its endpoint.
 */

#include "meter/meter_module.h"
#include "core/reply.h"
#include "core/request.h"


static ngx_uint_t ngx_http_wgw_usage_query(ngx_http_request_t *r,
    wgw_usage_query_t *query, const char **field, const char **error);
static ngx_uint_t ngx_http_wgw_usage_top(ngx_http_request_t *r,
    wgw_usage_query_t *query, const char **field, const char **error);
static ngx_uint_t ngx_http_wgw_usage_accepts(ngx_http_request_t *r,
    const char *type);


char *
ngx_http_wgw_usage(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_meter_conf_t *mcf = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    if (mcf->usage) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "json") == 0) {
        mcf->usage = NGX_HTTP_WGW_USAGE_JSON;

    } else if (ngx_strcmp(value[1].data, "prometheus") == 0) {
        mcf->usage = NGX_HTTP_WGW_USAGE_PROMETHEUS;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid value \"%V\", "
                           "it must be \"json\" or \"prometheus\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_wgw_usage_handler;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_wgw_usage_handler(ngx_http_request_t *r)
{
    off_t                       length;
    ngx_int_t                   rc;
    ngx_uint_t                  status;
    ngx_chain_t                *out;
    const char                 *type, *field, *error;
    wgw_usage_query_t           query;
    ngx_http_wgw_meter_conf_t  *mcf;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return wgw_reply_not_allowed(r, "GET, HEAD");
    }

    status = ngx_http_wgw_usage_query(r, &query, &field, &error);
    if (status != NGX_HTTP_OK) {
        return wgw_reply_error(r, status, field, error);
    }

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    wgw_flow_flush_all();

    if (mcf->usage == NGX_HTTP_WGW_USAGE_JSON) {
        type = "application/json";
        length = wgw_usage_json(r->pool, &query, &out);

    } else {
        query.openmetrics = ngx_http_wgw_usage_accepts(r,
                                "application/openmetrics-text");

        type = query.openmetrics
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";

        query.limit = WGW_USAGE_LIMIT_MAX;
        length = wgw_usage_prometheus(r->pool, &query, &out);
    }

    if (length == NGX_DECLINED) {
        return wgw_reply_error(r, NGX_HTTP_NOT_FOUND,
                               query.key.len ? "key" : "zone",
                               "is not known");
    }

    if (length == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return wgw_reply_send(r, NGX_HTTP_OK, type, out);
}


/* Returns the status of the answer, and the error when it is not 200. */

static ngx_uint_t
ngx_http_wgw_usage_query(ngx_http_request_t *r, wgw_usage_query_t *query,
    const char **field, const char **error)
{
    uint64_t               n;
    ngx_str_t              value;
    wgw_text_t             text;
    ngx_wgw_meter_conf_t  *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    ngx_memzero(query, sizeof(wgw_usage_query_t));

    query->zones = mcf->zones.elts;
    query->nzones = mcf->zones.nelts;
    query->limit = WGW_USAGE_LIMIT;

    if (wgw_request_rest(r, &text) != NGX_OK) {
        *field = "";
        *error = "no such resource";
        return NGX_HTTP_NOT_FOUND;
    }

    query->key.data = (u_char *) text.data;
    query->key.len = text.len;

    if (ngx_http_arg(r, (u_char *) "zone", 4, &value) == NGX_OK) {
        query->zone = value;
    }

    if (ngx_http_arg(r, (u_char *) "after", 5, &value) == NGX_OK) {
        text.data = (char *) value.data;
        text.len = value.len;

        if (wgw_text_uint(text, WGW_METER_CAP_MAX, &query->after) != 0) {
            *field = "after";
            *error = "must be the \"next\" of a page";
            return NGX_HTTP_BAD_REQUEST;
        }
    }

    if (ngx_http_arg(r, (u_char *) "limit", 5, &value) == NGX_OK) {
        text.data = (char *) value.data;
        text.len = value.len;

        if (wgw_text_uint(text, WGW_USAGE_LIMIT_MAX, &n) != 0 || n == 0) {
            *field = "limit";
            *error = "must be a number from 1 to 10000";
            return NGX_HTTP_BAD_REQUEST;
        }

        query->limit = n;
    }

    return ngx_http_wgw_usage_top(r, query, field, error);
}


static ngx_uint_t
ngx_http_wgw_usage_top(ngx_http_request_t *r, wgw_usage_query_t *query,
    const char **field, const char **error)
{
    uint64_t    n;
    ngx_str_t   value;
    wgw_text_t  text;

    ngx_str_set(&value, "sent");

    (void) ngx_http_arg(r, (u_char *) "by", 2, &value);

    if (wgw_usage_by(query, &value) != NGX_OK) {
        *field = "by";
        *error = "must be \"sent\", \"received\" or \"requests\"";
        return NGX_HTTP_BAD_REQUEST;
    }

    if (ngx_http_arg(r, (u_char *) "top", 3, &value) != NGX_OK) {
        return NGX_HTTP_OK;
    }

    text.data = (char *) value.data;
    text.len = value.len;

    if (wgw_text_uint(text, WGW_USAGE_TOP_MAX, &n) != 0 || n == 0) {
        *field = "top";
        *error = "must be a number from 1 to 1000";
        return NGX_HTTP_BAD_REQUEST;
    }

    query->top = query->key.len ? 0 : n;

    return NGX_HTTP_OK;
}


/* 1 when a type of document is among those the client names. */

static ngx_uint_t
ngx_http_wgw_usage_accepts(ngx_http_request_t *r, const char *type)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    len = ngx_strlen(type);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == 6
                && ngx_strncasecmp(h[i].key.data, (u_char *) "accept", 6) == 0
                && h[i].value.len >= len
                && ngx_strlcasestrn(h[i].value.data,
                                    h[i].value.data + h[i].value.len,
                                    (u_char *) type, len - 1)
                   != NULL)
            {
                return 1;
            }
        }
    }

    return 0;
}
