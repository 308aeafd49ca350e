
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/request.h"
#include "format/rpc.h"
#include "router/http_router_calls.h"


#define CALLS_BODY   1048576        /* bytes that are read */
#define CALLS_BATCH  1000


/* A bit for each provider with methods. */
typedef struct {
    wgw_providers_t     *providers;
    uint64_t             some;      /* it names one of the calls */
    uint64_t             others;    /* or there is one it does not name */
    uint32_t             counts[WGW_PROVIDERS_COUNTED + 1];
} calls_t;


static void calls_call(void *data, wgw_text_t method);
static void calls_route(calls_t *calls, wgw_text_t method);
static void calls_count(wgw_providers_t *providers, const uint32_t *counts);


ngx_int_t
wgw_calls_read(wgw_attempt_t *attempt)
{
    char              buffer[WGW_RPC_REPLY(1)];
    calls_t           calls;
    ngx_int_t         rc;
    wgw_out_t         reply;
    wgw_text_t        body;
    wgw_rpc_rules_t   rules;
    wgw_providers_t  *providers;

    providers = attempt->providers;

    if (providers->routed == 0 && providers->ncounted == 0) {
        return NGX_OK;
    }

    ngx_memzero(&calls, sizeof(calls_t));
    calls.providers = providers;

    rc = wgw_request_body(attempt->request, CALLS_BODY, &body);

    if (rc != NGX_OK && providers->routed) {
        return rc;
    }

    ngx_memzero(&rules, sizeof(wgw_rpc_rules_t));
    rules.batch = CALLS_BATCH;
    rules.called = calls_call;
    rules.data = &calls;

    wgw_out_init(&reply, buffer, sizeof(buffer));

    if (rc != NGX_OK
        || wgw_rpc_check(body, &rules, &reply) != WGW_RPC_ALLOWED)
    {
        /* whatever it is, it calls nothing that is known */

        ngx_memzero(&calls, sizeof(calls_t));

        calls.others = ~UINT64_C(0);
        calls.counts[providers->ncounted] = 1;
    }

    attempt->out = calls.some ? ~(calls.some & ~calls.others)
                              : providers->routed;

    calls_count(providers, calls.counts);

    return NGX_OK;
}


static void
calls_call(void *data, wgw_text_t method)
{
    calls_t *calls = data;

    ngx_uint_t        i;
    wgw_providers_t  *providers;

    providers = calls->providers;

    for (i = 0; i < providers->ncounted; i++) {
        if (wgw_text_equal(method, providers->counted[i].method)) {
            break;
        }
    }

    calls->counts[i]++;

    if (providers->routed) {
        calls_route(calls, method);
    }
}


/*
 * In any case of its letters a method is theirs to refuse, but only as they
 * name it theirs to serve.
 */

static void
calls_route(calls_t *calls, wgw_text_t method)
{
    uint64_t           bit;
    ngx_uint_t         i;
    wgw_provider_t   **provider;
    wgw_rpc_rules_t    deny, allow;

    provider = calls->providers->all.elts;

    ngx_memzero(&deny, sizeof(wgw_rpc_rules_t));
    ngx_memzero(&allow, sizeof(wgw_rpc_rules_t));

    for (i = 0; i < calls->providers->all.nelts; i++) {

        if (provider[i]->methods == NULL) {
            continue;
        }

        bit = UINT64_C(1) << i;

        deny.deny = provider[i]->methods->elts;
        deny.ndeny = provider[i]->methods->nelts;
        allow.allow = provider[i]->methods->elts;
        allow.nallow = provider[i]->methods->nelts;

        if (!wgw_rpc_method(method, &deny)) {
            calls->some |= bit;
        }

        if (!wgw_rpc_method(method, &allow)) {
            calls->others |= bit;
        }
    }
}


static void
calls_count(wgw_providers_t *providers, const uint32_t *counts)
{
    ngx_uint_t  i;

    for (i = 0; providers->ncounted && i <= providers->ncounted; i++) {
        if (counts[i]) {
            (void) __atomic_fetch_add(providers->counted[i].calls, counts[i],
                                      __ATOMIC_RELAXED);
        }
    }
}
