
/*
 * The key that a wallet gets: for which services, if it has not had too many,
 * and if the message was not used before.
 */


#include "auth/http_signin.h"
#include "auth/quota.h"
#include "format/base64url.h"


static ngx_uint_t signin_services(wgw_http_signin_t *s);
static void signin_service(wgw_http_signin_t *s, ngx_str_t *service);
static ngx_int_t signin_wallet(wgw_http_signin_t *s);
static ngx_int_t signin_place(wgw_http_signin_t *s);
static ngx_int_t signin_remember(wgw_http_signin_t *s);
static void signin_give(wgw_http_signin_t *s);
static ngx_int_t signin_elsewhere(wgw_http_signin_t *s);
static void signin_leave(void *data);
static void signin_taken(void *data, ngx_int_t rc);
static ngx_int_t signin_unasked(wgw_http_signin_t *s);
static ngx_int_t signin_no_room(wgw_http_signin_t *s, wgw_tokens_rc_t rc,
    const char *full);
static ngx_int_t signin_replayed(wgw_http_signin_t *s);
static ngx_int_t signin_register(wgw_http_signin_t *s);
static void signin_claims(wgw_http_signin_t *s, int64_t iat, int64_t exp);
static void signin_list_services(wgw_http_signin_t *s, wgw_token_t *token);
static ngx_int_t signin_mint(wgw_http_signin_t *s);


ngx_int_t
wgw_http_signin_key(wgw_http_signin_t *s)
{
    if (!signin_services(s)) {
        return wgw_http_signin_refuse(s->request, NGX_HTTP_UNAUTHORIZED,
                                      "allowlist",
                                      "this address may not sign in here");
    }

    return signin_wallet(s);
}


/*
 * Those of the endpoint that the address may use, or, where it names none,
 * all that its rules name; none at all is a key for every service.
 */

static ngx_uint_t
signin_services(wgw_http_signin_t *s)
{
    ngx_log_t                 *log;
    ngx_str_t                 *service;
    ngx_uint_t                 i, j, all;
    ngx_array_t               *rules;
    ngx_http_wgw_auth_rule_t  *rule;

    log = s->request->connection->log;
    service = s->conf->signin->elts;

    for (i = 0; i < s->conf->signin->nelts; i++) {
        if (ngx_http_wgw_auth_allowed(s->conf, s->signin.address, &service[i],
                                      log))
        {
            signin_service(s, &service[i]);
        }
    }

    if (s->conf->signin->nelts) {
        return s->nservices;
    }

    all = 0;
    rules = s->conf->rules;
    rule = rules->elts;

    for (i = 0; i < rules->nelts; i++) {
        if (!ngx_http_wgw_auth_matches(&rule[i], s->signin.address, log)) {
            continue;
        }

        if (rule[i].nservices == 0) {
            s->nservices = 0;
            return 1;
        }

        for (j = 0; j < rule[i].nservices; j++) {
            signin_service(s, &rule[i].services[j]);
        }

        all = 1;
    }

    return all;
}


static void
signin_service(wgw_http_signin_t *s, ngx_str_t *service)
{
    ngx_uint_t  i;

    for (i = 0; i < s->nservices; i++) {
        if (s->services[i].len == service->len
            && ngx_memcmp(s->services[i].data, service->data, service->len)
               == 0)
        {
            return;
        }
    }

    if (s->nservices == NGX_HTTP_WGW_AUTH_SERVICES) {
        ngx_log_error(NGX_LOG_ERR, s->request->connection->log, 0,
                      "wgw_auth: a key cannot name so many services, it is "
                      "not good for \"%V\"", service);
        return;
    }

    s->services[s->nservices++] = *service;
}


/*
 * Only now, so that nobody can use up what is another's; and a message that
 * somebody sends again is not charged to who signed it.
 */

static ngx_int_t
signin_wallet(wgw_http_signin_t *s)
{
    int64_t  wait;

    if (wgw_tokens_used(ngx_wgw_auth_tokens(), s->signin.address,
                        s->signin.nonce, ngx_wgw_auth_now()))
    {
        return signin_replayed(s);
    }

    if (!wgw_quota_wallet(ngx_wgw_auth_rates(), s->signin.address,
                          s->conf->wallet_rate, ngx_wgw_auth_ticks(), &wait))
    {
        return wgw_http_signin_too_many(s->request, wait, "wallet_rate",
                                        "too many sign-ins of this address");
    }

    return signin_place(s);
}


