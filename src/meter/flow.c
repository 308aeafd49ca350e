
#include "meter/flow.h"

#include <ngx_event.h>


/*
 * A flow waits for what others hold: half a second in short pauses, then in
 * long ones.  Others, whose clients do not read, give it back within two
 * sweeps, but for what has to leave whatever comes: a frame of HTTP/2 that was
 * begun, what is in the buffer of TLS.  Who finds only that is cut.
 */
#define WGW_FLOW_PAUSE       10
#define WGW_FLOW_PAUSES      50
#define WGW_FLOW_PAUSE_LONG  100
#define WGW_FLOW_PAUSES_ALL  (WGW_FLOW_PAUSES + 95)


/*
 * An event of its own, because nginx sets and deletes the timers of the
 * connection's events all the time.  Its data are the connection, for debug
 * logs.
 */
struct wgw_flow_wake_s {
    ngx_event_t          event;
    wgw_flow_t          *flow;
};


static void wgw_flow_rest(wgw_flow_t *flow);
static void wgw_flow_refresh(wgw_flow_t *flow);
static ngx_msec_t wgw_flow_span(wgw_flow_t *flow);
static ngx_int_t wgw_flow_sleep(wgw_flow_t *flow, ngx_event_t *ev,
    ngx_msec_t wait);
static void wgw_flow_wake(ngx_event_t *ev);
static void wgw_flow_awake_all(wgw_flow_t *flow);
static void wgw_flow_awake(wgw_flow_t *flow, ngx_event_t *ev);
static void wgw_flow_resume(ngx_event_t *ev);
static void wgw_flow_give(wgw_flow_t *flow);
static void wgw_flow_detach(wgw_flow_t *flow);


/* of this process: a worker begins with none */
static ngx_uint_t    wgw_flow_left;

ngx_queue_t               wgw_flows;
const wgw_flow_wrap_t    *wgw_flow_wrap;
wgw_flow_t               *wgw_flow_buckets[WGW_FLOW_BUCKETS];


void
wgw_flow_setup(const wgw_flow_wrap_t *wrap)
{
    wgw_flow_wrap = wrap;

    if (wgw_flows.next == NULL) {
        ngx_queue_init(&wgw_flows);
    }
}


ngx_int_t
wgw_flow_decide(wgw_flow_t *flow, off_t length, size_t head, ngx_uint_t may,
    uint64_t *credit)
{
    int  waiting;

    waiting = 0;
    may = may && flow->pauses < WGW_FLOW_PAUSES_ALL;

    flow->brief &= flow->meters.n == 1 && !flow->meters.elts->conf->soft;

    *credit = wgw_meters_decide(&flow->meters, length, head, *credit,
                                may ? &waiting : NULL);

    if (!waiting) {
        return NGX_OK;
    }

    flow->out = 0;
    flow->pauses++;

    return wgw_flow_delay(flow, flow->connection->write, wgw_flow_span(flow))
           == NGX_OK ? NGX_AGAIN : NGX_ERROR;
}


void
wgw_flow_late(wgw_flow_t *flow, wgw_meter_conf_t *conf, ngx_str_t *key)
{
    flow->brief = 0;

    wgw_meters_late(&flow->meters, conf, key, flow->sent, flow->received,
                    flow->requests ? 0 : 1);
}


void
wgw_flow_pace(wgw_flow_t *flow, wgw_paces_t *paces, off_t length)
{
    flow->paces = paces;
    flow->brief = 0;
    flow->head = 1;

    flow->owed = (paces->count & WGW_COUNT_RECEIVED) ? length : 0;
}


ngx_int_t
wgw_flow_turn(wgw_flow_t *flow)
{
    ngx_msec_t  wait;

    if (wgw_flow_take(flow, WGW_COUNT_RECEIVED, flow->owed, flow->owed, &wait)
        == 0)
    {
        return wgw_flow_delay(flow, flow->connection->write, wait) == NGX_OK
               ? NGX_AGAIN : NGX_ERROR;
    }

    wgw_flow_owe(flow);

    return NGX_OK;
}


void
wgw_flow_owe(wgw_flow_t *flow)
{
    wgw_flow_moved(flow, WGW_COUNT_RECEIVED, flow->owed, 0);

    flow->owed = 0;
}


void
wgw_flow_deny(wgw_flow_t *flow)
{
    (void) wgw_flow_count(flow);

    wgw_meters_deny(&flow->meters);

    flow->out = 0;
    flow->again = 0;
    flow->in = 0;
}


void
wgw_flow_flush(wgw_flow_t *flow)
{
    if (wgw_flow_count(flow) && flow->meters.hard) {
        flow->out = flow->again + wgw_flow_wrap->below(flow);
        wgw_meters_keep(&flow->meters, flow->out, flow->in);
    }
}


