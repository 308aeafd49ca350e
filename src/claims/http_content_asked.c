
/*
 * Where a request names the content that it asks for.
 */

#include "claims/http_content.h"


wgw_text_t
ngx_http_wgw_content_text(ngx_http_request_t *r, ngx_uint_t of_host)
{
    wgw_text_t  text;

    if (of_host) {
        text.data = (char *) r->headers_in.server.data;
        text.len = r->headers_in.server.len;

        return wgw_cid_of_host(text);
    }

    text.data = (char *) r->uri.data;
    text.len = r->uri.len;

    return wgw_cid_of_path(text);
}


ngx_uint_t
ngx_http_wgw_content_plain(ngx_http_request_t *r)
{
    wgw_text_t  path;

    if (!r->valid_unparsed_uri || !(r->complex_uri || r->quoted_uri)) {
        return 1;
    }

    path.data = (char *) r->unparsed_uri.data;

    for (path.len = 0; path.len < r->unparsed_uri.len; path.len++) {
        if (path.data[path.len] == '?' || path.data[path.len] == '#') {
            break;
        }
    }

    return wgw_text_equal(wgw_cid_of_path(path),
                          ngx_http_wgw_content_text(r, 0));
}
