
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/said.h"


ngx_int_t
wgw_said_header(ngx_http_request_t *r, wgw_said_pt *proxy)
{
    ngx_int_t             rc;
    ngx_uint_t            version;
    wgw_said_pt         handler;
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
