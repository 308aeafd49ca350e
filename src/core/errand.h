
/*
 * errand: a request of nginx's own, detached from any client's, to a location
 * that was known when nginx was configured: so that TLS, names, time limits
 * and kept connections of what waits elsewhere are nginx's own.
 *
 * It has a connection, one end of a socket pair, and nothing else of a
 * client: it goes straight to the content handler of its location, past all
 * rewrites, limits and access checks, is not logged, and its answer is kept
 * in memory, as the handler made it: no filter of a client's answer sees it.
 *
 * It ends, when it must, by its own time limit.  While it is on its way a
 * worker that is told to quit waits for it; one that is terminated, or
 * killed, never calls back: what others were told of it must expire.
 */

#ifndef WGW_ERRAND_H
#define WGW_ERRAND_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#pragma GCC visibility push(hidden)


/* The server and the location, of a configuration that is whole. */
typedef struct {
    ngx_http_conf_ctx_t   *server;
    void                 **location;    /* its loc_conf */
} wgw_errand_place_t;


typedef struct {
    ngx_str_t              name;
    ngx_str_t              value;
} wgw_errand_header_t;


typedef struct wgw_errand_s  wgw_errand_t;

typedef void (*wgw_errand_done_pt)(wgw_errand_t *errand);


/* What is set up before wgw_errand_run(); texts are of its pool, or longer. */
struct wgw_errand_s {
    ngx_pool_t            *pool;
    wgw_errand_place_t    *place;
    ngx_uint_t             method;      /* NGX_HTTP_GET or NGX_HTTP_POST */
    ngx_str_t              uri;
    ngx_str_t              args;
    ngx_str_t              body;        /* of a POST */
    wgw_errand_header_t   *headers;
    ngx_uint_t             nheaders;
    size_t                 max;         /* bytes of an answer */
    ngx_msec_t             timeout;     /* over all */
    wgw_errand_done_pt     done;
    void                  *data;        /* the caller's */

    /* for done(): */

    ngx_uint_t             status;      /* 0: there was no whole answer */
    ngx_str_t              answer;
    ngx_str_t              encoding;    /* its Content-Encoding, or empty */
    time_t                 date;        /* its Date, or -1 */
    unsigned               timedout:1;
    unsigned               too_long:1;

    /* private: */

    ngx_http_request_t    *request;
    ngx_connection_t      *connection;
    ngx_event_t            event;
    ngx_event_t            timer;
    ngx_socket_t           other;       /* end; -1: closed */
    ngx_chain_t           *chain;
    ngx_chain_t          **last;
    size_t                 size;
    unsigned               whole:1;
};


/* In postconfiguration; a second call does nothing. */
ngx_int_t wgw_errand_init(ngx_conf_t *cf);

/* A new one, zeroed, with its pool; NULL: no memory. */
wgw_errand_t *wgw_errand_create(ngx_log_t *log);

/* One that is not to be sent. */
void wgw_errand_drop(wgw_errand_t *errand);

/*
 * Sends it: done() is called once, later, from the event loop, and after it
 * the errand is gone.  NGX_ERROR, logged, when it could not be sent: then it
 * is gone as well, and done() is not called.
 */
ngx_int_t wgw_errand_run(wgw_errand_t *errand);

/* The errand that a request is, or NULL. */
wgw_errand_t *wgw_errand_get(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_ERRAND_H */
