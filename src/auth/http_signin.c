
/*
 * The endpoint of `wgw_auth_signin`: a message and its signature against an
 * api key.
 */


#include "auth/auth_module.h"
#include "format/base64url.h"
#include "core/body.h"
#include "core/reply.h"
#include "core/request.h"
#include "auth/quota.h"
#include "auth/signin.h"


#define SIGNIN_REPLY  (WGW_JWT_MAX + 256)
#define SIGNIN_LOG    4096


/* What an attempt has come to. */
typedef struct {
    ngx_http_request_t          *request;
    ngx_http_wgw_auth_conf_t    *conf;
    wgw_signin_t                 signin;
    ngx_str_t                    services[NGX_HTTP_WGW_AUTH_SERVICES];
    ngx_uint_t                   nservices;
    uint32_t                     place;         /* of the wallet's */
    int64_t                      seconds;       /* for which it has it */
    wgw_jwt_t                    jwt;
    char                         sub[WGW_EIP55_LEN];
    char                         jti[WGW_JWT_ID];
} signin_t;


static ngx_uint_t signin_source(ngx_http_request_t *r, ngx_int_t rate,
    int64_t *wait);
static ngx_int_t signin_too_many(ngx_http_request_t *r, int64_t wait,
    const char *reason, const char *message);
static void signin_body(ngx_http_request_t *r, ngx_uint_t status,
    wgw_text_t body);
static ngx_int_t signin_decide(signin_t *s, wgw_text_t body);
static void signin_uris(signin_t *s, wgw_signin_rules_t *rules);
static ngx_uint_t signin_services(signin_t *s);
static void signin_service(signin_t *s, ngx_str_t *service);
static ngx_int_t signin_wallet(signin_t *s);
static ngx_int_t signin_place(signin_t *s);
static ngx_int_t signin_remember(signin_t *s);
static ngx_int_t signin_replayed(signin_t *s);
static ngx_int_t signin_register(signin_t *s);
static void signin_claims(signin_t *s, int64_t iat, int64_t exp);
static void signin_list_services(signin_t *s, wgw_token_t *token);
static ngx_int_t signin_mint(signin_t *s);
static ngx_int_t signin_reply(signin_t *s, wgw_text_t token);
static void signin_context(signin_t *s);
static void signin_log(signin_t *s);
static ngx_int_t signin_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *reason, const char *message);


ngx_int_t
ngx_http_wgw_auth_signin_handler(ngx_http_request_t *r)
{
    int64_t                    wait;
    ngx_http_wgw_auth_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_auth_module);

    if (!(r->method & NGX_HTTP_POST)) {
        return wgw_reply_not_allowed(r, conf->cors ? "POST, OPTIONS"
                                                   : "POST");
    }

    if (!signin_source(r, conf->rate, &wait)) {
        return signin_too_many(r, wait, "rate",
                               "too many sign-ins from this address");
    }

    return wgw_body_read(r, WGW_SIGNIN_BODY, signin_body);
}


static ngx_uint_t
signin_source(ngx_http_request_t *r, ngx_int_t rate, int64_t *wait)
{
    size_t            len;
    uint8_t          *address;
    struct sockaddr  *sa;

    sa = r->connection->sockaddr;

    switch (sa->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        address = (uint8_t *) &((struct sockaddr_in6 *) sa)->sin6_addr;
        len = 16;
        break;
#endif

    case AF_INET:
        address = (uint8_t *) &((struct sockaddr_in *) sa)->sin_addr;
        len = 4;
        break;

    default:
        address = NULL;
        len = 0;
    }

    return wgw_quota_source(ngx_wgw_auth_rates(), address, len, rate,
                            ngx_wgw_auth_ticks(), wait);
}


static ngx_int_t
signin_too_many(ngx_http_request_t *r, int64_t wait, const char *reason,
    const char *message)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN + 1);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *ngx_sprintf(p, "%L", wait) = '\0';

    if (wgw_reply_header(r, "Retry-After", (char *) p) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return signin_refuse(r, NGX_HTTP_TOO_MANY_REQUESTS, reason, message);
}


static void
signin_body(ngx_http_request_t *r, ngx_uint_t status, wgw_text_t body)
{
    signin_t   *s;
    ngx_int_t   rc;

    if (status != NGX_HTTP_OK) {
        ngx_http_finalize_request(r,
            signin_refuse(r, status, "body",
                          "the body is longer than 16384 bytes"));
        return;
    }

    s = ngx_pcalloc(r->pool, sizeof(signin_t));

    if (s == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    s->request = r;
    s->conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_auth_module);

    rc = signin_decide(s, body);

    ngx_http_finalize_request(r, rc);
}


/* Returns what a content handler returns: all is answered. */

