
/*
 * args: the query arguments of our own endpoints.
 *
 * What an endpoint does not know is refused, as is what is there twice: an
 * answer to another question than the one that was asked looks right.  Names
 * are taken as written, values without their escapes.
 */

#ifndef WGW_ARGS_H
#define WGW_ARGS_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "format/text.h"

#pragma GCC visibility push(hidden)


typedef struct {
    const char  *name;
    wgw_text_t   value;         /* data NULL: absent */
} wgw_arg_t;


/* Why they are refused, with 400. */
typedef struct {
    const char  *field;
    const char  *message;
} wgw_args_error_t;


/*
 * Fills the values of `args`, which end with one without a name and may be
 * NULL for none.  Returns NGX_OK, NGX_DECLINED and the error, or NGX_ERROR
 * without memory.
 */
ngx_int_t wgw_args_read(ngx_http_request_t *r, wgw_arg_t *args,
    wgw_args_error_t *error);

/* The reply after either failure, as of a content handler. */
ngx_int_t wgw_args_refused(ngx_http_request_t *r, ngx_int_t rc,
    wgw_args_error_t *error);


#pragma GCC visibility pop

#endif /* WGW_ARGS_H */
