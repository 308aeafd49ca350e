
/*
 * intake: see intake.h.
 *
 * What came is taken apart in one step of a job, each signature is checked in
 * one of its own; then limits get their records, and all is stored in one
 * change.  Between the first step and the second, those that were looked up
 * are compared with what is stored: most have come before.
 */

#include "claims/intake.h"
#include "claims/rows.h"
#include "format/container.h"


#define INTAKE_KEYS  16                 /* of one did:web */


static ngx_uint_t intake_step(wgw_job_t *job);
static wgw_intake_rc_t intake_read(wgw_intake_t *intake);
static wgw_intake_rc_t intake_tokens(wgw_intake_t *intake,
    wgw_container_t *container);
static const char *intake_token(wgw_intake_t *intake, wgw_claim_t *claim,
    wgw_text_t token);
static ngx_uint_t intake_verify(wgw_intake_t *intake);
static const char *intake_signature(wgw_intake_t *intake,
    wgw_claim_t *claim);
static void intake_keep(wgw_intake_t *intake, size_t i);
static void intake_connect(wgw_intake_t *intake);
static unsigned intake_connected(wgw_intake_t *intake, size_t i);
static void intake_stepped(wgw_job_t *job);
static void intake_sift(wgw_intake_t *intake);
static unsigned intake_stored(wgw_intake_t *intake, wgw_claim_t *claim);
static unsigned intake_rooted(wgw_intake_t *intake, wgw_claim_t *claim);
static void intake_records(wgw_intake_t *intake);
static wgw_intake_rc_t intake_record(wgw_intake_t *intake,
    const wgw_claim_t *claim);
static wgw_store_rc_t intake_make(wgw_txn_t *t, wgw_change_t *change);
static void intake_done(wgw_change_t *change);
static wgw_intake_rc_t intake_no(wgw_intake_t *intake, wgw_intake_rc_t rc,
    const char *reason);


