
/*
 * rows: see rows.h.
 */

#include "claims/rows.h"
#include "crypto/sha256.h"
#include "store/number.h"

#include <errno.h>
#include <string.h>

#include <openssl/rand.h>


#define ROWS_LINK   (2 * WGW_CLAIM_HASH + WGW_TOKEN_ID)
#define ROWS_ITEM   (WGW_CLAIM_HASH + WGW_TOKEN_ID)
#define ROWS_END    (8 + WGW_TOKEN_ID)

#define ROWS_ENDED  64                  /* taken out in one change, */
#define ROWS_LATE   3600                /* so long after the end: >= any skew */
#define ROWS_OF     64                  /* tokens of one issuer, looked at */


typedef struct {
    int64_t      now;
    size_t       n;
    uint8_t      keys[ROWS_ENDED][ROWS_END];
} rows_ended_t;


/* Whose tokens were collected. */
typedef struct {
    wgw_text_t   dids[WGW_CHAIN_TOKENS];
    size_t       n;
} rows_issuers_t;


static wgw_store_rc_t rows_put_one(wgw_txn_t *t, const wgw_claim_t *claim);
static unsigned rows_is_revoked(wgw_txn_t *t, const wgw_claim_t *claim);
static void rows_delete(wgw_txn_t *t, const wgw_claim_t *claim);
static void rows_index(wgw_txn_t *t, const wgw_claim_t *claim, unsigned put);
static void rows_either(wgw_txn_t *t, unsigned db, const void *key,
    size_t len, unsigned put);
static void rows_end_key(uint8_t key[ROWS_END], const wgw_claim_t *claim);
static void rows_stamp(wgw_txn_t *t, wgw_text_t content);
static int64_t rows_end_of(const void *key);
static wgw_txn_verdict_t rows_ended(wgw_text_t key, wgw_text_t value,
    void *data);
static int rows_copy(wgw_claim_t *claim, uint8_t *copy, wgw_text_t row);
static wgw_store_rc_t rows_collect_of(wgw_store_t *store, wgw_text_t issuer,
    wgw_text_t content, unsigned quotes, wgw_claim_t *claims, size_t *n,
    wgw_store_error_t *error);
static void rows_issuer(rows_issuers_t *issuers, wgw_text_t did);
static wgw_text_t rows_text(const void *data, size_t len);


const wgw_store_class_t  wgw_claim_rows_class = {
    .what = "claims",
    .meta = "wgw-claims",
    .format = 1,
    .n = 8,
    .databases = {
        { "tokens", WGW_STORE_PLAIN, NULL },
        { "links", WGW_STORE_PLAIN, NULL },
        { "audiences", WGW_STORE_PLAIN, NULL },
        { "contents", WGW_STORE_PLAIN, NULL },
        { "cids", WGW_STORE_PLAIN, NULL },
        { "revoked", WGW_STORE_PLAIN, NULL },
        { "ends", WGW_STORE_PLAIN, NULL },
        { "stamps", WGW_STORE_PLAIN, NULL }
    }
};


void
wgw_claim_hash(uint8_t hash[WGW_CLAIM_HASH], wgw_text_t text)
{
    uint8_t  whole[WGW_SHA256];

    memset(hash, 0, WGW_CLAIM_HASH);

    if (text.len && wgw_sha256(text.data, text.len, whole) == 0) {
        memcpy(hash, whole, WGW_CLAIM_HASH);
    }
}


wgw_store_rc_t
wgw_claim_rows_put(wgw_txn_t *t, const wgw_claim_t *claims, size_t n,
    size_t *which, const char **reason, size_t *added)
{
    size_t          i;
    wgw_text_t      row;
    wgw_store_rc_t  rc;

    *added = 0;

    for (i = 0; i < n; i++) {

        if (rows_is_revoked(t, &claims[i])) {
            *which = i;
            *reason = "revoked:revoked";
            return WGW_STORE_MISMATCH;
        }
    }

    for (i = 0; i < n; i++) {

        rc = wgw_txn_get(t, WGW_CLAIM_TOKENS,
                         rows_text(claims[i].id, WGW_TOKEN_ID), &row);

        if (rc == WGW_STORE_NONE) {
            rc = rows_put_one(t, &claims[i]);
            ++*added;
        }

        if (rc != WGW_STORE_OK) {
            return rc;
        }
    }

    return WGW_STORE_OK;
}


