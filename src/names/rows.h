
/*
 * rows: the names in a store (store.h): canonical name -> packed record
 * (record.h), and the deletions of late that are to end connections.
 *
 *     wgw       META: a deletion is "closed", its transaction's id, 8 bytes,
 *               high byte first, and the name -> u64 time
 *     names     a pair, of records with their change id; a record's life
 *               (record.h) goes on while its name is there and the owner's,
 *               else one begins when it is stored
 *
 *     fleet outbox refill
 *               what other machines are to know of names, see follow.h
 *
 * Looks are the store's own: wgw_store_get(store, WGW_ROWS, name, ...).
 */

#ifndef WGW_ROWS_H
#define WGW_ROWS_H


#include "format/name.h"
#include "names/record.h"
#include "store/row.h"

#pragma GCC visibility push(hidden)


#define WGW_ROWS         1              /* the database of names */
#define WGW_ROWS_FLEET   2
#define WGW_ROWS_OUTBOX  3
#define WGW_ROWS_REFILL  4

#define WGW_ROWS_STATE   "fleet"        /* in META, see follow.h */


extern const wgw_store_class_t  wgw_rows_class;


#define WGW_ROWS_MATCH  16


/*
 * One change.  A put stores `record` under `name` (canonical) unless it is
 * there and equal; a delete needs no record.  With `match` the change is
 * made only if the stored record's change id is one of `if_match`, or, for
 * none of these, if there is any; with `absent` only if there is none.
 */
typedef struct {
    wgw_text_t           name;
    const wgw_record_t  *record;        /* NULL: delete */
    uint64_t             if_match[WGW_ROWS_MATCH];
    size_t               nmatch;
    unsigned             match:1;
    unsigned             absent:1;
    unsigned             close:1;       /* note a deletion for
                                           wgw_rows_closed() */

    /* results */
    unsigned             existed:1;
    unsigned             altered:1;     /* it is not as before */
    uint64_t             change;        /* the record's, after the write */
} wgw_rows_write_t;


/* 1 when the change is made to a record that was last changed by `change`. */
int wgw_rows_match(const wgw_rows_write_t *write, uint64_t change);


/*
 * A place in the list of such deletions: `id` is a transaction's, and, unless
 * `len` is 0, that of the deletion of `name`.
 */
typedef struct {
    uint64_t             id;
    size_t               len;
    char                 name[WGW_NAME_MAX];
} wgw_rows_closed_t;


/* Makes the change; OK, NONE, MISMATCH, or what failed. */
wgw_store_rc_t wgw_rows_write(wgw_txn_t *t, wgw_rows_write_t *write);

/* Notes that this transaction has deleted a name, for wgw_rows_closed(). */
void wgw_rows_close(wgw_txn_t *t, wgw_text_t name);

/* In a look: 1 where the transaction `id` has noted that. */
unsigned wgw_rows_closes(wgw_store_t *store, uint64_t id, wgw_text_t name);

/*
 * In a look: moves `at` to the next deletion with `close`, in the order of
 * transactions, or gives WGW_STORE_NONE and leaves it: more may follow in a
 * later look.  They are kept for a minute.
 */
wgw_store_rc_t wgw_rows_closed(wgw_store_t *store, wgw_rows_closed_t *at,
    wgw_store_error_t *error);


#pragma GCC visibility pop

#endif /* WGW_ROWS_H */
