
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "router/http_router_calls.h"
#include "router/http_router_candidates.h"
#include "router/http_router_fields.h"
#include "router/http_router_handler.h"
#include "router/http_router_handshake.h"
#include "router/http_router_wait.h"


static ngx_int_t handler_read(ngx_http_request_t *r, wgw_attempt_t *attempt);
static void handler_body(ngx_http_request_t *r);
static ngx_int_t handler_choose(wgw_attempt_t *attempt);
static ngx_int_t handler_ready(wgw_attempt_t *attempt);
static ngx_int_t handler_session(wgw_attempt_t *attempt,
    wgw_session_t *session, ngx_uint_t wait);
static ngx_int_t handler_go(wgw_attempt_t *attempt);


ngx_int_t
wgw_router_handler(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    wgw_attempt_t                   *attempt;
    ngx_http_wgw_router_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_router_module);

    if (conf->providers == NULL) {
        return NGX_DECLINED;
    }

    if (r != r->main) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"wgw_router\" serves no subrequests");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    attempt = wgw_attempt_find(r);

    if (attempt == NULL) {
        attempt = wgw_attempt_create(r, conf->providers);

        if (attempt == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

    } else if (!attempt->going) {

        /* an internal redirect: another request, in a way */

        wgw_attempt_reset(attempt, r, conf->providers);
    }

    if (!attempt->body) {
        return handler_read(r, attempt);
    }

    rc = handler_choose(attempt);

    if (rc != NGX_AGAIN) {
        attempt->going = 0;
    }

    return rc;
}


/* All of the body, so that it can be sent again. */

static ngx_int_t
handler_read(ngx_http_request_t *r, wgw_attempt_t *attempt)
{
    ngx_int_t  rc;

    rc = ngx_http_read_client_request_body(r, handler_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


static void
handler_body(ngx_http_request_t *r)
{
    ngx_int_t       rc;
    wgw_attempt_t  *attempt;

    attempt = wgw_attempt_find(r);

    attempt->body = 1;

    rc = wgw_calls_read(attempt);

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    r->preserve_body = 1;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


/* NGX_DECLINED: on to the proxy; NGX_AGAIN: it waits; or a status. */

static ngx_int_t
handler_choose(wgw_attempt_t *attempt)
{
    ngx_int_t         rc;
    wgw_providers_t  *providers;

    providers = attempt->providers;

    for ( ;; ) {

        if (ngx_current_msec - attempt->start >= providers->limit) {
            (void) __atomic_fetch_add(&providers->shared->timedout, 1,
                                      __ATOMIC_RELAXED);
            return NGX_HTTP_GATEWAY_TIME_OUT;
        }

        if (attempt->provider == NULL) {

            if (attempt->attempts < providers->attempts) {
                attempt->provider = wgw_candidates_pick(attempt);
            }

            if (attempt->provider == NULL) {
                (void) __atomic_fetch_add(&providers->shared->exhausted, 1,
                                          __ATOMIC_RELAXED);

                ngx_log_error(NGX_LOG_ERR, attempt->request->connection->log,
                              0, "no provider of \"%V\" can be asked, "
                              "after %ui attempts", &providers->name,
                              attempt->attempts);

                return NGX_HTTP_BAD_GATEWAY;
            }

            attempt->since = ngx_current_msec;
            attempt->addresses = attempt->provider->service.host->naddresses;
            attempt->fresh = 0;
        }

        rc = handler_ready(attempt);

        if (rc == NGX_OK) {
            return handler_go(attempt);
        }

        if (rc == NGX_AGAIN
            && (ngx_current_msec - attempt->since < WGW_WAIT_PATIENCE
                || !wgw_candidates_other(attempt)))
        {
            return wgw_wait_session(attempt);
        }

        wgw_attempt_tried(attempt);
    }
}


/* NGX_OK: with an address and a session; NGX_AGAIN: not yet; NGX_DECLINED */

static ngx_int_t
handler_ready(wgw_attempt_t *attempt)
{
    ngx_int_t          rc;
    ngx_uint_t         i, n;
    wgw_host_t        *host;
    wgw_provider_t    *provider;

    provider = attempt->provider;
    host = provider->service.host;

    attempt->session = NULL;

    if (host->naddresses == 0) {
        return host->asked ? NGX_DECLINED : NGX_AGAIN;
    }

    if (provider->sessions == NULL) {
        return NGX_OK;
    }

    n = attempt->sticky ? attempt->affinity : (uint64_t) ngx_random();

    rc = handler_session(attempt, &provider->sessions[n % provider->nsessions],
                         1);

    /* where there is none to be had, another one that is there will do */

    for (i = 1; rc == NGX_DECLINED && i < provider->nsessions; i++) {
        rc = handler_session(attempt, &provider->sessions[(n + i)
                                                  % provider->nsessions], 0);
    }

    return rc;
}


static ngx_int_t
handler_session(wgw_attempt_t *attempt, wgw_session_t *session,
    ngx_uint_t wait)
{
    unsigned          due;
    wgw_session_rc_t  rc;

    rc = wgw_session_use(session, ngx_current_msec, &due);

    if (rc == WGW_SESSION_GOOD) {
        attempt->session = session;
        attempt->session_id = session->body->id;

        if (due) {
            (void) wgw_router_handshake(attempt->provider, session);
        }

        return NGX_OK;
    }

    if (wait && (wgw_router_handshake(attempt->provider, session) == NGX_OK
                 || rc == WGW_SESSION_WAIT))
    {
        return NGX_AGAIN;
    }

    return NGX_DECLINED;
}


static ngx_int_t
handler_go(wgw_attempt_t *attempt)
{
    if (wgw_fields_set(attempt) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    attempt->attempts++;
    attempt->sent = ngx_current_msec;
    attempt->header = 0;
    attempt->answered = 0;
    attempt->given_up = 0;

    (void) __atomic_fetch_add(&attempt->provider->shared->attempts, 1,
                              __ATOMIC_RELAXED);

    if (attempt->attempts > 1) {
        (void) __atomic_fetch_add(&attempt->providers->shared->retries, 1,
                                  __ATOMIC_RELAXED);
    }

    wgw_wait_answer(attempt);

    return NGX_DECLINED;
}
