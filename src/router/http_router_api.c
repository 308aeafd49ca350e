
/*
 * What is known of providers, where an administrator puts `wgw_router_api`:
 *
 *     GET                {"providers":[{"service":"eth","name":...}, ...]}
 *     GET     metrics    in Prometheus' text format
 *
 * below the location's prefix, and for those whom request.h trusts.  Neither
 * has keys or URLs, which may hold some.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/reply.h"
#include "core/request.h"
#include "router/http_router.h"


#define API_SERVICE   4096      /* bytes in JSON and in metrics, at most */
#define API_PROVIDER  8192
#define API_SESSION   512


typedef struct {
    const char             *name;
    const char             *type;
    void                  (*print)(wgw_out_t *out, const char *name,
                                   wgw_provider_t *provider);
} api_metric_t;


static size_t api_size(ngx_http_wgw_router_main_conf_t *rmcf);
static void api_json(wgw_out_t *out, ngx_http_wgw_router_main_conf_t *rmcf);
static void api_provider(wgw_out_t *out, wgw_provider_t *provider);
static void api_session(wgw_out_t *out, wgw_session_t *session);
static void api_metrics(wgw_out_t *out,
    ngx_http_wgw_router_main_conf_t *rmcf);
static void api_service(wgw_out_t *out, const char *name,
    wgw_providers_t *providers, uint64_t *number);
static void api_label(wgw_out_t *out, const char *name,
    wgw_provider_t *provider, const char *label, const char *value);
