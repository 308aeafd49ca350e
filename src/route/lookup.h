
/*
 * lookup: what a request or session knows of its name; the logic that http
 * and stream share.
 *
 * The route stays the one found first, so that all that is done with it
 * agrees; the cap alone follows the store, for transfers that last, in a
 * buffer of its own.  A lookup lives in a pool cleanup, which survives
 * internal redirects, and is zeroed at first.
 */

#ifndef WGW_LOOKUP_H
#define WGW_LOOKUP_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "core/line.h"
#include "core/value.h"
#include "names/record.h"
#include "route/routes.h"
#include "store/store.h"

#pragma GCC visibility push(hidden)


/* `wgw_names` as configured, and what the process has of it. */
typedef struct {
    ngx_str_t            path;          /* empty: not configured */
    wgw_store_sync_t     sync;
    wgw_record_rules_t   rules;
    char                 domain[WGW_NAME_MAX];

    wgw_line_t           line;          /* of `wgw_names` */
    const char          *user;          /* the first directive that needs
                                           names; NULL: none */
    wgw_line_t           used;          /* that one's */
    wgw_line_t           peeks;         /* a stream server peeks */
    ngx_array_t          offload;       /* of wgw_offload_t * */

    void                *fleet;         /* `wgw_fleet`, or NULL */
    void                *followed;      /* what is known of its names; NULL:
                                           these are not the fleet's */
    void               (*numbers)(void *followed, wgw_out_t *out);

    ngx_str_t            certs;         /* `wgw_certs`; empty: none */
    wgw_line_t           certs_line;
    wgw_line_t           certs_api;     /* the first one */
    ngx_str_t            certs_variable;    /* one that is used, or empty */

    wgw_hints_t         *hints;         /* of all workers; NULL: none */
    wgw_store_t         *store;
    time_t               tried;         /* to open it */
} wgw_names_t;


typedef struct {
    ngx_str_t            name;          /* folded: wgw_name_fold() */
    uint64_t             hash;          /* of it: wgw_lookup_named() */
    wgw_route_t         *route;         /* NULL: see rc */
    ngx_int_t            rc;            /* NGX_DECLINED: no such name,
                                           NGX_ERROR: no store */
    uint64_t             id;            /* snapshot of the last look */
    wgw_peer_t          *peer;          /* of the route: $wgw_backend */
    ngx_uint_t           told;          /* its turn was taken for that */
    ngx_str_t            cap;           /* data NULL: nobody asked */
    u_char               cap_text[NGX_INT64_LEN];
} wgw_lookup_t;


/* the variables, of http and stream alike */
typedef enum {
    WGW_LOOKUP_NAME = 0,
    WGW_LOOKUP_BACKEND,
    WGW_LOOKUP_SCHEME,
    WGW_LOOKUP_TLS_NAME,
    WGW_LOOKUP_CAP,
    WGW_LOOKUP_OWNER,
    WGW_LOOKUP_WORKLOAD,
    WGW_LOOKUP_LIFE,
    WGW_LOOKUP_OFFLOAD,                 /* stream's own */
    WGW_LOOKUP_HOST                     /* http's own */
} wgw_lookup_field_e;


/* The variables that are WGW_LOOKUP_* but for the last two. */
extern const wgw_value_name_t  wgw_lookup_variables[];


/* A directive needs names: while the configuration is read. */
void wgw_lookup_use(ngx_conf_t *cf, wgw_names_t *names,
    const char *directive);

/* For each cycle, before any request. */
void wgw_lookup_init(wgw_names_t *names);

/* The names in force. */
wgw_names_t *wgw_lookup_names(void);

/* The worker's store, opened when needed, or NULL, which was logged. */
wgw_store_t *wgw_lookup_store(ngx_log_t *log);

/*
 * A name is known that will be looked up; see wgw_routes_prefetch().  Long
 * before the second, if there is anything to do before it.
 */
void wgw_lookup_ahead(ngx_str_t *name);

/* Once it has its name: what the route is found by. */
void wgw_lookup_named(wgw_lookup_t *lookup);

/* Finds the route; again only if there was none. */
void wgw_lookup(wgw_lookup_t *lookup, ngx_log_t *log);

/* Gives the route back. */
void wgw_lookup_cleanup(wgw_lookup_t *lookup);

/* A variable's value, for a lookup that has a route. */
void wgw_lookup_value(wgw_lookup_t *lookup, wgw_lookup_field_e field,
    ngx_str_t *value, ngx_log_t *log);

/*
 * Whether a route answers on the address that the client connected to: the
 * socket's own, since after a hand-over nginx has the inner listener's.
 */
ngx_uint_t wgw_lookup_here(ngx_connection_t *c, wgw_route_t *route);

/*
 * Whether that address is one of the route's backends: a connection that is
 * passed through would come back here, and again.
 */
ngx_uint_t wgw_lookup_loops(ngx_connection_t *c, wgw_route_t *route);


#pragma GCC visibility pop

#endif /* WGW_LOOKUP_H */