static wgw_store_rc_t
rows_put_one(wgw_txn_t *t, const wgw_claim_t *claim)
{
    uint8_t  row[WGW_CLAIM_ROW];

    rows_index(t, claim, 1);
    rows_stamp(t, claim->content);

    return wgw_txn_put(t, WGW_CLAIM_TOKENS,
                       rows_text(claim->id, WGW_TOKEN_ID),
                       rows_text(row, wgw_claim_pack(claim, row)));
}


static unsigned
rows_is_revoked(wgw_txn_t *t, const wgw_claim_t *claim)
{
    wgw_text_t  value;

    return wgw_txn_get(t, WGW_CLAIM_REVOKED,
                       rows_text(claim->id, WGW_TOKEN_ID), &value)
           == WGW_STORE_OK
           || wgw_txn_get(t, WGW_CLAIM_REVOKED,
                          rows_text(claim->cid, WGW_TOKEN_CID), &value)
              == WGW_STORE_OK
           || (claim->has_twin
               && wgw_txn_get(t, WGW_CLAIM_REVOKED,
                              rows_text(claim->twin, WGW_TOKEN_CID), &value)
                  == WGW_STORE_OK);
}


wgw_store_rc_t
wgw_claim_rows_revoke(wgw_txn_t *t, wgw_text_t name)
{
    uint8_t         id[WGW_TOKEN_ID], until[8], copy[WGW_CLAIM_ROW];
    wgw_text_t      value;
    wgw_claim_t     claim;
    wgw_store_rc_t  rc;

    memset(until, 0, sizeof(until));

    if (name.len == WGW_TOKEN_CID) {
        rc = wgw_txn_get(t, WGW_CLAIM_CIDS, name, &value);

        if (rc == WGW_STORE_OK && value.len == WGW_TOKEN_ID) {
            memcpy(id, value.data, WGW_TOKEN_ID);
            name = rows_text(id, WGW_TOKEN_ID);
        }
    }

    rc = wgw_txn_get(t, WGW_CLAIM_TOKENS, name, &value);

    if (rc == WGW_STORE_FAILED) {
        return rc;
    }

    if (rc == WGW_STORE_OK && rows_copy(&claim, copy, value) == 0) {

        if (claim.token.has_exp) {
            wgw_number_put(until, (uint64_t) claim.token.exp, 8);
        }

        rows_delete(t, &claim);
    }

    return wgw_txn_put(t, WGW_CLAIM_REVOKED, name,
                       rows_text(until, sizeof(until)));
}


static void
rows_delete(wgw_txn_t *t, const wgw_claim_t *claim)
{
    rows_index(t, claim, 0);
    rows_stamp(t, claim->content);

    (void) wgw_txn_delete(t, WGW_CLAIM_TOKENS,
                          rows_text(claim->id, WGW_TOKEN_ID));
}


/*
 * Where a token that goes has an end, its row in `ends` stays: it takes the
 * revocation with it.
 */

