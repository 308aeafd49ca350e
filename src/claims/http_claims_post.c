
/*
 * http_claims_post: see http_claims_post.h.
 *
 * The body is taken apart at once; signatures are checked in the thread, one
 * a step; then limits get their records, and all is stored in one change.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "claims/claim_json.h"
#include "claims/claims_conf.h"
#include "claims/http_claims_post.h"
#include "claims/rows.h"
#include "core/body.h"
#include "core/reply.h"
#include "format/container.h"
#include "store/writer.h"


#define POST_KEYS  16                   /* of one did:web */
#define POST_JSON  160                  /* of a token in the reply */


typedef struct {
    ngx_http_request_t  *request;
    wgw_claims_t        *conf;
    wgw_claim_t         *claims;
    size_t               n;
    size_t               bad;           /* which one, for `reason` */
    const char          *reason;
    ngx_int_t            reply;         /* what a refusal was sent with */
    size_t               verified;
    size_t               added;
    time_t               now;
    wgw_job_t            job;
    wgw_change_t         change;
} post_t;


static void post_body(ngx_http_request_t *r, ngx_uint_t status,
    wgw_text_t body);
static ngx_int_t post_start(ngx_http_request_t *r, wgw_text_t body);
static ngx_int_t post_tokens(post_t *post, wgw_text_t body);
static ngx_uint_t post_verify(wgw_job_t *job);
static void post_verified(wgw_job_t *job);
static ngx_int_t post_records(post_t *post);
static ngx_int_t post_record(post_t *post, const wgw_claim_t *claim);
static wgw_store_rc_t post_make(wgw_txn_t *t, wgw_change_t *change);
static void post_done(wgw_change_t *change);
static ngx_int_t post_reply(post_t *post);
static ngx_int_t post_refuse(post_t *post);
static ngx_int_t post_no(post_t *post, ngx_int_t reply);


ngx_int_t
wgw_claims_post(ngx_http_request_t *r)
{
    if (r->args.len) {
        return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, "",
                               "a post takes no arguments");
    }

    return wgw_body_read(r, WGW_CLAIMS_API_BODY, post_body);
}


