
/*
 * What a request to a protected location needs: a key in the header field
 * x-api-key.
 */


#include "auth/auth_module.h"
#include "auth/passing.h"
#include "format/base64url.h"
#include "core/reply.h"
#include "core/request.h"


#define AUTH_HEADER  "x-api-key"


static void auth_judge(ngx_http_request_t *r, ngx_http_wgw_auth_conf_t *conf,
    ngx_http_wgw_auth_ctx_t *ctx);
static ngx_int_t auth_token(ngx_http_request_t *r,
    ngx_http_wgw_auth_ctx_t *ctx);
static ngx_int_t auth_good(ngx_http_request_t *r,
    ngx_http_wgw_auth_conf_t *conf, ngx_http_wgw_auth_ctx_t *ctx,
    wgw_jwt_t *jwt);
static void auth_claims(ngx_http_request_t *r,
    ngx_http_wgw_auth_conf_t *conf, ngx_http_wgw_auth_ctx_t *ctx,
    wgw_jwt_t *jwt);
static void auth_refuse(ngx_http_wgw_auth_ctx_t *ctx, ngx_uint_t status,
    const char *reason, const char *phrase);
static ngx_uint_t auth_behind(void);
static void auth_lost(ngx_http_wgw_auth_ctx_t *ctx);
static void auth_use(ngx_http_wgw_auth_ctx_t *ctx);
static ngx_int_t auth_others(ngx_http_wgw_auth_ctx_t *ctx);
static ngx_int_t auth_refused(ngx_http_request_t *r,
    ngx_http_wgw_auth_ctx_t *ctx);
static ngx_uint_t auth_plain(ngx_http_request_t *r, ngx_uint_t status);
static ngx_int_t auth_strip(ngx_http_request_t *r);
static ngx_int_t auth_strip_element(ngx_http_request_t *r,
    ngx_list_part_t *part, ngx_uint_t i);
static void auth_strip_part(ngx_list_t *list, ngx_list_part_t *part);
static void auth_cleanup(void *data);


static wgw_context_t  *auth_spare;


ngx_int_t
ngx_http_wgw_auth_access_handler(ngx_http_request_t *r)
{
    ngx_http_wgw_auth_ctx_t   *ctx;
    ngx_http_wgw_auth_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_auth_module);

    if (!conf->enable) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_wgw_auth_check(r);

    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->status == 0 && ctx->counted) {
        auth_use(ctx);
    }

    if (ctx->status) {
        return auth_refused(r, ctx);
    }

    if (!conf->pass && auth_strip(r) == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_wgw_auth_watch(r, ctx);

    return NGX_OK;
}


ngx_http_wgw_auth_ctx_t *
ngx_http_wgw_auth_check(ngx_http_request_t *r)
{
    ngx_http_wgw_auth_ctx_t   *ctx;
    ngx_http_wgw_auth_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_auth_module);

    ctx = ngx_http_wgw_auth_find_ctx(r);

    if (!conf->enable || (ctx && ctx->conf == conf)) {
        return ctx;
    }

    if (ctx == NULL) {
        ctx = ngx_http_wgw_auth_create_ctx(r);
        if (ctx == NULL) {
            return NULL;
        }
    }

    ctx->conf = conf;

    auth_judge(r, conf, ctx);

    return ctx;
}


ngx_http_wgw_auth_ctx_t *
ngx_http_wgw_auth_find_ctx(ngx_http_request_t *r)
{
    return wgw_request_ctx(r, &ngx_http_wgw_auth_module, auth_cleanup);
}


ngx_http_wgw_auth_ctx_t *
ngx_http_wgw_auth_create_ctx(ngx_http_request_t *r)
{
    ngx_http_wgw_auth_ctx_t  *ctx;

    ctx = wgw_context_create(&auth_spare, sizeof(ngx_http_wgw_auth_ctx_t),
                             offsetof(ngx_http_wgw_auth_ctx_t, own), r->pool,
                             auth_cleanup);
    if (ctx == NULL) {
        return NULL;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_wgw_auth_module);

    return ctx;
}


static void
auth_cleanup(void *data)
{
    ngx_http_wgw_auth_ctx_t *ctx = data;

    wgw_sweep_remove(&ctx->swept);

    if (ctx->buffer) {
        ngx_explicit_memzero(ctx->buffer, ctx->size);
    }

    wgw_context_free(&auth_spare, &ctx->context);
}


