
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "store/store_env.h"


/* A database of at most that many pages is emptied at once: a few ms. */
#define SHADOW_PAGES  16384

/* of a larger one, so many records at a time */
#define SHADOW_CLEAR  4096


/* mdb_reader_list() shows text only */
typedef struct {
    uint32_t           pid;
    unsigned           found;
} shadow_reader_t;


static int shadow_enter(wgw_store_t *store, wgw_shadow_t *shadow,
    wgw_store_txn_t *t);
static wgw_store_rc_t shadow_leave(wgw_store_txn_t *t, int err,
    wgw_store_error_t *error);
static MDB_dbi shadow_dbi(wgw_store_txn_t *t);
static wgw_store_rc_t shadow_clear(wgw_store_t *store, wgw_shadow_t *shadow,
    unsigned fill, size_t pages, unsigned *more, wgw_store_error_t *error);
static int shadow_empty(wgw_store_txn_t *t, MDB_dbi dbi, size_t pages,
    unsigned *more);
static int shadow_row(wgw_store_txn_t *t, wgw_shadow_t *shadow,
    const wgw_store_row_t *row);
static int shadow_kept(wgw_store_txn_t *t, MDB_val *key,
    unsigned *kept, unsigned *again);
static int shadow_drop(MDB_env *env, MDB_txn *txn);
static int shadow_lives(MDB_env *env, uint32_t pid);
static int shadow_reader(const char *line, void *data);


wgw_store_rc_t
wgw_shadow_start(wgw_store_t *store, wgw_shadow_t *shadow,
    wgw_store_error_t *error)
{
    int              err;
    wgw_store_txn_t  t;

    memset(shadow, 0, sizeof(wgw_shadow_t));

    err = wgw_store_enter(store, &t);

    if (err == 0
        && getrandom(shadow->token, WGW_SHADOW_TOKEN, 0) != WGW_SHADOW_TOKEN)
    {
        err = errno;
    }

    if (err == 0) {
        memset(&t.mark, 0, sizeof(wgw_store_mark_t));
        memcpy(t.mark.token, shadow->token, WGW_SHADOW_TOKEN);
        t.mark.pid = (uint32_t) getpid();

        err = wgw_store_put_mark(&t);
    }

    return wgw_store_leave(&t, err, error);
}


/* MDB_NOTFOUND: the shadow is another's. */

static int
shadow_enter(wgw_store_t *store, wgw_shadow_t *shadow, wgw_store_txn_t *t)
{
    int  err;

    err = wgw_store_enter(store, t);
    if (err) {
        return err;
    }

    if (!t->marked
        || memcmp(t->mark.token, shadow->token, WGW_SHADOW_TOKEN) != 0)
    {
        return MDB_NOTFOUND;
    }

    return 0;
}


static wgw_store_rc_t
shadow_leave(wgw_store_txn_t *t, int err, wgw_store_error_t *error)
{
    wgw_store_rc_t  rc;

    rc = wgw_store_leave(t, err, error);

    if (err == MDB_NOTFOUND) {
        wgw_store_fail(error, "another replace was started");
        return WGW_STORE_TAKEN;
    }

    return rc;
}


static MDB_dbi
shadow_dbi(wgw_store_txn_t *t)
{
    return t->store->names[!t->current];
}


wgw_store_rc_t
wgw_shadow_clear(wgw_store_t *store, wgw_shadow_t *shadow, unsigned fill,
    unsigned *more, wgw_store_error_t *error)
{
    wgw_store_rc_t  rc;

    rc = shadow_clear(store, shadow, fill, SHADOW_PAGES, more, error);

    /* emptying step by step needs more room than doing it at once */

    if (rc == WGW_STORE_FULL) {
        rc = shadow_clear(store, shadow, fill, (size_t) -1, more, error);
    }

    return rc;
}


static wgw_store_rc_t
shadow_clear(wgw_store_t *store, wgw_shadow_t *shadow, unsigned fill,
    size_t pages, unsigned *more, wgw_store_error_t *error)
{
    int              err;
    wgw_store_txn_t  t;

    *more = 0;

    err = shadow_enter(store, shadow, &t);

    if (err == 0 && t.mark.filling) {
        t.mark.filling = 0;
        err = wgw_store_put_mark(&t);
    }

    if (err == 0) {
        err = shadow_empty(&t, shadow_dbi(&t), pages, more);
    }

    if (err == 0 && !*more) {
        err = shadow_empty(&t, store->kept, pages, more);
    }

    if (err == 0 && !*more) {

        if (fill) {
            t.mark.filling = 1;
            t.mark.common = 0;
            t.mark.differ = 0;
            err = wgw_store_put_mark(&t);

        } else {
            err = wgw_store_del_mark(&t);
        }
    }

    return shadow_leave(&t, err, error);
}