/*
 * Returns 1 when there was something.  After a session was handed over,
 * c->sent is another's and may be 0.
 */

ngx_uint_t
wgw_flow_count(wgw_flow_t *flow)
{
    off_t  sent, received;

    if (flow->class->take) {
        flow->class->take(flow);
    }

    sent = flow->connection->sent;
    received = flow->class->received(flow);

    if (sent < flow->sent) {
        flow->sent = 0;
    }

    sent -= flow->sent;
    received = received > flow->received ? received - flow->received : 0;

    if ((sent | received | flow->requests) == 0 || flow->meters.status == 0) {
        return 0;
    }

    wgw_meters_add(&flow->meters, sent, received, flow->requests);

    flow->requests = 0;
    flow->sent += sent;
    flow->received += received;
    flow->in = flow->in > received ? flow->in - received : 0;

    return 1;
}


void
wgw_flow_done(wgw_flow_t *flow)
{
    if (!flow->started) {
        return;
    }

    if (!flow->settled) {
        (void) wgw_flow_count(flow);
    }

    wgw_meters_done(&flow->meters);

    if (flow->paces || flow->wake[0] || flow->wake[1]) {
        wgw_flow_awake_all(flow);
    }

    if (flow->attached) {
        wgw_flow_detach(flow);
    }

    ngx_queue_remove(&flow->queue);
    flow->started = 0;
}


__attribute__((noinline))
static void
wgw_flow_awake_all(wgw_flow_t *flow)
{
    wgw_flow_give(flow);

    if (flow->wake[0]) {
        wgw_flow_awake(flow, flow->connection->read);
    }

    if (flow->wake[1]) {
        wgw_flow_awake(flow, flow->connection->write);
    }
}


void
wgw_flow_flush_all(void)
{
    ngx_queue_t  *q;

    for (q = ngx_queue_head(&wgw_flows);
         q != ngx_queue_sentinel(&wgw_flows);
         q = ngx_queue_next(q))
    {
        wgw_flow_flush(ngx_queue_data(q, wgw_flow_t, queue));
    }
}


void
wgw_flow_leave(void)
{
    ngx_queue_t  *q;
    wgw_flow_t   *flow;

    wgw_flow_left = 1;

    for (q = ngx_queue_head(&wgw_flows);
         q != ngx_queue_sentinel(&wgw_flows);
         q = ngx_queue_next(q))
    {
        flow = ngx_queue_data(q, wgw_flow_t, queue);

        (void) wgw_flow_count(flow);
        wgw_meters_keep(&flow->meters, 0, 0);
        wgw_flow_give(flow);
    }
}


ngx_uint_t
wgw_flow_leaving(void)
{
    return wgw_flow_left;
}


void
wgw_flow_sweep(void)
{
    ngx_queue_t  *q;
    wgw_flow_t   *flow;

    for (q = ngx_queue_head(&wgw_flows);
         q != ngx_queue_sentinel(&wgw_flows);
         q = ngx_queue_next(q))
    {
        flow = ngx_queue_data(q, wgw_flow_t, queue);

        wgw_flow_flush(flow);

        if (flow->meters.status != WGW_METER_REJECTED) {
            wgw_flow_refresh(flow);
            wgw_flow_rest(flow);
            wgw_flow_check(flow);
        }
    }
}


/*
 * What did not move since the last sweep does not stay held.  Before a
 * response is begun that is the credit for it.
 */

static void
wgw_flow_rest(wgw_flow_t *flow)
{
    off_t  moved;

    if (!flow->meters.hard || flow->out == 0) {
        return;
    }

    moved = flow->class->moved ? flow->class->moved(flow)
                               : flow->connection->sent + flow->read;

    if (moved != flow->mark) {
        flow->mark = moved;
        return;
    }

    if (flow->class->park) {
        flow->class->park(flow);

    } else if (flow->head && !flow->hints) {
        wgw_flow_wrap->settle(flow, 0);
    }
}


/* What was held for a response goes with the cap. */

static void
wgw_flow_refresh(wgw_flow_t *flow)
{
    ngx_uint_t  hard;

    hard = flow->meters.hard;

    wgw_meters_refresh(&flow->meters);

    if (flow->head && (hard & ~flow->meters.hard & WGW_COUNT_SENT)) {
        flow->again = 0;
    }
}


/*
 * Soft caps are enforced here.  Hard ones are by the calls themselves, but
 * who says nothing would never be told.  Only events are posted: a handler
 * could free flows of the queue that is being walked.
 */

void
wgw_flow_check(wgw_flow_t *flow)
{
    if (flow->cut
        || !(flow->meters.hard || flow->meters.soft)
        || !wgw_meters_over(&flow->meters))
    {
        return;
    }

    if (flow->class->closable(flow)) {
        wgw_flow_end(flow);
        return;
    }

    if (flow->meters.soft) {
        flow->over = 1;
    }
}


