
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/endpoint.h"
#include "core/reply.h"
#include "core/request.h"
#include "router/http_router_api.h"
#include "router/http_router_metrics.h"


#define API_LIST      64        /* bytes, at most */
#define API_PROVIDER  512       /* without its names, and theirs */
#define API_SESSION   256


static ngx_int_t api_reply(ngx_http_request_t *r, ngx_uint_t metrics);
static size_t api_size(ngx_http_wgw_router_main_conf_t *rmcf);
static void api_json(wgw_out_t *out, ngx_http_wgw_router_main_conf_t *rmcf);
static void api_provider(wgw_out_t *out, wgw_provider_t *provider);
static void api_standing(wgw_out_t *out, wgw_provider_t *provider);
static void api_sessions(wgw_out_t *out, wgw_provider_t *provider);
static void api_session(wgw_out_t *out, wgw_session_t *session);
static uint64_t api_load(uint64_t *word);


ngx_int_t
wgw_router_api_handler(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    wgw_text_t                       rest;
    ngx_uint_t                       metrics;
    ngx_http_wgw_router_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_router_module);

    if (!wgw_endpoint_get(r, conf->api_hosts, &rc)) {
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

    return api_reply(r, metrics);
}


static ngx_int_t
api_reply(ngx_http_request_t *r, ngx_uint_t metrics)
{
    size_t                            size;
    wgw_out_t                         out;
    ngx_uint_t                        openmetrics;
    ngx_chain_t                      *cl;
    ngx_http_wgw_router_main_conf_t  *rmcf;

    rmcf = ngx_http_get_module_main_conf(r, ngx_http_wgw_router_module);

    openmetrics = wgw_request_accepts(r, "application/openmetrics-text");

    size = metrics ? wgw_router_metrics_size(rmcf) : api_size(rmcf);

    cl = wgw_reply_chain(r->pool, size);
    if (cl == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&out, cl->buf->pos, size);

    if (metrics) {
        wgw_router_metrics(&out, rmcf, openmetrics);

    } else {
        api_json(&out, rmcf);
    }

    cl->buf->last = (u_char *) out.pos;

    return wgw_reply_send(r, NGX_HTTP_OK,
                          !metrics ? "application/json"
                          : openmetrics ? "application/openmetrics-text; "
                                          "version=1.0.0; charset=utf-8"
                          : "text/plain; version=0.0.4; charset=utf-8",
                          cl);
}


static size_t
api_size(ngx_http_wgw_router_main_conf_t *rmcf)
{
    size_t             size;
    ngx_uint_t         i, k;
    wgw_provider_t   **provider;
    wgw_providers_t  **providers;

    size = API_LIST;
    providers = rmcf->providers.elts;

    for (i = 0; i < rmcf->providers.nelts; i++) {
        provider = providers[i]->all.elts;

        for (k = 0; k < providers[i]->all.nelts; k++) {
            size += API_PROVIDER + provider[k]->nsessions * API_SESSION
                    + 6 * (providers[i]->name.len + provider[k]->name.len
                           + provider[k]->service.host->name.len);
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
    ngx_str_t              *name;
    wgw_provider_shared_t  *shared;

    shared = provider->shared;

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
    api_standing(out, provider);

    wgw_out_str(out, ",\"attempts\":");
    wgw_out_uint(out, api_load(&shared->attempts));
    wgw_out_str(out, ",\"failed\":");
    wgw_out_uint(out, api_load(&shared->failed));
    wgw_out_str(out, ",\"retried\":");
    wgw_out_uint(out, api_load(&shared->retried));

    api_sessions(out, provider);
    wgw_out_str(out, "}");
}


/* How it is, as checks and requests have found it. */

static void
api_standing(wgw_out_t *out, wgw_provider_t *provider)
{
    uint64_t                word;
    wgw_provider_shared_t  *shared;

    shared = provider->shared;
    word = api_load(&shared->standing);

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
}


static void
api_sessions(wgw_out_t *out, wgw_provider_t *provider)
{
    ngx_uint_t  i;

    if (provider->sessions == NULL) {
        wgw_out_str(out, ",\"sessions\":null");
        return;
    }

    wgw_out_str(out, ",\"sessions\":[");

    for (i = 0; i < provider->nsessions; i++) {
        wgw_out_str(out, i ? "," : "");
        api_session(out, &provider->sessions[i]);
    }

    wgw_out_str(out, "]");
}


static void
api_session(wgw_out_t *out, wgw_session_t *session)
{
    uint64_t  wait;

    wgw_out_str(out, "{\"state\":\"");

    if (wgw_session_good(session, ngx_current_msec)) {
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


static uint64_t
api_load(uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}