static void
rows_index(wgw_txn_t *t, const wgw_claim_t *claim, unsigned put)
{
    uint8_t     link[ROWS_LINK], item[ROWS_ITEM], end[ROWS_END];
    wgw_text_t  id;

    id = rows_text(claim->id, WGW_TOKEN_ID);

    wgw_claim_hash(link, claim->token.iss);
    wgw_claim_hash(link + WGW_CLAIM_HASH, claim->content);
    memcpy(link + 2 * WGW_CLAIM_HASH, claim->id, WGW_TOKEN_ID);
    rows_either(t, WGW_CLAIM_LINKS, link, sizeof(link), put);

    wgw_claim_hash(item, claim->token.aud);
    memcpy(item + WGW_CLAIM_HASH, claim->id, WGW_TOKEN_ID);
    rows_either(t, WGW_CLAIM_AUDIENCES, item, sizeof(item), put);

    wgw_claim_hash(item, claim->content);
    rows_either(t, WGW_CLAIM_CONTENTS, item, sizeof(item), put);

    if (!put) {
        (void) wgw_txn_delete(t, WGW_CLAIM_CIDS,
                              rows_text(claim->cid, WGW_TOKEN_CID));

        if (claim->has_twin) {
            (void) wgw_txn_delete(t, WGW_CLAIM_CIDS,
                                  rows_text(claim->twin, WGW_TOKEN_CID));
        }

        return;
    }

    (void) wgw_txn_put(t, WGW_CLAIM_CIDS,
                       rows_text(claim->cid, WGW_TOKEN_CID), id);

    if (claim->has_twin) {
        (void) wgw_txn_put(t, WGW_CLAIM_CIDS,
                           rows_text(claim->twin, WGW_TOKEN_CID), id);
    }

    if (claim->token.has_exp) {
        rows_end_key(end, claim);
        rows_either(t, WGW_CLAIM_ENDS, end, sizeof(end), 1);
    }
}


static void
rows_either(wgw_txn_t *t, unsigned db, const void *key, size_t len,
    unsigned put)
{
    if (put) {
        (void) wgw_txn_put(t, db, rows_text(key, len), rows_text("", 1));

    } else {
        (void) wgw_txn_delete(t, db, rows_text(key, len));
    }
}


/* What has ended before 1970 is not stored. */

static void
rows_end_key(uint8_t key[ROWS_END], const wgw_claim_t *claim)
{
    size_t  i;

    for (i = 0; i < 8; i++) {
        key[i] = (uint8_t) ((uint64_t) claim->token.exp >> (56 - 8 * i));
    }

    memcpy(key + 8, claim->id, WGW_TOKEN_ID);
}


static void
rows_stamp(wgw_txn_t *t, wgw_text_t content)
{
    uint8_t  hash[WGW_CLAIM_HASH], stamp[WGW_CLAIM_STAMP];

    wgw_claim_hash(hash, content);

    if (RAND_bytes(stamp, sizeof(stamp)) != 1) {
        (void) wgw_txn_fail(t, ENOMEM);
        return;
    }

    (void) wgw_txn_put(t, WGW_CLAIM_STAMPS, rows_text(hash, sizeof(hash)),
                       rows_text(stamp, sizeof(stamp)));
}


void
wgw_claim_rows_end(wgw_txn_t *t, int64_t now)
{
    size_t         i;
    uint8_t        copy[WGW_CLAIM_ROW];
    wgw_text_t     id, row;
    wgw_claim_t    claim;
    rows_ended_t   ended;

    ended.now = now - ROWS_LATE;
    ended.n = 0;

    (void) wgw_txn_each(t, WGW_CLAIM_ENDS, rows_text("", 0), rows_ended,
                        &ended);

    for (i = 0; i < ended.n; i++) {
        id = rows_text(ended.keys[i] + 8, WGW_TOKEN_ID);

        if (wgw_txn_get(t, WGW_CLAIM_TOKENS, id, &row) == WGW_STORE_OK
            && rows_copy(&claim, copy, row) == 0)
        {
            rows_delete(t, &claim);
        }

        (void) wgw_txn_delete(t, WGW_CLAIM_REVOKED, id);
        (void) wgw_txn_delete(t, WGW_CLAIM_ENDS,
                              rows_text(ended.keys[i], ROWS_END));
    }
}


wgw_store_rc_t
wgw_claim_rows_ended(wgw_store_t *store, int64_t now, unsigned *ended,
    wgw_store_error_t *error)
{
    wgw_text_t      key, value;
    wgw_store_rc_t  rc;

    rc = wgw_store_next(store, WGW_CLAIM_ENDS, rows_text("", 0), &key, &value,
                        error);

    *ended = rc == WGW_STORE_OK && key.len == ROWS_END
             && rows_end_of(key.data) < now - ROWS_LATE;

    return rc == WGW_STORE_NONE ? WGW_STORE_OK : rc;
}


