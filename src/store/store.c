
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/env.h"
#include "store/store.h"


#define STORE_CLOSED  ((unsigned) -1)


struct wgw_store_s {
    wgw_store_t       *next;            /* the process's stores */
    char              *path;
    dev_t              dev;
    ino_t              ino;
    wgw_store_sync_t   sync;
    wgw_env_t          env;
    wgw_hints_t       *hints;           /* NULL: none */
    wgw_hinted_t       hinted;
    MDB_txn           *reader;          /* reset between looks */
    unsigned           held;            /* it is open, at snapshot `id` */
    uint64_t           id;
    MDB_dbi            dbs[WGW_STORE_DATABASES + 1];    /* of that snapshot */
    time_t             tried;
    unsigned           writing;         /* threads in wgw_store_enter(), or
                                           STORE_CLOSED: none may enter */
};


static wgw_store_t *store_find(const struct stat *directory);
static wgw_store_rc_t store_start(wgw_store_t *store,
    wgw_store_error_t *error);
static wgw_store_rc_t store_databases(wgw_store_t *store,
    wgw_store_error_t *error);
static int store_snapshot(wgw_store_t *store);
static unsigned store_claim(wgw_store_t *store);
static int store_renew(wgw_store_t *store);
static wgw_store_rc_t store_again(wgw_store_t *store,
    wgw_store_error_t *error);
static void store_stop(wgw_store_t *store);


static wgw_store_t  *stores;


wgw_store_t *
wgw_store_open(const wgw_store_class_t *class, const char *path,
    wgw_store_sync_t sync, wgw_store_error_t *error)
{
    struct stat   st;
    wgw_store_t  *store;

    if (stat(path, &st) == -1) {
        wgw_env_fail(error, "stat() failed (%d: %s)", errno, strerror(errno));
        return NULL;
    }

    store = store_find(&st);

    if (store && store->env.class != class) {
        wgw_env_fail(error, "is no store of %s", class->what);
        return NULL;
    }

    if (store) {
        return store;
    }

    store = calloc(1, sizeof(wgw_store_t));
    if (store == NULL) {
        wgw_env_fail(error, "out of memory");
        return NULL;
    }

    store->path = strdup(path);
    store->dev = st.st_dev;
    store->ino = st.st_ino;
    store->sync = sync;
    store->env.class = class;

    if (store->path == NULL || store_start(store, error) != WGW_STORE_OK) {
        free(store->path);
        free(store);
        return NULL;
    }

    store->next = stores;
    stores = store;

    return store;
}


static wgw_store_t *
store_find(const struct stat *directory)
{
    wgw_store_t  *store;

    for (store = stores; store; store = store->next) {
        if (store->dev == directory->st_dev
            && store->ino == directory->st_ino)
        {
            break;
        }
    }

    return store;
}


unsigned
wgw_store_is_open(const struct stat *directory)
{
    return store_find(directory) != NULL;
}


const char *
wgw_store_path(const wgw_store_t *store)
{
    return store->path;
}


void
wgw_store_close(void)
{
    wgw_store_t            *store;
    const struct timespec   pause = { 0, 1000000 };

    while (stores) {
        store = stores;
        stores = store->next;

        while (!store_claim(store)) {
            nanosleep(&pause, NULL);
        }

        store_stop(store);
        free(store->path);
        free(store);
    }
}


static wgw_store_rc_t
store_start(wgw_store_t *store, wgw_store_error_t *error)
{
    unsigned         flags;
    wgw_store_rc_t   rc;

    store->tried = time(NULL);

    flags = store->sync == WGW_STORE_SYNC_META ? MDB_NOMETASYNC
            : store->sync == WGW_STORE_SYNC_OFF ? MDB_NOSYNC : 0;

    rc = wgw_env_open(&store->env, store->path, flags, error);
    if (rc != WGW_STORE_OK) {
        return rc;
    }

    rc = store_databases(store, error);
    if (rc != WGW_STORE_OK) {
        store_stop(store);
        return rc;
    }

    wgw_hints_open(&store->hinted, store->hints, store->env.env);

    __atomic_store_n(&store->writing, 0, __ATOMIC_RELEASE);

    return WGW_STORE_OK;
}


void
wgw_store_hints(wgw_store_t *store, wgw_hints_t *hints)
{
    store->hints = hints;

    if (store->env.env) {
        wgw_hints_open(&store->hinted, hints, store->env.env);
    }

    /* the next look is taken for one at a new snapshot, and makes room */

    store->id = 0;
}


