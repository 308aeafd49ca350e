
/*
 * nobody: a connection of http that no client has: one end of a socket pair,
 * of which the other end stays with us, closed when the request is over.
 */

#ifndef WGW_NOBODY_H
#define WGW_NOBODY_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)


/* To a server's configuration; NULL, logged.  `*other` is hung up by us. */
ngx_connection_t *wgw_nobody_connect(ngx_http_conf_ctx_t *server, void *owner,
    ngx_log_t *log, ngx_socket_t *other);

/* Whose a request is; NULL: a client's. */
void *wgw_nobody_owner(ngx_http_request_t *r);

/* Once or more often; -1 is closed. */
void wgw_nobody_hang_up(ngx_socket_t *other);


#pragma GCC visibility pop

#endif /* WGW_NOBODY_H */
