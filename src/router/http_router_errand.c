
/*
 * What goes to providers on our own account: handshakes, and checks of their
 * health.
 *
 * Checks are made by one worker, who holds a lease: while it lives it renews
 * that with each round; when it is gone, or leaves, the next one takes it.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/crypto.h>
#include <signal.h>

#include "auth/auth_module.h"
#include "router/answer.h"
#include "router/http_router.h"


#define ROUTER_BODY     8192
#define ROUTER_HEIGHTS  3           /* intervals that a height counts */
#define ROUTER_UNTIL    UINT64_C(0xffffffffff)


static wgw_errand_t *router_errand_create(wgw_provider_t *provider,
    wgw_provider_end_t *end, wgw_session_t *session);
static ngx_int_t router_sign(wgw_errand_t *errand, wgw_provider_t *provider);
static void router_signed(wgw_errand_t *errand);
static const char *router_granted(wgw_errand_t *errand,
    wgw_router_errand_t *re);
static void router_round(ngx_event_t *ev);
static ngx_uint_t router_leads(wgw_providers_t *providers);
static void router_resign(wgw_providers_t *providers);
static void router_ask(wgw_provider_t *provider);
static ngx_int_t router_ask_headers(wgw_errand_t *errand,
    wgw_provider_t *provider, wgw_session_t *session);
static void router_asked(wgw_errand_t *errand);
static void router_bad(wgw_provider_t *provider, wgw_standing_why_t why);
static void router_judge(wgw_provider_t *provider);


/* the places of workers' errands are told apart by what they are for */

wgw_router_errand_t *
wgw_router_errand(ngx_http_request_t *r)
{
    wgw_errand_t                     *errand;
    ngx_http_wgw_router_main_conf_t  *rmcf;

    errand = wgw_errand_get(r);

    if (errand == NULL) {
        return NULL;
    }

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_wgw_router_module);

    return errand->place == &rmcf->place ? errand->data : NULL;
}


ngx_int_t
wgw_router_handshake(wgw_provider_t *provider, wgw_session_t *session)
{
    uint64_t       wait;
    wgw_errand_t  *errand;

    if (provider->auth.host->naddresses == 0) {
        return provider->auth.host->asked ? NGX_DECLINED : NGX_OK;
    }

    if (!wgw_session_claim(session, ngx_current_msec,
                           provider->providers->timeout + 2000))
    {
        return wgw_session_barred(session, ngx_current_msec, &wait)
               ? NGX_DECLINED : NGX_OK;
    }

    errand = router_errand_create(provider, &provider->auth, session);

    if (errand == NULL
        || router_sign(errand, provider) != NGX_OK
        || wgw_errand_run(errand) != NGX_OK)
    {
        wgw_session_failed(session, ngx_current_msec,
                           (uint32_t) ngx_random() << 1);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static wgw_errand_t *
router_errand_create(wgw_provider_t *provider, wgw_provider_end_t *end,
    wgw_session_t *session)
{
    wgw_errand_t                     *errand;
    wgw_router_errand_t              *re;
    ngx_http_wgw_router_main_conf_t  *rmcf;

    rmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_wgw_router_module);

    errand = wgw_errand_create(ngx_cycle->log);
    if (errand == NULL) {
        return NULL;
    }

    re = ngx_pcalloc(errand->pool, sizeof(wgw_router_errand_t));
    if (re == NULL) {
        wgw_errand_drop(errand);
        return NULL;
    }

    re->provider = provider;
    re->end = end;
    re->session = session;

    errand->place = &rmcf->place;
    errand->method = NGX_HTTP_POST;
    errand->timeout = provider->providers->timeout;
    errand->max = WGW_GRANT_BODY;
    errand->data = re;

    ngx_str_set(&errand->uri, "/");

    return errand;
}


/* The errand is gone when this fails. */

static ngx_int_t
router_sign(wgw_errand_t *errand, wgw_provider_t *provider)
{
    wgw_out_t              out;
    ngx_str_t             *domain;
    wgw_eip191_t          *eip191;
    wgw_providers_t       *providers;
    wgw_signer_message_t   message;

    static wgw_errand_header_t  headers[] = {
        { ngx_string("User-Agent"), ngx_string("wgw") },
        { ngx_string("Content-Type"), ngx_string("text/plain") }
    };

    providers = provider->providers;
    domain = providers->domain.len ? &providers->domain
                                   : &provider->auth.domain;

    message.domain.data = (char *) domain->data;
    message.domain.len = domain->len;
    message.uri.data = (char *) provider->auth.url.data;
    message.uri.len = provider->auth.url.len;
    message.issued = ngx_time();

    eip191 = ngx_wgw_auth_eip191();
    errand->body.data = ngx_pnalloc(errand->pool, ROUTER_BODY);

    if (eip191 == NULL || errand->body.data == NULL
        || wgw_signer_nonce(message.nonce) != 0)
    {
        wgw_errand_drop(errand);
        return NGX_ERROR;
    }

    wgw_out_init(&out, errand->body.data, ROUTER_BODY);

    if (wgw_signer_body(&providers->signer, eip191, &message, &out) != 0) {
        wgw_errand_drop(errand);
        return NGX_ERROR;
    }

    errand->body.len = out.pos - out.start;
    errand->headers = headers;
    errand->nheaders = 2;
    errand->done = router_signed;

    return NGX_OK;
}


static void
router_signed(wgw_errand_t *errand)
{
    const char           *phrase;
    wgw_router_errand_t  *re;

    re = errand->data;

    phrase = router_granted(errand, re);

    if (errand->answer.len) {
        OPENSSL_cleanse(errand->answer.data, errand->answer.len);
    }

    if (phrase) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "no session with provider \"%V\" of \"%V\": "
                      "the answer %s (status %ui)", &re->provider->name,
                      &re->provider->providers->name, phrase,
                      errand->status);

    } else {
        ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                      "session with provider \"%V\" of \"%V\"",
                      &re->provider->name,
                      &re->provider->providers->name);
    }

    wgw_attempt_wake();
}


