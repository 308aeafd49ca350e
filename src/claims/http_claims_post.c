
/*
 * http_claims_post: see http_claims_post.h.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "claims/claim_json.h"
#include "claims/http_claims_post.h"
#include "claims/intake.h"
#include "core/body.h"
#include "core/reply.h"


#define POST_JSON  160                  /* of a token in the reply */


static void post_body(ngx_http_request_t *r, ngx_uint_t status,
    wgw_text_t body);
static ngx_int_t post_start(ngx_http_request_t *r, wgw_text_t body);
static void post_cleanup(void *data);
static void post_done(wgw_intake_t *intake);
static ngx_int_t post_answer(ngx_http_request_t *r, wgw_intake_t *intake);
static ngx_int_t post_reply(ngx_http_request_t *r, wgw_intake_t *intake);
static ngx_int_t post_refuse(ngx_http_request_t *r, wgw_intake_t *intake);


ngx_int_t
wgw_claims_post(ngx_http_request_t *r)
{
    if (r->args.len) {
        return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, "",
                               "a post takes no arguments");
    }

    return wgw_body_read(r, WGW_INTAKE_BYTES, post_body);
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
    wgw_store_t         *store;
    wgw_claims_t        *claims;
    wgw_intake_t        *intake;
    ngx_pool_cleanup_t  *cln;

    claims = wgw_claims_conf((ngx_cycle_t *) ngx_cycle);
    store = wgw_claims_store(claims, r->connection->log);

    if (store == NULL) {
        return wgw_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE, "",
                               WGW_CLAIMS_POST_NO_STORE);
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    intake = wgw_intake_create(claims, store, body,
                               (wgw_text_t) { NULL, 0 });
    if (intake == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = post_cleanup;
    cln->data = intake;

    intake->done = post_done;
    intake->data = r;

    r->main->blocked++;

    wgw_intake_run(intake);

    return NGX_DONE;
}


static void
post_cleanup(void *data)
{
    wgw_intake_destroy(data);
}


static void
post_done(wgw_intake_t *intake)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = intake->data;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->main->blocked--;

    ngx_http_finalize_request(r, post_answer(r, intake));
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
post_answer(ngx_http_request_t *r, wgw_intake_t *intake)
{
    switch (intake->rc) {

    case WGW_INTAKE_OK:
        return post_reply(r, intake);

    case WGW_INTAKE_BAD:
        return post_refuse(r, intake);

    case WGW_INTAKE_FORM:
        return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, "", intake->reason);

    case WGW_INTAKE_LARGE:
        return wgw_reply_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "",
                               intake->reason);

    case WGW_INTAKE_ZONE:
        return wgw_reply_error(r, NGX_HTTP_INSUFFICIENT_STORAGE, "",
                               "the zone of limits is full");

    case WGW_INTAKE_STORE:
        return wgw_claims_post_failed(r, intake->change.rc,
                                      &intake->change.error);

    default: /* WGW_INTAKE_MEMORY */
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


static ngx_int_t
post_reply(ngx_http_request_t *r, wgw_intake_t *intake)
{
    size_t        i;
    wgw_out_t     json;
    ngx_chain_t  *out;

    out = wgw_reply_chain(r->pool, (intake->n + 1) * POST_JSON);
    if (out == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    wgw_out_init(&json, out->buf->pos, (intake->n + 1) * POST_JSON);
    wgw_out_str(&json, "{\"tokens\":[");

    for (i = 0; i < intake->n; i++) {
        wgw_out_str(&json, i ? ",{\"id\":" : "{\"id\":");
        wgw_claim_json_id(&json, intake->claims[i].id);
        wgw_out_str(&json, ",\"cid\":");
        wgw_claim_json_cid(&json, intake->claims[i].cid);
        wgw_out_str(&json, "}");
    }

    wgw_out_str(&json, "],\"added\":");
    wgw_out_uint(&json, intake->added);
    wgw_out_str(&json, "}\n");

    out->buf->last = (u_char *) json.pos;

    return wgw_reply_send(r, NGX_HTTP_OK, "application/json", out);
}


static ngx_int_t
post_refuse(ngx_http_request_t *r, wgw_intake_t *intake)
{
    char  field[32];

    ngx_sprintf((u_char *) field, "tokens[%uz]%Z", intake->bad);

    return wgw_reply_error(r, NGX_HTTP_BAD_REQUEST, field, intake->reason);
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
