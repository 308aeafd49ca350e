
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "store/shadow.h"


/* A database of at most that many pages is emptied at once: a few ms. */
#define SHADOW_PAGES  16384

/* of a larger one, so many records at a time */
#define SHADOW_CLEAR  4096


/* mdb_reader_list() shows text only */
typedef struct {
    uint32_t           pid;
    unsigned           found;
} shadow_reader_t;


static void shadow_enter(wgw_store_t *store, const wgw_shadow_t *shadow,
    wgw_txn_t *t);
static wgw_store_rc_t shadow_leave(wgw_txn_t *t, wgw_store_error_t *error);
static int shadow_mark(wgw_txn_t *t);
static MDB_dbi shadow_dbi(const wgw_txn_t *t);
static wgw_store_rc_t shadow_clear(wgw_store_t *store,
    const wgw_shadow_t *shadow, unsigned fill, size_t pages, unsigned *more,
    wgw_store_error_t *error);
static int shadow_cleared(wgw_txn_t *t, unsigned fill);
static int shadow_empty(wgw_txn_t *t, MDB_dbi dbi, size_t pages,
    unsigned *more);
static int shadow_row(wgw_txn_t *t, wgw_shadow_t *shadow,
    const wgw_store_row_t *row);
static void shadow_twice(wgw_shadow_t *shadow, const wgw_store_row_t *row);
static int shadow_kept(wgw_txn_t *t, wgw_text_t key, unsigned *kept,
    unsigned *again);
static int shadow_flip(wgw_txn_t *t, wgw_store_counts_t *counts);
static int shadow_note(wgw_txn_t *t);
static int shadow_both(wgw_txn_t *t, MDB_cursor *old, MDB_cursor *new);
static int shadow_drop(wgw_txn_t *t);
static int shadow_lives(MDB_env *env, uint32_t pid);
static int shadow_reader(const char *line, void *data);


wgw_store_rc_t
wgw_shadow_start(wgw_store_t *store, wgw_shadow_t *shadow,
    wgw_store_error_t *error)
{
    wgw_txn_t  t;

    memset(shadow, 0, sizeof(wgw_shadow_t));

    wgw_txn_begin(&t, store);

    if (getrandom(shadow->token, WGW_MARK_TOKEN, 0) != WGW_MARK_TOKEN) {
        wgw_txn_fail(&t, errno);
    }

    if (t.err == 0) {
        memset(&t.mark, 0, sizeof(wgw_mark_t));
        memcpy(t.mark.token, shadow->token, WGW_MARK_TOKEN);
        t.mark.pid = (uint32_t) getpid();

        wgw_txn_fail(&t, shadow_mark(&t));
    }

    return wgw_txn_end(&t, error);
}


/* MDB_NOTFOUND: the shadow is another's. */

static void
shadow_enter(wgw_store_t *store, const wgw_shadow_t *shadow, wgw_txn_t *t)
{
    wgw_txn_begin(t, store);

    if (!t->marked
        || memcmp(t->mark.token, shadow->token, WGW_MARK_TOKEN) != 0)
    {
        wgw_txn_fail(t, MDB_NOTFOUND);
    }
}


static wgw_store_rc_t
shadow_leave(wgw_txn_t *t, wgw_store_error_t *error)
{
    wgw_store_rc_t  rc;

    rc = wgw_txn_end(t, error);

    if (t->err == MDB_NOTFOUND) {
        wgw_env_fail(error, "another replace was started");
        return WGW_STORE_TAKEN;
    }

    return rc;
}


static int
shadow_mark(wgw_txn_t *t)
{
    t->changed = 1;

    return wgw_mark_put(t->env, t->txn, &t->mark);
}