static wgw_txn_verdict_t
rows_ended(wgw_text_t key, wgw_text_t value, void *data)
{
    rows_ended_t  *ended;

    (void) value;

    ended = data;

    if (ended->n == ROWS_ENDED || key.len != ROWS_END) {
        return WGW_TXN_STOP;
    }

    if (rows_end_of(key.data) >= ended->now) {
        return WGW_TXN_STOP;
    }

    memcpy(ended->keys[ended->n++], key.data, ROWS_END);

    return WGW_TXN_KEEP;
}


static int64_t
rows_end_of(const void *key)
{
    size_t          i;
    int64_t         end;
    const uint8_t  *p;

    p = key;
    end = 0;

    for (i = 0; i < 8; i++) {
        end = end << 8 | p[i];
    }

    return end;
}


/* A row of the transaction moves with its next change. */

static int
rows_copy(wgw_claim_t *claim, uint8_t *copy, wgw_text_t row)
{
    if (row.len > WGW_CLAIM_ROW) {
        return -1;
    }

    memcpy(copy, row.data, row.len);

    if (wgw_claim_unpack(claim, rows_text(copy, row.len), 1) != 0) {
        return -1;
    }

    return wgw_claim_name(claim);
}


wgw_store_rc_t
wgw_claim_rows_stamps(wgw_store_t *store, wgw_text_t content,
    wgw_claim_stamps_t *stamps, wgw_store_error_t *error)
{
    int             i;
    uint8_t         hash[WGW_CLAIM_HASH], *stamp;
    wgw_text_t      value;
    wgw_store_rc_t  rc;

    memset(stamps, 0, sizeof(wgw_claim_stamps_t));

    for (i = 0; i < 2; i++) {
        wgw_claim_hash(hash, i ? rows_text("", 0) : content);
        stamp = i ? stamps->any : stamps->content;

        rc = wgw_store_get(store, WGW_CLAIM_STAMPS,
                           rows_text(hash, sizeof(hash)), &value, error);

        if (rc == WGW_STORE_OK && value.len == WGW_CLAIM_STAMP) {
            memcpy(stamp, value.data, WGW_CLAIM_STAMP);

        } else if (rc != WGW_STORE_NONE) {
            return WGW_STORE_FAILED;
        }
    }

    return WGW_STORE_OK;
}


wgw_store_rc_t
wgw_claim_rows_get(wgw_store_t *store, wgw_text_t name,
    uint8_t id[WGW_TOKEN_ID], wgw_text_t *row, wgw_store_error_t *error)
{
    wgw_text_t      value;
    wgw_store_rc_t  rc;

    if (name.len == WGW_TOKEN_CID) {
        rc = wgw_store_get(store, WGW_CLAIM_CIDS, name, &value, error);

        if (rc != WGW_STORE_OK) {
            return rc;
        }

        name = value;
    }

    if (name.len != WGW_TOKEN_ID) {
        return WGW_STORE_NONE;
    }

    memcpy(id, name.data, WGW_TOKEN_ID);

    return wgw_store_get(store, WGW_CLAIM_TOKENS,
                         rows_text(id, WGW_TOKEN_ID), row, error);
}


wgw_store_rc_t
wgw_claim_rows_next(wgw_store_t *store, unsigned db, const uint8_t *hash,
    wgw_text_t after, uint8_t id[WGW_TOKEN_ID], wgw_store_error_t *error)
{
    size_t          head;
    uint8_t         from[ROWS_ITEM];
    wgw_text_t      key, value;
    wgw_store_rc_t  rc;

    head = 0;

    if (hash) {
        head = WGW_CLAIM_HASH;
        memcpy(from, hash, head);
    }

    memcpy(from + head, after.data, after.len);

    rc = wgw_store_next(store, db, rows_text(from, head + after.len), &key,
                        &value, error);

    if (rc != WGW_STORE_OK) {
        return rc;
    }

    if (key.len != head + WGW_TOKEN_ID
        || (hash && memcmp(key.data, hash, head) != 0))
    {
        return WGW_STORE_NONE;
    }

    memcpy(id, key.data + head, WGW_TOKEN_ID);

    return WGW_STORE_OK;
}


