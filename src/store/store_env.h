
/*
 * store_env: what the parts of the store share: store.c, which opens and
 * reads it, store_write.c, which changes it, and shadow.c, which replaces
 * the whole set.  Nobody else includes this.
 */

#ifndef WGW_STORE_ENV_H
#define WGW_STORE_ENV_H


#include <lmdb.h>
#include <time.h>

#include "store/shadow.h"
#include "store/store.h"

#pragma GCC visibility push(hidden)


#define WGW_STORE_CLOSED  ((unsigned) -1)


struct wgw_store_s {
    wgw_store_t       *next;            /* the process's stores */
    char              *path;
    dev_t              dev;
    ino_t              ino;
    wgw_store_sync_t   sync;
    MDB_env           *env;             /* NULL: to be opened (again) */
    MDB_txn           *reader;          /* reset between looks */
    unsigned           held;            /* it is open, at snapshot `id` */
    MDB_dbi            meta;
    MDB_dbi            names[2];
    MDB_dbi            kept;
    unsigned           current;         /* of snapshot `id` */
    uint64_t           id;
    time_t             tried;
    unsigned           writing;         /* threads in wgw_store_enter(), or
                                           WGW_STORE_CLOSED: none may enter */
};


/* "replace" in the database "wgw": a replace is going on, or was killed */
typedef struct {
    uint8_t            token[WGW_SHADOW_TOKEN];
    uint32_t           pid;             /* of the worker */
    unsigned           filling;         /* changes go to both sets */
    uint64_t           common;          /* names in both sets, */
    uint64_t           differ;          /* of which with another record */
} wgw_store_mark_t;


/*
 * A deletion that ends live connections, in the database "wgw": this, its
 * transaction's id, high byte first, and the name; the value is the time,
 * low byte first, 8 bytes.
 */
#define WGW_STORE_CLOSED_KEY   "closed"
#define WGW_STORE_CLOSED_HEAD  (sizeof(WGW_STORE_CLOSED_KEY) - 1 + 8)
#define WGW_STORE_CLOSED_MAX   (WGW_STORE_CLOSED_HEAD + WGW_NAME_MAX)


/* A write transaction and what it has to know. */
typedef struct {
    MDB_txn           *txn;
    wgw_store_t       *store;
    unsigned           current;         /* index of the set that is served */
    unsigned           marked;          /* there is a mark */
    wgw_store_mark_t   mark;
    unsigned           changed;
    uint8_t           *packed;          /* WGW_RECORD_PACKED bytes */
} wgw_store_txn_t;


wgw_store_rc_t wgw_store_fail(wgw_store_error_t *error, const char *format,
    ...) __attribute__((format(printf, 2, 3)));
wgw_store_rc_t wgw_store_lmdb(wgw_store_error_t *error, const char *what,
    int rc);

/*
 * LMDB's codes.  enter begins and reads current and mark; leave commits if
 * `err` is 0 and something was changed, and must follow a failed enter, too.
 */
int wgw_store_enter(wgw_store_t *store, wgw_store_txn_t *t);
wgw_store_rc_t wgw_store_leave(wgw_store_txn_t *t, int err,
    wgw_store_error_t *error);

/*
 * At a start: a copy that was compacted (mdb_copy -c) counts transactions
 * from 1 again, while its records have ids of before, which a change to come
 * would get a second time.  They get the id of this transaction.
 */
int wgw_store_renumber(MDB_txn *txn);

/* The key of a place in that list; its length. */
size_t wgw_store_closed_key(const wgw_store_closed_t *at,
    uint8_t key[WGW_STORE_CLOSED_MAX]);

int wgw_store_current(MDB_txn *txn, MDB_dbi meta, unsigned *current);

int wgw_store_get_mark(MDB_txn *txn, MDB_dbi meta, wgw_store_mark_t *mark);
int wgw_store_put_mark(wgw_store_txn_t *t);
int wgw_store_del_mark(wgw_store_txn_t *t);

/*
 * Repeats in the shadow what was done to `key` in the current set, where the
 * record, if it `existed`, had the id `change`; NULL: deleted.
 */
int wgw_shadow_mirror(wgw_store_txn_t *t, MDB_val *key, unsigned existed,
    uint64_t change, MDB_val *value);

/*
 * At a start: empties the shadow that a killed process left, unless its
 * process lives.  Nothing depends on it, so that failing is no error.
 */
void wgw_shadow_sweep(MDB_env *env);


#pragma GCC visibility pop

#endif /* WGW_STORE_ENV_H */