static MDB_dbi
shadow_dbi(const wgw_txn_t *t)
{
    return t->env->pair[!t->current];
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
shadow_clear(wgw_store_t *store, const wgw_shadow_t *shadow, unsigned fill,
    size_t pages, unsigned *more, wgw_store_error_t *error)
{
    int        err;
    wgw_txn_t  t;

    *more = 0;

    shadow_enter(store, shadow, &t);

    err = t.err;

    if (err == 0 && t.mark.filling) {
        t.mark.filling = 0;
        err = shadow_mark(&t);
    }

    if (err == 0) {
        err = shadow_empty(&t, shadow_dbi(&t), pages, more);
    }

    if (err == 0 && !*more) {
        err = shadow_empty(&t, t.env->kept, pages, more);
    }

    if (err == 0 && !*more) {
        err = shadow_cleared(&t, fill);
    }

    wgw_txn_fail(&t, err);

    return shadow_leave(&t, error);
}


static int
shadow_cleared(wgw_txn_t *t, unsigned fill)
{
    if (fill) {
        t->mark.filling = 1;
        t->mark.common = 0;
        t->mark.differ = 0;

        return shadow_mark(t);
    }

    t->changed = 1;

    return wgw_mark_delete(t->env, t->txn);
}


/*
 * mdb_drop() only notes the pages as free, but takes the time of reading all
 * of them where records have pages of their own.
 */

static int
shadow_empty(wgw_txn_t *t, MDB_dbi dbi, size_t pages, unsigned *more)
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
    size_t     i;
    wgw_txn_t  t;

    shadow_enter(store, shadow, &t);

    for (i = 0; t.err == 0 && i < n; i++) {
        wgw_txn_fail(&t, shadow_row(&t, shadow, &rows[i]));
    }

    return shadow_leave(&t, error);
}


static int
shadow_row(wgw_txn_t *t, wgw_shadow_t *shadow, const wgw_store_row_t *row)
{
    int        err;
    unsigned   kept, again;
    wgw_row_t  found;

    if (row->value.data == NULL) {
        return EINVAL;
    }

    err = shadow_kept(t, row->key, &kept, &again);
    if (err) {
        return err;
    }

    if (kept) {
        if (again) {
            shadow_twice(shadow, row);
        }

        return 0;
    }

    found.db = 1;
    found.key = row->key;
    found.value = row->value;

    (void) wgw_row_find(t, &found);

    if (t->err) {
        return t->err;
    }

    err = wgw_row_store(t, 1, shadow_dbi(t), found.key, found.value,
                        found.same ? found.change : wgw_txn_id(t),
                        MDB_NOOVERWRITE);

    if (err == MDB_KEYEXIST) {
        shadow_twice(shadow, row);
        return 0;
    }

    t->changed = 1;
    t->mark.common += found.existed;
    t->mark.differ += found.existed && !found.same;

    return err;
}


static void
shadow_twice(wgw_shadow_t *shadow, const wgw_store_row_t *row)
{
    if (shadow->duplicate == 0 || row->line < shadow->duplicate) {
        shadow->duplicate = row->line;
    }
}


/* Whether a change keeps a row from being taken, and whether it had one. */

static int
shadow_kept(wgw_txn_t *t, wgw_text_t key, unsigned *kept, unsigned *again)
{
    int       err;
    uint8_t   one;
    MDB_val   from, value;
    MDB_stat  st;

    *kept = 0;
    *again = 0;

    err = mdb_stat(t->txn, t->env->kept, &st);
    if (err || st.ms_entries == 0) {
        return err;
    }

    from.mv_data = (void *) key.data;
    from.mv_size = key.len;

    err = mdb_get(t->txn, t->env->kept, &from, &value);

    if (err) {
        return err == MDB_NOTFOUND ? 0 : err;
    }

    *kept = 1;
    *again = value.mv_size == 1 && *(uint8_t *) value.mv_data;

    one = 1;
    value.mv_data = &one;
    value.mv_size = 1;

    t->changed = 1;

    return mdb_put(t->txn, t->env->kept, &from, &value, 0);
}


