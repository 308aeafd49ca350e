
/*
 * follow: the store's side of names that several machines have alike: what
 * others have to be told, what they said, and how far that was read.
 *
 *     outbox    name -> u64 id of the transaction that altered it: others are
 *               to be told what it is now; written by every change of the
 *               store's own (class.h), in its transaction
 *     refill    name -> nothing: others are to be told, if they have an older
 *               one or none, since the fleet has lost its data
 *     fleet     name -> u64 version, u8 gone: what the fleet has called it;
 *               a name that is gone is remembered for WGW_FOLLOW_REMEMBERED
 *     wgw       META "fleet" -> the state, see below
 *
 * A version is a number of 53 bits that grows over all names, in microseconds
 * since the epoch where clocks are right.  A row that was told is taken if its
 * version is later than what is here, and nothing of the name is in the
 * outbox: what is there will get a later one yet.
 *
 * All functions with a transaction are for a thread, as txn.h says, and
 * their changes are not noted in the outbox.
 */

#ifndef WGW_FOLLOW_H
#define WGW_FOLLOW_H


#include "names/rows.h"

#pragma GCC visibility push(hidden)


#define WGW_FOLLOW_VERSION     9007199254740992     /* 2^53, of 2255 */
#define WGW_FOLLOW_EPOCH       16
#define WGW_FOLLOW_REMEMBERED  ((uint64_t) 30 * 86400 * 1000000)


/* What one machine tells another. */
typedef struct {
    wgw_text_t      name;
    uint64_t        version;
    uint64_t        life;           /* of the record, see record.h */
    wgw_text_t      json;
    unsigned        gone:1;         /* there is no record */
    unsigned        close:1;        /* its connections are to end */
} wgw_follow_row_t;


/* How far it was read, and of whom. */
typedef struct {
    uint64_t        store;          /* at random, of this copy */
    uint64_t        position;
    uint64_t        told;           /* the last that was said from here */
    unsigned        again:1;        /* something was refused */
    unsigned        known:1;        /* there is an epoch */
    char            epoch[WGW_FOLLOW_EPOCH];
} wgw_follow_state_t;


typedef enum {
    WGW_FOLLOW_TAKEN = 0,
    WGW_FOLLOW_SAME,                /* it is no later than what is here */
    WGW_FOLLOW_MINE,                /* the outbox has it */
    WGW_FOLLOW_REFUSED              /* the record is bad: see the error */
} wgw_follow_verdict_t;


/* The state; `store` is `random` where there was none.  Noting begins. */
wgw_store_rc_t wgw_follow_start(wgw_txn_t *t, uint64_t random,
    wgw_follow_state_t *state);
wgw_store_rc_t wgw_follow_save(wgw_txn_t *t, const wgw_follow_state_t *state);

/* Checks and takes a row; `storage` has room for WGW_RECORD_JSON bytes. */
wgw_follow_verdict_t wgw_follow_take(wgw_txn_t *t,
    const wgw_follow_row_t *row, const wgw_record_rules_t *rules,
    char *storage, wgw_record_error_t *error);

/* Others were told of it as it was in the outbox with `seq`, 0: in refill. */
wgw_store_rc_t wgw_follow_told(wgw_txn_t *t, wgw_text_t name, uint64_t seq,
    uint64_t version, unsigned gone);

/* The same by somebody who does not know the version: an earlier process. */
wgw_store_rc_t wgw_follow_heard(wgw_txn_t *t, wgw_text_t name, uint64_t seq);

/* The fleet has none: it is told of this one, or this one goes, too. */
wgw_store_rc_t wgw_follow_refill(wgw_txn_t *t, wgw_text_t name);
wgw_store_rc_t wgw_follow_drop(wgw_txn_t *t, wgw_text_t name);

/*
 * Forgets which names are gone for too long, of the next few rows behind
 * `name`, of which `*len` becomes what to go on from, or 0 at the end.
 */
wgw_store_rc_t wgw_follow_forget(wgw_txn_t *t, uint64_t now,
    char name[WGW_NAME_MAX], size_t *len);


/*
 * In a look: what to tell others of the first name behind `after` in the
 * outbox, or with `refill` in that; NONE: there is no more.  One that is not
 * gone and has no JSON is damaged.
 */
typedef struct {
    wgw_follow_row_t    row;
    uint64_t            seq;
    char                name[WGW_NAME_MAX];
    char                json[WGW_RECORD_JSON];
} wgw_follow_item_t;

wgw_store_rc_t wgw_follow_next(wgw_store_t *store, unsigned refill,
    wgw_text_t after, wgw_follow_item_t *item, wgw_store_error_t *error);

/* In a look: 1 where this row would change nothing. */
unsigned wgw_follow_known(wgw_store_t *store, const wgw_follow_row_t *row);

/*
 * In a look: the first name behind `after` that has a record, or a version,
 * and is to be told by nobody; its version, or 0, and whether it is gone.
 */
wgw_store_rc_t wgw_follow_each(wgw_store_t *store, wgw_text_t after,
    wgw_follow_row_t *row, wgw_store_error_t *error);


#pragma GCC visibility pop

#endif /* WGW_FOLLOW_H */
