
/*
 * names_change: a change of one name, under the conditions of If-Match and
 * If-None-Match.
 *
 *     PUT     NAME       a record in JSON: 201 or 200, the stored record
 *     PATCH   NAME       a merge patch (patch.h): the same
 *     DELETE  NAME       204; ?close=true ends live connections
 *
 * It is made beside the event loop (store/writer.h), and answered after its
 * commit.
 */

#ifndef WGW_NAMES_CHANGE_H
#define WGW_NAMES_CHANGE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "format/text.h"

#pragma GCC visibility push(hidden)


/* Content handlers; the name is canonical. */
ngx_int_t wgw_names_put(ngx_http_request_t *r);         /* or PATCH */
ngx_int_t wgw_names_delete(ngx_http_request_t *r, wgw_text_t name);


#pragma GCC visibility pop

#endif /* WGW_NAMES_CHANGE_H */