/*
 * The databases are opened in an empty write transaction: its mutex is the
 * way to learn that a writer was killed, which repairs what it left.
 */

static wgw_store_rc_t
store_databases(wgw_store_t *store, wgw_store_error_t *error)
{
    int       err, dead;
    MDB_txn  *txn;

    err = mdb_txn_begin(store->env.env, NULL, 0, &txn);
    if (err) {
        return wgw_env_lmdb(error, "mdb_txn_begin()", err);
    }

    err = wgw_env_databases(&store->env, txn, 0);
    if (err) {
        mdb_txn_abort(txn);
        return wgw_env_lmdb(error, "mdb_dbi_open()", err);
    }

    err = mdb_txn_commit(txn);
    if (err) {
        return wgw_env_lmdb(error, "mdb_txn_commit()", err);
    }

    memcpy(store->dbs, store->env.dbs, sizeof(store->dbs));

    (void) mdb_reader_check(store->env.env, &dead);

    err = mdb_txn_begin(store->env.env, NULL, MDB_RDONLY, &store->reader);
    if (err) {
        store->reader = NULL;
        return wgw_env_lmdb(error, "mdb_txn_begin()", err);
    }

    err = store_snapshot(store);

    mdb_txn_reset(store->reader);

    return err ? wgw_env_lmdb(error, "mdb_get()", err) : WGW_STORE_OK;
}


/* What is to know of the reader's snapshot. */

static int
store_snapshot(wgw_store_t *store)
{
    int       err;
    unsigned  current;
    MDB_stat  st;

    err = wgw_env_current(&store->env, store->reader, &current);
    if (err) {
        return err;
    }

    if (store->env.class->pair) {
        store->dbs[1] = store->env.pair[current];
    }

    if (store->hints && mdb_stat(store->reader, store->dbs[1], &st) == 0) {
        wgw_hints_fit(&store->hinted, st.ms_entries);
    }

    store->id = mdb_txn_id(store->reader);

    return 0;
}


/* Keeps threads out, if none is in: before the environment is closed. */

