
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "router/http_router_metrics.h"


#define METRICS_FAMILIES  8192      /* bytes, at most: their names and kinds */
#define METRICS_LINE      128       /* of one, without what names it */
#define METRICS_PROVIDER  48        /* lines of one */


/* What there is of each provider. */
typedef struct {
    const char             *name;
    const char             *type;
    const char             *help;
    void                  (*print)(wgw_out_t *out, const char *name,
                                   wgw_provider_t *provider);
} metric_t;


/* Of each service: where in its memory. */
typedef struct {
    const char             *name;
    const char             *help;
    size_t                  offset;
} metric_service_t;


static size_t metrics_service_size(wgw_providers_t *providers);
static void metrics_family(wgw_out_t *out, const char *name, const char *type,
    const char *help, ngx_uint_t openmetrics);
static void metrics_services(wgw_out_t *out, ngx_array_t *list,
    ngx_uint_t openmetrics);
static void metrics_calls(wgw_out_t *out, wgw_providers_t *providers);
static void metrics_service(wgw_out_t *out, const char *name,
    wgw_providers_t *providers);
static void metrics_label(wgw_out_t *out, const char *name,
    wgw_provider_t *provider, const char *label, const char *value);
static void metrics_number(wgw_out_t *out, uint64_t number);
static void metrics_attempts(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void metrics_answers(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void metrics_retried(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void metrics_latency(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void metrics_standing(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void metrics_height(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void metrics_checks(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void metrics_sessions(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void metrics_age(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static void metrics_handshakes(wgw_out_t *out, const char *name,
    wgw_provider_t *provider);
static uint64_t metrics_load(uint64_t *word);


static const metric_service_t  metrics_of_service[] = {

    { "wgw_router_requests_total", "Requests.",
      offsetof(wgw_providers_shared_t, requests) },

    { "wgw_router_retries_total", "Attempts after the first.",
      offsetof(wgw_providers_shared_t, retries) },

    { "wgw_router_exhausted_total",
      "Requests that no provider could be asked for.",
      offsetof(wgw_providers_shared_t, exhausted) },

    { "wgw_router_timedout_total",
      "Requests that ended by the limit over all attempts.",
      offsetof(wgw_providers_shared_t, timedout) },

    { NULL, NULL, 0 }
};


static const metric_t  metrics_list[] = {

    { "wgw_router_attempts_total", "counter",
      "Attempts.", metrics_attempts },

    { "wgw_router_answers_total", "counter",
      "Answers by their status; failed is none.", metrics_answers },

    { "wgw_router_retried_total", "counter",
      "Answers given up for that of another.", metrics_retried },

    { "wgw_router_latency_seconds", "histogram",
      "Until the header of an answer.", metrics_latency },

    { "wgw_router_standing", "gauge",
      "1 for the standing it has.", metrics_standing },

    { "wgw_router_block_number", "gauge",
      "How high its chain is.", metrics_height },

    { "wgw_router_checks_total", "counter",
      "Checks by their result.", metrics_checks },

    { "wgw_router_sessions", "gauge",
      "Sessions that are good.", metrics_sessions },

    { "wgw_router_session_age_seconds", "gauge",
      "Age of the oldest session that is good.", metrics_age },

    { "wgw_router_handshakes_total", "counter",
      "Sign-ins by their result.", metrics_handshakes },

    { NULL, NULL, NULL, NULL }
};


size_t
wgw_router_metrics_size(ngx_http_wgw_router_main_conf_t *rmcf)
{
    size_t             size;
    ngx_uint_t         i, k;
    wgw_provider_t   **provider;
    wgw_providers_t  **providers;

    size = METRICS_FAMILIES;
    providers = rmcf->providers.elts;

    for (i = 0; i < rmcf->providers.nelts; i++) {
        size += metrics_service_size(providers[i]);
        provider = providers[i]->all.elts;

        for (k = 0; k < providers[i]->all.nelts; k++) {
            size += METRICS_PROVIDER
                    * (METRICS_LINE + 2 * providers[i]->name.len
                                    + 2 * provider[k]->name.len);
        }
    }

    return size;
}


/* A label's value may be twice as long as it is. */

static size_t
metrics_service_size(wgw_providers_t *providers)
{
    size_t      size, line;
    ngx_uint_t  i;

    line = METRICS_LINE + 2 * providers->name.len;
    size = 4 * line;

    for (i = 0; providers->ncounted && i <= providers->ncounted; i++) {
        size += line + 2 * providers->counted[i].method.len;
    }

    return size;
}


void
wgw_router_metrics(wgw_out_t *out, ngx_http_wgw_router_main_conf_t *rmcf,
    ngx_uint_t openmetrics)
{
    ngx_uint_t          i, k;
    wgw_provider_t    **provider;
    wgw_providers_t   **providers;
    const metric_t     *metric;

    metrics_services(out, &rmcf->providers, openmetrics);

    providers = rmcf->providers.elts;

    for (metric = metrics_list; metric->name; metric++) {
        metrics_family(out, metric->name, metric->type, metric->help,
                       openmetrics);

        for (i = 0; i < rmcf->providers.nelts; i++) {
            provider = providers[i]->all.elts;

            for (k = 0; k < providers[i]->all.nelts; k++) {
                metric->print(out, metric->name, provider[k]);
            }
        }
    }

    if (openmetrics) {
        wgw_out_str(out, "# EOF\n");
    }
}


/* In OpenMetrics a counter's family is not named as its samples are. */

static void
metrics_family(wgw_out_t *out, const char *name, const char *type,
    const char *help, ngx_uint_t openmetrics)
{
    wgw_text_t  family = { name, ngx_strlen(name) };

    if (openmetrics && ngx_strcmp(type, "counter") == 0) {
        family.len -= sizeof("_total") - 1;
    }

    wgw_out_str(out, "# HELP ");
    wgw_out_bytes(out, family.data, family.len);
    wgw_out_str(out, " ");
    wgw_out_str(out, help);
    wgw_out_str(out, "\n# TYPE ");
    wgw_out_bytes(out, family.data, family.len);
    wgw_out_str(out, " ");
    wgw_out_str(out, type);
    wgw_out_str(out, "\n");
}


static void
metrics_services(wgw_out_t *out, ngx_array_t *list, ngx_uint_t openmetrics)
{
    char                     *shared;
    ngx_uint_t                i;
    wgw_providers_t         **providers;
    const metric_service_t   *metric;

    providers = list->elts;

    for (metric = metrics_of_service; metric->name; metric++) {
        metrics_family(out, metric->name, "counter", metric->help,
                       openmetrics);

        for (i = 0; i < list->nelts; i++) {
            shared = (char *) providers[i]->shared;

            metrics_service(out, metric->name, providers[i]);
            wgw_out_str(out, "} ");
            metrics_number(out, metrics_load((uint64_t *)
                                             (shared + metric->offset)));
        }
    }

    metrics_family(out, "wgw_router_calls_total", "counter",
                   "Calls by the methods that are counted.", openmetrics);

    for (i = 0; i < list->nelts; i++) {
        metrics_calls(out, providers[i]);
    }
}


static void
metrics_calls(wgw_out_t *out, wgw_providers_t *providers)
{
    ngx_uint_t      i;
    wgw_counted_t  *counted;

    for (i = 0; providers->ncounted && i <= providers->ncounted; i++) {
        counted = &providers->counted[i];

        metrics_service(out, "wgw_router_calls_total", providers);
        wgw_out_str(out, ",method=");
        wgw_out_label(out, counted->method);
        wgw_out_str(out, "} ");
        metrics_number(out, metrics_load(counted->calls));
    }
}


static void
metrics_service(wgw_out_t *out, const char *name, wgw_providers_t *providers)
{
    ngx_str_t  *service = &providers->name;

    wgw_out_str(out, name);
    wgw_out_str(out, "{service=");
    wgw_out_label(out, (wgw_text_t) { (char *) service->data, service->len });
}


static void
metrics_label(wgw_out_t *out, const char *name, wgw_provider_t *provider,
    const char *label, const char *value)
{
    ngx_str_t  *text = &provider->name;

    metrics_service(out, name, provider->providers);

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
metrics_number(wgw_out_t *out, uint64_t number)
{
    wgw_out_uint(out, number);
    wgw_out_str(out, "\n");
}


static void
metrics_attempts(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    metrics_label(out, name, provider, NULL, NULL);
    metrics_number(out, metrics_load(&provider->shared->attempts));
}


/* What came back; "failed" is what did not. */

static void
metrics_answers(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    ngx_uint_t  i;

    static const char  *words[] = {
        "other", "1xx", "2xx", "3xx", "4xx", "5xx"
    };

    for (i = 1; i < 6; i++) {
        metrics_label(out, name, provider, "status", words[i]);
        metrics_number(out, metrics_load(&provider->shared->statuses[i]));
    }

    metrics_label(out, name, provider, "status", "failed");
    metrics_number(out, metrics_load(&provider->shared->failed));
}


static void
metrics_retried(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    metrics_label(out, name, provider, NULL, NULL);
    metrics_number(out, metrics_load(&provider->shared->retried));
}


static void
metrics_latency(wgw_out_t *out, const char *name, wgw_provider_t *provider)
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
        sum += metrics_load(&provider->shared->latency[i]);

        metrics_label(out, text, provider, "le", bounds[i]);
        metrics_number(out, sum);
    }

    ngx_sprintf((u_char *) text, "%s_count%Z", name);
    metrics_label(out, text, provider, NULL, NULL);
    metrics_number(out, sum);

    ms = metrics_load(&provider->shared->latency_sum);

    ngx_sprintf((u_char *) text, "%s_sum%Z", name);
    metrics_label(out, text, provider, NULL, NULL);

    ngx_sprintf((u_char *) text, "%uL.%03uL%Z", ms / 1000, ms % 1000);
    wgw_out_str(out, text);
    wgw_out_str(out, "\n");
}


/* One of the four is 1. */

static void
metrics_standing(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    ngx_uint_t      i;
    wgw_standing_t  standing;

    standing = wgw_standing_class(metrics_load(&provider->shared->standing));

    for (i = WGW_STANDING_UNKNOWN; i <= WGW_STANDING_UNHEALTHY; i++) {
        metrics_label(out, name, provider, "standing", wgw_standing_word(i));
        metrics_number(out, i == standing);
    }
}


static void
metrics_height(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    if (metrics_load(&provider->shared->checked)) {
        metrics_label(out, name, provider, NULL, NULL);
        metrics_number(out, metrics_load(&provider->shared->height));
    }
}


static void
metrics_checks(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    metrics_label(out, name, provider, "result", "good");
    metrics_number(out, metrics_load(&provider->shared->checks_good));
    metrics_label(out, name, provider, "result", "failed");
    metrics_number(out, metrics_load(&provider->shared->checks_failed));
}


static void
metrics_sessions(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    ngx_uint_t  i, good;

    good = 0;

    for (i = 0; provider->sessions && i < provider->nsessions; i++) {
        good += wgw_session_good(&provider->sessions[i], ngx_current_msec);
    }

    metrics_label(out, name, provider, NULL, NULL);
    metrics_number(out, good);
}


/* Of the oldest one that is good. */

static void
metrics_age(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    uint64_t        age;
    ngx_uint_t      i;
    wgw_session_t  *session;

    age = 0;

    for (i = 0; provider->sessions && i < provider->nsessions; i++) {
        session = &provider->sessions[i];

        if (wgw_session_good(session, ngx_current_msec)
            && ngx_current_msec - session->body->received > age)
        {
            age = ngx_current_msec - session->body->received;
        }
    }

    metrics_label(out, name, provider, NULL, NULL);
    metrics_number(out, age / 1000);
}


static void
metrics_handshakes(wgw_out_t *out, const char *name, wgw_provider_t *provider)
{
    uint64_t    granted, failed;
    ngx_uint_t  i;

    granted = 0;
    failed = 0;

    for (i = 0; provider->sessions && i < provider->nsessions; i++) {
        granted += metrics_load(&provider->sessions[i].shared->granted);
        failed += metrics_load(&provider->sessions[i].shared->failed);
    }

    metrics_label(out, name, provider, "result", "granted");
    metrics_number(out, granted);
    metrics_label(out, name, provider, "result", "failed");
    metrics_number(out, failed);
}


static uint64_t
metrics_load(uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}
