
/*
 * A request on its way to a provider: the handler of PRECONTENT, which
 * chooses one and waits for a session with it, and what becomes of an
 * attempt.  The recipe for giving one up is in wgw_attempt_give_up().
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/request.h"
#include "format/rpc.h"
#include "router/answer.h"
#include "router/http_router.h"


#define ATTEMPT_POLL      20            /* ms: other workers' sessions */
#define ATTEMPT_PATIENCE  900           /* ms, where another may be asked */
#define ATTEMPT_FORGET    10            /* s, where nobody checks */
#define ATTEMPT_BUSY      60            /* s, the most a 429 may ask for */
#define ATTEMPT_BODY      1048576       /* bytes that methods are looked for */


static wgw_attempt_t *attempt_create(ngx_http_request_t *r,
    wgw_providers_t *providers);
static void attempt_reset(wgw_attempt_t *attempt, ngx_http_request_t *r,
    wgw_providers_t *providers);
static void attempt_cleanup(void *data);
static ngx_int_t attempt_read(ngx_http_request_t *r, wgw_attempt_t *attempt);
static void attempt_body(ngx_http_request_t *r);
static ngx_int_t attempt_methods(wgw_attempt_t *attempt);
static ngx_uint_t attempt_calls(wgw_text_t body, ngx_array_t *methods,
    ngx_uint_t only);
static ngx_int_t attempt_choose(wgw_attempt_t *attempt);
static wgw_provider_t *attempt_pick(wgw_attempt_t *attempt,
    wgw_provider_t *but);
static void attempt_weigh(wgw_attempt_t *attempt, ngx_uint_t i,
    wgw_choice_t *choice);
static ngx_uint_t attempt_hopeful(wgw_provider_t *provider);
static ngx_int_t attempt_ready(wgw_attempt_t *attempt);
static ngx_int_t attempt_session(wgw_attempt_t *attempt,
    wgw_session_t *session, ngx_uint_t wait);
static ngx_uint_t attempt_index(wgw_attempt_t *attempt);
static ngx_int_t attempt_wait(wgw_attempt_t *attempt);
static void attempt_resume(wgw_attempt_t *attempt);
static ngx_int_t attempt_go(wgw_attempt_t *attempt);
static ngx_int_t attempt_replace(wgw_attempt_t *attempt);
static ngx_uint_t attempt_replaces(wgw_attempt_t *attempt,
    ngx_table_elt_t *h);
static ngx_int_t attempt_add(ngx_http_request_t *r, wgw_text_t name,
    wgw_text_t value);
static void attempt_timer(ngx_event_t *ev);
static void attempt_overdue(wgw_attempt_t *attempt);
static void attempt_arm(wgw_attempt_t *attempt);
static void attempt_again(ngx_http_request_t *r);
static ngx_int_t attempt_judge(wgw_attempt_t *attempt);
static ngx_int_t attempt_refused(wgw_attempt_t *attempt);
static void attempt_busy(wgw_attempt_t *attempt);
static ngx_int_t attempt_codes(wgw_attempt_t *attempt);
static ngx_int_t attempt_listed(wgw_attempt_t *attempt, u_char *p,
    size_t len);
static void attempt_answered(wgw_attempt_t *attempt, ngx_uint_t status);


static ngx_queue_t  attempt_waiting = { &attempt_waiting, &attempt_waiting };


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
        attempt = attempt_create(r, conf->providers);

        if (attempt == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

    } else if (!attempt->going) {

        /* an internal redirect: another request, in a way */

        attempt_reset(attempt, r, conf->providers);
    }

    if (!attempt->body) {
        return attempt_read(r, attempt);
    }

    rc = attempt_choose(attempt);

    if (rc != NGX_AGAIN) {
        attempt->going = 0;
    }

    return rc;
}


wgw_attempt_t *
wgw_attempt_find(ngx_http_request_t *r)
{
    return wgw_request_ctx(r, &ngx_http_wgw_router_module, attempt_cleanup);
}


