
/*
 * names_reply: what requests for names are answered: a record, or an error,
 *
 *     {"error":"must be a number from 1 to 1000","field":"limit"}
 *
 * A function that can refuse a request fills in a refusal and returns
 * NGX_ERROR; who called it sends that, or has it sent.
 */

#ifndef WGW_NAMES_REPLY_H
#define WGW_NAMES_REPLY_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "names/record.h"
#include "store/store.h"

#pragma GCC visibility push(hidden)


/* errors of a change, be it of one name or of many */
#define WGW_NAMES_NO_STORE   "the store is not available: nothing was changed"
#define WGW_NAMES_NO_SPACE   "there is no space left: nothing was changed"


/* Its texts are constant, or in its own record. */
typedef struct {
    ngx_uint_t                 status;
    const char                *field;       /* "": none */
    const char                *message;
    wgw_record_error_t         record;
} wgw_names_refusal_t;


/* Always NGX_ERROR. */
ngx_int_t wgw_names_refuse(wgw_names_refusal_t *refusal, ngx_uint_t status,
    const char *field, const char *message);

/* The same for what a store returned, logged if it is the store's fault. */
ngx_int_t wgw_names_failed(ngx_http_request_t *r, wgw_store_rc_t rc,
    wgw_store_error_t *error, wgw_names_refusal_t *refusal);

/* These send, and return what a content handler returns. */
ngx_int_t wgw_names_refused(ngx_http_request_t *r,
    wgw_names_refusal_t *refusal);
ngx_int_t wgw_names_record(ngx_http_request_t *r, ngx_uint_t status,
    wgw_record_t *record);


#pragma GCC visibility pop

#endif /* WGW_NAMES_REPLY_H */