/*
 * mdb_drop() only notes the pages as free, but takes the time of reading all
 * of them where records have pages of their own.
 */

static int
shadow_empty(wgw_store_txn_t *t, MDB_dbi dbi, size_t pages, unsigned *more)
{
    int          err;
    MDB_val      key;
    MDB_stat     st;
    unsigned     n;
    MDB_cursor  *cursor;

    err = mdb_stat(t->txn, dbi, &st);
    if (err || st.ms_entries == 0) {
        return err;
    }

    t->changed = 1;

    if (st.ms_leaf_pages + st.ms_overflow_pages <= pages) {
        return mdb_drop(t->txn, dbi, 0);
    }

    *more = 1;

    err = mdb_cursor_open(t->txn, dbi, &cursor);
    if (err) {
        return err;
    }

    for (n = 0; err == 0 && n < SHADOW_CLEAR; n++) {
        err = mdb_cursor_get(cursor, &key, NULL, MDB_LAST);

        if (err == 0) {
            err = mdb_cursor_del(cursor, 0);
        }
    }

    mdb_cursor_close(cursor);

    return err;
}


wgw_store_rc_t
wgw_shadow_load(wgw_store_t *store, wgw_shadow_t *shadow,
    const wgw_store_row_t *rows, size_t n, wgw_store_error_t *error)
{
    int              err;
    size_t           i;
    wgw_store_txn_t  t;

    err = shadow_enter(store, shadow, &t);

    for (i = 0; err == 0 && i < n; i++) {
        err = shadow_row(&t, shadow, &rows[i]);
    }

    return shadow_leave(&t, err, error);
}


static int
shadow_row(wgw_store_txn_t *t, wgw_shadow_t *shadow,
    const wgw_store_row_t *row)
{
    int           err;
    MDB_val       key, value;
    unsigned      kept, again, existed, same;
    wgw_record_t  old, new;

    key.mv_data = (void *) row->name.data;
    key.mv_size = row->name.len;

    err = shadow_kept(t, &key, &kept, &again);
    if (err) {
        return err;
    }

    if (kept) {
        if (again && (shadow->duplicate == 0
                      || row->line < shadow->duplicate))
        {
            shadow->duplicate = row->line;
        }

        return 0;
    }

    if (row->packed == NULL
        || wgw_record_unpack(&new, row->packed, row->len) != 0)
    {
        return EINVAL;
    }

    err = mdb_get(t->txn, t->store->names[t->current], &key, &value);
    if (err && err != MDB_NOTFOUND) {
        return err;
    }

    existed = (err == 0);

    same = existed
           && wgw_record_unpack(&old, value.mv_data, value.mv_size) == 0
           && wgw_record_equal(&old, &new);

    new.change = same ? old.change : mdb_txn_id(t->txn);

    value.mv_data = t->packed;
    value.mv_size = wgw_record_pack(&new, t->packed);

    err = mdb_put(t->txn, shadow_dbi(t), &key, &value, MDB_NOOVERWRITE);

    if (err == MDB_KEYEXIST) {
        if (shadow->duplicate == 0 || row->line < shadow->duplicate) {
            shadow->duplicate = row->line;
        }

        return 0;
    }

    t->changed = 1;
    t->mark.common += existed;
    t->mark.differ += existed && !same;

    return err;
}


/* Whether a change keeps a row from being taken, and whether it had one. */

static int
shadow_kept(wgw_store_txn_t *t, MDB_val *key, unsigned *kept, unsigned *again)
{
    int       err;
    uint8_t   one;
    MDB_val   value;
    MDB_stat  st;

    *kept = 0;
    *again = 0;

    err = mdb_stat(t->txn, t->store->kept, &st);
    if (err || st.ms_entries == 0) {
        return err;
    }

    err = mdb_get(t->txn, t->store->kept, key, &value);

    if (err) {
        return err == MDB_NOTFOUND ? 0 : err;
    }

    *kept = 1;
    *again = value.mv_size == 1 && *(uint8_t *) value.mv_data;

    one = 1;
    value.mv_data = &one;
    value.mv_size = 1;

    t->changed = 1;

    return mdb_put(t->txn, t->store->kept, key, &value, 0);
}


