
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "router/http_router_candidates.h"


#define CANDIDATES_FORGET  10       /* s, where nobody checks */


static wgw_provider_t *candidates_choose(wgw_attempt_t *attempt,
    wgw_provider_t *but);
static void candidates_weigh(wgw_attempt_t *attempt, ngx_uint_t i,
    wgw_choice_t *choice);
static ngx_uint_t candidates_hopeful(wgw_provider_t *provider);


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

    /* without checks nobody is better known than that */

    if ((choice->standing == WGW_STANDING_HEALTHY
         || choice->standing == WGW_STANDING_UNKNOWN)
        && __atomic_load_n(&provider->shared->busy, __ATOMIC_RELAXED)
           > ngx_current_msec)
    {
        choice->standing = WGW_STANDING_WARNING;
    }

    choice->out = ((attempt->tried | attempt->out) >> i & 1)
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