void
wgw_flow_end(wgw_flow_t *flow)
{
    ngx_connection_t  *c;

    if (flow->cut) {
        return;
    }

    c = flow->connection;

    flow->cut = 1;
    wgw_meters_cut(&flow->meters);

    c->close = 1;
    c->error = 1;

    ngx_post_event(c->read, &ngx_posted_events);
}


void
wgw_flow_cut(wgw_flow_t *flow)
{
    flow->connection->error = 1;

    if (flow->cut) {
        return;
    }

    flow->cut = 1;

    wgw_meters_cut(&flow->meters);

    if (flow->class->cut) {
        flow->class->cut(flow);
    }
}


static void
wgw_flow_give(wgw_flow_t *flow)
{
    if (flow->paces) {
        wgw_paces_keep(flow->paces, WGW_COUNT_SENT, 0);
        wgw_paces_keep(flow->paces, WGW_COUNT_RECEIVED, 0);
    }
}


ngx_int_t
wgw_flow_pause(wgw_flow_t *flow, ngx_event_t *ev)
{
    if (flow->pauses++ >= WGW_FLOW_PAUSES_ALL) {
        return NGX_DECLINED;
    }

    ev->ready = 0;

    return wgw_flow_sleep(flow, ev, wgw_flow_span(flow));
}


static ngx_msec_t
wgw_flow_span(wgw_flow_t *flow)
{
    return flow->pauses <= WGW_FLOW_PAUSES ? WGW_FLOW_PAUSE
                                           : WGW_FLOW_PAUSE_LONG;
}


/*
 * For nginx a `delayed` event's timeout is the end of a pause.  One for
 * writing stays ready, so that nothing waits for the socket; but who reads
 * goes on until the event is not ready.
 */

ngx_int_t
wgw_flow_delay(wgw_flow_t *flow, ngx_event_t *ev, ngx_msec_t wait)
{
    ev->delayed = 1;

    if (!ev->write) {
        ev->ready = 0;
    }

    return wgw_flow_sleep(flow, ev, wait);
}


static ngx_int_t
wgw_flow_sleep(wgw_flow_t *flow, ngx_event_t *ev, ngx_msec_t wait)
{
    wgw_flow_wake_t   *wake;
    ngx_connection_t  *c;

    c = flow->connection;
    wake = flow->wake[ev->write];

    if (wake == NULL) {
        wake = ngx_pcalloc(flow->pool, sizeof(wgw_flow_wake_t));
        if (wake == NULL) {
            return NGX_ERROR;
        }

        wake->event.handler = wgw_flow_wake;
        wake->event.data = c;
        wake->event.log = c->log;
        wake->event.write = ev->write;
        wake->flow = flow;

        flow->wake[ev->write] = wake;
    }

    if (!wake->event.timer_set) {
        ngx_add_timer(&wake->event, wait);
    }

    return NGX_OK;
}


static void
wgw_flow_wake(ngx_event_t *event)
{
    wgw_flow_t        *flow;
    ngx_event_t       *ev;
    ngx_connection_t  *c;

    flow = ((wgw_flow_wake_t *) event)->flow;

    c = flow->connection;
    ev = event->write ? c->write : c->read;

    wgw_flow_resume(ev);

    if (flow->class->wake) {
        flow->class->wake(flow, ev);
    }

    if (!ev->delayed) {
        ngx_post_event(ev, &ngx_posted_events);
    }
}


/* Ends a pause before its time. */

static void
wgw_flow_awake(wgw_flow_t *flow, ngx_event_t *ev)
{
    wgw_flow_wake_t  *wake;

    wake = flow->wake[ev->write];

    if (wake->event.timer_set) {
        ngx_del_timer(&wake->event);
        wgw_flow_resume(ev);
    }
}


/*
 * A timeout that was set before the pause would not know of it any more; the
 * handler sets it anew.
 */

static void
wgw_flow_resume(ngx_event_t *ev)
{
    if (ev->delayed && ev->timer_set) {
        ngx_del_timer(ev);
    }

    ev->delayed = 0;
    ev->ready = 1;
}


/* TLS puts a field back to the plain one when it shuts down. */

static void
wgw_flow_detach(wgw_flow_t *flow)
{
    wgw_flow_t        **p;
    ngx_connection_t   *c;

    c = flow->connection;

    if (c->recv == wgw_flow_wrap->recv) {
        c->recv = flow->recv;
    }

    if (c->send == wgw_flow_wrap->send) {
        c->send = flow->send;
    }

    if (c->send_chain == wgw_flow_wrap->send_chain) {
        c->send_chain = flow->send_chain;
    }

    for (p = wgw_flow_bucket(c); *p; p = &(*p)->next) {
        if (*p == flow) {
            *p = flow->next;
            break;
        }
    }

    flow->attached = 0;
}