static ngx_int_t
signin_decide(signin_t *s, wgw_text_t body)
{
    char                       *buffer;
    wgw_eip191_t               *eip191;
    ngx_http_request_t         *r;
    wgw_signin_rules_t          rules;
    wgw_signin_request_t        request;
    ngx_http_wgw_auth_conf_t   *conf;

    static const uint64_t       mainnet = 1;

    r = s->request;
    conf = s->conf;

    buffer = ngx_pnalloc(r->pool, body.len + 1);
    eip191 = ngx_wgw_auth_eip191();

    if (buffer == NULL || eip191 == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&rules, sizeof(wgw_signin_rules_t));

    if (conf->uris) {
        rules.uris = conf->uris->elts;
        rules.nuris = conf->uris->nelts;

    } else {
        signin_uris(s, &rules);

        if (rules.uris == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (conf->domains) {
        rules.domains = conf->domains->elts;
        rules.ndomains = conf->domains->nelts;
        rules.any_domain = conf->domains->nelts == 0;
    }

    rules.chains = conf->chains ? conf->chains->elts : &mainnet;
    rules.nchains = conf->chains ? conf->chains->nelts : 1;
    rules.skew = conf->skew;
    rules.life = conf->max_age;
    rules.most_skew = ngx_wgw_auth_skew();
    rules.most_life = ngx_wgw_auth_max_age();
    rules.require_exp = conf->expiration;
    rules.cap_exp = 1;
    rules.lenient = conf->lenient;

    if (wgw_signin_read(&request, body, buffer, &s->signin) != 0
        || wgw_signin_decide(&s->signin, &request, &rules, eip191,
                             ngx_wgw_auth_now())
           != 0)
    {
        return signin_refuse(r, s->signin.status, s->signin.reason,
                             s->signin.explanation);
    }

    if (!signin_services(s)) {
        return signin_refuse(r, NGX_HTTP_UNAUTHORIZED, "allowlist",
                             "this address may not sign in here");
    }

    return signin_wallet(s);
}


/* The server's names, with the path that was asked for. */

static void
signin_uris(signin_t *s, wgw_signin_rules_t *rules)
{
    ngx_uint_t     i;
    ngx_array_t   *names;
    wgw_origin_t  *origin;

    names = s->conf->names;

    origin = ngx_palloc(s->request->pool,
                        names->nelts * sizeof(wgw_origin_t));

    rules->uris = origin;
    rules->nuris = names->nelts;

    if (origin == NULL) {
        return;
    }

    ngx_memcpy(origin, names->elts, names->nelts * sizeof(wgw_origin_t));

    for (i = 0; i < names->nelts; i++) {
        origin[i].path.data = (char *) s->request->uri.data;
        origin[i].path.len = s->request->uri.len;
    }
}


/*
 * Those of the endpoint that the address may use, or, where it names none,
 * all that its rules name; none at all is a key for every service.
 */

static ngx_uint_t
signin_services(signin_t *s)
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
signin_service(signin_t *s, ngx_str_t *service)
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
signin_wallet(signin_t *s)
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
        return signin_too_many(s->request, wait, "wallet_rate",
                               "too many sign-ins of this address");
    }

    return signin_place(s);
}


/* As long as the message or the key needs room. */

static ngx_int_t
signin_place(signin_t *s)
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
        return signin_too_many(s->request, wait, "wallet_keys",
                               "too many keys of this address are out");
    }

    return signin_remember(s);
}


static ngx_int_t
signin_remember(signin_t *s)
{
    wgw_tokens_rc_t  rc;

    rc = wgw_tokens_replay(ngx_wgw_auth_tokens(), s->signin.address,
                           s->signin.nonce, s->signin.remember,
                           s->signin.open, ngx_wgw_auth_now());

    if (rc == WGW_TOKENS_OK) {
        return signin_register(s);
    }

    if (s->seconds) {
        wgw_quota_give(ngx_wgw_auth_rates(), s->signin.address, s->place,
                       s->seconds);
    }

    return rc == WGW_TOKENS_REPLAY
           ? signin_replayed(s)
           : signin_refuse(s->request, NGX_HTTP_SERVICE_UNAVAILABLE, "full",
                           "too many sign-ins: try again later");
}


static ngx_int_t
signin_replayed(signin_t *s)
{
    return signin_refuse(s->request, NGX_HTTP_UNAUTHORIZED, "replay",
                         "this message was used before: sign a new one "
                         "with another nonce");
}


static ngx_int_t
signin_register(signin_t *s)
{
    size_t       len;
    int64_t      now;
    wgw_token_t  token;

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
        return signin_refuse(s->request, NGX_HTTP_SERVICE_UNAVAILABLE,
                             "other", "this address was revoked by a clock "
                             "that was ahead: try again later");
    }

    signin_claims(s, token.iat, token.exp);
    signin_list_services(s, &token);

    token.uses = s->conf->uses ? (uint32_t) s->conf->uses
                               : WGW_TOKENS_UNLIMITED;

    if (wgw_tokens_mint(ngx_wgw_auth_tokens(), &token, now)
        != WGW_TOKENS_OK)
    {
        return signin_refuse(s->request, NGX_HTTP_SERVICE_UNAVAILABLE, "full",
                             "too many keys are out: try again later");
    }

    return signin_mint(s);
}