static unsigned
store_claim(wgw_store_t *store)
{
    unsigned  n;

    n = 0;

    return __atomic_compare_exchange_n(&store->writing, &n, STORE_CLOSED,
                                       0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
           || n == STORE_CLOSED;
}


static void
store_stop(wgw_store_t *store)
{
    store->held = 0;

    wgw_hints_open(&store->hinted, NULL, NULL);

    if (store->reader) {
        mdb_txn_abort(store->reader);
        store->reader = NULL;
    }

    wgw_env_close(&store->env);
}


static int
store_renew(wgw_store_t *store)
{
    int  err, dead;

    err = mdb_txn_renew(store->reader);

    if (err == MDB_READERS_FULL) {
        (void) mdb_reader_check(store->env.env, &dead);
        err = mdb_txn_renew(store->reader);
    }

    return err;
}


/*
 * LMDB's newest meta page, in shared memory.  A commit writes it before the
 * transaction number that readers start from, and a reply follows both.
 */

uint64_t
wgw_store_id(wgw_store_t *store)
{
    MDB_envinfo  info;

    if (store->env.env == NULL || mdb_env_info(store->env.env, &info) != 0) {
        return 0;
    }

    return info.me_last_txnid;
}


wgw_store_rc_t
wgw_store_begin(wgw_store_t *store, uint64_t *id, wgw_store_error_t *error)
{
    int             err;
    wgw_store_rc_t  rc;

    if (store->held && store->id == wgw_store_id(store)) {
        store->held = 0;
        *id = store->id;

        return WGW_STORE_OK;
    }

    if (store->held) {
        wgw_store_end(store);
    }

    err = store->env.env ? store_renew(store) : MDB_PANIC;

    if (err == MDB_PANIC && store_claim(store)) {
        rc = store_again(store, error);
        if (rc != WGW_STORE_OK) {
            return rc;
        }

        err = store_renew(store);
    }

    if (err) {
        return wgw_env_lmdb(error, "mdb_txn_renew()", err);
    }

    *id = mdb_txn_id(store->reader);

    if (*id != store->id) {
        err = store_snapshot(store);
        if (err) {
            mdb_txn_reset(store->reader);
            return wgw_env_lmdb(error, "mdb_get()", err);
        }
    }

    return WGW_STORE_OK;
}


/* LMDB gave up this environment: a new one may do, once a second. */

static wgw_store_rc_t
store_again(wgw_store_t *store, wgw_store_error_t *error)
{
    store_stop(store);

    if (store->tried == time(NULL)) {
        return wgw_env_fail(error, "is not available after an I/O error");
    }

    return store_start(store, error);
}


void
wgw_store_end(wgw_store_t *store)
{
    store->held = 0;

    if (store->reader) {
        mdb_txn_reset(store->reader);
    }
}


void
wgw_store_hold(wgw_store_t *store)
{
    store->held = 1;
}


wgw_store_rc_t
wgw_store_get(wgw_store_t *store, unsigned db, wgw_text_t key,
    wgw_text_t *value, wgw_store_error_t *error)
{
    int      err;
    MDB_val  from, found;

    if (key.len == 0) {
        return WGW_STORE_NONE;
    }

    from.mv_data = (void *) key.data;
    from.mv_size = key.len;

    err = mdb_get(store->reader, store->dbs[db], &from, &found);

    if (err == MDB_NOTFOUND) {
        return WGW_STORE_NONE;
    }

    if (err) {
        return wgw_env_lmdb(error, "mdb_get()", err);
    }

    value->data = found.mv_data;
    value->len = found.mv_size;

    return WGW_STORE_OK;
}


unsigned
wgw_store_recall(wgw_store_t *store, uint64_t id, uint64_t hash,
    wgw_text_t key, char *room, wgw_text_t *value)
{
    return wgw_hints_get(&store->hinted, id, hash, key, room, value);
}


void
wgw_store_prefetch(wgw_store_t *store, uint64_t hash)
{
    wgw_hints_prefetch(&store->hinted, hash);
}


void
wgw_store_prefetch_row(wgw_store_t *store, uint64_t hash, size_t key)
{
    wgw_hints_prefetch_row(&store->hinted, hash, key);
}


void
wgw_store_remember(wgw_store_t *store, uint64_t hash, wgw_text_t key,
    wgw_text_t value)
{
    wgw_hints_put(&store->hinted, store->id, hash, key, value);
}


uint64_t
wgw_store_rows(wgw_store_t *store, unsigned db)
{
    MDB_stat  st;

    return mdb_stat(store->reader, store->dbs[db], &st) == 0 ? st.ms_entries
                                                             : 0;
}


wgw_store_rc_t
wgw_store_next(wgw_store_t *store, unsigned db, wgw_text_t after,
    wgw_text_t *key, wgw_text_t *value, wgw_store_error_t *error)
{
    int          err;
    MDB_val      found, row;
    MDB_cursor  *cursor;

    err = mdb_cursor_open(store->reader, store->dbs[db], &cursor);
    if (err) {
        return wgw_env_lmdb(error, "mdb_cursor_open()", err);
    }

    found.mv_data = (void *) after.data;
    found.mv_size = after.len;

    if (after.len == 0) {
        err = mdb_cursor_get(cursor, &found, &row, MDB_FIRST);

    } else {
        err = mdb_cursor_get(cursor, &found, &row, MDB_SET_RANGE);

        if (err == 0 && found.mv_size == after.len
            && memcmp(found.mv_data, after.data, after.len) == 0)
        {
            err = mdb_cursor_get(cursor, &found, &row, MDB_NEXT);
        }
    }

    mdb_cursor_close(cursor);

    if (err == MDB_NOTFOUND) {
        return WGW_STORE_NONE;
    }

    if (err) {
        return wgw_env_lmdb(error, "mdb_cursor_get()", err);
    }

    key->data = found.mv_data;
    key->len = found.mv_size;

    value->data = row.mv_data;
    value->len = row.mv_size;

    return WGW_STORE_OK;
}


wgw_env_t *
wgw_store_enter(wgw_store_t *store)
{
    unsigned  n;

    n = __atomic_load_n(&store->writing, __ATOMIC_ACQUIRE);

    do {
        if (n == STORE_CLOSED) {
            return NULL;
        }

    } while (!__atomic_compare_exchange_n(&store->writing, &n, n + 1, 0,
                                          __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));

    return &store->env;
}


void
wgw_store_leave(wgw_store_t *store)
{
    __atomic_sub_fetch(&store->writing, 1, __ATOMIC_ACQ_REL);
}