static void api_number(wgw_out_t *out, uint64_t number);
static void api_attempts(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void api_answers(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void api_retried(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void api_latency(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void api_standing(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void api_height(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void api_checks(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void api_sessions(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void api_age(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void api_handshakes(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static uint64_t api_load(uint64_t *word);
static ngx_uint_t api_good(wgw_session_t *session);


static const api_metric_t  api_list[] = {
    { "wgw_router_attempts_total", "counter", api_attempts },
    { "wgw_router_answers_total", "counter", api_answers },
    { "wgw_router_retried_total", "counter", api_retried },
    { "wgw_router_latency_seconds", "histogram", api_latency },
    { "wgw_router_standing", "gauge", api_standing },
    { "wgw_router_block_number", "gauge", api_height },
    { "wgw_router_checks_total", "counter", api_checks },
    { "wgw_router_sessions", "gauge", api_sessions },
    { "wgw_router_session_age_seconds", "gauge", api_age },
    { "wgw_router_handshakes_total", "counter", api_handshakes },
    { NULL, NULL, NULL }
};


ngx_int_t
wgw_router_api_handler(ngx_http_request_t *r)
{
    size_t                            size;
    ngx_int_t                         rc;
    wgw_out_t                         out;
    wgw_text_t                        rest;
    ngx_uint_t                        metrics;
    ngx_chain_t                      *cl;
    ngx_http_wgw_router_loc_conf_t   *conf;
    ngx_http_wgw_router_main_conf_t  *rmcf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_router_module);

    if (!wgw_request_trusted(r, conf->api_hosts)) {
        return wgw_request_distrust(r);
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return wgw_reply_not_allowed(r, "GET, HEAD");
    }

    rc = wgw_reply_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (wgw_request_rest(r, &rest) != NGX_OK) {
        rest.len = 1;
    }

    metrics = wgw_text_equal(rest, wgw_text("metrics"));

    if (rest.len && !metrics) {
        return wgw_reply_error(r, NGX_HTTP_NOT_FOUND, "",
                               "no such resource");
    }

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_wgw_router_module);

    size = api_size(rmcf);

    cl = wgw_reply_chain(r->pool, size);
    if (cl == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&out, cl->buf->pos, size);

    if (metrics) {
        api_metrics(&out, rmcf);

    } else {
        api_json(&out, rmcf);
    }

    cl->buf->last = (u_char *) out.pos;

    return wgw_reply_send(r, NGX_HTTP_OK,
                          metrics ? "text/plain; version=0.0.4; "
                                    "charset=utf-8" : "application/json",
                          cl);
}


static size_t
api_size(ngx_http_wgw_router_main_conf_t *rmcf)
{
    size_t             size;
    ngx_uint_t         i, k;
    wgw_provider_t   **provider;
    wgw_providers_t  **providers;

    size = API_SERVICE;
    providers = rmcf->providers.elts;

    for (i = 0; i < rmcf->providers.nelts; i++) {
        size += API_SERVICE;
        provider = providers[i]->all.elts;

        /* each of some thirty lines of metrics has both names */

        for (k = 0; k < providers[i]->all.nelts; k++) {
            size += API_PROVIDER + provider[k]->nsessions * API_SESSION
                    + 64 * (providers[i]->name.len + provider[k]->name.len);
        }
    }

    return size;
}


static void
api_json(wgw_out_t *out, ngx_http_wgw_router_main_conf_t *rmcf)
{
    ngx_uint_t         i, k, n;
    wgw_provider_t   **provider;
    wgw_providers_t  **providers;

    n = 0;
    providers = rmcf->providers.elts;

    wgw_out_str(out, "{\"providers\":[");

    for (i = 0; i < rmcf->providers.nelts; i++) {
        provider = providers[i]->all.elts;

        for (k = 0; k < providers[i]->all.nelts; k++) {
            wgw_out_str(out, n++ ? "," : "");
            api_provider(out, provider[k]);
        }
    }

    wgw_out_str(out, "]}\n");
}


static void
api_provider(wgw_out_t *out, wgw_provider_t *provider)
{
    uint64_t                word;
    ngx_str_t              *name;
    ngx_uint_t              i;
    wgw_provider_shared_t  *shared;

    shared = provider->shared;
    word = api_load(&shared->standing);

    name = &provider->providers->name;

    wgw_out_str(out, "{\"service\":");
    wgw_out_json(out, (wgw_text_t) { (char *) name->data, name->len });

    name = &provider->name;

    wgw_out_str(out, ",\"name\":");
    wgw_out_json(out, (wgw_text_t) { (char *) name->data, name->len });

    name = &provider->service.host->name;

    wgw_out_str(out, ",\"host\":");
    wgw_out_json(out, (wgw_text_t) { (char *) name->data, name->len });
    wgw_out_str(out, ",\"port\":");
    wgw_out_uint(out, provider->service.host->port);
    wgw_out_str(out, provider->service.ssl ? ",\"tls\":true"
                                           : ",\"tls\":false");
    wgw_out_str(out, ",\"priority\":");
    wgw_out_uint(out, provider->priority);
    wgw_out_str(out, ",\"weight\":");
    wgw_out_uint(out, provider->weight);
    wgw_out_str(out, ",\"standing\":\"");
    wgw_out_str(out, wgw_standing_word(wgw_standing_class(word)));
    wgw_out_str(out, "\",\"reason\":\"");
    wgw_out_str(out, wgw_standing_reason(wgw_standing_why(word)));
    wgw_out_str(out, "\",\"since\":");
    wgw_out_uint(out, wgw_standing_class(word) == WGW_STANDING_UNKNOWN ? 0
                 : (uint32_t) (ngx_current_msec / 1000)
                   - wgw_standing_since(word));
    wgw_out_str(out, ",\"block\":");

    if (api_load(&shared->checked)) {
        wgw_out_uint(out, api_load(&shared->height));

    } else {
        wgw_out_str(out, "null");
    }

    wgw_out_str(out, ",\"addresses\":");
    wgw_out_uint(out, provider->service.host->naddresses);
    wgw_out_str(out, ",\"attempts\":");
    wgw_out_uint(out, api_load(&shared->attempts));
    wgw_out_str(out, ",\"failed\":");
    wgw_out_uint(out, api_load(&shared->failed));
    wgw_out_str(out, ",\"retried\":");
    wgw_out_uint(out, api_load(&shared->retried));

    if (provider->sessions == NULL) {
        wgw_out_str(out, ",\"sessions\":null}");
        return;
    }

    wgw_out_str(out, ",\"sessions\":[");

    for (i = 0; i < provider->nsessions; i++) {
        wgw_out_str(out, i ? "," : "");
        api_session(out, &provider->sessions[i]);
    }

    wgw_out_str(out, "]}");
}


static void
api_session(wgw_out_t *out, wgw_session_t *session)
{
    uint64_t  wait;

    (void) wgw_session_hope(session, ngx_current_msec);

    wgw_out_str(out, "{\"state\":\"");

    if (api_good(session)) {
        wgw_out_str(out, "good\",\"age\":");
        wgw_out_uint(out, (ngx_current_msec - session->body->received)
                          / 1000);
        wgw_out_str(out, ",\"ends_in\":");
        wgw_out_uint(out, (session->body->ends - ngx_current_msec) / 1000);

        if (session->body->uses) {
            wgw_out_str(out, ",\"uses\":");
            wgw_out_uint(out, (uint32_t) api_load(&session->shared->left));
        }

    } else if (wgw_session_barred(session, ngx_current_msec, &wait)) {
        wgw_out_str(out, "barred\",\"again_in\":");
        wgw_out_uint(out, wait / 1000 + 1);

    } else {
        wgw_out_str(out, "none\"");
    }

    wgw_out_str(out, ",\"handshakes\":");
    wgw_out_uint(out, api_load(&session->shared->handshakes));
    wgw_out_str(out, ",\"failed\":");
    wgw_out_uint(out, api_load(&session->shared->failed));
    wgw_out_str(out, "}");
}


/* After wgw_session_hope(), which has looked. */

static ngx_uint_t
api_good(wgw_session_t *session)
{
    return session->body
           && session->body->id == api_load(&session->shared->id)
           && session->body->id != api_load(&session->shared->refused)
           && session->body->ends > ngx_current_msec
           && (session->body->uses == 0
               || (uint32_t) api_load(&session->shared->left));
}


static void
api_metrics(wgw_out_t *out, ngx_http_wgw_router_main_conf_t *rmcf)
{
    ngx_uint_t           i, k;
    wgw_provider_t     **provider;
    wgw_providers_t    **providers;
    const api_metric_t  *metric;

    static const char   *services[] = {
        "wgw_router_requests_total", "wgw_router_retries_total",
        "wgw_router_exhausted_total", "wgw_router_timedout_total"
    };

    providers = rmcf->providers.elts;

    for (k = 0; k < 4; k++) {
        wgw_out_str(out, "# TYPE ");
        wgw_out_str(out, services[k]);
        wgw_out_str(out, " counter\n");

        for (i = 0; i < rmcf->providers.nelts; i++) {
            api_service(out, services[k], providers[i],
                        k == 0 ? &providers[i]->shared->requests
                        : k == 1 ? &providers[i]->shared->retries
                        : k == 2 ? &providers[i]->shared->exhausted
                        : &providers[i]->shared->timedout);
        }
    }

    for (metric = api_list; metric->name; metric++) {
        wgw_out_str(out, "# TYPE ");
        wgw_out_str(out, metric->name);
        wgw_out_str(out, " ");
        wgw_out_str(out, metric->type);
        wgw_out_str(out, "\n");

        for (i = 0; i < rmcf->providers.nelts; i++) {
            provider = providers[i]->all.elts;

            for (k = 0; k < providers[i]->all.nelts; k++) {
                metric->print(out, metric->name, provider[k]);
            }
        }
    }
}


static void
api_service(wgw_out_t *out, const char *name, wgw_providers_t *providers,
    uint64_t *number)
{
    ngx_str_t  *service = &providers->name;

    wgw_out_str(out, name);
    wgw_out_str(out, "{service=");
    wgw_out_label(out, (wgw_text_t) { (char *) service->data, service->len });
    wgw_out_str(out, "} ");
    api_number(out, api_load(number));
}


static void
api_label(wgw_out_t *out, const char *name, wgw_provider_t *provider,
    const char *label, const char *value)
{
    ngx_str_t  *text = &provider->providers->name;

    wgw_out_str(out, name);
    wgw_out_str(out, "{service=");
    wgw_out_label(out, (wgw_text_t) { (char *) text->data, text->len });

    text = &provider->name;

    wgw_out_str(out, ",provider=");
    wgw_out_label(out, (wgw_text_t) { (char *) text->data, text->len });

    if (label) {
        wgw_out_str(out, ",");
        wgw_out_str(out, label);
        wgw_out_str(out, "=\"");
        wgw_out_str(out, value);
        wgw_out_str(out, "\"");
    }

    wgw_out_str(out, "} ");
}


static void
api_number(wgw_out_t *out, uint64_t number)
{
    wgw_out_uint(out, number);
    wgw_out_str(out, "\n");
}


static void
api_attempts(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    api_label(out, name, provider, NULL, NULL);
    api_number(out, api_load(&provider->shared->attempts));
}


/* What came back; "failed" is what did not. */

static void
api_answers(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    ngx_uint_t  i;

    static const char  *words[] = {
        "other", "1xx", "2xx", "3xx", "4xx", "5xx"
    };

    for (i = 1; i < 6; i++) {
        api_label(out, name, provider, "status", words[i]);
        api_number(out, api_load(&provider->shared->statuses[i]));
    }

    api_label(out, name, provider, "status", "failed");
    api_number(out, api_load(&provider->shared->failed));
}


static void
api_retried(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    api_label(out, name, provider, NULL, NULL);
    api_number(out, api_load(&provider->shared->retried));
}


static void
api_latency(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    char        text[64];
    uint64_t    sum, ms;
    ngx_uint_t  i;

    static const char  *bounds[WGW_PROVIDERS_BUCKETS] = {
        "0.005", "0.01", "0.02", "0.04", "0.08", "0.16", "0.32", "0.64",
        "1.28", "2.56", "5.12", "+Inf"
    };

    sum = 0;

    ngx_sprintf((u_char *) text, "%s_bucket%Z", name);

    for (i = 0; i < WGW_PROVIDERS_BUCKETS; i++) {
        sum += api_load(&provider->shared->latency[i]);

        api_label(out, text, provider, "le", bounds[i]);
        api_number(out, sum);
    }

    ngx_sprintf((u_char *) text, "%s_count%Z", name);
    api_label(out, text, provider, NULL, NULL);
    api_number(out, sum);

    ms = api_load(&provider->shared->latency_sum);

    ngx_sprintf((u_char *) text, "%s_sum%Z", name);
    api_label(out, text, provider, NULL, NULL);

    ngx_sprintf((u_char *) text, "%uL.%03uL%Z", ms / 1000, ms % 1000);
    wgw_out_str(out, text);
    wgw_out_str(out, "\n");
}


/* One of the four is 1. */

static void
api_standing(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    ngx_uint_t      i;
    wgw_standing_t  standing;

    standing = wgw_standing_class(api_load(&provider->shared->standing));

    for (i = WGW_STANDING_UNKNOWN; i <= WGW_STANDING_UNHEALTHY; i++) {
        api_label(out, name, provider, "standing", wgw_standing_word(i));
        api_number(out, i == standing);
    }
}


static void
api_height(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    if (api_load(&provider->shared->checked)) {
        api_label(out, name, provider, NULL, NULL);
        api_number(out, api_load(&provider->shared->height));
    }
}


static void
api_checks(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    uint64_t  all, failed;

    all = api_load(&provider->shared->checks);
    failed = api_load(&provider->shared->checks_failed);

    api_label(out, name, provider, "result", "good");
    api_number(out, all > failed ? all - failed : 0);
    api_label(out, name, provider, "result", "failed");
    api_number(out, failed);
}


static void
api_sessions(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    ngx_uint_t  i, good;

    good = 0;

    for (i = 0; provider->sessions && i < provider->nsessions; i++) {
        (void) wgw_session_hope(&provider->sessions[i], ngx_current_msec);
        good += api_good(&provider->sessions[i]);
    }

    api_label(out, name, provider, NULL, NULL);
    api_number(out, good);
}


/* Of the oldest one that is good. */

static void
api_age(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    uint64_t        age;
    ngx_uint_t      i;
    wgw_session_t  *session;

    age = 0;

    for (i = 0; provider->sessions && i < provider->nsessions; i++) {
        session = &provider->sessions[i];

        if (api_good(session)
            && ngx_current_msec - session->body->received > age)
        {
            age = ngx_current_msec - session->body->received;
        }
    }

    api_label(out, name, provider, NULL, NULL);
    api_number(out, age / 1000);
}


static void
api_handshakes(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    uint64_t    all, failed;
    ngx_uint_t  i;

    all = 0;
    failed = 0;

    for (i = 0; provider->sessions && i < provider->nsessions; i++) {
        all += api_load(&provider->sessions[i].shared->handshakes);
        failed += api_load(&provider->sessions[i].shared->failed);
    }

    api_label(out, name, provider, "result", "granted");
    api_number(out, all > failed ? all - failed : 0);
    api_label(out, name, provider, "result", "failed");
    api_number(out, failed);
}


static uint64_t
api_load(uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}
