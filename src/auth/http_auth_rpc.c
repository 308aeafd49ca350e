
/*
 * Which JSON-RPC methods a request may call: `wgw_auth_allow_methods` and
 * `wgw_auth_deny_methods`.
 */


#include "auth/auth_module.h"
#include "core/reply.h"
#include "core/request.h"
#include "format/rpc.h"


#define RPC_BATCH  1000


static void rpc_read(ngx_http_request_t *r);
static ngx_int_t rpc_decide(ngx_http_request_t *r,
    ngx_http_wgw_auth_conf_t *conf);
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
        ctx->read = 0;
        rc = rpc_decide(r, conf);

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

    if (r->headers_in.content_length_n > (off_t) conf->body) {
        ngx_wgw_auth_count("method", 1);
        return rpc_refuse(r, wgw_reply_error(r,
                                 NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "",
                                 "the body is too long"));
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, rpc_read);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


/* Goes on with the phases, which come back to the handler first. */

static void
rpc_read(ngx_http_request_t *r)
{
    ngx_http_wgw_auth_ctx_t  *ctx;

    ctx = ngx_http_wgw_auth_find_ctx(r);

    ctx->read = 1;

    r->preserve_body = 1;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


/* Returns NGX_DECLINED when all may pass, else it is answered. */

static ngx_int_t
rpc_decide(ngx_http_request_t *r, ngx_http_wgw_auth_conf_t *conf)
{
    size_t              size;
    ngx_int_t           rc;
    wgw_out_t           out;
    wgw_text_t          body;
    ngx_chain_t        *cl;
    wgw_rpc_rules_t     rules;
    wgw_rpc_verdict_t   verdict;

    rc = wgw_request_body(r, conf->body, &body);

    if (rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        ngx_wgw_auth_count("method", 1);
        return wgw_reply_error(r, rc, "", "the body is too long");
    }

    if (rc != NGX_OK) {
        return rc;
    }

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
