
/*
 * resolve: the addresses of a host, looked up while nginx runs, again and
 * again, so that DNS that fails stops no start, and what moved is found.
 *
 * An address is itself.  A name is looked for in /etc/hosts, then asked for
 * at name servers: those given, or those of /etc/resolv.conf.  It is asked
 * for again when its answer ends, at least 5 seconds and at most 5 minutes
 * later; while nothing better is known, addresses once found are kept.
 */

#ifndef WGW_RESOLVE_H
#define WGW_RESOLVE_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#pragma GCC visibility push(hidden)


#define WGW_RESOLVE_ADDRESSES  16


typedef struct {
    ngx_sockaddr_t         sockaddr;
    socklen_t              socklen;
    ngx_str_t              text;        /* with its port */
    uint64_t               hash[2];     /* of sockaddr: connections by it */
    u_char                 buffer[NGX_SOCKADDR_STRLEN];
} wgw_address_t;


typedef struct wgw_host_s  wgw_host_t;

struct wgw_host_s {
    ngx_str_t              name;        /* [v6] in its brackets */
    in_port_t              port;
    ngx_resolver_t        *resolver;    /* NULL: /etc/hosts only */
    ngx_msec_t             timeout;     /* of a question */

    wgw_address_t         *addresses;   /* room for all */
    ngx_uint_t             naddresses;
    ngx_uint_t             next;

    ngx_event_t            timer;
    ngx_resolver_ctx_t    *question;
    void                 (*changed)(void);  /* there are addresses now */
    unsigned               literal:1;
    unsigned               asked:1;         /* once, to an end */
};


/* The resolver that /etc/resolv.conf names; NULL, not logged: none. */
ngx_resolver_t *wgw_resolve_system(ngx_conf_t *cf);

/* In the configuration: name, port, resolver are set. */
ngx_int_t wgw_resolve_host(ngx_conf_t *cf, wgw_host_t *host);

/* In a worker: begins, if it is a name. */
void wgw_resolve_start(wgw_host_t *host);

/* The next of its addresses, or NULL. */
wgw_address_t *wgw_resolve_next(wgw_host_t *host);


#pragma GCC visibility pop

#endif /* WGW_RESOLVE_H */