static wgw_attempt_t *
attempt_create(ngx_http_request_t *r, wgw_providers_t *providers)
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

    attempt->timer.handler = attempt_timer;
    attempt->timer.data = attempt;
    attempt->timer.log = r->connection->log;

    attempt_reset(attempt, r, providers);

    ngx_http_set_ctx(r, attempt, ngx_http_wgw_router_module);

    (void) __atomic_fetch_add(&providers->shared->requests, 1,
                              __ATOMIC_RELAXED);

    return attempt;
}


static void
attempt_reset(wgw_attempt_t *attempt, ngx_http_request_t *r,
    wgw_providers_t *providers)
{
    ngx_table_elt_t  *h;

    attempt->providers = providers;
    attempt->provider = NULL;
    attempt->session = NULL;
    attempt->attempts = 0;
    attempt->phase = r->phase_handler;
    attempt->start = ngx_current_msec;
    attempt->going = 1;
    attempt->body = 0;

    ngx_memzero(attempt->tried, sizeof(attempt->tried));
    ngx_memzero(attempt->renewed, sizeof(attempt->renewed));
    ngx_memzero(attempt->out, sizeof(attempt->out));

    h = wgw_request_header(r, "din-session-id", NULL);

    attempt->sticky = h && h->value.len;

    if (attempt->sticky) {
        attempt->affinity = wgw_choice_hash(h->value.data, h->value.len);
    }
}


static void
attempt_cleanup(void *data)
{
    wgw_attempt_t *attempt = data;

    if (attempt->timer.timer_set) {
        ngx_del_timer(&attempt->timer);
    }

    if (attempt->waiting) {
        ngx_queue_remove(&attempt->queue);
        attempt->waiting = 0;
    }
}


/* All of the body, so that it can be sent again. */

