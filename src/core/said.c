
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/said.h"


static ngx_int_t said_answer(ngx_http_request_t *r, wgw_said_pt *proxy);
static ngx_int_t said_interim(ngx_http_request_t *r);
static ngx_int_t said_again(ngx_http_request_t *r, wgw_said_pt *proxy);


ngx_int_t
wgw_said_header(ngx_http_request_t *r, wgw_said_pt *proxy)
{
    ngx_int_t  rc;

    do {
        rc = said_answer(r, proxy);

        if (rc == NGX_OK) {
            rc = said_interim(r);
        }

    } while (rc == NGX_DECLINED && said_again(r, proxy) == NGX_OK);

    return rc == NGX_DECLINED ? NGX_ERROR : rc;
}


static ngx_int_t
said_answer(ngx_http_request_t *r, wgw_said_pt *proxy)
{
    ngx_int_t             rc;
    ngx_uint_t            version;
    wgw_said_pt           handler;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    handler = u->process_header;
    version = r->http_version;

    u->process_header = *proxy;

    rc = u->process_header(r);

    *proxy = u->process_header;
    u->process_header = handler;

    if (r->http_version == version) {
        return rc;
    }

    /* the answer would be one of HTTP/0.9; the proxy has said so in the log */

    r->http_version = version;

    return NGX_HTTP_UPSTREAM_INVALID_HEADER;
}


/* NGX_DECLINED: there is another one to come. */

static ngx_int_t
said_interim(ngx_http_request_t *r)
{
    ngx_uint_t  status;

    status = r->upstream->headers_in.status_n;

    if (status >= NGX_HTTP_OK
        || (status == NGX_HTTP_SWITCHING_PROTOCOLS && r->headers_in.upgrade))
    {
        return NGX_OK;
    }

    if (status >= NGX_HTTP_CONTINUE && status != NGX_HTTP_SWITCHING_PROTOCOLS) {
        return NGX_DECLINED;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "upstream sent status %03ui, which it was not asked for",
                  status);

    return NGX_HTTP_UPSTREAM_INVALID_HEADER;
}


/* As nginx does before it asks again, but for what has been read already. */

static ngx_int_t
said_again(ngx_http_request_t *r, wgw_said_pt *proxy)
{
    wgw_said_pt           handler;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    handler = u->process_header;

    if (u->reinit_request(r) != NGX_OK) {
        return NGX_ERROR;
    }

    if (u->process_header != handler) {
        *proxy = u->process_header;
        u->process_header = handler;
    }

    u->keepalive = 0;
    u->upgrade = 0;

    /* a cache would begin with what has been passed over */
    u->cacheable = 0;

    ngx_memzero(&u->headers_in, sizeof(ngx_http_upstream_headers_in_t));

    u->headers_in.content_length_n = -1;
    u->headers_in.last_modified_time = -1;

    if (ngx_list_init(&u->headers_in.headers, r->pool, 8,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_list_init(&u->headers_in.trailers, r->pool, 2,
                         sizeof(ngx_table_elt_t));
}
