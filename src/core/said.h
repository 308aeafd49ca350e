
/*
 * said: what a proxied backend says is HTTP/1, or nothing.
 *
 * The proxy takes a first line that is none of HTTP/1 for an answer of
 * HTTP/0.9: it passes the bytes on as they are, without a header, and keeps the
 * client's connection.  There they stand for whatever the backend likes, also
 * for the answer to what is asked next, maybe of another name or somebody else
 * behind one proxy; over HTTP/2 the status is 000.
 */

#ifndef WGW_SAID_H
#define WGW_SAID_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)


typedef ngx_int_t (*wgw_said_pt)(ngx_http_request_t *r);


/*
 * In a handler of an upstream's header that stands before the proxy's own,
 * which changes itself as it goes: calls that.  Returns what it does, or
 * NGX_HTTP_UPSTREAM_INVALID_HEADER.
 */
ngx_int_t wgw_said_header(ngx_http_request_t *r, wgw_said_pt *proxy);


#pragma GCC visibility pop

#endif /* WGW_SAID_H */
