
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/crypto.h>

#include "auth/auth_module.h"
#include "router/http_router_errand.h"
#include "router/http_router_handshake.h"
#include "router/http_router_wait.h"


#define HANDSHAKE_BODY  8192


static ngx_int_t handshake_sign(wgw_errand_t *errand,
    wgw_provider_t *provider);
static void handshake_signed(wgw_errand_t *errand);
static const char *handshake_granted(wgw_errand_t *errand,
    wgw_router_errand_t *re);


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

    errand = wgw_router_errand_create(provider, &provider->auth, session);

    if (errand == NULL
        || handshake_sign(errand, provider) != NGX_OK
        || wgw_errand_run(errand) != NGX_OK)
    {
        wgw_session_failed(session, ngx_current_msec,
                           (uint32_t) ngx_random() << 1);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* The errand is gone when this fails. */

static ngx_int_t
handshake_sign(wgw_errand_t *errand, wgw_provider_t *provider)
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
    errand->body.data = ngx_pnalloc(errand->pool, HANDSHAKE_BODY);

    if (eip191 == NULL || errand->body.data == NULL
        || wgw_signer_nonce(message.nonce) != 0)
    {
        wgw_errand_drop(errand);
        return NGX_ERROR;
    }

    wgw_out_init(&out, errand->body.data, HANDSHAKE_BODY);

    if (wgw_signer_body(&providers->signer, eip191, &message, &out) != 0) {
        wgw_errand_drop(errand);
        return NGX_ERROR;
    }

    errand->body.len = out.pos - out.start;
    errand->headers = headers;
    errand->nheaders = 2;
    errand->done = handshake_signed;

    return NGX_OK;
}


static void
handshake_signed(wgw_errand_t *errand)
{
    const char           *phrase;
    wgw_router_errand_t  *re;

    re = errand->data;

    phrase = handshake_granted(errand, re);

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

    wgw_wait_wake();
}


/* NULL, or a phrase; the claim is over in any case. */

static const char *
handshake_granted(wgw_errand_t *errand, wgw_router_errand_t *re)
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
