
/*
 * stream_balancer: retries for `proxy_pass $wgw_backend` in stream.
 *
 * nginx connects to the one address that a variable has, and gives up when
 * it fails.  But if the value is the name of an upstream, it asks that for
 * peers.  So there is an upstream of ours, and for the moment in which
 * proxy_pass evaluates its argument $wgw_backend is its name.  Before and
 * after that, the variable is an address: in the log, the last one tried.
 *
 * A PROXY header, which nginx writes of the session's two addresses, has
 * addresses of one family: see balancer_one_family().
 */

#ifndef WGW_STREAM_BALANCER_H
#define WGW_STREAM_BALANCER_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_stream.h>

#include "route/routes.h"

#pragma GCC visibility push(hidden)


/* A session's part of it, zeroed at first. */
typedef struct {
    wgw_route_t         *route;
    wgw_peer_t          *peer;          /* the last one tried, or NULL */
    ngx_uint_t           tried;         /* see wgw_turn_next() */
    ngx_stream_session_t  *session;

    struct sockaddr     *remote;        /* the session's own, while a PROXY */
    struct sockaddr     *local;         /* header has others; else NULL */
    socklen_t            local_len;
} wgw_stream_peer_t;


/* The session's, with its route, both valid as long as the session; NULL:
   it has no route. */
typedef wgw_stream_peer_t *(*wgw_stream_peer_pt)(ngx_stream_session_t *s);


/* In postconfiguration: adds the upstream; `peer` is whom it asks. */
ngx_int_t wgw_stream_balancer_init(ngx_conf_t *cf, wgw_stream_peer_pt peer);

/* The value of $wgw_backend in this moment; NULL: the next one in turn. */
ngx_str_t *wgw_stream_balancer_value(ngx_stream_session_t *s,
    wgw_stream_peer_t *sp);


#pragma GCC visibility pop

#endif /* WGW_STREAM_BALANCER_H */