static ngx_int_t
attempt_read(ngx_http_request_t *r, wgw_attempt_t *attempt)
{
    ngx_int_t  rc;

    rc = ngx_http_read_client_request_body(r, attempt_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


static void
attempt_body(ngx_http_request_t *r)
{
    ngx_int_t       rc;
    wgw_attempt_t  *attempt;

    attempt = wgw_attempt_find(r);

    attempt->body = 1;

    rc = attempt_methods(attempt);

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    r->preserve_body = 1;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


/*
 * A call of a method that some provider names goes to those that name it,
 * and these get nothing else.
 */

static ngx_int_t
attempt_methods(wgw_attempt_t *attempt)
{
    ngx_int_t         rc;
    ngx_uint_t        i, routed;
    wgw_text_t        body;
    wgw_provider_t  **provider;

    if (!attempt->providers->routed) {
        return NGX_OK;
    }

    rc = wgw_request_body(attempt->request, ATTEMPT_BODY, &body);

    if (rc != NGX_OK) {
        return rc;
    }

    provider = attempt->providers->all.elts;
    routed = 0;

    for (i = 0; i < attempt->providers->all.nelts; i++) {
        if (provider[i]->methods) {
            routed |= attempt_calls(body, provider[i]->methods, 0);
        }
    }

    for (i = 0; i < attempt->providers->all.nelts; i++) {
        attempt->out[i] = provider[i]->methods
                          ? !attempt_calls(body, provider[i]->methods, 1)
                          : routed;
    }

    return NGX_OK;
}


/* 1 when the body calls one of these methods; or nothing but these. */

static ngx_uint_t
attempt_calls(wgw_text_t body, ngx_array_t *methods, ngx_uint_t only)
{
    char             buffer[WGW_RPC_REPLY(1)];
    wgw_out_t        reply;
    wgw_rpc_rules_t  rules;

    ngx_memzero(&rules, sizeof(wgw_rpc_rules_t));

    rules.batch = 1000;

    if (only) {
        rules.allow = methods->elts;
        rules.nallow = methods->nelts;

    } else {
        rules.deny = methods->elts;
        rules.ndeny = methods->nelts;
    }

    wgw_out_init(&reply, buffer, sizeof(buffer));

    return wgw_rpc_check(body, &rules, &reply)
           == (only ? WGW_RPC_ALLOWED : WGW_RPC_REFUSED);
}


/* NGX_DECLINED: on to the proxy; NGX_AGAIN: it waits; or a status. */

static ngx_int_t
attempt_choose(wgw_attempt_t *attempt)
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
                attempt->provider = attempt_pick(attempt, NULL);
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

        rc = attempt_ready(attempt);

        if (rc == NGX_OK) {
            return attempt_go(attempt);
        }

        if (rc == NGX_AGAIN
            && (ngx_current_msec - attempt->since < ATTEMPT_PATIENCE
                || !wgw_attempt_other(attempt)))
        {
            return attempt_wait(attempt);
        }

        wgw_attempt_tried(attempt);
    }
}


static wgw_provider_t *
attempt_pick(wgw_attempt_t *attempt, wgw_provider_t *but)
{
    size_t            i;
    uint32_t          chance;
    wgw_choice_t      choices[WGW_PROVIDERS_MAX];
    wgw_provider_t  **provider;
    wgw_providers_t  *providers;

    providers = attempt->providers;
    provider = providers->all.elts;

    for (i = 0; i < providers->all.nelts; i++) {
        attempt_weigh(attempt, i, &choices[i]);

        if (provider[i] == but || (but && !attempt_hopeful(provider[i]))) {
            choices[i].out = 1;
        }
    }

    chance = (uint32_t) ngx_random() << 1;

    i = wgw_choice(choices, providers->all.nelts, chance,
                   attempt->sticky ? &attempt->affinity : NULL);

    return i < providers->all.nelts ? provider[i] : NULL;
}


static void
attempt_weigh(wgw_attempt_t *attempt, ngx_uint_t i, wgw_choice_t *choice)
{
    uint64_t          word;
    wgw_provider_t   *provider;
    wgw_providers_t  *providers;

    providers = attempt->providers;
    provider = ((wgw_provider_t **) providers->all.elts)[i];

    word = __atomic_load_n(&provider->shared->standing, __ATOMIC_RELAXED);

    if (providers->method.len == 0
        && wgw_standing_class(word) == WGW_STANDING_UNHEALTHY
        && (uint32_t) (ngx_current_msec / 1000) - wgw_standing_since(word)
           >= ATTEMPT_FORGET)
    {
        word = 0;
        wgw_standing_forget(&provider->shared->standing,
                            (uint32_t) (ngx_current_msec / 1000));
    }

    choice->hash = provider->hash;
    choice->weight = provider->weight;
    choice->priority = provider->priority;
    choice->standing = wgw_standing_class(word);

    if (choice->standing == WGW_STANDING_HEALTHY
        && __atomic_load_n(&provider->shared->busy, __ATOMIC_RELAXED)
           > ngx_current_msec)
    {
        choice->standing = WGW_STANDING_WARNING;
    }

    choice->out = attempt->tried[i] || attempt->out[i]
                  || (provider->service.host->asked
                      && provider->service.host->naddresses == 0);
}


/* 1 when there is a session with it, or may be. */

static ngx_uint_t
attempt_hopeful(wgw_provider_t *provider)
{
    ngx_uint_t  i;

    for (i = 0; i < provider->nsessions && provider->sessions; i++) {
        if (wgw_session_hope(&provider->sessions[i], ngx_current_msec)) {
            return 1;
        }
    }

    return provider->sessions == NULL;
}


ngx_uint_t
wgw_attempt_other(wgw_attempt_t *attempt)
{
    return attempt->attempts < attempt->providers->attempts
           && ngx_current_msec - attempt->start < attempt->providers->limit
           && attempt_pick(attempt, attempt->provider) != NULL;
}


/* NGX_OK: with an address and a session; NGX_AGAIN: not yet; NGX_DECLINED */

static ngx_int_t
attempt_ready(wgw_attempt_t *attempt)
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

    rc = attempt_session(attempt, &provider->sessions[n % provider->nsessions],
                         1);

    /* where there is none to be had, another one that is there will do */

    for (i = 1; rc == NGX_DECLINED && i < provider->nsessions; i++) {
        rc = attempt_session(attempt, &provider->sessions[(n + i)
                                                  % provider->nsessions], 0);
    }

    return rc;
}


