
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/said.h"
#include "router/answer.h"
#include "router/http_router_candidates.h"
#include "router/http_router_verdict.h"


#define VERDICT_BUSY  60        /* s, the most a 429 may ask for */


static ngx_int_t verdict_process_header(ngx_http_request_t *r);
static ngx_int_t verdict_judge(wgw_attempt_t *attempt);
static ngx_int_t verdict_status(wgw_attempt_t *attempt, ngx_uint_t status);
static ngx_int_t verdict_refused(wgw_attempt_t *attempt, ngx_uint_t status);
static void verdict_busy(wgw_attempt_t *attempt);
static time_t verdict_after(ngx_str_t *value);
static ngx_int_t verdict_codes(wgw_attempt_t *attempt);
static ngx_int_t verdict_copy(wgw_attempt_t *attempt, ngx_buf_t *b);
static ngx_int_t verdict_listed(wgw_attempt_t *attempt, u_char *p, size_t len);
static void verdict_answered(wgw_attempt_t *attempt, ngx_uint_t status);


void
wgw_verdict_init(wgw_attempt_t *attempt)
{
    ngx_http_upstream_t  *u;

    u = attempt->request->upstream;

    attempt->process_header = u->process_header;
    u->process_header = verdict_process_header;
}


/* Stands before the proxy's own, which changes itself as it goes. */

static ngx_int_t
verdict_process_header(ngx_http_request_t *r)
{
    ngx_int_t       rc;
    wgw_attempt_t  *attempt;

    attempt = wgw_attempt_find(r);

    if (!attempt->header) {
        rc = wgw_said_header(r, &attempt->process_header);

        if (rc != NGX_OK) {
            return rc;
        }

        attempt->header = 1;
    }

    return verdict_judge(attempt);
}


/* NGX_OK: passed on; NGX_AGAIN: more of it is needed; NGX_ERROR: given up */

static ngx_int_t
verdict_judge(wgw_attempt_t *attempt)
{
    ngx_int_t   rc;
    ngx_uint_t  status;

    status = attempt->request->upstream->headers_in.status_n;

    rc = verdict_status(attempt, status);

    if (rc == NGX_AGAIN || rc == NGX_ERROR) {
        return rc;
    }

    verdict_answered(attempt, status);

    if (rc == NGX_OK || !wgw_candidates_other(attempt)) {
        attempt->answered = 1;
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_WARN, attempt->request->connection->log, 0,
                  "provider \"%V\" answered %ui, another one is asked",
                  &attempt->provider->name, status);

    (void) __atomic_fetch_add(&attempt->provider->shared->retried, 1,
                              __ATOMIC_RELAXED);

    wgw_attempt_tried(attempt);
    wgw_attempt_give_up(attempt, 2);

    return NGX_ERROR;
}


/* And NGX_DECLINED: another one is to be asked. */

static ngx_int_t
verdict_status(wgw_attempt_t *attempt, ngx_uint_t status)
{
    if (status == NGX_HTTP_TOO_MANY_REQUESTS) {
        verdict_busy(attempt);
        return NGX_DECLINED;
    }

    if (status >= 500) {
        if (status >= 502 && status <= 504) {
            wgw_standing_bad(&attempt->provider->shared->standing,
                             &attempt->providers->rise_fall,
                             WGW_STANDING_STATUS,
                             (uint32_t) (ngx_current_msec / 1000));
        }

        return NGX_DECLINED;
    }

    if (attempt->session
        && (status == NGX_HTTP_UNAUTHORIZED || status == NGX_HTTP_FORBIDDEN))
    {
        return verdict_refused(attempt, status);
    }

    /* errors come with 200, and with 400 and its like from some */

    return attempt->providers->codes ? verdict_codes(attempt) : NGX_OK;
}


/* The key is not good any more: once with a new one, from the same. */

static ngx_int_t
verdict_refused(wgw_attempt_t *attempt, ngx_uint_t status)
{
    wgw_provider_t  *provider;

    provider = attempt->provider;

    wgw_session_refused(attempt->session, attempt->session_id,
                        ngx_current_msec, (uint32_t) ngx_random() << 1);

    if ((attempt->renewed & wgw_attempt_bit(attempt))
        || attempt->attempts >= attempt->providers->attempts
        || !wgw_session_hope(attempt->session, ngx_current_msec))
    {
        return NGX_DECLINED;
    }

    attempt->renewed |= wgw_attempt_bit(attempt);

    ngx_log_error(NGX_LOG_WARN, attempt->request->connection->log, 0,
                  "provider \"%V\" refused the session's key with %ui",
                  &provider->name, status);

    verdict_answered(attempt, status);

    attempt->since = ngx_current_msec;

    wgw_attempt_give_up(attempt, 2);

    return NGX_ERROR;
}


