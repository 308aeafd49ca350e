
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/shm.h"
#include "router/providers.h"


static char *providers_calls(ngx_conf_t *cf, wgw_providers_t *providers);
static char *providers_memory(ngx_conf_t *cf, wgw_provider_t *provider);
static char *providers_sessions(ngx_conf_t *cf, wgw_provider_t *provider);
static void providers_sessions_close(void *data);


wgw_providers_t *
wgw_providers_find(ngx_array_t *list, ngx_str_t *name)
{
    ngx_uint_t        i;
    wgw_providers_t **providers;

    providers = list->elts;

    for (i = 0; i < list->nelts; i++) {
        if (providers[i]->name.len == name->len
            && ngx_memcmp(providers[i]->name.data, name->data, name->len)
               == 0)
        {
            return providers[i];
        }
    }

    return NULL;
}


wgw_provider_t *
wgw_providers_named(wgw_providers_t *providers, ngx_str_t *name)
{
    ngx_uint_t        i;
    wgw_provider_t  **provider;

    provider = providers->all.elts;

    for (i = 0; i < providers->all.nelts; i++) {
        if (provider[i]->name.len == name->len
            && ngx_memcmp(provider[i]->name.data, name->data, name->len)
               == 0)
        {
            return provider[i];
        }
    }

    return NULL;
}


char *
wgw_providers_share(ngx_conf_t *cf, wgw_providers_t *providers)
{
    char             *rv;
    ngx_str_t         name;
    ngx_uint_t        i;
    wgw_provider_t  **provider;

    name.data = ngx_pnalloc(cf->pool, providers->name.len + 8);
    if (name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    name.len = ngx_sprintf(name.data, "router %V", &providers->name)
               - name.data;

    providers->shared = wgw_shm_memory(cf, &name,
                                        sizeof(wgw_providers_shared_t));

    if (providers->shared == NULL) {
        return NGX_CONF_ERROR;
    }

    provider = providers->all.elts;
    rv = providers_calls(cf, providers);

    for (i = 0; rv == NGX_CONF_OK && i < providers->all.nelts; i++) {
        rv = providers_memory(cf, provider[i]);
    }

    return rv;
}


/* Of each method, whatever others are counted. */

static char *
providers_calls(ngx_conf_t *cf, wgw_providers_t *providers)
{
    ngx_str_t       name, method;
    ngx_uint_t      i;
    wgw_counted_t  *counted;

    for (i = 0; providers->ncounted && i <= providers->ncounted; i++) {
        counted = &providers->counted[i];

        method.data = (u_char *) counted->method.data;
        method.len = counted->method.len;

        name.data = ngx_pnalloc(cf->pool, providers->name.len + method.len
                                          + 16);
        if (name.data == NULL) {
            return NGX_CONF_ERROR;
        }

        name.len = ngx_sprintf(name.data, "calls %V %V", &method,
                               &providers->name)
                   - name.data;

        counted->calls = wgw_shm_memory(cf, &name, sizeof(uint64_t));

        if (counted->calls == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
providers_memory(ngx_conf_t *cf, wgw_provider_t *provider)
{
    ngx_str_t  name;

    name.data = ngx_pnalloc(cf->pool, provider->providers->name.len
                                      + provider->name.len
                                      + provider->service.url.len + 32);
    if (name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    name.len = ngx_sprintf(name.data, "provider %V %V %V",
                           &provider->providers->name, &provider->name,
                           &provider->service.url)
               - name.data;

    provider->shared = wgw_shm_memory(cf, &name,
                                       sizeof(wgw_provider_shared_t));

    if (provider->shared == NULL) {
        return NGX_CONF_ERROR;
    }

    return provider->auth.url.len ? providers_sessions(cf, provider)
                                  : NGX_CONF_OK;
}


/* A session is of a service, a signer and where it signed in. */

static char *
providers_sessions(ngx_conf_t *cf, wgw_provider_t *provider)
{
    u_char              *p;
    ngx_str_t            name;
    ngx_uint_t           i;
    wgw_session_t       *session;
    wgw_providers_t     *providers;
    ngx_pool_cleanup_t  *cln;

    providers = provider->providers;

    provider->sessions = ngx_pcalloc(cf->pool, provider->nsessions
                                               * sizeof(wgw_session_t));
    name.data = ngx_pnalloc(cf->pool, providers->name.len
                                      + provider->name.len
                                      + provider->auth.url.len
                                      + providers->domain.len + 128);

    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (provider->sessions == NULL || name.data == NULL || cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = providers_sessions_close;
    cln->data = provider;

    for (i = 0; i < provider->nsessions; i++) {
        session = &provider->sessions[i];

        p = ngx_sprintf(name.data, "session %ui %V %V %V %V ", i,
                        &providers->name, &provider->name,
                        &provider->auth.url, &providers->domain);
        p = ngx_cpymem(p, providers->signer.address, WGW_EIP191_ADDRESS);

        name.len = p - name.data;

        session->shared = wgw_shm_memory(cf, &name,
                                          sizeof(wgw_session_shared_t));
        session->board = wgw_shm_board(cf, &name,
                                        sizeof(wgw_session_body_t));

        if (session->shared == NULL || session->board == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* Copies hold secrets: what a worker leaves behind has none. */

static void
providers_sessions_close(void *data)
{
    ngx_uint_t       i;
    wgw_provider_t  *provider = data;

    for (i = 0; i < provider->nsessions; i++) {
        wgw_session_close(&provider->sessions[i]);
    }
}