/* As long as the message or the key needs room. */

static ngx_int_t
signin_place(wgw_http_signin_t *s)
{
    int64_t    wait;
    ngx_int_t  keys;

    if (s->conf->wallet_keys == 0) {
        return signin_remember(s);
    }

    keys = ngx_min(s->conf->wallet_keys, ngx_wgw_auth_share());

    s->seconds = ngx_max(s->conf->ttl,
                         s->signin.remember - ngx_wgw_auth_now());

    if (!wgw_quota_take(ngx_wgw_auth_rates(), s->signin.address,
                        (uint32_t) keys, s->seconds, ngx_wgw_auth_ticks(),
                        &s->place, &wait))
    {
        return wgw_http_signin_too_many(s->request, wait, "wallet_keys",
                                        "too many keys of this address are "
                                        "out");
    }

    return signin_remember(s);
}


static ngx_int_t
signin_remember(wgw_http_signin_t *s)
{
    wgw_tokens_rc_t  rc;

    rc = wgw_tokens_replay(ngx_wgw_auth_tokens(), s->signin.address,
                           s->signin.nonce, s->signin.remember,
                           s->signin.open, ngx_wgw_auth_now());

    if (rc == WGW_TOKENS_OK) {
        return ngx_wgw_auth_elsewhere() ? signin_elsewhere(s)
                                        : signin_register(s);
    }

    signin_give(s);

    return rc == WGW_TOKENS_REPLAY
           ? signin_replayed(s)
           : signin_no_room(s, rc, "too many sign-ins: try again later");
}


static void
signin_give(wgw_http_signin_t *s)
{
    if (s->seconds) {
        wgw_quota_give(ngx_wgw_auth_rates(), s->signin.address, s->place,
                       s->seconds);
    }
}


/* Good once for all machines: whoever takes its name first gets the key. */

