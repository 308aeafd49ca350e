
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/request.h"
#include "format/rpc.h"
#include "router/http_router_candidates.h"


#define CANDIDATES_FORGET  10           /* s, where nobody checks */
#define CANDIDATES_BODY    1048576      /* bytes that methods are looked for */


static ngx_uint_t candidates_call(wgw_text_t body, ngx_array_t *methods,
    ngx_uint_t only);
static wgw_provider_t *candidates_choose(wgw_attempt_t *attempt,
    wgw_provider_t *but);
static void candidates_weigh(wgw_attempt_t *attempt, ngx_uint_t i,
    wgw_choice_t *choice);
static ngx_uint_t candidates_hopeful(wgw_provider_t *provider);


ngx_int_t
wgw_candidates_read(wgw_attempt_t *attempt)
{
    ngx_int_t         rc;
    ngx_uint_t        i, routed;
    wgw_text_t        body;
    wgw_provider_t  **provider;

    if (!attempt->providers->routed) {
        return NGX_OK;
    }

    rc = wgw_request_body(attempt->request, CANDIDATES_BODY, &body);

    if (rc != NGX_OK) {
        return rc;
    }

    provider = attempt->providers->all.elts;
    routed = 0;

    for (i = 0; i < attempt->providers->all.nelts; i++) {
        if (provider[i]->methods) {
            routed |= candidates_call(body, provider[i]->methods, 0);
        }
    }

    for (i = 0; i < attempt->providers->all.nelts; i++) {
        attempt->out[i] = provider[i]->methods
                          ? !candidates_call(body, provider[i]->methods, 1)
                          : routed;
    }

    return NGX_OK;
}


/* 1 when the body calls one of these methods; or nothing but these. */

static ngx_uint_t
candidates_call(wgw_text_t body, ngx_array_t *methods, ngx_uint_t only)
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


wgw_provider_t *
wgw_candidates_pick(wgw_attempt_t *attempt)
{
    return candidates_choose(attempt, NULL);
}


ngx_uint_t
wgw_candidates_other(wgw_attempt_t *attempt)
{
    return attempt->attempts < attempt->providers->attempts
           && ngx_current_msec - attempt->start < attempt->providers->limit
           && candidates_choose(attempt, attempt->provider) != NULL;
}


/* One that is not `but`, and then only where there is hope. */

static wgw_provider_t *
candidates_choose(wgw_attempt_t *attempt, wgw_provider_t *but)
{
    size_t            i;
    uint32_t          chance;
    wgw_choice_t      choices[WGW_PROVIDERS_MAX];
    wgw_provider_t  **provider;
    wgw_providers_t  *providers;

    providers = attempt->providers;
    provider = providers->all.elts;

    for (i = 0; i < providers->all.nelts; i++) {
        candidates_weigh(attempt, i, &choices[i]);

        if (provider[i] == but || (but && !candidates_hopeful(provider[i]))) {
            choices[i].out = 1;
        }
    }

    chance = (uint32_t) ngx_random() << 1;

    i = wgw_choice(choices, providers->all.nelts, chance,
                   attempt->sticky ? &attempt->affinity : NULL);

    return i < providers->all.nelts ? provider[i] : NULL;
}


static void
candidates_weigh(wgw_attempt_t *attempt, ngx_uint_t i, wgw_choice_t *choice)
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
           >= CANDIDATES_FORGET)
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
candidates_hopeful(wgw_provider_t *provider)
{
    ngx_uint_t  i;

    for (i = 0; i < provider->nsessions && provider->sessions; i++) {
        if (wgw_session_hope(&provider->sessions[i], ngx_current_msec)) {
            return 1;
        }
    }

    return provider->sessions == NULL;
}