int
wgw_shadow_mirror(wgw_store_txn_t *t, MDB_val *key, unsigned existed,
    uint64_t change, MDB_val *value)
{
    int           err;
    uint8_t       row;
    MDB_dbi       dbi;
    MDB_val       found, note;
    unsigned      both;
    wgw_record_t  record;

    dbi = shadow_dbi(t);

    err = mdb_get(t->txn, dbi, key, &found);
    if (err && err != MDB_NOTFOUND) {
        return err;
    }

    row = (err == 0);
    both = row && existed;

    if (both
        && (wgw_record_unpack(&record, found.mv_data, found.mv_size) != 0
            || record.change != change))
    {
        t->mark.differ--;
    }

    t->mark.common += (value != NULL);
    t->mark.common -= both;
    t->changed = 1;

    note.mv_data = &row;
    note.mv_size = 1;

    err = mdb_put(t->txn, t->store->kept, key, &note, MDB_NOOVERWRITE);
    if (err && err != MDB_KEYEXIST) {
        return err;
    }

    if (value) {
        return mdb_put(t->txn, dbi, key, value, 0);
    }

    return row ? mdb_del(t->txn, dbi, key, NULL) : 0;
}


wgw_store_rc_t
wgw_shadow_flip(wgw_store_t *store, wgw_shadow_t *shadow,
    wgw_store_counts_t *counts, wgw_store_error_t *error)
{
    int              err;
    uint8_t          current;
    MDB_val          key, value;
    MDB_stat         old, new;
    wgw_store_txn_t  t;

    err = shadow_enter(store, shadow, &t);

    if (err == 0) {
        err = mdb_stat(t.txn, store->names[t.current], &old);
    }

    if (err == 0) {
        err = mdb_stat(t.txn, shadow_dbi(&t), &new);
    }

    if (err == 0) {
        counts->added = new.ms_entries - t.mark.common;
        counts->changed = t.mark.differ;
        counts->deleted = old.ms_entries - t.mark.common;

        current = !t.current;

        key.mv_data = "current";
        key.mv_size = sizeof("current") - 1;
        value.mv_data = &current;
        value.mv_size = 1;

        err = mdb_put(t.txn, store->meta, &key, &value, 0);
    }

    if (err == 0) {
        t.mark.filling = 0;
        err = wgw_store_put_mark(&t);
    }

    return shadow_leave(&t, err, error);
}


void
wgw_shadow_sweep(MDB_env *env)
{
    MDB_txn  *txn;

    if (mdb_txn_begin(env, NULL, 0, &txn) != 0) {
        return;
    }

    if (shadow_drop(env, txn) == 0) {
        (void) mdb_txn_commit(txn);

    } else {
        mdb_txn_abort(txn);
    }
}


static int
shadow_drop(MDB_env *env, MDB_txn *txn)
{
    int               err;
    MDB_dbi           meta, dbi;
    MDB_val           key;
    unsigned          current;
    wgw_store_mark_t  mark;

    err = mdb_dbi_open(txn, "wgw", 0, &meta);

    if (err == 0) {
        err = wgw_store_get_mark(txn, meta, &mark);
    }

    if (err == 0) {
        err = shadow_lives(env, mark.pid);
    }

    if (err == 0) {
        err = wgw_store_current(txn, meta, &current);
    }

    if (err == 0) {
        err = mdb_dbi_open(txn, current ? "names.0" : "names.1", 0, &dbi);
    }

    if (err == 0) {
        err = mdb_drop(txn, dbi, 0);
    }

    if (err == 0) {
        err = mdb_dbi_open(txn, "kept", 0, &dbi);
    }

    if (err == 0) {
        err = mdb_drop(txn, dbi, 0);
    }

    if (err == 0) {
        key.mv_data = "replace";
        key.mv_size = sizeof("replace") - 1;

        err = mdb_del(txn, meta, &key, NULL);
    }

    return err;
}


/* A worker that uses the store has a reader's slot as long as it lives. */

static int
shadow_lives(MDB_env *env, uint32_t pid)
{
    int              dead;
    shadow_reader_t  reader;

    reader.pid = pid;
    reader.found = 0;

    (void) mdb_reader_check(env, &dead);

    if (mdb_reader_list(env, shadow_reader, &reader) < 0) {
        return EBUSY;
    }

    return reader.found ? EBUSY : 0;
}


static int
shadow_reader(const char *line, void *data)
{
    shadow_reader_t *reader = data;

    if (strtoul(line, NULL, 10) == reader->pid) {
        reader->found = 1;
    }

    return 0;
}
