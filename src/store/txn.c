
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "store/txn.h"


/* LMDB writes at most that much in one call */
#define TXN_ROOM  (1024 * 1024)

#define TXN_NOTED "noted"


static void txn_open(wgw_txn_t *t);
static int txn_noted(wgw_txn_t *t);
static unsigned txn_no_room(const char *path);
static wgw_txn_verdict_t txn_visit(wgw_txn_t *t, MDB_cursor *cursor,
    const MDB_val *key, const MDB_val *value,
    wgw_txn_verdict_t (*visit)(wgw_text_t key, wgw_text_t value, void *data),
    void *data);


void
wgw_txn_begin(wgw_txn_t *t, wgw_store_t *store)
{
    memset(t, 0, sizeof(wgw_txn_t));

    t->env = wgw_store_enter(store);

    if (t->env == NULL) {
        t->err = MDB_PANIC;
        return;
    }

    t->store = store;

    txn_open(t);
}


void
wgw_txn_start(wgw_txn_t *t, wgw_env_t *env)
{
    memset(t, 0, sizeof(wgw_txn_t));

    t->env = env;

    txn_open(t);
}


static void
txn_open(wgw_txn_t *t)
{
    t->err = mdb_txn_begin(t->env->env, NULL, 0, &t->txn);

    if (t->err) {
        t->txn = NULL;
        return;
    }

    t->err = t->env->class->notes ? txn_noted(t) : 0;

    if (t->err || !t->env->class->pair) {
        return;
    }

    t->err = wgw_env_current(t->env, t->txn, &t->current);
    if (t->err) {
        return;
    }

    t->err = wgw_mark_get(t->env, t->txn, &t->mark);

    t->marked = (t->err == 0);

    if (t->err == MDB_NOTFOUND) {
        t->err = 0;
    }
}


static int
txn_noted(wgw_txn_t *t)
{
    int      err;
    MDB_val  key, value;

    key.mv_data = TXN_NOTED;
    key.mv_size = sizeof(TXN_NOTED) - 1;

    err = mdb_get(t->txn, t->env->dbs[WGW_STORE_META], &key, &value);

    t->noting = (err == 0);

    return err == MDB_NOTFOUND ? 0 : err;
}


void
wgw_txn_note(wgw_txn_t *t, unsigned on)
{
    if (on == t->noting) {
        return;
    }

    t->noting = on;

    if (on) {
        (void) wgw_txn_put(t, WGW_STORE_META, wgw_text(TXN_NOTED),
                           wgw_text("1"));
    } else {
        (void) wgw_txn_delete(t, WGW_STORE_META, wgw_text(TXN_NOTED));
    }
}


unsigned
wgw_txn_noting(wgw_txn_t *t, unsigned on)
{
    unsigned  was;

    was = t->noting;
    t->noting = on;

    return was;
}


wgw_store_rc_t
wgw_txn_end(wgw_txn_t *t, wgw_store_error_t *error)
{
    wgw_store_rc_t  rc;

    if (t->err == 0 && t->changed) {
        t->err = t->mark.filling ? wgw_mark_put(t->env, t->txn, &t->mark) : 0;

        if (t->err == 0) {
            t->err = mdb_txn_commit(t->txn);
            t->txn = NULL;
        }
    }

    if (t->txn) {
        mdb_txn_abort(t->txn);
        t->txn = NULL;
    }

    rc = t->err ? wgw_env_lmdb(error, "write", t->err) : WGW_STORE_OK;

    if (t->store) {
        if (t->err == EIO && txn_no_room(wgw_store_path(t->store))) {
            rc = WGW_STORE_FULL;
        }

        wgw_store_leave(t->store);
    }

    return rc;
}


/*
 * A write that fits in part only is an I/O error to LMDB.  It is no such
 * thing where the disk, or the size of a file, is about to end.
 */

static unsigned
txn_no_room(const char *path)
{
    int             n;
    char            file[4096];
    struct stat     st;
    struct rlimit   limit;
    struct statvfs  fs;

    if (statvfs(path, &fs) == 0
        && (uint64_t) fs.f_bavail * fs.f_frsize < TXN_ROOM)
    {
        return 1;
    }

    n = snprintf(file, sizeof(file), "%s/data.mdb", path);

    return n > 0 && (size_t) n < sizeof(file)
           && stat(file, &st) == 0
           && getrlimit(RLIMIT_FSIZE, &limit) == 0
           && limit.rlim_cur != RLIM_INFINITY
           && (uint64_t) st.st_size + TXN_ROOM > limit.rlim_cur;
}


