
/*
 * body: reads a request's body that our own endpoints need whole, and that
 * has a small maximum, whatever client_max_body_size says and however it is
 * framed.  Nothing is written to a file.
 */

#ifndef WGW_BODY_H
#define WGW_BODY_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "format/text.h"

#pragma GCC visibility push(hidden)


/*
 * `status` is 200 and the body is there, or 413, and the rest of it was not
 * read.  Finalizes the request.
 */
typedef void (*wgw_body_handler_pt)(ngx_http_request_t *r,
    ngx_uint_t status, wgw_text_t body);


/*
 * From a content handler, which returns what this does.  When the client
 * goes away or is too slow, the handler is not called.
 */
ngx_int_t wgw_body_read(ngx_http_request_t *r, size_t max,
    wgw_body_handler_pt handler);


#pragma GCC visibility pop

#endif /* WGW_BODY_H */
