
/*
 * What a sign-in is answered: the key, or why there is none.
 */

#include "auth/http_signin.h"
#include "core/reply.h"


#define SIGNIN_REPLY  (WGW_JWT_MAX + 256)
#define SIGNIN_LOG    4096


static ngx_int_t signin_reply(wgw_http_signin_t *s, wgw_text_t token);
static void signin_context(wgw_http_signin_t *s);
static void signin_log(wgw_http_signin_t *s);


ngx_int_t
wgw_http_signin_done(wgw_http_signin_t *s, wgw_text_t token)
{
    signin_context(s);
    signin_log(s);

    ngx_wgw_auth_count("signed_in", 0);

    return signin_reply(s, token);
}


static ngx_int_t
signin_reply(wgw_http_signin_t *s, wgw_text_t token)
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
signin_context(wgw_http_signin_t *s)
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
signin_log(wgw_http_signin_t *s)
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


ngx_int_t
wgw_http_signin_too_many(ngx_http_request_t *r, int64_t wait,
    const char *reason, const char *message)
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

    return wgw_http_signin_refuse(r, NGX_HTTP_TOO_MANY_REQUESTS, reason,
                                  message);
}


ngx_int_t
wgw_http_signin_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *reason, const char *message)
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
