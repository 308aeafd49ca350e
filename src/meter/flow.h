
/*
 * flow: one metered request or session and the client connection below it.
 *
 * Attached to a connection, a flow stands in place of its send_chain, send
 * and recv, as TLS does.  http and stream differ only in the small class
 * below; all the rest is here once.
 *
 * Sent is c->sent: application bytes that the connection took, headers and
 * framing included, before TLS.  nginx sets it to 0 for every request.
 * Received is what recv() brought, from the first byte of the request on.
 *
 * Where a hard cap counts a direction, bytes move only under a hold of
 * meter.h, and are settled in the same call, apart from those that are
 * committed but have not left yet:
 *
 *     below   taken from the chain into the buffer of TLS or the frames of
 *             HTTP/2, not in c->sent
 *     again   to be offered again and not shortened: a sendfile() in a
 *             thread, an SSL_write() that wants a retry
 *     input   read, but perhaps the beginning of the next request: counted
 *             when it has left r->header_in
 *
 * When nothing is left a flow is cut; when others merely hold what is left
 * it pauses, for ten seconds at most.  A response that ends exactly at the cap
 * is complete.  What is held and does not move for a second, because a client
 * does not read or a backend does not answer, is given back, and held again
 * when it is about to leave.
 *
 * Where a rate of pace.h counts a direction, bytes move in pieces that are
 * taken before and paid for when they are committed.  A pause for a rate is as
 * long as it has to be, and, as with nginx's limit_rate, no timeout ends it:
 * see wgw_flow_delay().
 *
 * The flow of a connection is found by a hash of its address, since c->data
 * means many things in the life of a request.  There is one at a time: a
 * session handed over to another module leaves its flow to the connection,
 * and the next one on it ends it.
 */

#ifndef WGW_FLOW_H
#define WGW_FLOW_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "core/context.h"
#include "meter/meter.h"
#include "meter/pace.h"

#pragma GCC visibility push(hidden)


/* no response header of nginx is shorter */
#define WGW_FLOW_HEAD  64


typedef struct wgw_flow_s       wgw_flow_t;
typedef struct wgw_flow_wake_s  wgw_flow_wake_t;


/* What stands in place of a connection's calls, and knows what they hold. */
typedef struct {
    ngx_recv_pt        recv;
    ngx_send_pt        send;
    ngx_send_chain_pt  send_chain;

    /* bytes that are committed but not in c->sent */
    off_t            (*below)(wgw_flow_t *flow);

    /* counts, and holds what is below and `again` only */
    void             (*settle)(wgw_flow_t *flow, off_t again);
} wgw_flow_wrap_t;


/* What differs between HTTP/1, HTTP/2 and stream; NULL: nothing to do. */
typedef struct {

    /* bytes of the client that belong to the flow, so far */
    off_t       (*received)(wgw_flow_t *flow);

    /*
     * holds what has come by other ways than recv(), and adds to c->sent what
     * has left without nginx's knowledge, once nothing more will
     */
    void        (*take)(wgw_flow_t *flow);

    /* bytes that are committed but not in c->sent; NULL: those of TLS */
    off_t       (*below)(wgw_flow_t *flow);

    /* in place of send_chain(), where a cap or rate counts what is sent */
    ngx_chain_t *(*send_chain)(wgw_flow_t *flow, ngx_chain_t *in,
                               off_t limit);

    /* and of recv() */
    ssize_t     (*recv)(wgw_flow_t *flow, u_char *buf, size_t size);

    /*
     * The length of what must not be torn apart at the start (the response
     * header), -1 when it has not been made and what goes precedes it; and
     * what to send instead of it when it does not fit.
     */
    off_t       (*head)(wgw_flow_t *flow);
    void        (*refuse)(wgw_flow_t *flow);

    /* a pause of the event ended: what was kept back goes on */
    void        (*wake)(wgw_flow_t *flow, ngx_event_t *ev);

    /* bytes that moved on the connection, if that is not the flow's own */
    off_t       (*moved)(wgw_flow_t *flow);

    /* keeps back what is committed, as far as it can be */
    void        (*park)(wgw_flow_t *flow);

    /* lets the client see at once that it was cut */
    void        (*cut)(wgw_flow_t *flow);

    /* 1 when a flow that is over its cap may be ended by c->close */
    ngx_uint_t  (*closable)(wgw_flow_t *flow);
} wgw_flow_class_t;


struct wgw_flow_s {
    wgw_context_t            context;

    wgw_meters_t             meters;
    ngx_array_t             *late;      /* of wgw_meter_conf_t, some of which
                                           are still to be pushed; or NULL */
    wgw_paces_t             *paces;     /* NULL: no rates of bytes */

    void                    *own;       /* of the class */
    void                    *answered;  /* who had, when it was refused */

