
/*
 * rows: the claims in their store.
 *
 *     tokens      id -> a row of claim.h
 *     links       issuer, content, id -> nothing
 *     audiences   audience, id -> nothing
 *     contents    content, id -> nothing
 *     cids        CID -> id; of P-256 tokens both CIDs
 *     revoked     id or CID -> u64 when it may be forgotten, 0: never
 *     ends        u64 big-endian, id -> nothing: tokens that end, by time
 *     stamps      content -> 8 random bytes, others with each change of what
 *                 is about it; of zeros: of what is about any content
 *
 * DIDs and contents are put as the first 16 bytes of their SHA-256 (zeros:
 * any), so that keys have one length: who reads a row compares.
 *
 * What has ended is taken out, some at a time, by every change, an hour later:
 * no skew is longer, and what was revoked must not come back.
 */

#ifndef WGW_CLAIM_ROWS_H
#define WGW_CLAIM_ROWS_H


#include "claims/chain.h"
#include "claims/claim.h"
#include "store/txn.h"

#pragma GCC visibility push(hidden)


#define WGW_CLAIM_TOKENS     1          /* the databases */
#define WGW_CLAIM_LINKS      2
#define WGW_CLAIM_AUDIENCES  3
#define WGW_CLAIM_CONTENTS   4
#define WGW_CLAIM_CIDS       5
#define WGW_CLAIM_REVOKED    6
#define WGW_CLAIM_ENDS       7
#define WGW_CLAIM_STAMPS     8

#define WGW_CLAIM_HASH       16
#define WGW_CLAIM_STAMP      8


/* Both stamps of a content. */
typedef struct {
    uint8_t      content[WGW_CLAIM_STAMP];
    uint8_t      any[WGW_CLAIM_STAMP];
} wgw_claim_stamps_t;


extern const wgw_store_class_t  wgw_claim_rows_class;


/* The first bytes of a key; of an empty text zeros. */
void wgw_claim_hash(uint8_t hash[WGW_CLAIM_HASH], wgw_text_t text);

/*
 * Puts them all, or none: MISMATCH, `*which` and `*reason` when one is
 * revoked.  One that is there stays as it is; `*added` counts the others.
 */
wgw_store_rc_t wgw_claim_rows_put(wgw_txn_t *t, const wgw_claim_t *claims,
    size_t n, size_t *which, const char **reason, size_t *added);

/* By id or CID, whether it is there or not. */
wgw_store_rc_t wgw_claim_rows_revoke(wgw_txn_t *t, wgw_text_t name);

/* Takes out some of what has ended. */
void wgw_claim_rows_end(wgw_txn_t *t, int64_t now);

/* In a look, as what follows: whether there is something to take out. */
wgw_store_rc_t wgw_claim_rows_ended(wgw_store_t *store, int64_t now,
    unsigned *ended, wgw_store_error_t *error);

/* The stamps; zeros where nothing has come. */
wgw_store_rc_t wgw_claim_rows_stamps(wgw_store_t *store, wgw_text_t content,
    wgw_claim_stamps_t *stamps, wgw_store_error_t *error);

/* The row of a token's id or CID, and its id. */
wgw_store_rc_t wgw_claim_rows_get(wgw_store_t *store, wgw_text_t name,
    uint8_t id[WGW_TOKEN_ID], wgw_text_t *row, wgw_store_error_t *error);

/*
 * The ids behind `after` (empty: the first) of a list: `db` is AUDIENCES or
 * CONTENTS and `hash` whose, or TOKENS and `hash` NULL.
 */
wgw_store_rc_t wgw_claim_rows_next(wgw_store_t *store, unsigned db,
    const uint8_t *hash, wgw_text_t after, uint8_t id[WGW_TOKEN_ID],
    wgw_store_error_t *error);

/*
 * Rows that may be part of a chain for the content: those of the subjects,
 * and, for each audience of one, those that it issued, until there are WGW_
 * CHAIN_TOKENS.  `claims` has room for these; views of the snapshot.
 */
wgw_store_rc_t wgw_claim_rows_collect(wgw_store_t *store,
    const wgw_chain_rules_t *rules, wgw_text_t content, unsigned quotes,
    wgw_claim_t *claims, size_t *n, wgw_store_error_t *error);


#pragma GCC visibility pop

#endif /* WGW_CLAIM_ROWS_H */