static ngx_int_t
attempt_session(wgw_attempt_t *attempt, wgw_session_t *session,
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


void
wgw_attempt_tried(wgw_attempt_t *attempt)
{
    attempt->tried[attempt_index(attempt)] = 1;
    attempt->provider = NULL;
}


static ngx_uint_t
attempt_index(wgw_attempt_t *attempt)
{
    ngx_uint_t        i;
    wgw_provider_t  **provider;

    provider = attempt->providers->all.elts;

    for (i = 0; provider[i] != attempt->provider; i++) {
        /* void */
    }

    return i;
}


static ngx_int_t
attempt_wait(wgw_attempt_t *attempt)
{
    ngx_http_request_t  *r;

    r = attempt->request;

    if (!attempt->waiting) {
        ngx_queue_insert_tail(&attempt_waiting, &attempt->queue);
        attempt->waiting = 1;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    if (r->connection->read->ready) {
        ngx_post_event(r->connection->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_add_timer(&attempt->timer, ATTEMPT_POLL);

    return NGX_AGAIN;
}


void
wgw_attempt_wake(void)
{
    ngx_queue_t       *q, all;
    wgw_attempt_t     *attempt;
    ngx_connection_t  *c;

    if (ngx_queue_empty(&attempt_waiting)) {
        return;
    }

    /* some of them may go back to wait */

    ngx_queue_init(&all);
    ngx_queue_add(&all, &attempt_waiting);
    ngx_queue_init(&attempt_waiting);

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        attempt = ngx_queue_data(q, wgw_attempt_t, queue);

        c = attempt->request->connection;

        ngx_http_set_log_request(c->log, attempt->request);

        attempt_resume(attempt);
        ngx_http_run_posted_requests(c);
    }
}


static void
attempt_resume(wgw_attempt_t *attempt)
{
    ngx_http_request_t  *r;

    r = attempt->request;

    ngx_queue_remove(&attempt->queue);
    attempt->waiting = 0;

    if (attempt->timer.timer_set) {
        ngx_del_timer(&attempt->timer);
    }

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


static ngx_int_t
attempt_go(wgw_attempt_t *attempt)
{
    if (attempt_replace(attempt) != NGX_OK) {
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

    attempt_arm(attempt);

    return NGX_DECLINED;
}


/*
 * The request's list of headers is made anew for each provider: what is for
 * one must not go to the next.
 */

static ngx_int_t
attempt_replace(wgw_attempt_t *attempt)
{
    size_t                k;
    ngx_uint_t            i;
    wgw_text_t            name, value;
    ngx_list_part_t      *part;
    ngx_table_elt_t      *h, *to;
    ngx_http_request_t   *r;
    wgw_errand_header_t  *header;

    r = attempt->request;

    wgw_attempt_restore(attempt);

    attempt->headers = r->headers_in.headers;
    attempt->replaced = 1;

    if (ngx_list_init(&r->headers_in.headers, r->pool, 20,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (part = &attempt->headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (attempt_replaces(attempt, &h[i])) {
                continue;
            }

            to = ngx_list_push(&r->headers_in.headers);
            if (to == NULL) {
                return NGX_ERROR;
            }

            *to = h[i];
        }
    }

    header = attempt->provider->headers.elts;

    for (i = 0; i < attempt->provider->headers.nelts; i++) {
        name.data = (char *) header[i].name.data;
        name.len = header[i].name.len;
        value.data = (char *) header[i].value.data;
        value.len = header[i].value.len;

        if (attempt_add(r, name, value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    for (k = 0; attempt->session && k < attempt->session->body->nheaders;
         k++)
    {
        wgw_session_header(attempt->session->body, k, &name, &value);

        if (attempt_add(r, name, value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* A client's keys are for us; and an answer that is read is not packed. */

static ngx_uint_t
attempt_replaces(wgw_attempt_t *attempt, ngx_table_elt_t *h)
{
    size_t                k;
    ngx_str_t             key;
    ngx_uint_t            i;
    wgw_text_t            name, value;
    wgw_errand_header_t  *header;

    key = h->key;

    if ((key.len == 9
         && ngx_strncasecmp(key.data, (u_char *) "x-api-key", 9) == 0)
        || (key.len == 13
            && ngx_strncasecmp(key.data, (u_char *) "authorization", 13)
               == 0)
        || (attempt->providers->codes && key.len == 15
            && ngx_strncasecmp(key.data, (u_char *) "accept-encoding", 15)
               == 0))
    {
        return 1;
    }

    header = attempt->provider->headers.elts;

    for (i = 0; i < attempt->provider->headers.nelts; i++) {
        if (header[i].name.len == key.len
            && ngx_strncasecmp(header[i].name.data, key.data, key.len) == 0)
        {
            return 1;
        }
    }

    for (k = 0; attempt->session && k < attempt->session->body->nheaders;
         k++)
    {
        wgw_session_header(attempt->session->body, k, &name, &value);

        if (name.len == key.len
            && ngx_strncasecmp((u_char *) name.data, key.data, key.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* Texts are copied: a session may be replaced while the request lasts. */

static ngx_int_t
attempt_add(ngx_http_request_t *r, wgw_text_t name, wgw_text_t value)
{
    u_char           *p;
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    p = ngx_pnalloc(r->pool, 2 * name.len + value.len);

    if (h == NULL || p == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.len = name.len;
    h->key.data = p;
    p = ngx_cpymem(p, name.data, name.len);

    h->lowcase_key = p;
    ngx_strlow(p, (u_char *) name.data, name.len);
    p += name.len;

    h->value.len = value.len;
    h->value.data = p;
    ngx_memcpy(p, value.data, value.len);

    return NGX_OK;
}


void
wgw_attempt_restore(wgw_attempt_t *attempt)
{
    if (attempt->replaced) {
        attempt->request->headers_in.headers = attempt->headers;
        attempt->replaced = 0;
    }
}


static void
attempt_timer(ngx_event_t *ev)
{
    wgw_attempt_t *attempt = ev->data;

    ngx_connection_t  *c;

    c = attempt->request->connection;

    ngx_http_set_log_request(c->log, attempt->request);

    if (attempt->waiting) {
        attempt_resume(attempt);

    } else {
        attempt_overdue(attempt);
    }

    ngx_http_run_posted_requests(c);
}


/* An attempt that has no answer yet. */

static void
attempt_overdue(wgw_attempt_t *attempt)
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
         || (!u->request_sent && waited >= ATTEMPT_PATIENCE))
        && wgw_attempt_other(attempt))
    {
        wgw_attempt_failed(attempt, WGW_STANDING_TIMEOUT);
        wgw_attempt_tried(attempt);
        wgw_attempt_give_up(attempt, 1);
        return;
    }

    attempt_arm(attempt);
}


/* To the next of: a connection made, an answer, the end of all. */

static void
attempt_arm(wgw_attempt_t *attempt)
{
    ngx_msec_t  now, waited, left, wait;

    now = ngx_current_msec;
    waited = now - attempt->sent;
    left = attempt->providers->limit - (now - attempt->start);

    wait = waited < ATTEMPT_PATIENCE ? ATTEMPT_PATIENCE - waited
           : waited < attempt->providers->each
           ? attempt->providers->each - waited : ATTEMPT_PATIENCE;

    if (waited < attempt->providers->each) {
        wait = ngx_min(wait, attempt->providers->each - waited);
    }

    ngx_add_timer(&attempt->timer, ngx_min(wait, left));
}


/*
 * Ends the upstream's part of the request, as if the client had gone: its
 * cleanup finalizes the request with NGX_DONE, and so does, once it returns,
 * whoever called us (`n` in all).  Then the phases run, posted, from our
 * handler on.
 */

void
wgw_attempt_give_up(wgw_attempt_t *attempt, ngx_uint_t n)
{
    ngx_http_request_t  *r;

    r = attempt->request;

    if (attempt->timer.timer_set) {
        ngx_del_timer(&attempt->timer);
    }

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


/* Stands before the proxy's own, which changes itself as it goes. */

ngx_int_t
wgw_attempt_process_header(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    wgw_attempt_t        *attempt;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    attempt = wgw_attempt_find(r);

    if (!attempt->header) {
        u->process_header = attempt->process_header;

        rc = u->process_header(r);

        attempt->process_header = u->process_header;
        u->process_header = wgw_attempt_process_header;

        if (rc != NGX_OK) {
            return rc;
        }

        attempt->header = 1;
    }

    return attempt_judge(attempt);
}


/* NGX_OK: passed on; NGX_AGAIN: more of it is needed; NGX_ERROR: given up */

static ngx_int_t
attempt_judge(wgw_attempt_t *attempt)
{
    ngx_int_t             rc;
    ngx_uint_t            status, again;
    ngx_http_upstream_t  *u;

    u = attempt->request->upstream;
    status = u->headers_in.status_n;
    again = status >= 500 || status == NGX_HTTP_TOO_MANY_REQUESTS;

    if (status == NGX_HTTP_TOO_MANY_REQUESTS) {
        attempt_busy(attempt);

    } else if (status >= 502 && status <= 504) {
        wgw_standing_bad(&attempt->provider->shared->standing,
                         &attempt->providers->rise_fall, WGW_STANDING_STATUS,
                         (uint32_t) (ngx_current_msec / 1000));

    } else if (attempt->session
               && (status == NGX_HTTP_UNAUTHORIZED
                   || status == NGX_HTTP_FORBIDDEN))
    {
        rc = attempt_refused(attempt);

        if (rc != NGX_OK) {
            return rc;
        }

        again = 1;

    } else if (status == NGX_HTTP_OK && attempt->providers->codes) {
        rc = attempt_codes(attempt);

        if (rc == NGX_AGAIN) {
            return rc;
        }

        again = (rc == NGX_DECLINED);
    }

    attempt_answered(attempt, status);

    if (!again || !wgw_attempt_other(attempt)) {
        attempt->answered = 1;
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_WARN, attempt->request->connection->log, 0,
                  "provider \"%V\" answered %ui, another one is asked",
                  &attempt->provider->name, status);

    (void) __atomic_fetch_add(&attempt->provider->shared->retried, 1,
                              __ATOMIC_RELAXED);

    wgw_attempt_tried(attempt);
    wgw_attempt_give_up(attempt, 2);

    return NGX_ERROR;
}


/* The key is not good any more: once with a new one, from the same. */

static ngx_int_t
attempt_refused(wgw_attempt_t *attempt)
{
    u_char          *renewed;
    wgw_provider_t  *provider;

    provider = attempt->provider;

    wgw_session_refused(attempt->session, attempt->session_id,
                        ngx_current_msec, (uint32_t) ngx_random() << 1);

    renewed = &attempt->renewed[attempt_index(attempt)];

    if (*renewed
        || attempt->attempts >= attempt->providers->attempts
        || !wgw_session_hope(attempt->session, ngx_current_msec))
    {
        return NGX_OK;
    }

    *renewed = 1;

    ngx_log_error(NGX_LOG_WARN, attempt->request->connection->log, 0,
                  "provider \"%V\" refused the session's key with %ui",
                  &provider->name,
                  attempt->request->upstream->headers_in.status_n);

    attempt_answered(attempt,
                     attempt->request->upstream->headers_in.status_n);

    attempt->since = ngx_current_msec;

    wgw_attempt_give_up(attempt, 2);

    return NGX_ERROR;
}


/* For as long as it says, or a second. */

static void
attempt_busy(wgw_attempt_t *attempt)
{
    ngx_int_t             n;
    ngx_uint_t            i;
    ngx_list_part_t      *part;
    ngx_table_elt_t      *h;

    n = 1;

    part = &attempt->request->upstream->headers_in.headers.part;

    for ( /* void */ ; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == 11
                && ngx_strncasecmp(h[i].key.data, (u_char *) "retry-after",
                                   11) == 0)
            {
                n = ngx_atoi(h[i].value.data, h[i].value.len);
            }
        }
    }

    n = ngx_max(n, 1);
    n = ngx_min(n, ATTEMPT_BUSY);

    __atomic_store_n(&attempt->provider->shared->busy,
                     ngx_current_msec + n * 1000, __ATOMIC_RELAXED);
}


/*
 * Whether the body is a JSON-RPC error that another node may not have:
 * NGX_DECLINED.  It is looked at while it fits into the buffer that headers
 * are read into; NGX_AGAIN: it is not whole yet.
 */

static ngx_int_t
attempt_codes(wgw_attempt_t *attempt)
{
    int                   rc;
    off_t                 length;
    size_t                len, size;
    u_char               *copy;
    ngx_http_upstream_t  *u;

    u = attempt->request->upstream;

    len = u->buffer.last - u->buffer.pos;
    length = u->headers_in.content_length_n;

    if (u->headers_in.chunked) {

        copy = ngx_pnalloc(attempt->request->pool, len ? len : 1);
        if (copy == NULL) {
            return NGX_OK;
        }

        ngx_memcpy(copy, u->buffer.pos, len);

        rc = wgw_answer_chunks((char *) copy, len, &size);

        if (rc == 1) {
            return attempt_listed(attempt, copy, size);
        }

        return rc == 0 && u->buffer.last < u->buffer.end ? NGX_AGAIN
                                                         : NGX_OK;
    }

    if (length <= 0 || length > u->buffer.end - u->buffer.pos) {
        return NGX_OK;
    }

    if ((off_t) len < length) {
        return u->buffer.last < u->buffer.end ? NGX_AGAIN : NGX_OK;
    }

    return attempt_listed(attempt, u->buffer.pos, length);
}


static ngx_int_t
attempt_listed(wgw_attempt_t *attempt, u_char *p, size_t len)
{
    wgw_text_t  body = { (char *) p, len };

    return wgw_answer_error(body, attempt->providers->codes->elts,
                            attempt->providers->codes->nelts)
           ? NGX_DECLINED : NGX_OK;
}


/* Counts the answer, and what it says of provider and session. */

static void
attempt_answered(wgw_attempt_t *attempt, ngx_uint_t status)
{
    ngx_uint_t              i;
    ngx_msec_t              took;
    wgw_provider_shared_t  *shared;

    shared = attempt->provider->shared;
    took = ngx_current_msec - attempt->sent;

    for (i = 0; i < WGW_PROVIDERS_BUCKETS - 1 && took > (1u << i) * 5; i++) {
        /* void */
    }

    (void) __atomic_fetch_add(&shared->latency[i], 1, __ATOMIC_RELAXED);
    (void) __atomic_fetch_add(&shared->latency_sum, took, __ATOMIC_RELAXED);
    (void) __atomic_fetch_add(&shared->statuses[ngx_min(status / 100, 5)], 1,
                              __ATOMIC_RELAXED);

    if (attempt->session && status < 400) {
        wgw_session_proven(attempt->session, attempt->session_id);
    }

    if (status < 500 && status != NGX_HTTP_TOO_MANY_REQUESTS) {
        wgw_standing_served(&shared->standing);
    }

    if (attempt->timer.timer_set) {
        ngx_del_timer(&attempt->timer);
    }
}
