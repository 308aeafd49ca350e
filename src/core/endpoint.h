
/*
 * endpoint: a location that an administrator gave to a content handler of
 * ours, and who is trusted in it besides the machine itself: the names of its
 * server (request.h).
 */

#ifndef WGW_ENDPOINT_H
#define WGW_ENDPOINT_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)


/* The directive: makes `*hosts`, of ngx_str_t, which is NULL elsewhere. */
char *wgw_endpoint(ngx_conf_t *cf, ngx_array_t **hosts,
    ngx_http_handler_pt handler);

/* In a merge handler; `above` are the hosts of the level above. */
char *wgw_endpoint_merge(ngx_conf_t *cf, ngx_array_t *above,
    ngx_array_t **hosts, ngx_http_handler_pt handler);

/*
 * The beginning of a handler that only answers.  1, or 0 and in `*rc` what the
 * handler returns: who is not trusted, or asks for more than GET and HEAD, has
 * had an answer.
 */
ngx_uint_t wgw_endpoint_get(ngx_http_request_t *r, ngx_array_t *hosts,
    ngx_int_t *rc);


#pragma GCC visibility pop

#endif /* WGW_ENDPOINT_H */
