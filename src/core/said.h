
/*
 * said: what a proxied backend says is an answer of HTTP/1, or a bad one.
 *
 * The proxy takes a first line that is none of HTTP/1 for an answer of
 * HTTP/0.9, and one of 1xx for the answer: it passes the bytes behind on as
 * they are, and keeps the client's connection.  There they stand for whatever
 * the backend likes, also for the answer to what is asked next, maybe of
 * another name or by somebody else behind one proxy; over HTTP/2 the status is
 * 000.  So the first is a bad answer, those of 1xx are passed over, as by an
 * HTTP/1.0 proxy, and 101 is for who has asked for it.
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