static ngx_int_t
signin_elsewhere(wgw_http_signin_t *s)
{
    u_char               buffer[WGW_ELSEWHERE_NAME];
    int64_t              seconds;
    ngx_str_t            name;
    wgw_elsewhere_t     *elsewhere;
    ngx_http_request_t  *r;
    ngx_pool_cleanup_t  *cln;

    r = s->request;
    elsewhere = ngx_wgw_auth_elsewhere();

    /* of what was used before that nobody knows any more */

    if (s->signin.issued <= elsewhere->lost(elsewhere->desk)) {
        signin_give(s);
        return signin_replayed(s);
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    name = wgw_elsewhere_name(buffer, s->signin.address, s->signin.nonce);
    seconds = ngx_max(1, s->signin.remember - ngx_wgw_auth_now() + 60);

    s->wait = elsewhere->take(elsewhere->desk, &name, (uint64_t) seconds,
                              signin_taken, s);

    if (s->wait == NULL) {
        return signin_unasked(s);
    }

    cln->handler = signin_leave;
    cln->data = s;

    r->main->count++;
    r->write_event_handler = ngx_http_request_empty_handler;

    return NGX_DONE;
}


static void
signin_leave(void *data)
{
    wgw_http_signin_t *s = data;

    if (s->wait) {
        ngx_wgw_auth_elsewhere()->forget(s->wait);
    }
}


static void
signin_taken(void *data, ngx_int_t rc)
{
    wgw_http_signin_t *s = data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = s->request;
    c = r->connection;
    s->wait = NULL;

    ngx_http_set_log_request(c->log, r);

    if (rc == NGX_OK) {
        rc = signin_register(s);

    } else if (rc == NGX_DECLINED) {
        signin_give(s);
        rc = signin_replayed(s);

    } else {
        rc = signin_unasked(s);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


/* It is used up here in any case. */

static ngx_int_t
signin_unasked(wgw_http_signin_t *s)
{
    if (ngx_wgw_auth_elsewhere()->open) {
        return signin_register(s);
    }

    signin_give(s);

    return wgw_http_signin_refuse(s->request, NGX_HTTP_SERVICE_UNAVAILABLE,
                                  "other", "other machines cannot be asked "
                                  "now: sign a new message later");
}


static ngx_int_t
signin_no_room(wgw_http_signin_t *s, wgw_tokens_rc_t rc, const char *full)
{
    return wgw_http_signin_refuse(s->request, NGX_HTTP_SERVICE_UNAVAILABLE,
                                  rc == WGW_TOKENS_LOST ? "lost" : "full",
                                  rc == WGW_TOKENS_LOST
                                  ? "what was signed before cannot be looked "
                                    "up: try again later" : full);
}


static ngx_int_t
signin_replayed(wgw_http_signin_t *s)
{
    return wgw_http_signin_refuse(s->request, NGX_HTTP_UNAUTHORIZED, "replay",
                                  "this message was used before: sign a new "
                                  "one with another nonce");
}


static ngx_int_t
signin_register(wgw_http_signin_t *s)
{
    size_t           len;
    int64_t          now;
    wgw_token_t      token;
    wgw_tokens_rc_t  rc;

    now = ngx_wgw_auth_now();

    ngx_memzero(&token, sizeof(wgw_token_t));

    if (wgw_jwt_id(s->jti) != 0
        || wgw_base64url_decode(token.id, &len,
                                (wgw_text_t) { s->jti, WGW_JWT_ID })
           != 0)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memcpy(token.address, s->signin.address, WGW_TOKENS_ADDRESS);

    token.iat = wgw_tokens_since(ngx_wgw_auth_tokens(), token.address, now);
    token.exp = now + s->conf->ttl;

    if (token.iat >= token.exp) {
        return wgw_http_signin_refuse(s->request, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      "other",
                                      "this address was revoked by a clock "
                                      "that was ahead: try again later");
    }

    signin_claims(s, token.iat, token.exp);
    signin_list_services(s, &token);

    token.uses = s->conf->uses ? (uint32_t) s->conf->uses
                               : WGW_TOKENS_UNLIMITED;

    rc = wgw_tokens_mint(ngx_wgw_auth_tokens(), &token, now);

    if (rc != WGW_TOKENS_OK) {
        return signin_no_room(s, rc, "too many keys are out: try again later");
    }

    return signin_mint(s);
}


static void
signin_claims(wgw_http_signin_t *s, int64_t iat, int64_t exp)
{
    ngx_uint_t  i;
    wgw_jwt_t  *jwt;

    /* a strict message has it with its capitals */

    if (s->conf->lenient) {
        wgw_eip55_print(s->sub, s->signin.address);

    } else {
        ngx_memcpy(s->sub, s->signin.account.data, WGW_EIP55_LEN);
    }

    jwt = &s->jwt;

    jwt->iat = (uint64_t) iat;
    jwt->has_iat = 1;
    jwt->exp = (uint64_t) exp;
    jwt->sub = (wgw_text_t) { s->sub, WGW_EIP55_LEN };
    jwt->jti = (wgw_text_t) { s->jti, WGW_JWT_ID };
    jwt->uses = (uint64_t) s->conf->uses;
    jwt->has_uses = s->conf->uses != 0;
    jwt->naud = s->nservices;

    ngx_memcpy(jwt->address, s->signin.address, WGW_EIP55_BYTES);

    for (i = 0; i < s->nservices; i++) {
        jwt->aud[i].data = (char *) s->services[i].data;
        jwt->aud[i].len = s->services[i].len;
    }
}


/* For wgw_auth_api: with commas, as far as there is room. */

static void
signin_list_services(wgw_http_signin_t *s, wgw_token_t *token)
{
    wgw_out_t   out;
    ngx_uint_t  i;

    wgw_out_init(&out, token->services, WGW_TOKENS_SERVICES);

    for (i = 0; i < s->nservices; i++) {
        wgw_out_str(&out, i ? "," : "");
        wgw_out_bytes(&out, s->services[i].data, s->services[i].len);
    }

    token->services_len = (uint32_t) (out.pos - out.start);
}


static ngx_int_t
signin_mint(wgw_http_signin_t *s)
{
    char           *token;
    wgw_out_t       out;
    wgw_jwt_key_t  *key;

    token = ngx_pnalloc(s->request->pool, WGW_JWT_MAX);
    if (token == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* by the first key: the others are for tokens from before a rotation */

    key = s->conf->keys->elts;

    wgw_out_init(&out, token, WGW_JWT_MAX);

    if (wgw_jwt_mint(&s->jwt, key, &out) != 0) {
        ngx_log_error(NGX_LOG_ERR, s->request->connection->log, 0,
                      "wgw_auth: a token for so many services is too long");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return wgw_http_signin_done(s, (wgw_text_t) { token,
                                         (size_t) (out.pos - out.start) });
}
