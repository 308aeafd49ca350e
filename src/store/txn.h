
/*
 * txn: a transaction that changes a store.
 *
 * Blocks, for another writer and for the disk: for a thread (writer.h).  The
 * first thing that fails is remembered, whatever follows does nothing then,
 * and the end says it and drops all: a caller may look at no code but that of
 * wgw_txn_end().
 *
 *     wgw_txn_begin(&t, store);
 *     rc = wgw_txn_put(&t, DB, key, value);
 *     ...
 *     rc = wgw_txn_end(&t, &error);
 *
 * Keys are 1 to 511 bytes.  Rows that carry a change id, and those of a pair,
 * are put and deleted by row.h.
 */

#ifndef WGW_TXN_H
#define WGW_TXN_H


#include "store/mark.h"
#include "store/store.h"

#pragma GCC visibility push(hidden)


/* Its members are the store's own. */
typedef struct wgw_txn_s {
    MDB_txn           *txn;
    wgw_env_t         *env;
    wgw_store_t       *store;           /* NULL: before it is opened */
    int                err;             /* LMDB's code of what failed */
    unsigned           current;         /* of the pair, what is read */
    unsigned           marked;          /* there is a mark */
    unsigned           noting;          /* of altered rows, see class.h */
    wgw_mark_t         mark;
    unsigned           changed;
} wgw_txn_t;


typedef enum {
    WGW_TXN_KEEP = 0,
    WGW_TXN_DELETE,
    WGW_TXN_STOP                        /* and keep */
} wgw_txn_verdict_t;


/* May fail as anything else; an end must follow. */
void wgw_txn_begin(wgw_txn_t *t, wgw_store_t *store);

/* Commits, if something was changed and nothing failed. */
wgw_store_rc_t wgw_txn_end(wgw_txn_t *t, wgw_store_error_t *error);

/* The version that the changes have. */
uint64_t wgw_txn_id(const wgw_txn_t *t);

/* From now on, in all transactions, altered rows are noted, or are not. */
void wgw_txn_note(wgw_txn_t *t, unsigned on);

/* For some changes of this one; what it was. */
unsigned wgw_txn_noting(wgw_txn_t *t, unsigned on);

/* Fails it: nothing will have been changed.  An errno or LMDB's code. */
wgw_store_rc_t wgw_txn_fail(wgw_txn_t *t, int err);

/* OK, NONE, or what failed.  The value is valid until the next change. */
wgw_store_rc_t wgw_txn_get(wgw_txn_t *t, unsigned db, wgw_text_t key,
    wgw_text_t *value);
wgw_store_rc_t wgw_txn_put(wgw_txn_t *t, unsigned db, wgw_text_t key,
    wgw_text_t value);
wgw_store_rc_t wgw_txn_delete(wgw_txn_t *t, unsigned db, wgw_text_t key);

/* Visits the rows from `from` on, in byte order, and deletes some. */
wgw_store_rc_t wgw_txn_each(wgw_txn_t *t, unsigned db, wgw_text_t from,
    wgw_txn_verdict_t (*visit)(wgw_text_t key, wgw_text_t value, void *data),
    void *data);

/* For the store's own parts: at a start; the database that is meant. */
void wgw_txn_start(wgw_txn_t *t, wgw_env_t *env);
MDB_dbi wgw_txn_dbi(const wgw_txn_t *t, unsigned db);


#pragma GCC visibility pop

#endif /* WGW_TXN_H */