wgw_intake_t *
wgw_intake_create(wgw_claims_t *conf, wgw_store_t *store, wgw_text_t body,
    wgw_text_t about)
{
    u_char        *p;
    ngx_pool_t    *pool;
    wgw_intake_t  *intake;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    intake = ngx_pcalloc(pool, sizeof(wgw_intake_t));
    p = ngx_pnalloc(pool, body.len + about.len + 1);

    if (intake == NULL || p == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    intake->pool = pool;
    intake->conf = conf;
    intake->now = ngx_time();
    intake->change.store = store;

    intake->body.data = (char *) p;
    intake->body.len = body.len;
    p = ngx_cpymem(p, body.data, body.len);

    intake->about.data = (char *) p;
    intake->about.len = about.len;
    ngx_memcpy(p, about.data, about.len);

    return intake;
}


void
wgw_intake_run(wgw_intake_t *intake)
{
    intake->job.step = intake_step;
    intake->job.handler = intake_stepped;

    wgw_writer_run(&intake->job);
}


void
wgw_intake_destroy(wgw_intake_t *intake)
{
    intake->pool->log = ngx_cycle->log;

    ngx_destroy_pool(intake->pool);
}


/* In the thread. */

static ngx_uint_t
intake_step(wgw_job_t *job)
{
    wgw_intake_t  *intake;

    intake = (wgw_intake_t *) ((u_char *) job - offsetof(wgw_intake_t, job));

    if (intake->read) {
        return intake_verify(intake);
    }

    intake->read = 1;
    intake->rc = intake_read(intake);

    return intake->rc == WGW_INTAKE_OK && intake->n && intake->about.len == 0;
}


static wgw_intake_rc_t
intake_read(wgw_intake_t *intake)
{
    uint8_t          *room;
    const char       *reason;
    wgw_container_t   container;

    container.n = 1;

    if (wgw_container_is(intake->body) || intake->about.len) {
        room = ngx_palloc(intake->pool, WGW_INTAKE_BYTES);
        if (room == NULL) {
            return WGW_INTAKE_MEMORY;
        }

        reason = wgw_container_read(&container, intake->body, room,
                                    WGW_INTAKE_BYTES);
        if (reason) {
            return intake_no(intake,
                             ngx_strcmp(reason, WGW_CONTAINER_LARGE) == 0
                             ? WGW_INTAKE_LARGE : WGW_INTAKE_FORM, reason);
        }
    }

    if (container.n > WGW_INTAKE_TOKENS) {
        return intake_no(intake, WGW_INTAKE_LARGE,
                         "a submission has at most 256 tokens");
    }

    intake->claims = ngx_palloc(intake->pool,
                                container.n * sizeof(wgw_claim_t) + 1);
    if (intake->claims == NULL) {
        return WGW_INTAKE_MEMORY;
    }

    return intake_tokens(intake, &container);
}


static wgw_intake_rc_t
intake_tokens(wgw_intake_t *intake, wgw_container_t *container)
{
    size_t       i, n;
    wgw_text_t   token;
    const char  *reason;

    n = container->n;

    for (i = 0; i < n; i++) {
        token = intake->body;

        if (wgw_container_is(intake->body)) {
            wgw_container_next(container, &token);
        }

        reason = intake_token(intake, &intake->claims[intake->n], token);

        if (reason == NULL) {
            intake->n++;
            continue;
        }

        if (intake->about.len == 0) {
            intake->bad = i;
            return intake_no(intake, WGW_INTAKE_BAD, reason);
        }

        intake->left_out++;
    }

    return WGW_INTAKE_OK;
}


/* NULL, or why it is refused before its signature is checked. */

static const char *
intake_token(wgw_intake_t *intake, wgw_claim_t *claim, wgw_text_t token)
{
    const char  *reason;

    reason = wgw_claim_read(claim, token, intake->conf->quotes);

    if (reason == NULL) {
        reason = wgw_token_time(&claim->token, intake->now,
                                intake->conf->skew);
    }

    /* the time of some is still to come */

    if (reason && ngx_strcmp(reason, "time:not-yet") == 0) {
        reason = NULL;
    }

    if (reason == NULL && intake->about.len && claim->content.len
        && !wgw_text_equal(claim->content, intake->about))
    {
        reason = "content:other";
    }

    if (reason == NULL && wgw_claim_name(claim) != 0) {
        reason = "token:no-memory";
    }

    claim->came = intake->now;

    return reason;
}


/* The next one's signature. */

static ngx_uint_t
intake_verify(wgw_intake_t *intake)
{
    const char  *reason;

    reason = intake_signature(intake, &intake->claims[intake->verified]);

    if (reason == NULL) {
        intake_keep(intake, intake->verified);

    } else if (intake->about.len == 0) {
        intake->bad = intake->verified;
        intake->rc = intake_no(intake, WGW_INTAKE_BAD, reason);
        return 0;

    } else {
        intake->left_out++;
    }

    if (++intake->verified < intake->n) {
        return 1;
    }

    intake->n = intake->kept;

    if (intake->about.len) {
        intake_connect(intake);
    }

    return 0;
}


static const char *
intake_signature(wgw_intake_t *intake, wgw_claim_t *claim)
{
    size_t          n, which;
    const char     *reason;
    wgw_did_key_t   keys[INTAKE_KEYS];

    n = wgw_claims_keys(intake->conf, claim->token.iss, keys, INTAKE_KEYS);

    reason = wgw_token_verify(&claim->token, keys, n, &which);

    if (reason == NULL && !wgw_did_is_key(claim->token.iss)) {
        claim->key = keys[which];
    }

    return reason;
}


static void
intake_keep(wgw_intake_t *intake, size_t i)
{
    size_t  to;

    to = intake->kept++;

    if (to != i) {
        intake->claims[to] = intake->claims[i];
        intake->rooted[to] = intake->rooted[i];
    }
}


/* Until nothing is found any more: chains are short. */

static void
intake_connect(wgw_intake_t *intake)
{
    size_t    i;
    unsigned  found;

    do {
        found = 0;

        for (i = 0; i < intake->n; i++) {

            if (!intake->rooted[i] && intake_connected(intake, i)) {
                intake->rooted[i] = 1;
                found = 1;
            }
        }

    } while (found);

    intake->kept = 0;

    for (i = 0; i < intake->n; i++) {

        if (intake->rooted[i]) {
            intake_keep(intake, i);
        }
    }

    intake->left_out += intake->n - intake->kept;
    intake->n = intake->kept;
}


static unsigned
intake_connected(wgw_intake_t *intake, size_t i)
{
    size_t  k;

    for (k = 0; k < intake->n; k++) {

        if (intake->rooted[k]
            && wgw_text_equal(intake->claims[k].token.aud,
                              intake->claims[i].token.iss))
        {
            return 1;
        }
    }

    return 0;
}


static void
intake_stepped(wgw_job_t *job)
{
    wgw_intake_t  *intake;

    intake = (wgw_intake_t *) ((u_char *) job - offsetof(wgw_intake_t, job));

    if (intake->rc == WGW_INTAKE_OK && intake->about.len && !intake->sifted) {
        intake->sifted = 1;
        intake_sift(intake);

        if (intake->rc == WGW_INTAKE_OK && intake->n) {
            wgw_writer_run(&intake->job);
            return;
        }

    } else if (intake->rc == WGW_INTAKE_OK) {
        intake_records(intake);
    }

    if (intake->rc != WGW_INTAKE_OK || intake->n == 0) {
        intake->done(intake);
        return;
    }

    intake->change.make = intake_make;
    intake->change.handler = intake_done;
    intake->change.data = intake;

    wgw_writer_post(&intake->change);
}


/* What is stored needs no check, and nothing to be written. */

static void
intake_sift(wgw_intake_t *intake)
{
    size_t         i;
    uint64_t       id;
    wgw_change_t  *change;

    change = &intake->change;
    change->rc = wgw_store_begin(change->store, &id, &change->error);

    if (change->rc != WGW_STORE_OK) {
        intake->rc = WGW_INTAKE_STORE;
        return;
    }

    for (i = 0; i < intake->n; i++) {

        if (!intake_stored(intake, &intake->claims[i])) {
            intake->rooted[i] = intake_rooted(intake, &intake->claims[i]);
            intake_keep(intake, i);
        }
    }

    intake->n = intake->kept;
    intake->kept = 0;

    wgw_store_end(change->store);
}


static unsigned
intake_stored(wgw_intake_t *intake, wgw_claim_t *claim)
{
    uint8_t             id[WGW_TOKEN_ID];
    wgw_text_t          row;
    wgw_store_error_t   error;

    return wgw_claim_rows_get(intake->change.store,
                              (wgw_text_t) { (char *) claim->id,
                                             WGW_TOKEN_ID },
                              id, &row, &error)
           == WGW_STORE_OK
           && row.len == WGW_CLAIM_HEAD + claim->token.bytes.len
           && ngx_memcmp(row.data + WGW_CLAIM_HEAD, claim->token.bytes.data,
                         claim->token.bytes.len)
              == 0;
}


/* Issued by a subject, or by the audience of a token that is stored. */

static unsigned
intake_rooted(wgw_intake_t *intake, wgw_claim_t *claim)
{
    size_t              i;
    uint8_t             hash[WGW_CLAIM_HASH], id[WGW_TOKEN_ID];
    wgw_chain_rules_t  *rules;
    wgw_store_error_t   error;

    rules = &intake->conf->rules;

    for (i = 0; i < rules->nsubjects; i++) {

        if (wgw_text_equal(rules->subjects[i], claim->token.iss)) {
            return 1;
        }
    }

    wgw_claim_hash(hash, claim->token.iss);

    return wgw_claim_rows_next(intake->change.store, WGW_CLAIM_AUDIENCES,
                               hash, (wgw_text_t) { NULL, 0 }, id, &error)
           == WGW_STORE_OK;
}


/*
 * What has a limit must have a record: those without would be counted
 * together, and limited by nothing.
 */

static void
intake_records(wgw_intake_t *intake)
{
    size_t           i;
    wgw_intake_rc_t  rc;

    intake->kept = 0;

    for (i = 0; i < intake->n; i++) {
        rc = intake_record(intake, &intake->claims[i]);

        if (rc == WGW_INTAKE_OK) {
            intake_keep(intake, i);

        } else if (intake->about.len == 0) {
            intake->bad = i;
            intake->rc = rc;
            return;

        } else {
            intake->left_out++;
        }
    }

    intake->n = intake->kept;
}


static wgw_intake_rc_t
intake_record(wgw_intake_t *intake, const wgw_claim_t *claim)
{
    char                 key[WGW_CLAIMS_RECORD];
    void                *memory;
    size_t               i;
    wgw_text_t           text;
    wgw_policy_t         policy;
    wgw_meter_zone_t    *zone;
    wgw_claim_limits_t   limits;

    memory = ngx_palloc(intake->pool,
                        wgw_policy_room(&claim->token.size) + 1);
    if (memory == NULL) {
        return WGW_INTAKE_MEMORY;
    }

    wgw_policy_build(&policy, &claim->token.pol, claim->token.quotes,
                     &claim->token.size, memory);
    wgw_claim_limits(&limits, &policy);

    for (i = 0; i < limits.n; i++) {

        if (intake->conf->keys == 0) {
            return intake_no(intake, WGW_INTAKE_BAD,
                             "policy:usage-without-zone");
        }

        zone = intake->conf->limits[limits.limits[i].window];
        wgw_claims_record(key, claim->id, limits.limits[i].bytes);
        text.data = key;
        text.len = sizeof(key);

        if (wgw_table_get(&zone->zone.table, text) < WGW_TABLE_FIRST) {
            ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                          "wgw_claims_zone is full, a token with limits is "
                          "refused");

            return WGW_INTAKE_ZONE;
        }
    }

    return WGW_INTAKE_OK;
}