static void
signin_claims(signin_t *s, int64_t iat, int64_t exp)
{
    ngx_uint_t   i;
    wgw_jwt_t   *jwt;

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
signin_list_services(signin_t *s, wgw_token_t *token)
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
signin_mint(signin_t *s)
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

    signin_context(s);
    signin_log(s);

    ngx_wgw_auth_count("signed_in", 0);

    return signin_reply(s, (wgw_text_t) { token,
                                          (size_t) (out.pos - out.start) });
}


static ngx_int_t
signin_reply(signin_t *s, wgw_text_t token)
{
    wgw_out_t     out;
    ngx_chain_t  *cl;

    cl = wgw_reply_chain(s->request->pool, SIGNIN_REPLY);
    if (cl == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&out, cl->buf->pos, SIGNIN_REPLY);

    /* a token has nothing to escape */

    wgw_out_str(&out, "{\"headers\":{\"x-api-key\":\"");
    wgw_out_bytes(&out, token.data, token.len);
    wgw_out_str(&out, "\"},\"exp\":");
    wgw_out_uint(&out, s->jwt.exp);

    if (s->jwt.has_uses) {
        wgw_out_str(&out, ",\"uses\":");
        wgw_out_uint(&out, s->jwt.uses);
    }

    wgw_out_str(&out, "}\n");

    cl->buf->last = (u_char *) out.pos;

    return wgw_reply_send(s->request, NGX_HTTP_OK, "application/json", cl);
}


/* For $wgw_auth_address and the like, in the access log. */

static void
signin_context(signin_t *s)
{
    u_char                   *p;
    ngx_uint_t                i;
    ngx_http_wgw_auth_ctx_t  *ctx;

    ctx = ngx_http_wgw_auth_create_ctx(s->request);
    if (ctx == NULL) {
        return;
    }

    ctx->conf = s->conf;
    ctx->reason = "signed_in";
    ctx->expires = (int64_t) s->jwt.exp;
    ctx->address.data = (u_char *) s->sub;
    ctx->address.len = WGW_EIP55_LEN;
    ctx->id.data = (u_char *) s->jti;
    ctx->id.len = WGW_JWT_ID;

    p = ngx_pnalloc(s->request->pool, s->nservices
                                      * (NGX_HTTP_WGW_AUTH_SERVICE + 1));
    if (p == NULL) {
        return;
    }

    ctx->service.data = p;

    for (i = 0; i < s->nservices; i++) {
        if (i) {
            *p++ = ',';
        }

        p = ngx_cpymem(p, s->services[i].data, s->services[i].len);
    }

    ctx->service.len = p - ctx->service.data;
}


/* The audit line, one write. */

static void
signin_log(signin_t *s)
{
    u_char      line[SIGNIN_LOG];
    wgw_out_t   out;
    ngx_str_t  *from;
    ngx_uint_t  i;

    if (s->conf->log == NULL) {
        return;
    }

    from = &s->request->connection->addr_text;

    wgw_out_init(&out, line, sizeof(line));

    wgw_out_str(&out, "{\"time\":");
    wgw_out_uint(&out, s->jwt.iat);
    wgw_out_str(&out, ",\"address\":");
    wgw_out_json(&out, s->jwt.sub);
    wgw_out_str(&out, ",\"services\":[");

    for (i = 0; i < s->nservices; i++) {
        wgw_out_str(&out, i ? "," : "");
        wgw_out_json(&out, s->jwt.aud[i]);
    }

    wgw_out_str(&out, "],\"token\":");
    wgw_out_json(&out, s->jwt.jti);
    wgw_out_str(&out, ",\"exp\":");
    wgw_out_uint(&out, s->jwt.exp);
    wgw_out_str(&out, ",\"nonce\":");
    wgw_out_json(&out, s->signin.nonce);
    wgw_out_str(&out, ",\"from\":");
    wgw_out_json(&out, (wgw_text_t) { (char *) from->data, from->len });
    wgw_out_str(&out, "}\n");

    if (ngx_write_fd(s->conf->log->fd, line, out.pos - out.start) == -1) {
        ngx_log_error(NGX_LOG_ALERT, s->request->connection->log, ngx_errno,
                      ngx_write_fd_n " to \"%V\" failed", &s->conf->log->name);
    }
}


static ngx_int_t
signin_refuse(ngx_http_request_t *r, ngx_uint_t status, const char *reason,
    const char *message)
{
    ngx_http_wgw_auth_ctx_t  *ctx;

    ngx_wgw_auth_count(reason, 0);

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "wgw_auth: sign-in refused: %s", message);

    ctx = ngx_http_wgw_auth_create_ctx(r);

    if (ctx) {
        ctx->status = status;
        ctx->reason = reason;
    }

    return wgw_reply_error(r, status, "", message);
}