uint64_t
wgw_txn_id(const wgw_txn_t *t)
{
    return t->txn ? mdb_txn_id(t->txn) : 0;
}


wgw_store_rc_t
wgw_txn_fail(wgw_txn_t *t, int err)
{
    if (t->err == 0) {
        t->err = err;
    }

    return t->err ? WGW_STORE_FAILED : WGW_STORE_OK;
}


MDB_dbi
wgw_txn_dbi(const wgw_txn_t *t, unsigned db)
{
    return db == 1 && t->env->class->pair ? t->env->pair[t->current]
                                          : t->env->dbs[db];
}


wgw_store_rc_t
wgw_txn_get(wgw_txn_t *t, unsigned db, wgw_text_t key, wgw_text_t *value)
{
    int      err;
    MDB_val  from, found;

    if (t->err) {
        return WGW_STORE_FAILED;
    }

    from.mv_data = (void *) key.data;
    from.mv_size = key.len;

    err = mdb_get(t->txn, wgw_txn_dbi(t, db), &from, &found);

    if (err == MDB_NOTFOUND) {
        return WGW_STORE_NONE;
    }

    if (err == 0) {
        value->data = found.mv_data;
        value->len = found.mv_size;
    }

    return wgw_txn_fail(t, err);
}


wgw_store_rc_t
wgw_txn_put(wgw_txn_t *t, unsigned db, wgw_text_t key, wgw_text_t value)
{
    MDB_val  to, row;

    if (t->err) {
        return WGW_STORE_FAILED;
    }

    to.mv_data = (void *) key.data;
    to.mv_size = key.len;
    row.mv_data = (void *) value.data;
    row.mv_size = value.len;

    t->changed = 1;

    return wgw_txn_fail(t, mdb_put(t->txn, wgw_txn_dbi(t, db), &to, &row, 0));
}


wgw_store_rc_t
wgw_txn_delete(wgw_txn_t *t, unsigned db, wgw_text_t key)
{
    int      err;
    MDB_val  from;

    if (t->err) {
        return WGW_STORE_FAILED;
    }

    from.mv_data = (void *) key.data;
    from.mv_size = key.len;

    err = mdb_del(t->txn, wgw_txn_dbi(t, db), &from, NULL);

    if (err == MDB_NOTFOUND) {
        return WGW_STORE_NONE;
    }

    t->changed = 1;

    return wgw_txn_fail(t, err);
}


wgw_store_rc_t
wgw_txn_each(wgw_txn_t *t, unsigned db, wgw_text_t from,
    wgw_txn_verdict_t (*visit)(wgw_text_t key, wgw_text_t value, void *data),
    void *data)
{
    int          err;
    MDB_val      key, value;
    MDB_cursor  *cursor;

    if (t->err) {
        return WGW_STORE_FAILED;
    }

    err = mdb_cursor_open(t->txn, wgw_txn_dbi(t, db), &cursor);
    if (err) {
        return wgw_txn_fail(t, err);
    }

    key.mv_data = (void *) from.data;
    key.mv_size = from.len;

    err = mdb_cursor_get(cursor, &key, &value,
                         from.len ? MDB_SET_RANGE : MDB_FIRST);

    while (err == 0
           && txn_visit(t, cursor, &key, &value, visit, data) != WGW_TXN_STOP)
    {
        err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }

    mdb_cursor_close(cursor);

    return wgw_txn_fail(t, err == MDB_NOTFOUND ? 0 : err);
}


static wgw_txn_verdict_t
txn_visit(wgw_txn_t *t, MDB_cursor *cursor, const MDB_val *key,
    const MDB_val *value,
    wgw_txn_verdict_t (*visit)(wgw_text_t key, wgw_text_t value, void *data),
    void *data)
{
    int                err;
    wgw_text_t         found, row;
    wgw_txn_verdict_t  verdict;

    found.data = key->mv_data;
    found.len = key->mv_size;
    row.data = value->mv_data;
    row.len = value->mv_size;

    verdict = visit(found, row, data);

    if (verdict != WGW_TXN_DELETE) {
        return verdict;
    }

    t->changed = 1;

    err = mdb_cursor_del(cursor, 0);

    return wgw_txn_fail(t, err) == WGW_STORE_OK ? verdict : WGW_TXN_STOP;
}