static void
post_body(ngx_http_request_t *r, ngx_uint_t status, wgw_text_t body)
{
    ngx_int_t  rc;

    if (status != NGX_HTTP_OK) {
        rc = wgw_reply_error(r, status, "",
                             "a submission has at most 262144 bytes");

    } else {
        rc = post_start(r, wgw_text_marked(body));
    }

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


/* NGX_DONE: the request waits, its count is released with the reply. */

static ngx_int_t
post_start(ngx_http_request_t *r, wgw_text_t body)
{
    post_t  *post;

    post = ngx_pcalloc(r->pool, sizeof(post_t));
    if (post == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    post->request = r;
    post->conf = wgw_claims_conf((ngx_cycle_t *) ngx_cycle);
    post->now = ngx_time();
    post->change.store = wgw_claims_store(post->conf, r->connection->log);

    if (post->change.store == NULL) {
        return wgw_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                               WGW_CLAIMS_POST_NO_STORE);
    }

    if (post_tokens(post, body) != NGX_OK) {
        return post->reply;
    }

    post->job.step = post_verify;
    post->job.handler = post_verified;

    r->main->blocked++;

    wgw_writer_run(&post->job);

    return NGX_DONE;
}


/* NGX_OK, or NGX_DECLINED and the reply. */

static ngx_int_t
post_tokens(post_t *post, wgw_text_t body)
{
    size_t               i, n;
    uint8_t             *room;
    ngx_uint_t           status;
    wgw_text_t           token;
    const char          *reason;
    wgw_container_t      container;
    ngx_http_request_t  *r;

    r = post->request;
    n = 1;

    if (wgw_container_is(body)) {
        room = ngx_palloc(r->pool, WGW_CLAIMS_API_BODY);
        if (room == NULL) {
            return post_no(post, NGX_HTTP_INTERNAL_SERVER_ERROR);
        }

        reason = wgw_container_read(&container, body, room,
                                    WGW_CLAIMS_API_BODY);
        if (reason) {
            status = ngx_strcmp(reason, WGW_CONTAINER_LARGE) == 0
                     ? NGX_HTTP_REQUEST_ENTITY_TOO_LARGE
                     : NGX_HTTP_BAD_REQUEST;

            return post_no(post, wgw_reply_error(r, status, "", reason));
        }

        n = container.n;
    }

    if (n > WGW_CLAIMS_API_TOKENS) {
        return post_no(post, wgw_reply_error(r,
                                       NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "",
                                       "a submission has at most 256 "
                                       "tokens"));
    }

    post->claims = ngx_palloc(r->pool, n * sizeof(wgw_claim_t) + 1);
    if (post->claims == NULL) {
        return post_no(post, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    for (i = 0; i < n; i++) {

        if (wgw_container_is(body)) {
            wgw_container_next(&container, &token);

        } else {
            token = body;
        }

        reason = wgw_claim_read(&post->claims[i], token, post->conf->quotes);

        if (reason == NULL) {
            reason = wgw_token_time(&post->claims[i].token, post->now,
                                    post->conf->skew);

            /* the time of some is still to come */

            if (reason && ngx_strcmp(reason, "time:not-yet") == 0) {
                reason = NULL;
            }
        }

        if (reason) {
            post->bad = i;
            post->reason = reason;
            return post_no(post, post_refuse(post));
        }
    }

    post->n = n;

    return NGX_OK;
}


/* In the thread: the next token's signature and names. */

static ngx_uint_t
post_verify(wgw_job_t *job)
{
    size_t          n, which;
    post_t         *post;
    wgw_claim_t    *claim;
    wgw_did_key_t   keys[POST_KEYS];

    post = (post_t *) ((u_char *) job - offsetof(post_t, job));

    if (post->verified == post->n) {
        return 0;
    }

    claim = &post->claims[post->verified];
    n = wgw_claims_keys(post->conf, claim->token.iss, keys, POST_KEYS);

    post->reason = wgw_token_verify(&claim->token, keys, n, &which);

    if (post->reason == NULL && wgw_claim_name(claim) != 0) {
        post->reason = "token:no-memory";
    }

    if (post->reason) {
        post->bad = post->verified;
        return 0;
    }

    if (!wgw_did_is_key(claim->token.iss)) {
        claim->key = keys[which];
    }

    claim->came = post->now;

    return ++post->verified < post->n;
}


static void
post_verified(wgw_job_t *job)
{
    post_t              *post;
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    post = (post_t *) ((u_char *) job - offsetof(post_t, job));
    r = post->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    rc = NGX_DECLINED;

    if (post->reason) {
        post->reply = post_refuse(post);

    } else {
        rc = post_records(post);
    }

    if (rc == NGX_OK) {
        post->change.make = post_make;
        post->change.handler = post_done;
        post->change.data = post;

        wgw_writer_post(&post->change);
        return;
    }

    r->main->blocked--;

    ngx_http_finalize_request(r, post->reply);
    ngx_http_run_posted_requests(c);
}


/*
 * What has a limit must have a record: those without would be counted
 * together, and limited by nothing.
 */

static ngx_int_t
post_records(post_t *post)
{
    size_t  i;

    for (i = 0; i < post->n; i++) {
        post->bad = i;

        if (post_record(post, &post->claims[i]) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


static ngx_int_t
post_record(post_t *post, const wgw_claim_t *claim)
{
    char                 key[WGW_CLAIMS_RECORD];
    void                *memory;
    size_t               i;
    wgw_text_t           text;
    wgw_policy_t         policy;
    wgw_meter_zone_t    *zone;
    wgw_claim_limits_t   limits;

    memory = ngx_palloc(post->request->pool,
                        wgw_policy_room(&claim->token.size) + 1);
    if (memory == NULL) {
        return post_no(post, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    wgw_policy_build(&policy, &claim->token.pol, claim->token.quotes,
                     &claim->token.size, memory);
    wgw_claim_limits(&limits, &policy);

    for (i = 0; i < limits.n; i++) {

        if (post->conf->keys == 0) {
            post->reason = "policy:usage-without-zone";
            return post_no(post, post_refuse(post));
        }

        zone = post->conf->limits[limits.limits[i].window];
        wgw_claims_record(key, claim->id, limits.limits[i].bytes);
        text.data = key;
        text.len = sizeof(key);

        if (wgw_table_get(&zone->zone.table, text) < WGW_TABLE_FIRST) {
            ngx_log_error(NGX_LOG_CRIT, post->request->connection->log, 0,
                          "wgw_claims_zone is full, a token with limits is "
                          "refused");

            return post_no(post, wgw_reply_error(post->request,
                                             NGX_HTTP_INSUFFICIENT_STORAGE,
                                             "",
                                             "the zone of limits is full"));
        }
    }

    return NGX_OK;
}


/* In the thread. */

static wgw_store_rc_t
post_make(wgw_txn_t *t, wgw_change_t *change)
{
    post_t  *post;

    post = change->data;
    post->reason = NULL;

    return wgw_claim_rows_put(t, post->claims, post->n, post->now, &post->bad,
                              &post->reason, &post->added);
}


static void
post_done(wgw_change_t *change)
{
    post_t              *post;
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    post = change->data;
    r = post->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->main->blocked--;

    if (change->rc == WGW_STORE_OK) {
        rc = post_reply(post);

    } else if (change->rc == WGW_STORE_MISMATCH && post->reason) {
        rc = post_refuse(post);

    } else {
        rc = wgw_claims_post_failed(r, change->rc, &change->error);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
post_reply(post_t *post)
{
    size_t        i;
    wgw_out_t     json;
    ngx_chain_t  *out;

    out = wgw_reply_chain(post->request->pool, (post->n + 1) * POST_JSON);
    if (out == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&json, out->buf->pos, (post->n + 1) * POST_JSON);
    wgw_out_str(&json, "{\"tokens\":[");

    for (i = 0; i < post->n; i++) {
        wgw_out_str(&json, i ? ",{\"id\":" : "{\"id\":");
        wgw_claim_json_id(&json, post->claims[i].id);
        wgw_out_str(&json, ",\"cid\":");
        wgw_claim_json_cid(&json, post->claims[i].cid);
        wgw_out_str(&json, "}");
    }

    wgw_out_str(&json, "],\"added\":");
    wgw_out_uint(&json, post->added);
    wgw_out_str(&json, "}\n");

    out->buf->last = (u_char *) json.pos;

    return wgw_reply_send(post->request, NGX_HTTP_OK, "application/json",
                          out);
}


static ngx_int_t
post_refuse(post_t *post)
{
    char  field[32];

    ngx_sprintf((u_char *) field, "tokens[%uz]%Z", post->bad);

    return wgw_reply_error(post->request, NGX_HTTP_BAD_REQUEST, field,
                           post->reason);
}


static ngx_int_t
post_no(post_t *post, ngx_int_t reply)
{
    post->reply = reply;

    return NGX_DECLINED;
}


ngx_int_t
wgw_claims_post_failed(ngx_http_request_t *r, wgw_store_rc_t rc,
    wgw_store_error_t *error)
{
    if (rc == WGW_STORE_FULL) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0, "claims: %s",
                      error->text);

        return wgw_reply_error(r, NGX_HTTP_INSUFFICIENT_STORAGE, "",
                               "no space is left for claims");
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "claims: %s",
                  error->text);

    return wgw_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                           WGW_CLAIMS_POST_NO_STORE);
}
