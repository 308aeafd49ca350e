
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <signal.h>

#include "router/answer.h"
#include "router/http_router_check.h"
#include "router/http_router_errand.h"
#include "router/http_router_handshake.h"


#define CHECK_HEIGHTS  3            /* intervals that a height counts */
#define CHECK_UNTIL    UINT64_C(0xffffffffff)


static void check_round(ngx_event_t *ev);
static ngx_uint_t check_leads(wgw_providers_t *providers);
static void check_resign(wgw_providers_t *providers);
static void check_ask(wgw_provider_t *provider);
static ngx_int_t check_ready(wgw_provider_t *provider, wgw_session_t *session);
static ngx_int_t check_headers(wgw_errand_t *errand, wgw_provider_t *provider,
    wgw_session_t *session);
static void check_asked(wgw_errand_t *errand);
static void check_good(wgw_provider_t *provider, wgw_standing_why_t why);
static void check_bad(wgw_provider_t *provider, wgw_standing_why_t why);
static void check_judge(wgw_provider_t *provider);


void
wgw_router_check(wgw_providers_t *providers)
{
    if (providers->method.len == 0) {
        return;
    }

    providers->timer.handler = check_round;
    providers->timer.data = providers;
    providers->timer.log = ngx_cycle->log;
    providers->timer.cancelable = 1;

    ngx_add_timer(&providers->timer, 1);
}


static void
check_round(ngx_event_t *ev)
{
    wgw_providers_t *providers = ev->data;

    ngx_msec_t        next;
    ngx_uint_t        i;
    wgw_provider_t  **provider;

    if (ngx_exiting || ngx_terminate || ngx_quit) {
        check_resign(providers);
        return;
    }

    /* who does not lead looks more often, so that nobody is missed long */

    next = ngx_min(providers->interval, 1000);

    if (check_leads(providers)) {
        provider = providers->all.elts;
        next = providers->interval;

        for (i = 0; i < providers->all.nelts; i++) {
            check_ask(provider[i]);
        }
    }

    ngx_add_timer(ev, next);
}


/* Until two intervals from now; taken from nobody who lives. */

