
/*
 * row: rows that carry the id of the change that last altered them, and the
 * rows of a pair, which a replace of the whole set must not lose.
 *
 * A change is looked at first and then made:
 *
 *     row.db = DB;  row.key = key;  row.value = value;
 *     wgw_row_find(&t, &row);          existed, same, change
 *     wgw_row_put(&t, &row);           or wgw_row_delete()
 *
 * A row that is there and the same, but for the change id, is not altered and
 * keeps its id.  While a shadow is being filled (shadow.h) a change is made to
 * both sets.
 */

#ifndef WGW_ROW_H
#define WGW_ROW_H


#include "store/txn.h"

#pragma GCC visibility push(hidden)


typedef struct {
    unsigned           db;
    wgw_text_t         key;
    wgw_text_t         value;           /* to put; its id has no meaning;
                                           settled, see class.h */

    unsigned           existed:1;       /* before */
    unsigned           same:1;
    unsigned           altered:1;       /* it is not as before */
    uint64_t           change;          /* 0: there is, or was, none */
} wgw_row_t;


/* OK or NONE, or what failed. */
wgw_store_rc_t wgw_row_find(wgw_txn_t *t, wgw_row_t *row);

/* Of a row that was found or not; a delete of what is not there is NONE. */
wgw_store_rc_t wgw_row_put(wgw_txn_t *t, wgw_row_t *row);
wgw_store_rc_t wgw_row_delete(wgw_txn_t *t, wgw_row_t *row);

/*
 * Makes all the changes in one transaction, or none, and counts them: a row
 * that is there and the same, and a delete of what is not there, count
 * nothing.  Rows in the order of their keys are the fastest.  Blocks.
 */
wgw_store_rc_t wgw_row_write(wgw_store_t *store, unsigned db,
    const wgw_store_row_t *rows, size_t n, wgw_store_counts_t *counts,
    wgw_store_error_t *error);

/*
 * For the store's own parts.  LMDB's codes: a row with this change id, put
 * into a database of the class's `db`.
 */
int wgw_row_store(wgw_txn_t *t, unsigned db, MDB_dbi dbi, wgw_text_t key,
    wgw_text_t value, uint64_t change, unsigned flags);

/* 1: two rows of the first database are of the same change. */
unsigned wgw_row_alike(const wgw_txn_t *t, const MDB_val *one,
    const MDB_val *other);

/* The row of the first database was altered: 0, or what failed. */
int wgw_row_note(wgw_txn_t *t, const MDB_val *key);

/* Gives rows with ids that are to come this transaction's. */
void wgw_row_renumber(wgw_txn_t *t, unsigned db);


#pragma GCC visibility pop

#endif /* WGW_ROW_H */