/* NULL, or a phrase; the claim is over in any case. */

static const char *
router_granted(wgw_errand_t *errand, wgw_router_errand_t *re)
{
    char          buffer[WGW_GRANT_BYTES];
    time_t        now;
    uint32_t      chance;
    uint64_t      life;
    wgw_text_t    body;
    wgw_grant_t   grant;
    const char   *phrase;

    chance = (uint32_t) ngx_random() << 1;

    body.data = (char *) errand->answer.data;
    body.len = errand->answer.len;

    phrase = errand->timedout ? "did not come in time"
             : errand->too_long ? "is too long"
             : errand->status == 0 ? "did not come"
             : errand->status != NGX_HTTP_OK ? "is a refusal"
             : errand->encoding.len ? "is encoded"
             : wgw_grant_read(&grant, body, buffer);

    if (phrase) {
        wgw_session_failed(re->session, ngx_current_msec, chance);
        return phrase;
    }

    /* by the provider's own clock, where it says what that is */

    now = errand->date != (time_t) -1 ? errand->date : ngx_time();
    life = grant.exp > (uint64_t) now ? grant.exp - now : 0;

    phrase = wgw_session_granted(re->session, &grant,
                                 ngx_min(life, 1000000000) * 1000,
                                 ngx_current_msec, chance);

    OPENSSL_cleanse(buffer, sizeof(buffer));

    return phrase;
}


/* Rounds */

void
wgw_router_check(wgw_providers_t *providers)
{
    if (providers->method.len == 0) {
        return;
    }

    providers->timer.handler = router_round;
    providers->timer.data = providers;
    providers->timer.log = ngx_cycle->log;
    providers->timer.cancelable = 1;

    ngx_add_timer(&providers->timer, 1);
}


static void
router_round(ngx_event_t *ev)
{
    wgw_providers_t *providers = ev->data;

    ngx_msec_t        next;
    ngx_uint_t        i;
    wgw_provider_t  **provider;

    if (ngx_exiting || ngx_terminate || ngx_quit) {
        router_resign(providers);
        return;
    }

    /* who does not lead looks more often, so that nobody is missed long */

    next = ngx_min(providers->interval, 1000);

    if (router_leads(providers)) {
        provider = providers->all.elts;
        next = providers->interval;

        for (i = 0; i < providers->all.nelts; i++) {
            router_ask(provider[i]);
        }
    }

    ngx_add_timer(ev, next);
}


/* Until two intervals from now; taken from nobody who lives. */

