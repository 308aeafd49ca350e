
/*
 * The directive `wgw_grid_status` and its endpoint.
 */

#include "meter/http_grid.h"
#include "core/board.h"
#include "core/body.h"
#include "core/endpoint.h"
#include "core/reply.h"
#include "core/request.h"
#include "format/json.h"


static ngx_int_t grid_handler(ngx_http_request_t *r);
static ngx_int_t grid_get(ngx_http_request_t *r);
static void grid_put(ngx_http_request_t *r, ngx_uint_t status,
    wgw_text_t body);
static ngx_int_t grid_take(ngx_http_request_t *r, wgw_text_t body);


/* Of this instance of nginx, made by its master. */
static wgw_board_t  *grid_board;


char *
ngx_http_wgw_grid_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_wgw_meter_conf_t *mcf = conf;

    if (grid_board == NULL) {
        grid_board = wgw_board_create(WGW_GRID_STATUS_MAX);

        if (grid_board == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "mmap() failed");
            return NGX_CONF_ERROR;
        }
    }

    return wgw_endpoint(cf, &mcf->grid, grid_handler);
}


char *
ngx_http_wgw_grid_status_merge(ngx_conf_t *cf,
    ngx_http_wgw_meter_conf_t *prev, ngx_http_wgw_meter_conf_t *conf)
{
    return wgw_endpoint_merge(cf, prev->grid, &conf->grid, grid_handler);
}


static ngx_int_t
grid_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_wgw_meter_conf_t  *mcf;

    mcf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_meter_module);

    if (!wgw_request_trusted(r, mcf->grid)) {
        return wgw_request_distrust(r);
    }

    if (r->method & NGX_HTTP_PUT) {
        return wgw_body_read(r, WGW_GRID_STATUS_MAX, grid_put);
    }

    rc = wgw_reply_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return grid_get(r);
    }

    return wgw_reply_not_allowed(r, "GET, HEAD, PUT");
}


static ngx_int_t
grid_get(ngx_http_request_t *r)
{
    void         *data;
    size_t        len;
    uint64_t      digest;
    wgw_text_t    said;
    ngx_chain_t  *out;

    said = wgw_text("null");

    if (wgw_board_other(grid_board, 0, &data, &len, &digest)) {
        said.data = data;
        said.len = len;

    } else {
        data = NULL;
    }

    out = wgw_reply_chain(r->pool, said.len);

    if (out) {
        out->buf->last = ngx_cpymem(out->buf->last, said.data, said.len);
    }

    free(data);

    return out ? wgw_reply_send(r, NGX_HTTP_OK, "application/json", out)
               : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static void
grid_put(ngx_http_request_t *r, ngx_uint_t status, wgw_text_t body)
{
    ngx_http_finalize_request(r, status == NGX_HTTP_OK ? grid_take(r, body)
        : wgw_reply_error(r, status, "", "a status has at most 131072 bytes"));
}


static ngx_int_t
grid_take(ngx_http_request_t *r, wgw_text_t body)
{
    uint32_t          seen;
    wgw_json_error_t  error;

    if (wgw_json_read_open(body, NULL, 0, NULL, &seen, &error) != 0) {
        return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, error.field,
                               error.message);
    }

    wgw_board_put(grid_board, body.data, body.len,
                  wgw_board_digest(body.data, body.len));

    return wgw_reply_send(r, NGX_HTTP_NO_CONTENT, NULL, NULL);
}
