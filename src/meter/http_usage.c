
/*
 * The directive `wgw_usage` and its endpoint.
 */

#include "meter/flow.h"
#include "meter/meter_module.h"
#include "meter/http_told.h"
#include "meter/usage_metrics.h"
#include "meter/usage_past.h"
#include "core/args.h"
#include "core/endpoint.h"
#include "core/reply.h"
#include "core/request.h"


static char *ngx_http_wgw_usage_hosts(ngx_conf_t *cf,
    ngx_http_wgw_meter_conf_t *mcf);
static ngx_int_t ngx_http_wgw_usage_now(ngx_http_request_t *r,
    wgw_usage_query_t *query, ngx_uint_t json);
static ngx_int_t ngx_http_wgw_usage_past(ngx_http_request_t *r,
    wgw_usage_query_t *query);
static void ngx_http_wgw_usage_after(wgw_usage_query_t *query,
    wgw_arg_t *after);
static ngx_uint_t ngx_http_wgw_usage_query(ngx_http_request_t *r,
    wgw_usage_query_t *query, wgw_args_error_t *error);
static ngx_int_t ngx_http_wgw_usage_zone(ngx_http_request_t *r,
    wgw_usage_query_t *query, wgw_args_error_t *error);
static ngx_int_t ngx_http_wgw_usage_list(ngx_http_request_t *r,
    wgw_usage_query_t *query, wgw_args_error_t *error);
static ngx_uint_t ngx_http_wgw_usage_number(wgw_arg_t *arg, uint64_t min,
    uint64_t max, uint64_t *n, wgw_args_error_t *error,
    const char *message);


ngx_int_t  (*ngx_http_wgw_usage_more)(wgw_usage_page_t *page);


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

    return ngx_http_wgw_usage_hosts(cf, mcf);
}