static ngx_uint_t
router_leads(wgw_providers_t *providers)
{
    pid_t     process;
    uint64_t  lease, mine, now;

    now = ngx_current_msec & ROUTER_UNTIL;
    lease = __atomic_load_n(&providers->shared->leader, __ATOMIC_ACQUIRE);
    process = (pid_t) (lease & 0xffffff);

    if (lease && process != (ngx_pid & 0xffffff) && lease >> 24 > now
        && (kill(process, 0) == 0 || ngx_errno != NGX_ESRCH))
    {
        return 0;
    }

    mine = ((now + 2 * providers->interval + 1000) & ROUTER_UNTIL) << 24
           | (uint64_t) (ngx_pid & 0xffffff);

    return __atomic_compare_exchange_n(&providers->shared->leader, &lease,
                                       mine, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}


static void
router_resign(wgw_providers_t *providers)
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
router_ask(wgw_provider_t *provider)
{
    unsigned           due;
    wgw_errand_t      *errand;
    wgw_session_t     *session;
    wgw_providers_t   *providers;
    wgw_session_rc_t   rc;

    providers = provider->providers;

    if (provider->checking) {
        return;
    }

    if (provider->service.host->naddresses == 0) {

        if (provider->service.host->asked) {
            router_bad(provider, WGW_STANDING_RESOLVE);
        }

        return;
    }

    session = provider->sessions;

    if (session) {
        rc = wgw_session_use(session, ngx_current_msec, &due);

        if (due && wgw_router_handshake(provider, session) != NGX_OK
            && rc == WGW_SESSION_NONE)
        {
            router_bad(provider, WGW_STANDING_SESSION);
            return;
        }

        if (rc != WGW_SESSION_GOOD) {
            return;
        }
    }

    errand = router_errand_create(provider, &provider->service, session);

    if (errand == NULL
        || router_ask_headers(errand, provider, session) != NGX_OK)
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
    errand->done = router_asked;

    provider->checking = (wgw_errand_run(errand) == NGX_OK);
}


/* The errand is gone when this fails. */

static ngx_int_t
router_ask_headers(wgw_errand_t *errand, wgw_provider_t *provider,
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
router_asked(wgw_errand_t *errand)
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

    (void) __atomic_fetch_add(&shared->checks, 1, __ATOMIC_RELAXED);

    if (re->session && (errand->status == NGX_HTTP_UNAUTHORIZED
                        || errand->status == NGX_HTTP_FORBIDDEN))
    {
        wgw_session_refused(re->session, re->session_id, ngx_current_msec,
                            (uint32_t) ngx_random() << 1);
    }

    if (errand->status == NGX_HTTP_TOO_MANY_REQUESTS) {
        wgw_standing_good(&shared->standing, &provider->providers->rise_fall,
                          WGW_STANDING_BUSY,
                          (uint32_t) (ngx_current_msec / 1000));
        return;
    }

    /* what could not be reached is answered for by nginx, with 502 or 504 */

    if (errand->status == 0 || errand->status >= 300) {
        router_bad(provider, errand->timedout ? WGW_STANDING_TIMEOUT
                   : errand->status == 0
                     || errand->status == NGX_HTTP_BAD_GATEWAY
                   ? WGW_STANDING_CONNECT : WGW_STANDING_STATUS);
        return;
    }

    body.data = (char *) errand->answer.data;
    body.len = errand->answer.len;

    if (wgw_answer_height(&height, body) != 0) {
        router_bad(provider, WGW_STANDING_ANSWER);
        return;
    }

    if (re->session) {
        wgw_session_proven(re->session, re->session_id);
    }

    __atomic_store_n(&shared->height, height, __ATOMIC_RELAXED);
    __atomic_store_n(&shared->checked, ngx_current_msec, __ATOMIC_RELAXED);

    router_judge(provider);
}


static void
router_bad(wgw_provider_t *provider, wgw_standing_why_t why)
{
    (void) __atomic_fetch_add(&provider->shared->checks_failed, 1,
                              __ATOMIC_RELAXED);

    wgw_standing_bad(&provider->shared->standing,
                     &provider->providers->rise_fall, why,
                     (uint32_t) (ngx_current_msec / 1000));
}


/* By the heights of all that have said theirs lately. */

static void
router_judge(wgw_provider_t *provider)
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
               > ROUTER_HEIGHTS * providers->interval)
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
        router_bad(provider, WGW_STANDING_OUTLIER);
        return;
    }

    wgw_standing_good(&provider->shared->standing, &providers->rise_fall,
                      why[mine], (uint32_t) (ngx_current_msec / 1000));
}