static void
auth_judge(ngx_http_request_t *r, ngx_http_wgw_auth_conf_t *conf,
    ngx_http_wgw_auth_ctx_t *ctx)
{
    wgw_jwt_t         jwt;
    wgw_text_t        token;
    wgw_jwt_status_t  status;

    ctx->service = conf->service;
    ctx->address.len = 0;
    ctx->id.len = 0;
    ctx->counted = 0;
    ctx->later = 0;

    if (auth_token(r, ctx) != NGX_OK) {
        return;
    }

    token.data = (char *) ctx->token.data;
    token.len = ctx->token.len;

    if (ctx->buffer == NULL) {
        ctx->size = WGW_JWT_BUFFER(token.len);
        ctx->buffer = ctx->size <= sizeof(ctx->own)
                      ? ctx->own : ngx_pnalloc(r->pool, ctx->size);

        if (ctx->buffer == NULL) {
            auth_refuse(ctx, NGX_HTTP_INTERNAL_SERVER_ERROR, "other", "");
            return;
        }
    }

    status = wgw_jwt_check(&jwt, token, conf->keys->elts, conf->keys->nelts,
                           ngx_wgw_auth_now(), conf->bare, ctx->buffer);

    if (status != WGW_JWT_OK && memchr(token.data, ',', token.len)) {

        /* what a proxy has made of several */

        auth_refuse(ctx, NGX_HTTP_BAD_REQUEST, "repeated",
                    "is there more than once");
        return;
    }

    if (status != WGW_JWT_OK) {
        auth_refuse(ctx, NGX_HTTP_FORBIDDEN, wgw_jwt_reason(status),
                    wgw_jwt_phrase(status));
        return;
    }

    auth_claims(r, conf, ctx, &jwt);
}


/* Kept: it is taken from the request's header before that is passed on. */

static ngx_int_t
auth_token(ngx_http_request_t *r, ngx_http_wgw_auth_ctx_t *ctx)
{
    ngx_uint_t        n;
    ngx_table_elt_t  *header;

    if (ctx->token.len) {
        return NGX_OK;
    }

    header = wgw_request_header(r, AUTH_HEADER, &n);

    if (n > 1) {
        auth_refuse(ctx, NGX_HTTP_BAD_REQUEST, "repeated",
                    "is there more than once");
        return NGX_DECLINED;
    }

    if (header == NULL || header->value.len == 0) {
        auth_refuse(ctx, NGX_HTTP_UNAUTHORIZED, "missing",
                    "is missing: sign in to get one");
        return NGX_DECLINED;
    }

    if (header->value.len > WGW_JWT_MAX) {
        auth_refuse(ctx, NGX_HTTP_FORBIDDEN, "malformed", "is too long");
        return NGX_DECLINED;
    }

    ctx->token = header->value;

    return NGX_OK;
}


static void
auth_claims(ngx_http_request_t *r, ngx_http_wgw_auth_conf_t *conf,
    ngx_http_wgw_auth_ctx_t *ctx, wgw_jwt_t *jwt)
{
    wgw_text_t  service;

    service.data = (char *) conf->service.data;
    service.len = conf->service.len;

    /* one without services is good for all: it was minted so */

    if (service.len && jwt->naud && !wgw_jwt_serves(jwt, service)) {
        auth_refuse(ctx, NGX_HTTP_FORBIDDEN, "service",
                    "is not good for this service");
        return;
    }

    ctx->status = 0;
    ctx->reason = "ok";
    ctx->expires = (int64_t) jwt->exp;

    if (jwt->sub.data == NULL) {

        /* of a Caddy provider: it says nothing of who got it */

        if (conf->recheck) {
            auth_refuse(ctx, NGX_HTTP_FORBIDDEN, "bare",
                        "does not say for whom it is");
        }

        return;
    }

    if (auth_good(r, conf, ctx, jwt) != NGX_OK) {
        return;
    }

    ctx->counted = jwt->has_uses;
    ctx->iat = (int64_t) jwt->iat;
    ngx_memcpy(ctx->wallet, jwt->address, WGW_EIP55_BYTES);

    ctx->address.data = (u_char *) jwt->sub.data;
    ctx->address.len = jwt->sub.len;
    ctx->id.data = (u_char *) jwt->jti.data;
    ctx->id.len = jwt->jti.len;
}


/* Whether a token of ours is still good for its wallet. */