wgw_store_rc_t
wgw_shadow_flip(wgw_store_t *store, wgw_shadow_t *shadow,
    wgw_store_counts_t *counts, wgw_store_error_t *error)
{
    wgw_txn_t  t;

    shadow_enter(store, shadow, &t);

    if (t.err == 0) {
        wgw_txn_fail(&t, shadow_flip(&t, counts));
    }

    return shadow_leave(&t, error);
}


static int
shadow_flip(wgw_txn_t *t, wgw_store_counts_t *counts)
{
    int       err;
    uint8_t   current;
    MDB_val   key, value;
    MDB_stat  old, new;

    err = mdb_stat(t->txn, wgw_txn_dbi(t, 1), &old);

    if (err == 0) {
        err = mdb_stat(t->txn, shadow_dbi(t), &new);
    }

    if (err) {
        return err;
    }

    counts->added = new.ms_entries - t->mark.common;
    counts->changed = t->mark.differ;
    counts->deleted = old.ms_entries - t->mark.common;

    err = t->noting ? shadow_note(t) : 0;
    if (err) {
        return err;
    }

    current = !t->current;

    key.mv_data = "current";
    key.mv_size = sizeof("current") - 1;
    value.mv_data = &current;
    value.mv_size = 1;

    err = mdb_put(t->txn, t->env->dbs[WGW_STORE_META], &key, &value, 0);
    if (err) {
        return err;
    }

    t->mark.filling = 0;

    return shadow_mark(t);
}


/* Notes what is another row in the shadow, or is in one of both only. */

static int
shadow_note(wgw_txn_t *t)
{
    int          err;
    MDB_cursor  *old, *new;

    err = mdb_cursor_open(t->txn, wgw_txn_dbi(t, 1), &old);
    if (err) {
        return err;
    }

    err = mdb_cursor_open(t->txn, shadow_dbi(t), &new);

    if (err == 0) {
        err = shadow_both(t, old, new);
        mdb_cursor_close(new);
    }

    mdb_cursor_close(old);

    return err;
}


static int
shadow_both(wgw_txn_t *t, MDB_cursor *old, MDB_cursor *new)
{
    int      a, b, order, err;
    MDB_val  key, value, other, row;

    a = mdb_cursor_get(old, &key, &value, MDB_FIRST);
    b = mdb_cursor_get(new, &other, &row, MDB_FIRST);

    for ( ;; ) {

        if ((a && a != MDB_NOTFOUND) || (b && b != MDB_NOTFOUND)) {
            return a && a != MDB_NOTFOUND ? a : b;
        }

        if (a && b) {
            return 0;
        }

        order = a ? 1 : b ? -1 : mdb_cmp(t->txn, shadow_dbi(t), &key, &other);
        err = 0;

        if (order || !wgw_row_alike(t, &value, &row)) {
            err = wgw_row_note(t, order > 0 ? &other : &key);
        }

        if (err) {
            return err;
        }

        if (order <= 0) {
            a = mdb_cursor_get(old, &key, &value, MDB_NEXT);
        }

        if (order >= 0) {
            b = mdb_cursor_get(new, &other, &row, MDB_NEXT);
        }
    }
}


void
wgw_shadow_sweep(wgw_env_t *env)
{
    wgw_txn_t          t;
    wgw_store_error_t  error;

    wgw_txn_start(&t, env);

    if (t.err == 0 && t.marked) {
        wgw_txn_fail(&t, shadow_drop(&t));
    }

    (void) wgw_txn_end(&t, &error);
}


static int
shadow_drop(wgw_txn_t *t)
{
    int  err;

    err = shadow_lives(t->env->env, t->mark.pid);

    if (err == 0) {
        err = mdb_drop(t->txn, shadow_dbi(t), 0);
    }

    if (err == 0) {
        err = mdb_drop(t->txn, t->env->kept, 0);
    }

    if (err) {
        return err;
    }

    t->mark.filling = 0;
    t->changed = 1;

    return wgw_mark_delete(t->env, t->txn);
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
