
/*
 * http_router: the side of nginx of the DIN router, for its own files:
 *
 *     http_router.c            directives and variables
 *     http_router_attempt.c    a request: choosing, waiting, giving up
 *     http_router_peer.c       the connection that an attempt goes out on
 *     http_router_errand.c     handshakes and checks
 *     http_router_api.c        what is known of providers
 *
 * A request goes through the phases up to this module's handler in
 * PRECONTENT, which chooses a provider, waits for a session with it, and
 * sets its headers; what follows is nginx's proxy.  When the provider cannot
 * be reached, or its answer is one that another may do better, the attempt
 * is given up and the phases run anew from that handler on.
 */

#ifndef WGW_HTTP_ROUTER_H
#define WGW_HTTP_ROUTER_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/errand.h"
#include "router/providers.h"

#pragma GCC visibility push(hidden)


typedef struct {
    ngx_array_t              providers;     /* of wgw_providers_t * */
    ngx_array_t              hosts;         /* of wgw_host_t * */
    ngx_array_t              upstreams;     /* theirs, in the same order */
    ngx_array_t              locations;     /* of router_loc_conf_t * */
    wgw_errand_place_t       place;
} ngx_http_wgw_router_main_conf_t;


typedef struct {
    ngx_str_t                name;          /* empty: no wgw_router */
    wgw_providers_t         *providers;
    void                   **loc_conf;      /* of its location */
    ngx_array_t             *api_hosts;     /* NULL: no wgw_router_api */
    u_char                  *file;
    ngx_uint_t               line;
} ngx_http_wgw_router_loc_conf_t;


/* A request on its way to a provider; kept over internal redirects. */
typedef struct {
    ngx_http_request_t      *request;
    wgw_providers_t         *providers;
    wgw_provider_t          *provider;      /* chosen */
    wgw_session_t           *session;       /* NULL: none is needed */
    uint64_t                 session_id;
    ngx_uint_t               attempts;
    ngx_uint_t               addresses;     /* of its host, left to try */
    ngx_int_t                phase;         /* r->phase_handler */
    ngx_msec_t               start;
    ngx_msec_t               since;         /* of the provider, chosen */
    ngx_msec_t               sent;          /* of the attempt */
    ngx_event_t              timer;
    ngx_queue_t              queue;         /* of those that wait */
    ngx_list_t               headers;       /* the client's */
    ngx_int_t              (*process_header)(ngx_http_request_t *r);
    uint64_t                 affinity;      /* of Din-Session-Id */
    u_char                   tried[WGW_PROVIDERS_MAX];
    u_char                   renewed[WGW_PROVIDERS_MAX];
    u_char                   out[WGW_PROVIDERS_MAX];    /* by its methods */
    unsigned                 going:1;       /* the handler is ours to call */
    unsigned                 body:1;        /* was read */
    unsigned                 waiting:1;
    unsigned                 sticky:1;      /* affinity is set */
    unsigned                 replaced:1;    /* headers are */
    unsigned                 header:1;      /* the answer's was read */
    unsigned                 answered:1;    /* it is passed on */
    unsigned                 given_up:1;
    unsigned                 fresh:1;       /* no kept connection */
} wgw_attempt_t;


/* What an errand of ours is for. */
typedef struct {
    wgw_provider_t          *provider;
    wgw_provider_end_t      *end;
    wgw_session_t           *session;
    uint64_t                 session_id;
} wgw_router_errand_t;


extern ngx_module_t  ngx_http_wgw_router_module;


/* attempt */

ngx_int_t wgw_router_handler(ngx_http_request_t *r);

/* The request's, or NULL. */
wgw_attempt_t *wgw_attempt_find(ngx_http_request_t *r);

/* Sessions or addresses came: those that wait look again. */
void wgw_attempt_wake(void);

/* 1 when another provider may be asked, instead of the one at hand. */
ngx_uint_t wgw_attempt_other(wgw_attempt_t *attempt);

/*
 * Gives up what is under way; nginx will finalize the request `n` times
 * more before the phases run again.
 */
void wgw_attempt_give_up(wgw_attempt_t *attempt, ngx_uint_t n);

/* The header of the answer; see wgw_attempt_t. */
ngx_int_t wgw_attempt_process_header(ngx_http_request_t *r);

/* The provider failed: it could not be reached, or broke off. */
void wgw_attempt_failed(wgw_attempt_t *attempt, wgw_standing_why_t why);

/* And is not asked again for this request. */
void wgw_attempt_tried(wgw_attempt_t *attempt);

/* Puts the client's headers back. */
void wgw_attempt_restore(wgw_attempt_t *attempt);


/* peer */

ngx_int_t wgw_router_init_upstream(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *uscf);
void wgw_router_claim(ngx_http_upstream_srv_conf_t *uscf);


/* errand */

/*
 * A new session: NGX_OK when a handshake is under way, here or elsewhere,
 * NGX_DECLINED when there may be none now.
 */
ngx_int_t wgw_router_handshake(wgw_provider_t *provider,
    wgw_session_t *session);

/* In a worker: begins. */
void wgw_router_check(wgw_providers_t *providers);

/* The errand of ours that a request is, or NULL. */
wgw_router_errand_t *wgw_router_errand(ngx_http_request_t *r);


/* api */

ngx_int_t wgw_router_api_handler(ngx_http_request_t *r);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_H */