static ngx_uint_t
check_leads(wgw_providers_t *providers)
{
    pid_t     process;
    uint64_t  lease, mine, now;

    now = ngx_current_msec & CHECK_UNTIL;
    lease = __atomic_load_n(&providers->shared->leader, __ATOMIC_ACQUIRE);
    process = (pid_t) (lease & 0xffffff);

    if (lease && process != (ngx_pid & 0xffffff) && lease >> 24 > now
        && (kill(process, 0) == 0 || ngx_errno != NGX_ESRCH))
    {
        return 0;
    }

    mine = ((now + 2 * providers->interval + 1000) & CHECK_UNTIL) << 24
           | (uint64_t) (ngx_pid & 0xffffff);

    return __atomic_compare_exchange_n(&providers->shared->leader, &lease,
                                       mine, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}


static void
check_resign(wgw_providers_t *providers)
{
    uint64_t  lease;

    lease = __atomic_load_n(&providers->shared->leader, __ATOMIC_ACQUIRE);

    if ((pid_t) (lease & 0xffffff) == (ngx_pid & 0xffffff)) {
        (void) __atomic_compare_exchange_n(&providers->shared->leader,
                                           &lease, 0, 0, __ATOMIC_ACQ_REL,
                                           __ATOMIC_ACQUIRE);
    }
}


/* One check; the session it needs is made first, and used the next time. */

static void
check_ask(wgw_provider_t *provider)
{
    wgw_errand_t     *errand;
    wgw_session_t    *session;
    wgw_providers_t  *providers;

    providers = provider->providers;
    session = provider->sessions;

    if (provider->checking || check_ready(provider, session) != NGX_OK) {
        return;
    }

    errand = wgw_router_errand_create(provider, &provider->service, session);

    if (errand == NULL
        || check_headers(errand, provider, session) != NGX_OK)
    {
        return;
    }

    errand->body.data = ngx_pnalloc(errand->pool, providers->method.len + 64);

    if (errand->body.data == NULL) {
        wgw_errand_drop(errand);
        return;
    }

    errand->body.len = ngx_sprintf(errand->body.data,
                                   "{\"jsonrpc\":\"2.0\",\"id\":1,"
                                   "\"method\":\"%V\",\"params\":[]}",
                                   &providers->method)
                       - errand->body.data;
    errand->done = check_asked;

    provider->checking = (wgw_errand_run(errand) == NGX_OK);
}


/* NGX_OK: there is an address and, unless none is needed, a session. */

static ngx_int_t
check_ready(wgw_provider_t *provider, wgw_session_t *session)
{
    unsigned          due;
    wgw_session_rc_t  rc;

    if (provider->service.host->naddresses == 0) {

        if (provider->service.host->asked) {
            check_bad(provider, WGW_STANDING_RESOLVE);
        }

        return NGX_DECLINED;
    }

    if (session == NULL) {
        return NGX_OK;
    }

    rc = wgw_session_use(session, ngx_current_msec, &due);

    if (due && wgw_router_handshake(provider, session) != NGX_OK
        && rc == WGW_SESSION_NONE)
    {
        check_bad(provider, WGW_STANDING_SESSION);
    }

    return rc == WGW_SESSION_GOOD ? NGX_OK : NGX_DECLINED;
}


/* The errand is gone when this fails. */

static ngx_int_t
check_headers(wgw_errand_t *errand, wgw_provider_t *provider,
    wgw_session_t *session)
{
    size_t                k, n;
    wgw_text_t            name, value;
    wgw_errand_header_t  *header;
    wgw_router_errand_t  *re;

    n = session ? session->body->nheaders : 0;

    errand->headers = ngx_palloc(errand->pool,
                                 (provider->headers.nelts + n + 2)
                                 * sizeof(wgw_errand_header_t));
    if (errand->headers == NULL) {
        wgw_errand_drop(errand);
        return NGX_ERROR;
    }

    header = errand->headers;

    ngx_str_set(&header->name, "Content-Type");
    ngx_str_set(&header->value, "application/json");
    header++;

    ngx_memcpy(header, provider->headers.elts,
               provider->headers.nelts * sizeof(wgw_errand_header_t));
    header += provider->headers.nelts;

    for (k = 0; k < n; k++) {
        wgw_session_header(session->body, k, &name, &value);

        header->name.data = ngx_pnalloc(errand->pool, name.len + value.len);

        if (header->name.data == NULL) {
            wgw_errand_drop(errand);
            return NGX_ERROR;
        }

        header->name.len = name.len;
        header->value.len = value.len;
        header->value.data = ngx_cpymem(header->name.data, name.data,
                                        name.len);
        ngx_memcpy(header->value.data, value.data, value.len);

        header++;
    }

    errand->nheaders = header - errand->headers;

    re = errand->data;
    re->session_id = session ? session->body->id : 0;

    return NGX_OK;
}


static void
check_asked(wgw_errand_t *errand)
{
    uint64_t                height;
    wgw_text_t              body;
    wgw_provider_t         *provider;
    wgw_router_errand_t    *re;
    wgw_provider_shared_t  *shared;

    re = errand->data;
    provider = re->provider;
    shared = provider->shared;

    provider->checking = 0;

    if (re->session && (errand->status == NGX_HTTP_UNAUTHORIZED
                        || errand->status == NGX_HTTP_FORBIDDEN))
    {
        wgw_session_refused(re->session, re->session_id, ngx_current_msec,
                            (uint32_t) ngx_random() << 1);
    }

    if (errand->status == NGX_HTTP_TOO_MANY_REQUESTS) {
        check_good(provider, WGW_STANDING_BUSY);
        return;
    }

    /* what could not be reached is answered for by nginx, with 502 or 504 */

    if (errand->status == 0 || errand->status >= 300) {
        check_bad(provider, errand->timedout ? WGW_STANDING_TIMEOUT
                   : errand->status == 0
                     || errand->status == NGX_HTTP_BAD_GATEWAY
                   ? WGW_STANDING_CONNECT : WGW_STANDING_STATUS);
        return;
    }

    body.data = (char *) errand->answer.data;
    body.len = errand->answer.len;

    if (wgw_answer_height(&height, body) != 0) {
        check_bad(provider, WGW_STANDING_ANSWER);
        return;
    }

    if (re->session) {
        wgw_session_proven(re->session, re->session_id);
    }

    __atomic_store_n(&shared->height, height, __ATOMIC_RELAXED);
    __atomic_store_n(&shared->checked, ngx_current_msec, __ATOMIC_RELAXED);

    check_judge(provider);
}


static void
check_good(wgw_provider_t *provider, wgw_standing_why_t why)
{
    (void) __atomic_fetch_add(&provider->shared->checks_good, 1,
                              __ATOMIC_RELAXED);

    wgw_standing_good(&provider->shared->standing,
                      &provider->providers->rise_fall, why,
                      (uint32_t) (ngx_current_msec / 1000));
}


static void
check_bad(wgw_provider_t *provider, wgw_standing_why_t why)
{
    (void) __atomic_fetch_add(&provider->shared->checks_failed, 1,
                              __ATOMIC_RELAXED);

    wgw_standing_bad(&provider->shared->standing,
                     &provider->providers->rise_fall, why,
                     (uint32_t) (ngx_current_msec / 1000));
}


/* By the heights of all that have said theirs lately. */

static void
check_judge(wgw_provider_t *provider)
{
    size_t                i, n, mine;
    uint64_t              heights[WGW_PROVIDERS_MAX];
    uint64_t              sorted[WGW_PROVIDERS_MAX], checked;
    wgw_provider_t      **all;
    wgw_providers_t      *providers;
    wgw_standing_why_t    why[WGW_PROVIDERS_MAX];

    providers = provider->providers;
    all = providers->all.elts;
    n = 0;
    mine = 0;

    for (i = 0; i < providers->all.nelts; i++) {
        checked = __atomic_load_n(&all[i]->shared->checked,
                                  __ATOMIC_RELAXED);

        if (checked == 0
            || ngx_current_msec - checked
               > CHECK_HEIGHTS * providers->interval)
        {
            continue;
        }

        if (all[i] == provider) {
            mine = n;
        }

        heights[n++] = __atomic_load_n(&all[i]->shared->height,
                                       __ATOMIC_RELAXED);
    }

    wgw_standing_judge(heights, n, sorted, providers->lag, providers->jump,
                       why);

    if (why[mine] == WGW_STANDING_OUTLIER) {
        check_bad(provider, WGW_STANDING_OUTLIER);
        return;
    }

    check_good(provider, why[mine]);
}
