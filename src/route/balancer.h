
/*
 * balancer: the peers of `upstream { wgw_backend; }`, which are those of the
 * route of each request, with a cache of idle connections that knows names.
 *
 * A cached connection is used again for the same address only; one with TLS
 * only for the same address, location, SNI, verified name, verify flag and
 * trusted certificates, and TLS sessions likewise: what was set up for one
 * name never serves another.  A certificate is verified during the
 * handshake, as the record says, whether or not sessions are reused.
 */

#ifndef WGW_BALANCER_H
#define WGW_BALANCER_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/line.h"
#include "core/said.h"
#include "route/health.h"
#include "route/idle.h"
#include "route/lookup.h"

#pragma GCC visibility push(hidden)


/* An upstream block's settings and its idle connections in this worker. */
typedef struct {
    ngx_flag_t           enable;
    wgw_line_t           line;
    wgw_idle_cache_t     idle;
    wgw_health_conf_t    health;
} wgw_balancer_t;


/* What the balancer knows of a request; its members are its own. */
typedef struct {
    wgw_balancer_t      *balancer;      /* NULL: free */
    ngx_http_request_t  *request;
    wgw_lookup_t        *lookup;
    wgw_route_t         *route;         /* NULL: no such name */
    ngx_str_t            name;          /* to verify, and the SNI */
    wgw_peer_t          *peer;
    wgw_idle_key_t       key;
    uint64_t             hash;          /* of the key */
    ngx_uint_t           tried;         /* bits */
    wgw_said_pt          reinit;        /* the proxy's */
    wgw_said_pt          header;
    unsigned             fresh:1;       /* no cached connection */
    unsigned             bound:1;       /* none is kept after it */
} wgw_balancer_peer_t;


/*
 * What the balancer asks the module: the request's look-up, done, or NULL,
 * WGW_HOP_* of the request, and room for what is known of it, which may be
 * taken already; valid as long as the request.
 */
typedef wgw_lookup_t *(*wgw_balancer_lookup_pt)(ngx_http_request_t *r,
    ngx_uint_t *hop, wgw_balancer_peer_t **room);


/* In the directive: the defaults, and the place of the only "server". */
char *wgw_balancer_create(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *uscf,
    wgw_balancer_t *balancer);

/* In postconfiguration: takes back peer.init from whoever wrapped it. */
void wgw_balancer_claim(ngx_http_upstream_srv_conf_t *uscf);

/* Before any request: whom to ask. */
void wgw_balancer_init(wgw_balancer_lookup_pt lookup);


#pragma GCC visibility pop

#endif /* WGW_BALANCER_H */