static ngx_int_t
auth_good(ngx_http_request_t *r, ngx_http_wgw_auth_conf_t *conf,
    ngx_http_wgw_auth_ctx_t *ctx, wgw_jwt_t *jwt)
{
    size_t           len;
    wgw_tokens_rc_t  rc;

    if (jwt->jti.len != WGW_JWT_ID
        || wgw_base64url_decode(ctx->token_id, &len, jwt->jti) != 0)
    {
        auth_refuse(ctx, NGX_HTTP_FORBIDDEN, "claims",
                    "has a jti that was not made here");
        return NGX_DECLINED;
    }

    if (conf->recheck
        && !ngx_http_wgw_auth_allowed(conf, jwt->address, &conf->service,
                                      r->connection->log))
    {
        auth_refuse(ctx, NGX_HTTP_FORBIDDEN, "allowlist",
                    "is of an address that is not allowed any more");
        return NGX_DECLINED;
    }

    rc = wgw_tokens_check(ngx_wgw_auth_tokens(), ctx->token_id, jwt->address,
                          (int64_t) jwt->iat, (int64_t) jwt->exp,
                          ngx_wgw_auth_now());

    if (rc == WGW_TOKENS_LOST) {
        auth_lost(ctx);
        return NGX_DECLINED;
    }

    if (rc == WGW_TOKENS_OK && auth_behind()) {
        auth_refuse(ctx, NGX_HTTP_SERVICE_UNAVAILABLE, "lost",
                    "cannot be checked: what other machines have revoked is "
                    "not known yet");
        return NGX_DECLINED;
    }

    if (rc != WGW_TOKENS_OK) {
        auth_refuse(ctx, NGX_HTTP_FORBIDDEN, "revoked", "was revoked");
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* Only after a start: what others revoked meanwhile is read first. */

static ngx_uint_t
auth_behind(void)
{
    wgw_elsewhere_t  *elsewhere;

    elsewhere = ngx_wgw_auth_elsewhere();

    return elsewhere && !elsewhere->open
           && elsewhere->behind(elsewhere->desk);
}


static void
auth_lost(ngx_http_wgw_auth_ctx_t *ctx)
{
    auth_refuse(ctx, NGX_HTTP_SERVICE_UNAVAILABLE, "lost",
                "cannot be looked up: try again later");
}


/* The phrase comes after "the api key". */

static void
auth_refuse(ngx_http_wgw_auth_ctx_t *ctx, ngx_uint_t status,
    const char *reason, const char *phrase)
{
    ctx->status = status;
    ctx->reason = reason;
    ctx->phrase = phrase;
}


/* Once for a request, however often it is redirected. */

static void
auth_use(ngx_http_wgw_auth_ctx_t *ctx)
{
    wgw_tokens_rc_t  rc;

    if (!ctx->used) {
        ctx->used = 1;

        rc = wgw_tokens_use(ngx_wgw_auth_tokens(), ctx->token_id,
                            ngx_wgw_auth_now());

        ctx->spent = (rc != WGW_TOKENS_OK);

        if (rc == WGW_TOKENS_LOST) {
            auth_lost(ctx);
            return;
        }
    }

    if (ctx->spent && auth_others(ctx) != NGX_OK) {
        auth_refuse(ctx, NGX_HTTP_FORBIDDEN, "exhausted", "is used up");
    }
}


/* Other machines may have what this one has not. */

static ngx_int_t
auth_others(ngx_http_wgw_auth_ctx_t *ctx)
{
    wgw_token_t       token;
    wgw_elsewhere_t  *elsewhere;

    elsewhere = ngx_wgw_auth_elsewhere();

    if (elsewhere == NULL) {
        return NGX_DECLINED;
    }

    ngx_memzero(&token, sizeof(wgw_token_t));

    ngx_memcpy(token.id, ctx->token_id, WGW_TOKENS_ID);
    ngx_memcpy(token.address, ctx->wallet, WGW_TOKENS_ADDRESS);
    token.iat = ctx->iat;
    token.exp = ctx->expires;
    token.services_len = ngx_min(ctx->service.len, WGW_TOKENS_SERVICES);
    ngx_memcpy(token.services, ctx->service.data, token.services_len);

    switch (wgw_passing_want(elsewhere, ngx_wgw_auth_tokens(), &token,
                             ngx_wgw_auth_now()))
    {

    case WGW_PASSING_LATER:
        ctx->later = 1;
        auth_refuse(ctx, NGX_HTTP_SERVICE_UNAVAILABLE, "elsewhere",
                    "has its uses on other machines, which are asked: try "
                    "again in a second");
        return NGX_OK;

    case WGW_PASSING_SILENT:
        auth_refuse(ctx, NGX_HTTP_SERVICE_UNAVAILABLE, "elsewhere",
                    "may have uses on other machines, which cannot be asked");
        return NGX_OK;

    default: /* WGW_PASSING_NONE */
        return NGX_DECLINED;
    }
}


static ngx_int_t
auth_refused(ngx_http_request_t *r, ngx_http_wgw_auth_ctx_t *ctx)
{
    char        message[128];
    ngx_int_t   rc;
    wgw_out_t   out;
    ngx_uint_t  status;

    status = ctx->status;

    ngx_wgw_auth_count(ctx->reason, 1);

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "wgw_auth: the api key %s", ctx->phrase);

    if (status == NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return status;
    }

    if (auth_plain(r, status)) {

        /* if it goes on all the same, then without any key */

        do {
            rc = ctx->conf->pass ? NGX_DECLINED : auth_strip(r);
        } while (rc == NGX_OK);

        return rc == NGX_ERROR ? NGX_HTTP_INTERNAL_SERVER_ERROR
                               : (ngx_int_t) status;
    }

    if (ctx->later && wgw_reply_header(r, "Retry-After", "1") == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (status == NGX_HTTP_UNAUTHORIZED
        && wgw_reply_header(r, "WWW-Authenticate",
                            "ApiKey header=\"" AUTH_HEADER "\"")
           == NULL)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&out, message, sizeof(message) - 1);
    wgw_out_str(&out, "the api key (" AUTH_HEADER ") ");
    wgw_out_str(&out, ctx->phrase);
    *out.pos = '\0';

    ngx_http_finalize_request(r, wgw_reply_error(r, status, "", message));

    return NGX_DONE;
}


/*
 * With `satisfy any` another module may still let the request pass, and an
 * `error_page` for the status is what the administrator wants to be seen.
 */

static ngx_uint_t
auth_plain(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return (clcf->satisfy == NGX_HTTP_SATISFY_ANY
            && status != NGX_HTTP_BAD_REQUEST)
           || ngx_http_wgw_auth_paged(r, status);
}


ngx_uint_t
ngx_http_wgw_auth_paged(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_uint_t                 i;
    ngx_http_err_page_t       *page;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->error_pages == NULL) {
        return 0;
    }

    page = clcf->error_pages->elts;

    for (i = 0; i < clcf->error_pages->nelts; i++) {
        if (page[i].status == (ngx_int_t) status) {
            return 1;
        }
    }

    return 0;
}