/* For as long as it says, or a second. */

static void
verdict_busy(wgw_attempt_t *attempt)
{
    time_t            n;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = 1;

    part = &attempt->request->upstream->headers_in.headers.part;

    for ( /* void */ ; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == 11
                && ngx_strncasecmp(h[i].key.data, (u_char *) "retry-after",
                                   11) == 0)
            {
                n = verdict_after(&h[i].value);
            }
        }
    }

    n = ngx_max(n, 1);
    n = ngx_min(n, VERDICT_BUSY);

    __atomic_store_n(&attempt->provider->shared->busy,
                     ngx_current_msec + n * 1000, __ATOMIC_RELAXED);
}


/* Seconds, or a date (RFC 9110, 10.2.3); 0 for what is neither. */

static time_t
verdict_after(ngx_str_t *value)
{
    size_t  i;
    time_t  until;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < '0' || value->data[i] > '9') {
            until = ngx_parse_http_time(value->data, value->len);

            return until == NGX_ERROR ? 0 : until - ngx_time();
        }
    }

    until = ngx_atotm(value->data, value->len);

    return until == NGX_ERROR && value->len ? VERDICT_BUSY : until;
}


/*
 * Whether the body is a JSON-RPC error that another node may not have:
 * NGX_DECLINED.  It is looked at while it fits into the buffer that headers
 * are read into; NGX_AGAIN: it is not whole yet.
 */

static ngx_int_t
verdict_codes(wgw_attempt_t *attempt)
{
    int                   rc;
    off_t                 length;
    size_t                len, size;
    ngx_http_upstream_t  *u;

    u = attempt->request->upstream;

    if (attempt->request->method == NGX_HTTP_HEAD) {
        return NGX_OK;
    }

    len = u->buffer.last - u->buffer.pos;
    length = u->headers_in.content_length_n;

    if (u->headers_in.chunked) {

        if (verdict_copy(attempt, &u->buffer) != NGX_OK) {
            return NGX_OK;
        }

        rc = wgw_answer_chunks((char *) attempt->copy, len, &size);

        if (rc == 1) {
            return verdict_listed(attempt, attempt->copy, size);
        }

        return rc == 0 && u->buffer.last < u->buffer.end ? NGX_AGAIN
                                                         : NGX_OK;
    }

    if (length <= 0 || length > u->buffer.end - u->buffer.pos) {
        return NGX_OK;
    }

    if ((off_t) len < length) {
        return u->buffer.last < u->buffer.end ? NGX_AGAIN : NGX_OK;
    }

    return verdict_listed(attempt, u->buffer.pos, length);
}


/* Into room for all that fits, which is made once. */

static ngx_int_t
verdict_copy(wgw_attempt_t *attempt, ngx_buf_t *b)
{
    size_t  room;

    room = b->end - b->start;

    if (attempt->room < room) {
        attempt->copy = ngx_pnalloc(attempt->request->pool, room);
        if (attempt->copy == NULL) {
            attempt->room = 0;
            return NGX_ERROR;
        }

        attempt->room = room;
    }

    ngx_memcpy(attempt->copy, b->pos, b->last - b->pos);

    return NGX_OK;
}


static ngx_int_t
verdict_listed(wgw_attempt_t *attempt, u_char *p, size_t len)
{
    wgw_text_t  body = { (char *) p, len };

    return wgw_answer_error(body, attempt->providers->codes->elts,
                            attempt->providers->codes->nelts)
           ? NGX_DECLINED : NGX_OK;
}


/* Counts the answer, and what it says of provider and session. */

static void
verdict_answered(wgw_attempt_t *attempt, ngx_uint_t status)
{
    ngx_uint_t              i;
    ngx_msec_t              took;
    wgw_provider_shared_t  *shared;

    shared = attempt->provider->shared;
    took = ngx_current_msec - attempt->sent;

    for (i = 0; i < WGW_PROVIDERS_BUCKETS - 1 && took > (1u << i) * 5; i++) {
        /* void */
    }

    (void) __atomic_fetch_add(&shared->latency[i], 1, __ATOMIC_RELAXED);
    (void) __atomic_fetch_add(&shared->latency_sum, took, __ATOMIC_RELAXED);
    (void) __atomic_fetch_add(&shared->statuses[ngx_min(status / 100, 5)], 1,
                              __ATOMIC_RELAXED);

    if (attempt->session && status < 400) {
        wgw_session_proven(attempt->session, attempt->session_id);
    }

    if (status < 500 && status != NGX_HTTP_TOO_MANY_REQUESTS) {
        wgw_standing_served(&shared->standing);
    }

    wgw_attempt_disarm(attempt);
}
