
/*
 * Which JSON-RPC methods a request may call: `wgw_auth_allow_methods` and
 * `wgw_auth_deny_methods`.
 */


#include "auth/auth_module.h"
#include "core/body.h"
#include "core/reply.h"
#include "core/request.h"
#include "format/rpc.h"


#define RPC_BATCH  1000


static void rpc_read(ngx_http_request_t *r, ngx_uint_t status,
    wgw_text_t text);
static ngx_int_t rpc_keep(ngx_http_request_t *r, wgw_text_t text);
static ngx_int_t rpc_page(ngx_http_request_t *r, ngx_uint_t status);
static ngx_int_t rpc_too_long(ngx_http_request_t *r);
static ngx_int_t rpc_decide(ngx_http_request_t *r,
    ngx_http_wgw_auth_conf_t *conf, wgw_text_t body);
static ngx_int_t rpc_refuse(ngx_http_request_t *r, ngx_int_t rc);


ngx_int_t
ngx_http_wgw_auth_rpc_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_wgw_auth_ctx_t   *ctx;
    ngx_http_wgw_auth_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_wgw_auth_module);

    if ((conf->allow == NULL && conf->deny == NULL) || r != r->main
        || conf->signin || conf->api_hosts)
    {
        return NGX_DECLINED;
    }

    ctx = ngx_http_wgw_auth_find_ctx(r);

    if (ctx == NULL) {
        ctx = ngx_http_wgw_auth_create_ctx(r);
        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (ctx->read) {
        rc = rpc_decide(r, conf, ctx->body);

        return rc == NGX_DECLINED ? rc : rpc_refuse(r, rc);
    }

    if (!(r->method & NGX_HTTP_POST)) {

        /* of messages in a WebSocket nothing is known here */

        return rpc_refuse(r, wgw_reply_not_allowed(r, "POST"));
    }

    if (r->headers_in.upgrade) {

        /* nor of what a backend would take this connection for */

        ngx_wgw_auth_count("method", 1);
        return rpc_refuse(r, wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, "",
                                 "no Upgrade is possible where methods are "
                                 "limited"));
    }

    if (ctx->long_body) {

        /* the page for it is in a place that looks at methods, too */

        return rpc_refuse(r, rpc_too_long(r));
    }

    rc = wgw_body_read(r, conf->body, rpc_read);

    if (rc == NGX_DONE) {
        ngx_http_finalize_request(r, NGX_DONE);
    }

    return rc;
}


/* Goes on with the phases, which come back to the handler first. */

static void
rpc_read(ngx_http_request_t *r, ngx_uint_t status, wgw_text_t text)
{
    ngx_http_wgw_auth_ctx_t  *ctx;

    ctx = ngx_http_wgw_auth_find_ctx(r);

    if (status != NGX_HTTP_OK) {
        ctx->long_body = 1;

        ngx_wgw_auth_count("method", 1);
        ngx_http_finalize_request(r, ngx_http_wgw_auth_paged(r, status)
                                     ? rpc_page(r, status) : rpc_too_long(r));
        return;
    }

    if (rpc_keep(r, text) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ctx->read = 1;
    ctx->body = text;

    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


/* As nginx would have read it, for the backend. */

static ngx_int_t
rpc_keep(ngx_http_request_t *r, wgw_text_t text)
{
    ngx_buf_t    *buf;
    ngx_chain_t  *cl;

    r->preserve_body = 1;
    r->request_body_no_buffering = 0;
    r->headers_in.content_length_n = text.len;

    if (text.len == 0) {
        return NGX_OK;
    }

    cl = ngx_alloc_chain_link(r->pool);
    buf = ngx_calloc_buf(r->pool);

    if (cl == NULL || buf == NULL) {
        return NGX_ERROR;
    }

    buf->start = (u_char *) text.data;
    buf->pos = buf->start;
    buf->last = buf->start + text.len;
    buf->end = buf->last;
    buf->temporary = 1;

    cl->buf = buf;
    cl->next = NULL;

    r->request_body->bufs = cl;

    return NGX_OK;
}


/* The page of an administrator is not to be refused for this body. */

static ngx_int_t
rpc_page(ngx_http_request_t *r, ngx_uint_t status)
{
    if (r->request_body == NULL && wgw_reply_discard(r) != NGX_OK) {
        r->keepalive = 0;
    }

    r->headers_in.content_length_n = 0;

    return status;
}


static ngx_int_t
rpc_too_long(ngx_http_request_t *r)
{
    ngx_int_t     rc;
    wgw_out_t     out;
    ngx_chain_t  *cl;

    rc = wgw_reply_discard(r);
    if (rc != NGX_OK) {
        return rc;
    }

    cl = wgw_reply_chain(r->pool, WGW_RPC_REPLY(1));
    if (cl == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&out, cl->buf->pos, WGW_RPC_REPLY(1));
    wgw_rpc_too_long(&out);

    cl->buf->last = (u_char *) out.pos;

    return wgw_reply_send(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                          "application/json", cl);
}


/* Returns NGX_DECLINED when all may pass, else it is answered. */

static ngx_int_t
rpc_decide(ngx_http_request_t *r, ngx_http_wgw_auth_conf_t *conf,
    wgw_text_t body)
{
    size_t              size;
    wgw_out_t           out;
    ngx_chain_t        *cl;
    wgw_rpc_rules_t     rules;
    wgw_rpc_verdict_t   verdict;

    if (body.len > conf->body) {
        ngx_wgw_auth_count("method", 1);
        return rpc_too_long(r);
    }

    ngx_memzero(&rules, sizeof(wgw_rpc_rules_t));

    rules.allow = conf->allow ? conf->allow->elts : NULL;
    rules.nallow = conf->allow ? conf->allow->nelts : 0;
    rules.deny = conf->deny ? conf->deny->elts : NULL;
    rules.ndeny = conf->deny ? conf->deny->nelts : 0;
    rules.batch = RPC_BATCH;

    size = ngx_min(WGW_RPC_REPLY(RPC_BATCH),
                   WGW_RPC_REPLY(1) + 8 * body.len);

    cl = wgw_reply_chain(r->pool, size);
    if (cl == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&out, cl->buf->pos, size);

    verdict = wgw_rpc_check(body, &rules, &out);

    if (verdict == WGW_RPC_ALLOWED) {
        return NGX_DECLINED;
    }

    ngx_wgw_auth_count("method", 1);

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "wgw_auth: JSON-RPC %s", wgw_rpc_reason(verdict));

    cl->buf->last = (u_char *) out.pos;

    return wgw_reply_send(r, NGX_HTTP_OK, "application/json", cl);
}


static ngx_int_t
rpc_refuse(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}