/* The first of them; NGX_DECLINED when there is none. */

static ngx_int_t
auth_strip(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (header[i].key.len == sizeof(AUTH_HEADER) - 1
                && ngx_memcmp(header[i].lowcase_key, AUTH_HEADER,
                              sizeof(AUTH_HEADER) - 1)
                   == 0)
            {
                return auth_strip_element(r, part, i);
            }
        }
    }

    return NGX_DECLINED;
}


/*
 * Others keep pointers to elements, so none is moved: what follows becomes a
 * part of its own.  No part may be empty but the first, when it is alone.
 */

static ngx_int_t
auth_strip_element(ngx_http_request_t *r, ngx_list_part_t *part,
    ngx_uint_t i)
{
    ngx_list_t       *list;
    ngx_list_part_t  *next;
    ngx_table_elt_t  *header;

    list = &r->headers_in.headers;
    header = part->elts;

    if (part->nelts == 1) {
        auth_strip_part(list, part);

    } else if (i == 0) {
        part->elts = &header[1];
        part->nelts--;

    } else if (i == part->nelts - 1) {
        part->nelts--;

    } else {
        next = ngx_palloc(r->pool, sizeof(ngx_list_part_t));
        if (next == NULL) {
            return NGX_ERROR;
        }

        next->elts = &header[i + 1];
        next->nelts = part->nelts - i - 1;
        next->next = part->next;

        part->nelts = i;
        part->next = next;

        if (list->last == part) {
            list->last = next;
        }
    }

    /* the last part has less room than nginx takes it to have */

    if (list->last->nelts) {
        list->nalloc = list->last->nelts;
    }

    return NGX_OK;
}


static void
auth_strip_part(ngx_list_t *list, ngx_list_part_t *part)
{
    ngx_list_part_t  *prev, *next;

    next = part->next;

    if (part == &list->part) {

        if (next == NULL) {
            part->nelts = 0;
            return;
        }

        *part = *next;

        if (list->last == next) {
            list->last = part;
        }

        return;
    }

    for (prev = &list->part; prev->next != part; prev = prev->next) {
        /* void */
    }

    prev->next = next;

    if (next == NULL) {
        list->last = prev;
    }
}
