
/*
 * http_router_attempt: a request on its way to a provider, from attempt to
 * attempt; kept over internal redirects, and gone with its request.
 *
 * An attempt is given up where nginx is in the middle of it: the upstream's
 * part of the request is ended as if the client had gone, and the phases run
 * again, from the router's handler on.
 */

#ifndef WGW_HTTP_ROUTER_ATTEMPT_H
#define WGW_HTTP_ROUTER_ATTEMPT_H


#include "core/said.h"
#include "router/router_module.h"

#pragma GCC visibility push(hidden)


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
    ngx_array_t              hidden;        /* http_router_fields.c */
    ngx_list_part_t         *last;          /* of these; NULL: of no others */
    ngx_uint_t               nelts;
    wgw_said_pt              process_header;
    u_char                  *copy;          /* of an answer in chunks */
    size_t                   room;
    uint64_t                 affinity;      /* of Din-Session-Id */
    uint64_t                 tried;         /* a bit for each provider */
    uint64_t                 renewed;
    uint64_t                 out;           /* by its methods */
    unsigned                 going:1;       /* the handler is ours to call */
    unsigned                 body:1;        /* was read */
    unsigned                 waiting:1;
    unsigned                 sticky:1;      /* affinity is set */
    unsigned                 header:1;      /* the answer's was read */
    unsigned                 answered:1;    /* it is passed on */
    unsigned                 given_up:1;
    unsigned                 fresh:1;       /* no kept connection */
} wgw_attempt_t;


/* The request's, or NULL. */
wgw_attempt_t *wgw_attempt_find(ngx_http_request_t *r);

/* NULL without memory. */
wgw_attempt_t *wgw_attempt_create(ngx_http_request_t *r,
    wgw_providers_t *providers);

/* Begins anew: after an internal redirect it is another request, in a way. */
void wgw_attempt_reset(wgw_attempt_t *attempt, ngx_http_request_t *r,
    wgw_providers_t *providers);

/* The bit of the provider at hand. */
uint64_t wgw_attempt_bit(wgw_attempt_t *attempt);

/* The provider failed: it could not be reached, or broke off. */
void wgw_attempt_failed(wgw_attempt_t *attempt, wgw_standing_why_t why);

/* And is not asked again for this request. */
void wgw_attempt_tried(wgw_attempt_t *attempt);

/* The timer, of waiting for whatever it is. */
void wgw_attempt_disarm(wgw_attempt_t *attempt);

/*
 * Gives up what is under way: its cleanup finalizes the request with
 * NGX_DONE, and so does, once it returns, whoever called us (`n` in all).
 * Then the phases run, posted, from our handler on.
 */
void wgw_attempt_give_up(wgw_attempt_t *attempt, ngx_uint_t n);


#pragma GCC visibility pop

#endif /* WGW_HTTP_ROUTER_ATTEMPT_H */