static char *
ngx_http_wgw_usage_hosts(ngx_conf_t *cf, ngx_http_wgw_meter_conf_t *mcf)
{
    ngx_str_t   *value, *host, text;
    ngx_uint_t   i, any;

    mcf->hosts = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));
    if (mcf->hosts == NULL) {
        return NGX_CONF_ERROR;
    }

    any = 0;
    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {
        text.data = value[i].data + 5;
        text.len = value[i].len - 5;

        if (value[i].len <= 5
            || ngx_strncmp(value[i].data, "host=", 5) != 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (text.data[0] != '[' && ngx_strchr(text.data, ':')) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" must be without a port, "
                               "and IPv6 in brackets", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (ngx_strcmp(text.data, "any") == 0) {
            any = 1;
            continue;
        }

        host = ngx_array_push(mcf->hosts);
        if (host == NULL) {
            return NGX_CONF_ERROR;
        }

        *host = text;
    }

    if (any) {
        mcf->hosts = NULL;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_wgw_usage_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i, status;
    wgw_args_error_t            error;
    wgw_usage_query_t           query;
    ngx_http_wgw_meter_conf_t  *mcf;

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    if (!wgw_endpoint_get(r, mcf->hosts, &rc)) {
        return rc;
    }

    status = ngx_http_wgw_usage_query(r, &query, &error);

    if (status == NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return status;
    }

    if (status != NGX_HTTP_OK) {
        return wgw_reply_error(r, status, error.field, error.message);
    }

    wgw_flow_flush_all();

    /* figures are of the window in force */

    for (i = 0; i < query.nzones; i++) {
        (void) wgw_meter_period((wgw_meter_zone_t *) query.zones[i]);
    }

    if (query.window.data) {
        return ngx_http_wgw_usage_past(r, &query);
    }

    return ngx_http_wgw_usage_now(r, &query,
                                  mcf->usage == NGX_HTTP_WGW_USAGE_JSON);
}


static ngx_int_t
ngx_http_wgw_usage_now(ngx_http_request_t *r, wgw_usage_query_t *query,
    ngx_uint_t json)
{
    off_t         length;
    ngx_chain_t  *out;
    const char   *type;

    if (json) {
        type = "application/json";
        length = wgw_usage_json(r->pool, query, &out);

    } else {
        query->openmetrics = wgw_request_accepts(r,
                                             "application/openmetrics-text");

        type = query->openmetrics
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";

        query->limit = WGW_USAGE_LIMIT_MAX;
        query->more = ngx_http_wgw_usage_more;

        if (ngx_http_wgw_told_followed(r, &query->followed) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        length = wgw_usage_metrics(r->pool, query, &out);
    }

    if (length == NGX_DECLINED) {
        return wgw_reply_error(r, NGX_HTTP_NOT_FOUND,
                               query->key.len ? "key" : "zone",
                               "is not known");
    }

    if (length == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return wgw_reply_send(r, NGX_HTTP_OK, type, out);
}


/* What is archived: as JSON, whatever is served here. */

static ngx_int_t
ngx_http_wgw_usage_past(ngx_http_request_t *r, wgw_usage_query_t *query)
{
    off_t              length;
    ngx_chain_t       *out;
    wgw_usage_known_t  known;

    /* a name may be a short one */

    if (query->key.len
        && ngx_http_wgw_told_name(r, &query->key, 0, &known) == NGX_OK)
    {
        query->key = known.name;
    }

    length = wgw_usage_past(r->pool, query, &out);

    switch (length) {

    case NGX_ABORT:
        return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, "window",
                               "must be as \"2026-10\", or with the day, "
                               "hour and minute, as the zone has windows");

    case NGX_DECLINED:
        return wgw_reply_error(r, NGX_HTTP_NOT_FOUND, "window",
                               "is not in the archive");

    case NGX_ERROR:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    default:
        return wgw_reply_send(r, NGX_HTTP_OK, "application/json", out);
    }
}


/* Returns the status of the answer, and the error when it is not 200. */

static ngx_uint_t
ngx_http_wgw_usage_query(ngx_http_request_t *r, wgw_usage_query_t *query,
    wgw_args_error_t *error)
{
    ngx_int_t              rc;
    wgw_text_t             key;
    ngx_wgw_meter_conf_t  *mcf;

    mcf = (ngx_wgw_meter_conf_t *) ngx_get_conf(ngx_cycle->conf_ctx,
                                                ngx_wgw_meter_module);

    ngx_memzero(query, sizeof(wgw_usage_query_t));

    query->zones = mcf->zones.elts;
    query->nzones = mcf->zones.nelts;
    query->journal = mcf->journal;
    query->limit = WGW_USAGE_LIMIT;
    query->known = ngx_http_wgw_told_name;
    query->data = r;

    rc = wgw_request_rest(r, &key);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {
        error->field = "";
        error->message = "no such resource";
        return NGX_HTTP_NOT_FOUND;
    }

    query->key.data = (u_char *) key.data;
    query->key.len = key.len;

    rc = key.len ? ngx_http_wgw_usage_zone(r, query, error)
                 : ngx_http_wgw_usage_list(r, query, error);

    return rc == NGX_OK ? NGX_HTTP_OK
           : rc == NGX_DECLINED ? NGX_HTTP_BAD_REQUEST
                                : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_http_wgw_usage_zone(ngx_http_request_t *r, wgw_usage_query_t *query,
    wgw_args_error_t *error)
{
    ngx_int_t  rc;
    wgw_arg_t  args[] = { { "zone", { NULL, 0 } }, { "window", { NULL, 0 } },
                          { NULL, { NULL, 0 } } };

    rc = wgw_args_read(r, args, error);

    query->zone.data = (u_char *) args[0].value.data;
    query->zone.len = args[0].value.len;
    query->window.data = (u_char *) args[1].value.data;
    query->window.len = args[1].value.len;

    return rc;
}


static ngx_int_t
ngx_http_wgw_usage_list(ngx_http_request_t *r, wgw_usage_query_t *query,
    wgw_args_error_t *error)
{
    uint64_t   limit, top;
    ngx_int_t  rc;
    ngx_str_t  by;

    enum { ZONE = 0, AFTER, LIMIT, TOP, BY, WINDOW };

    wgw_arg_t  args[] = { { "zone", { NULL, 0 } }, { "after", { NULL, 0 } },
                          { "limit", { NULL, 0 } }, { "top", { NULL, 0 } },
                          { "by", { NULL, 0 } }, { "window", { NULL, 0 } },
                          { NULL, { NULL, 0 } } };

    rc = wgw_args_read(r, args, error);
    if (rc != NGX_OK) {
        return rc;
    }

    query->window.data = (u_char *) args[WINDOW].value.data;
    query->window.len = args[WINDOW].value.len;
    query->zone.data = (u_char *) args[ZONE].value.data;
    query->zone.len = args[ZONE].value.len;

    limit = WGW_USAGE_LIMIT;
    top = 0;

    ngx_http_wgw_usage_after(query, &args[AFTER]);

    if (ngx_http_wgw_usage_number(&args[AFTER], 0, WGW_METER_CAP_MAX,
                                  &query->after, error,
                                  "must be the \"next\" of a page")
        || ngx_http_wgw_usage_number(&args[LIMIT], 1, WGW_USAGE_LIMIT_MAX,
                                     &limit, error,
                                     "must be a number from 1 to 10000")
        || ngx_http_wgw_usage_number(&args[TOP], 1, WGW_USAGE_TOP_MAX,
                                     &top, error,
                                     "must be a number from 1 to 1000"))
    {
        return NGX_DECLINED;
    }

    query->limit = limit;
    query->top = top;

    ngx_str_set(&by, "sent");

    if (args[BY].value.data) {
        by.data = (u_char *) args[BY].value.data;
        by.len = args[BY].value.len;
    }

    if (wgw_usage_by(query, &by) != NGX_OK) {
        error->field = "by";
        error->message = "must be \"sent\", \"received\" or \"requests\"";
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* "name:..." is the last part of a list, and no number. */

static void
ngx_http_wgw_usage_after(wgw_usage_query_t *query, wgw_arg_t *after)
{
    if (after->value.len <= 5
        || ngx_strncmp(after->value.data, "name:", 5) != 0)
    {
        return;
    }

    query->name.data = (u_char *) after->value.data + 5;
    query->name.len = after->value.len - 5;
    query->after = UINT64_MAX;
    after->value.data = NULL;

    if (query->name.len == 1 && query->name.data[0] == '.') {
        query->name.len = 0;
    }
}


/* 1 and the error unless it is absent or in its range. */

static ngx_uint_t
ngx_http_wgw_usage_number(wgw_arg_t *arg, uint64_t min, uint64_t max,
    uint64_t *n, wgw_args_error_t *error, const char *message)
{
    if (arg->value.data == NULL
        || (wgw_text_uint(arg->value, max, n) == 0 && *n >= min))
    {
        return 0;
    }

    error->field = arg->name;
    error->message = message;

    return 1;
}