    off_t                    read;      /* brought by recv(), and before it */
    off_t                    sent;      /* of c->sent, in the tables */
    off_t                    received;  /* of class->received() */

    off_t                    out;       /* held: below + again */
    off_t                    again;     /* may be sent without a hold */
    off_t                    in;        /* held: input */
    off_t                    owed;      /* came, and waits for its turn */
    off_t                    mark;      /* what had moved at a sweep */
    ngx_uint_t               requests;  /* not yet in the tables */

    wgw_flow_wake_t         *wake[2];   /* end a pause of read, write */
    ngx_uint_t               pauses;    /* one after the other */

    unsigned                 started:1;
    unsigned                 attached:1;
    unsigned                 head:1;    /* still to be sent */
    unsigned                 over:1;    /* to be cut at the next call */
    unsigned                 cut:1;
    unsigned                 tail:1;    /* no other request can follow */
    unsigned                 hints:1;   /* went before the head */
    unsigned                 settled:1; /* all is counted, till more moves */
    unsigned                 kept:1;    /* its memory is, when it ended */
    unsigned                 brief:1;   /* one meter counts, nothing waits for
                                           a rate or looks at soft caps */

    /* up to here zeroed; what is behind is set when it begins */

    const wgw_flow_class_t  *class;
    void                    *data;      /* the request or session */
    ngx_connection_t        *connection;
    ngx_pool_t              *pool;

    ngx_queue_t              queue;     /* all flows of the process */
    wgw_flow_t              *next;      /* of the same hash bucket */

    ngx_recv_pt              recv;      /* what was there before */
    ngx_send_pt              send;
    ngx_send_chain_pt        send_chain;
};


/* Once in a process, before anything else. */
void wgw_flow_setup(const wgw_flow_wrap_t *wrap);

/* Once it is decided: another meter, see wgw_meters_late(). */
void wgw_flow_late(wgw_flow_t *flow, wgw_meter_conf_t *conf, ngx_str_t *key);

/*
 * From here on bytes move at the rates.  `length` bytes have come for the
 * request and are owed.
 */
void wgw_flow_pace(wgw_flow_t *flow, wgw_paces_t *paces, off_t length);

/*
 * Pays what is owed.  NGX_OK, or NGX_AGAIN: the write event comes when it is
 * this flow's turn, or NGX_ERROR.  Where nobody can wait: a debt.
 */
ngx_int_t wgw_flow_turn(wgw_flow_t *flow);
void wgw_flow_owe(wgw_flow_t *flow);

/*
 * Refused after all, by the cap in meters.limit.  What has moved so far is
 * the key's.
 */
void wgw_flow_deny(wgw_flow_t *flow);

/* Counts what moved since the last time. */
void wgw_flow_flush(wgw_flow_t *flow);

/* The end; does nothing the second time. */
void wgw_flow_done(wgw_flow_t *flow);

/*
 * For all flows of the process.  wgw_flow_sweep() counts, looks at the caps
 * again and ends what is over them; wgw_flow_leave() counts and gives back
 * what is held, before the process exits.
 */
void wgw_flow_sweep(void);
void wgw_flow_flush_all(void);
void wgw_flow_leave(void);

/* 1 from wgw_flow_leave() on. */
ngx_uint_t wgw_flow_leaving(void);


/* For the wrapper, and for what stands in its place in HTTP/2. */

/* As wgw_flow_flush(), without a release; 1 when there was something. */
ngx_uint_t wgw_flow_count(wgw_flow_t *flow);

/* Ends what is over a soft cap, or idle and over any. */
void wgw_flow_check(wgw_flow_t *flow);

/* Ends a session by c->close, for the cap in meters.limit. */
void wgw_flow_end(wgw_flow_t *flow);

/* Nothing more may move: the caller returns an error. */
void wgw_flow_cut(wgw_flow_t *flow);

/*
 * Makes the event not ready, for a while.  Returns NGX_OK, or something else
 * when there have been pauses enough.
 */
ngx_int_t wgw_flow_pause(wgw_flow_t *flow, ngx_event_t *ev);

/* Delays the event until it is worth to ask again.  NGX_OK, or NGX_ERROR. */
ngx_int_t wgw_flow_delay(wgw_flow_t *flow, ngx_event_t *ev, ngx_msec_t wait);


#define WGW_FLOW_BUCKETS  4096

/*
 * Held for a response before it is made: a small one then needs no hold of
 * its own.
 */
#define WGW_FLOW_CREDIT   512


/* Of this process: all flows, those that are attached, and what they are by. */
extern ngx_queue_t             wgw_flows;
extern wgw_flow_t             *wgw_flow_buckets[WGW_FLOW_BUCKETS];
extern const wgw_flow_wrap_t  *wgw_flow_wrap;


