
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/request.h"
#include "router/http_router_attempt.h"


static void attempt_cleanup(void *data);
static void attempt_again(ngx_http_request_t *r);


wgw_attempt_t *
wgw_attempt_find(ngx_http_request_t *r)
{
    return wgw_request_ctx(r, &ngx_http_wgw_router_module, attempt_cleanup);
}


wgw_attempt_t *
wgw_attempt_create(ngx_http_request_t *r, wgw_providers_t *providers)
{
    wgw_attempt_t       *attempt;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(wgw_attempt_t));
    if (cln == NULL) {
        return NULL;
    }

    attempt = cln->data;
    ngx_memzero(attempt, sizeof(wgw_attempt_t));

    cln->handler = attempt_cleanup;
    attempt->request = r;

    attempt->timer.data = attempt;
    attempt->timer.log = r->connection->log;

    wgw_attempt_reset(attempt, r, providers);

    ngx_http_set_ctx(r, attempt, ngx_http_wgw_router_module);

    (void) __atomic_fetch_add(&providers->shared->requests, 1,
                              __ATOMIC_RELAXED);

    return attempt;
}


void
wgw_attempt_reset(wgw_attempt_t *attempt, ngx_http_request_t *r,
    wgw_providers_t *providers)
{
    ngx_uint_t        n;
    ngx_table_elt_t  *h;

    attempt->providers = providers;
    attempt->provider = NULL;
    attempt->session = NULL;
    attempt->attempts = 0;
    attempt->phase = r->phase_handler;
    attempt->start = ngx_current_msec;
    attempt->going = 1;
    attempt->body = 0;

    attempt->tried = 0;
    attempt->renewed = 0;
    attempt->out = 0;

    /* of two sessions it is of none */

    h = wgw_request_header(r, "din-session-id", &n);

    attempt->sticky = n == 1 && h->value.len;

    if (attempt->sticky) {
        attempt->affinity = wgw_choice_hash(h->value.data, h->value.len);
    }
}


static void
attempt_cleanup(void *data)
{
    wgw_attempt_t *attempt = data;

    wgw_attempt_disarm(attempt);

    if (attempt->waiting) {
        ngx_queue_remove(&attempt->queue);
        attempt->waiting = 0;
    }
}


uint64_t
wgw_attempt_bit(wgw_attempt_t *attempt)
{
    return UINT64_C(1) << attempt->provider->index;
}


void
wgw_attempt_failed(wgw_attempt_t *attempt, wgw_standing_why_t why)
{
    wgw_provider_t  *provider;

    provider = attempt->provider;

    (void) __atomic_fetch_add(&provider->shared->failed, 1,
                              __ATOMIC_RELAXED);

    wgw_standing_bad(&provider->shared->standing,
                     &attempt->providers->rise_fall, why,
                     (uint32_t) (ngx_current_msec / 1000));
}


void
wgw_attempt_tried(wgw_attempt_t *attempt)
{
    attempt->tried |= wgw_attempt_bit(attempt);
    attempt->provider = NULL;
}


void
wgw_attempt_disarm(wgw_attempt_t *attempt)
{
    if (attempt->timer.timer_set) {
        ngx_del_timer(&attempt->timer);
    }
}


void
wgw_attempt_give_up(wgw_attempt_t *attempt, ngx_uint_t n)
{
    ngx_http_request_t  *r;

    r = attempt->request;

    wgw_attempt_disarm(attempt);

    attempt->given_up = 1;

    r->main->count += n;
    (*r->upstream->cleanup)(r);

    r->write_event_handler = attempt_again;

    (void) ngx_http_post_request(r, NULL);
}


static void
attempt_again(ngx_http_request_t *r)
{
    wgw_attempt_t  *attempt;

    attempt = wgw_attempt_find(r);

    if (r->connection->error) {
        ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
        return;
    }

    attempt->going = 1;

    r->phase_handler = attempt->phase;
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}
