
/*
 * routes: the names of the store as the request path uses them: records
 * parsed into socket addresses and texts, behind a small cache of the worker.
 *
 * An entry is valid while the id of the snapshot it was read from is the
 * store's current id, which costs a few nanoseconds to learn.  After any
 * commit, anywhere, an entry is read again at its next use; as long as its
 * record's own change id is the same the parsed form is kept.  So a reply to
 * a change is sent when every worker already serves it.
 *
 * Behind it, what any worker found in the store is found again by all without
 * a search (store/hints.h), as long as nothing changes.
 *
 * Looks of one turn of the event loop share a snapshot as long as it is the
 * newest; it is given up when the turn ends, so that a worker that sleeps
 * keeps no page of the store from being used again.
 *
 * A route is shared: wgw_routes_find() gives a reference, which ends with
 * wgw_route_release().  It does not change while anybody holds it.
 */

#ifndef WGW_ROUTES_H
#define WGW_ROUTES_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "names/record.h"
#include "store/store.h"

#pragma GCC visibility push(hidden)


#define WGW_ROUTES_CACHE  32768         /* entries of a worker, a power of 2 */


/* nginx's own has room for the path of a unix socket, 80 bytes more */
typedef union {
    struct sockaddr      sockaddr;
    struct sockaddr_in   sockaddr_in;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  sockaddr_in6;
#endif
    u_char               bytes[32];     /* padded with zeros */
} wgw_sockaddr_t;


typedef struct {
    wgw_sockaddr_t       sockaddr;
    socklen_t            socklen;
    uint64_t             hash;          /* of the address, in all workers */
    ngx_str_t            text;          /* "[2001:db8::10]:8080" */
} wgw_peer_t;


/* of a record, with its text once it was asked for */
typedef struct {
    uint64_t             number;        /* 0: none, and no text */
    ngx_str_t            text;          /* decimal; see wgw_route_text() */
} wgw_route_number_t;


typedef struct {
    ngx_str_t            tls_name;      /* SNI, and the name to verify;
                                           empty: the one asked for */
    ngx_str_t            tls_ca;        /* PEM, empty: the system's */
    ngx_str_t            owner;
    ngx_str_t            workload;
    wgw_route_number_t   cap;
    wgw_route_number_t   life;
    void                *trust;         /* X509_STORE of tls_ca, made at
                                           first use; the balancer's */
    size_t               size;          /* of the allocation */

    /* what each request reads: one line of the processor's cache */

    uint64_t             change;        /* the record's version */
    ngx_str_t            asked;         /* what it is cached under */
    ngx_str_t            name;          /* may be a wildcard */
    wgw_addr_t          *addresses;     /* local ones it answers on */
    uint32_t             refs;
    uint32_t             next;          /* the peer whose turn it is */
    uint32_t             npeers;
    uint16_t             naddresses;

    unsigned             passthrough:1;
    unsigned             https:1;
    unsigned             verify:1;
    unsigned             paused:1;
    unsigned             elsewhere:1;   /* other gateways serve it */
    unsigned             proxy:1;       /* PROXY protocol to the backend */

    /* and the next one, for a peer; the texts behind them begin with `asked` */

    wgw_peer_t           peers[];
} wgw_route_t;


/*
 * For each cycle, in the master: what this gateway is called in `gateways` of a
 * record; the seed of hashes is drawn once.
 */
ngx_int_t wgw_routes_init(wgw_text_t node, ngx_log_t *log);

/* Of a folded name, by which it is looked for; the same in all workers. */
uint64_t wgw_routes_hash(ngx_str_t *name);

/*
 * What a look reads is far away where names are many: a set of the worker's
 * routes and, behind that, the route; or else a hint and, behind it, the row.
 * So the processor is asked for both of the first as soon as the name is
 * known; some hundred instructions later for what these lead to; and finds it
 * there when it is looked for.  Nothing depends on either, and none waits.
 */
void wgw_routes_prefetch(wgw_store_t *store, uint64_t hash);
void wgw_routes_prefetch_route(wgw_store_t *store, uint64_t hash,
    ngx_str_t *name);

/*
 * The route of a folded name: the exact one, else the nearest wildcard's, as
 * of the snapshot `*id`.  NGX_OK and a reference; NGX_DECLINED: no such name,
 * or other gateways serve it; NGX_ERROR: the store failed, which was logged.
 */
ngx_int_t wgw_routes_find(wgw_store_t *store, ngx_str_t *name, uint64_t hash,
    wgw_route_t **route, uint64_t *id, ngx_log_t *log);

void wgw_route_release(wgw_route_t *route);

/* Most routes are never asked for them: a request without a meter is not. */

static ngx_inline ngx_str_t *
wgw_route_text(wgw_route_number_t *value)
{
    if (value->number && value->text.len == 0) {
        value->text.len = ngx_sprintf(value->text.data, "%uL", value->number)
                          - value->text.data;
    }

    return &value->text;
}

/* What a backend's health is kept under: see health.h. */
uint64_t wgw_route_backend(const wgw_addr_t *addr);

/* 1 if a route without addresses, or with this one, answers here. */
ngx_uint_t wgw_route_answers(wgw_route_t *route, struct sockaddr *local);

/* An address of a socket as records have it; NGX_DECLINED for others. */
ngx_int_t wgw_route_address(wgw_addr_t *addr, struct sockaddr *sockaddr);

/* For exit: drops the cache. */
void wgw_routes_clear(void);


#pragma GCC visibility pop

#endif /* WGW_ROUTES_H */