/* connections are an array: neighbours get neighbouring buckets */

static inline wgw_flow_t **
wgw_flow_bucket(ngx_connection_t *c)
{
    return &wgw_flow_buckets[(uintptr_t) c / sizeof(ngx_connection_t)
                             % WGW_FLOW_BUCKETS];
}


/* The flow attached to a connection, or NULL. */

static inline wgw_flow_t *
wgw_flow_find(ngx_connection_t *c)
{
    wgw_flow_t  *flow;

    flow = *wgw_flow_bucket(c);

    while (flow && flow->connection != c) {
        flow = flow->next;
    }

    return flow;
}


/* Stands in place of the connection's calls from here on. */

static inline void
wgw_flow_attach(wgw_flow_t *flow)
{
    wgw_flow_t        **bucket;
    ngx_connection_t   *c;

    c = flow->connection;

    flow->recv = c->recv;
    flow->send = c->send;
    flow->send_chain = c->send_chain;

    c->recv = wgw_flow_wrap->recv;
    c->send = wgw_flow_wrap->send;
    c->send_chain = wgw_flow_wrap->send_chain;

    bucket = wgw_flow_bucket(c);

    flow->next = *bucket;
    *bucket = flow;

    flow->attached = 1;
}


/*
 * Of a zeroed flow: all but meters.elts, .log_level and .variable, which the
 * caller sets before the first wgw_meters_push().
 */

static inline void
wgw_flow_init(wgw_flow_t *flow, const wgw_flow_class_t *class, void *data,
    ngx_connection_t *c, ngx_pool_t *pool)
{
    flow->class = class;
    flow->data = data;
    flow->connection = c;
    flow->pool = pool;

    flow->meters.log = c->log;
    flow->meters.data = data;
}


/*
 * From here on recv() is seen, where `attach` is not 0; flow->read is what
 * had come before.  wgw_flow_attach() does the same later.
 */

static inline void
wgw_flow_start(wgw_flow_t *flow, ngx_uint_t attach)
{
    wgw_flow_t  *old;

    if (attach) {
        old = wgw_flow_find(flow->connection);

        if (old) {
            wgw_flow_done(old);
        }

        wgw_flow_attach(flow);
    }

    ngx_queue_insert_tail(&wgw_flows, &flow->queue);
    flow->started = 1;
}


/* Of wgw_flow_admit(), what is not the usual case. */
ngx_int_t wgw_flow_decide(wgw_flow_t *flow, off_t length, size_t head,
    ngx_uint_t may, uint64_t *credit);

/*
 * Decides, see wgw_meters_decide(); from here on all is counted.  NGX_OK, or,
 * where it `may` wait, NGX_AGAIN: others hold what is left, and the write event
 * comes when it is to be asked again; or NGX_ERROR.
 */

__attribute__((always_inline))
static inline ngx_int_t
wgw_flow_admit(wgw_flow_t *flow, off_t length, size_t head, ngx_uint_t may)
{
    uint64_t   credit;
    ngx_int_t  rc;

    credit = head ? WGW_FLOW_CREDIT : 0;

    flow->brief = flow->paces == NULL && flow->class->send_chain == NULL;

    if (!wgw_meters_usual(&flow->meters, length, &credit)) {
        rc = wgw_flow_decide(flow, length, head, may, &credit);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    flow->pauses = 0;
    flow->out = credit;
    flow->again = credit;
    flow->in = (flow->meters.hard & WGW_COUNT_RECEIVED) ? length : 0;

    flow->requests = 1;
    flow->head = 1;

    return NGX_OK;
}


/* 1 when bytes of a direction move by the calls below only. */

static inline ngx_uint_t
wgw_flow_bound(wgw_flow_t *flow, int count)
{
    return flow->over
           || (flow->meters.hard & count)
           || (flow->paces && (flow->paces->count & count));
}


/* wgw_paces_take() for the flow; all when nothing paces it. */

static inline off_t
wgw_flow_take(wgw_flow_t *flow, int count, off_t least, off_t want,
    ngx_msec_t *wait)
{
    if (flow->paces == NULL || !(flow->paces->count & count)) {
        *wait = 0;
        return want;
    }

    return wgw_paces_take(flow->paces, count, least, want, wait);
}


/* So many of these are committed now, of the rest `again` only is kept. */

static inline void
wgw_flow_moved(wgw_flow_t *flow, int count, off_t bytes, off_t again)
{
    if (flow->paces && (flow->paces->count & count)) {
        wgw_paces_moved(flow->paces, count, bytes);
        wgw_paces_keep(flow->paces, count, again);
    }
}


#pragma GCC visibility pop

#endif /* WGW_FLOW_H */