wgw_store_rc_t
wgw_claim_rows_collect(wgw_store_t *store, const wgw_chain_rules_t *rules,
    wgw_text_t content, unsigned quotes, wgw_claim_t *claims, size_t *n,
    wgw_store_error_t *error)
{
    size_t           i, done;
    wgw_store_rc_t   rc;
    rows_issuers_t   issuers;

    *n = 0;
    issuers.n = 0;

    for (i = 0; i < rules->nsubjects; i++) {
        rows_issuer(&issuers, rules->subjects[i]);
    }

    done = 0;

    for (i = 0; i < issuers.n; i++) {

        rc = rows_collect_of(store, issuers.dids[i], content, quotes, claims,
                             n, error);

        if (rc == WGW_STORE_OK) {
            rc = rows_collect_of(store, issuers.dids[i], rows_text("", 0),
                                 quotes, claims, n, error);
        }

        if (rc != WGW_STORE_OK) {
            return rc;
        }

        for ( /* void */ ; done < *n; done++) {

            if (!wgw_text_equal(claims[done].token.aud, rules->gateway)) {
                rows_issuer(&issuers, claims[done].token.aud);
            }
        }
    }

    return WGW_STORE_OK;
}


static wgw_store_rc_t
rows_collect_of(wgw_store_t *store, wgw_text_t issuer, wgw_text_t content,
    unsigned quotes, wgw_claim_t *claims, size_t *n,
    wgw_store_error_t *error)
{
    size_t          i, len;
    uint8_t         head[2 * WGW_CLAIM_HASH];
    wgw_text_t      after, key, row;
    wgw_claim_t    *claim;
    wgw_store_rc_t  rc;

    wgw_claim_hash(head, issuer);
    wgw_claim_hash(head + WGW_CLAIM_HASH, content);

    len = sizeof(head);
    after = rows_text(head, len);

    for (i = 0; i < ROWS_OF && *n < WGW_CHAIN_TOKENS; i++) {

        rc = wgw_store_next(store, WGW_CLAIM_LINKS, after, &key, &row, error);

        if (rc == WGW_STORE_NONE
            || (rc == WGW_STORE_OK
                && (key.len != ROWS_LINK
                    || memcmp(key.data, head, len) != 0)))
        {
            return WGW_STORE_OK;
        }

        if (rc != WGW_STORE_OK) {
            return rc;
        }

        after = key;
        claim = &claims[*n];

        rc = wgw_store_get(store, WGW_CLAIM_TOKENS,
                           rows_text(key.data + len, WGW_TOKEN_ID), &row,
                           error);

        if (rc == WGW_STORE_FAILED) {
            return rc;
        }

        /* hashes may meet, and settings have changed since it came */

        if (rc == WGW_STORE_OK
            && wgw_claim_unpack(claim, row, quotes) == 0
            && wgw_text_equal(claim->token.iss, issuer)
            && wgw_text_equal(claim->content, content))
        {
            memcpy(claim->id, key.data + len, WGW_TOKEN_ID);
            ++*n;
        }
    }

    return WGW_STORE_OK;
}


static void
rows_issuer(rows_issuers_t *issuers, wgw_text_t did)
{
    size_t  i;

    for (i = 0; i < issuers->n; i++) {

        if (wgw_text_equal(issuers->dids[i], did)) {
            return;
        }
    }

    if (issuers->n < WGW_CHAIN_TOKENS) {
        issuers->dids[issuers->n++] = did;
    }
}


static wgw_text_t
rows_text(const void *data, size_t len)
{
    return (wgw_text_t) { data, len };
}
