
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "router/http_router_candidates.h"
#include "router/http_router_wait.h"


#define WAIT_POLL  20           /* ms: other workers' sessions */


static void wait_resume(wgw_attempt_t *attempt);
static void wait_timer(ngx_event_t *ev);
static void wait_overdue(wgw_attempt_t *attempt);


static ngx_queue_t  wait_queue = { &wait_queue, &wait_queue };


ngx_int_t
wgw_wait_session(wgw_attempt_t *attempt)
{
    ngx_http_request_t  *r;

    r = attempt->request;

    if (!attempt->waiting) {
        ngx_queue_insert_tail(&wait_queue, &attempt->queue);
        attempt->waiting = 1;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    attempt->timer.handler = wait_timer;
    ngx_add_timer(&attempt->timer, WAIT_POLL);

    return NGX_AGAIN;
}


void
wgw_wait_wake(void)
{
    ngx_queue_t       *q, all;
    wgw_attempt_t     *attempt;
    ngx_connection_t  *c;

    if (ngx_queue_empty(&wait_queue)) {
        return;
    }

    /* some of them may go back to wait */

    ngx_queue_init(&all);
    ngx_queue_add(&all, &wait_queue);
    ngx_queue_init(&wait_queue);

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        attempt = ngx_queue_data(q, wgw_attempt_t, queue);

        c = attempt->request->connection;

        ngx_http_set_log_request(c->log, attempt->request);

        wait_resume(attempt);
        ngx_http_run_posted_requests(c);
    }
}


static void
wait_resume(wgw_attempt_t *attempt)
{
    ngx_http_request_t  *r;

    r = attempt->request;

    ngx_queue_remove(&attempt->queue);
    attempt->waiting = 0;

    wgw_attempt_disarm(attempt);

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


void
wgw_wait_answer(wgw_attempt_t *attempt)
{
    ngx_msec_t  now, waited, left, wait;

    now = ngx_current_msec;
    waited = now - attempt->sent;
    left = attempt->providers->limit - (now - attempt->start);

    wait = waited < WGW_WAIT_PATIENCE ? WGW_WAIT_PATIENCE - waited
           : waited < attempt->providers->each
           ? attempt->providers->each - waited : WGW_WAIT_PATIENCE;

    if (waited < attempt->providers->each) {
        wait = ngx_min(wait, attempt->providers->each - waited);
    }

    attempt->timer.handler = wait_timer;
    ngx_add_timer(&attempt->timer, ngx_min(wait, left));
}


static void
wait_timer(ngx_event_t *ev)
{
    wgw_attempt_t *attempt = ev->data;

    ngx_connection_t  *c;

    c = attempt->request->connection;

    ngx_http_set_log_request(c->log, attempt->request);

    if (attempt->waiting) {
        wait_resume(attempt);

    } else {
        wait_overdue(attempt);
    }

    ngx_http_run_posted_requests(c);
}


/* An attempt that has no answer yet. */

static void
wait_overdue(wgw_attempt_t *attempt)
{
    ngx_msec_t            now, waited;
    ngx_http_request_t   *r;
    ngx_http_upstream_t  *u;

    r = attempt->request;
    u = r->upstream;
    now = ngx_current_msec;

    if (u == NULL || u->cleanup == NULL || attempt->answered) {
        return;
    }

    if (now - attempt->start >= attempt->providers->limit) {
        (void) __atomic_fetch_add(&attempt->providers->shared->timedout, 1,
                                  __ATOMIC_RELAXED);

        wgw_attempt_failed(attempt, WGW_STANDING_TIMEOUT);

        attempt->given_up = 1;

        r->main->count++;
        (*u->cleanup)(r);
        ngx_http_finalize_request(r, NGX_HTTP_GATEWAY_TIME_OUT);
        return;
    }

    waited = now - attempt->sent;

    if ((waited >= attempt->providers->each
         || (!u->request_sent && waited >= WGW_WAIT_PATIENCE))
        && wgw_candidates_other(attempt))
    {
        wgw_attempt_failed(attempt, WGW_STANDING_TIMEOUT);
        wgw_attempt_tried(attempt);
        wgw_attempt_give_up(attempt, 1);
        return;
    }

    wgw_wait_answer(attempt);
}
