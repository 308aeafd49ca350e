
/*
 * What a key has opened and goes on: ended within a second when the key was
 * revoked, or its address taken off a list that is looked at for each request;
 * an upgraded connection, of whose messages nothing is known here, also when
 * the key has ended.  Other responses may be finished after that.
 */


#include "auth/auth_module.h"
#include "core/request.h"


static void auth_look(ngx_queue_t *list, ngx_queue_t *ended, ngx_log_t *log);
static const char *auth_over(ngx_http_wgw_auth_ctx_t *ctx, int64_t now,
    ngx_log_t *log);
static void auth_end(wgw_swept_t *swept, ngx_log_t *log);


static wgw_sweep_t  auth_sweep = { .look = auth_look, .end = auth_end };


void
ngx_http_wgw_auth_watch(ngx_http_request_t *r, ngx_http_wgw_auth_ctx_t *ctx)
{
    ctx->request = r;

    if (ctx->swept.sweep == NULL) {
        (void) wgw_sweep_add(&auth_sweep, &ctx->swept);
    }
}


static void
auth_look(ngx_queue_t *list, ngx_queue_t *ended, ngx_log_t *log)
{
    int64_t                   now;
    ngx_queue_t              *q, *next;
    ngx_http_wgw_auth_ctx_t  *ctx;

    now = ngx_wgw_auth_now();

    for (q = ngx_queue_head(list); q != ngx_queue_sentinel(list); q = next) {
        next = ngx_queue_next(q);
        ctx = ngx_queue_data(q, ngx_http_wgw_auth_ctx_t, swept.queue);

        if (auth_over(ctx, now, log)) {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(ended, q);
        }
    }
}


/* Why it is, to be put after "the api key", or NULL. */

static const char *
auth_over(ngx_http_wgw_auth_ctx_t *ctx, int64_t now, ngx_log_t *log)
{
    ngx_uint_t            upgraded;
    wgw_expiring_t       *table;
    wgw_tokens_rc_t       rc;
    ngx_http_upstream_t  *u;

    u = ctx->request->upstream;
    upgraded = u && u->upgrade;

    if (ctx->expires <= now) {
        return upgraded ? "has expired" : NULL;
    }

    if (ctx->id.len == 0) {
        return NULL;
    }

    table = ngx_wgw_auth_tokens();

    rc = wgw_tokens_check(table, ctx->token_id, ctx->wallet, ctx->iat,
                          ctx->expires, now);

    if (rc != WGW_TOKENS_OK) {
        return rc == WGW_TOKENS_LOST ? "cannot be looked up" : "was revoked";
    }

    /* of what happens in another table this worker learns nothing */

    if (upgraded && wgw_notes_moved(table)) {
        return "is known to other workers only";
    }

    if (ctx->conf->recheck
        && !ngx_http_wgw_auth_allowed(ctx->conf, ctx->wallet, &ctx->service,
                                      log))
    {
        return "is of an address that is not allowed any more";
    }

    return NULL;
}


static void
auth_end(wgw_swept_t *swept, ngx_log_t *log)
{
    const char               *phrase;
    ngx_http_wgw_auth_ctx_t  *ctx;

    ctx = ngx_queue_data(&swept->queue, ngx_http_wgw_auth_ctx_t, swept.queue);

    phrase = auth_over(ctx, ngx_wgw_auth_now(), log);

    ngx_wgw_auth_count("ended", 1);

    ngx_log_error(NGX_LOG_INFO, ctx->request->connection->log, 0,
                  "wgw_auth: ending a request, the api key %s",
                  phrase ? phrase : "is not good any more");

    wgw_request_end(ctx->request);
}