/* In the thread. */

static wgw_store_rc_t
intake_make(wgw_txn_t *t, wgw_change_t *change)
{
    wgw_intake_t    *intake;
    wgw_store_rc_t   rc;

    intake = change->data;

    for ( ;; ) {
        intake->reason = NULL;

        rc = wgw_claim_rows_put(t, intake->claims, intake->n,
                                &intake->bad, &intake->reason,
                                &intake->added);

        if (rc != WGW_STORE_MISMATCH || intake->reason == NULL
            || intake->about.len == 0)
        {
            return rc;
        }

        /* one that is revoked, before anything is put */

        intake->claims[intake->bad] = intake->claims[--intake->n];
        intake->left_out++;
    }
}


static void
intake_done(wgw_change_t *change)
{
    wgw_intake_t  *intake;

    intake = change->data;

    if (change->rc == WGW_STORE_MISMATCH && intake->reason) {
        intake->rc = WGW_INTAKE_BAD;

    } else if (change->rc != WGW_STORE_OK) {
        intake->rc = WGW_INTAKE_STORE;
    }

    intake->done(intake);
}


static wgw_intake_rc_t
intake_no(wgw_intake_t *intake, wgw_intake_rc_t rc, const char *reason)
{
    intake->reason = reason;

    return rc;
}
