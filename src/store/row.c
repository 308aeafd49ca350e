
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/number.h"
#include "store/row.h"


#define ROW_ID  8                       /* bytes of a change id */


static wgw_store_rc_t row_change(wgw_txn_t *t, unsigned db,
    const wgw_store_row_t *row, wgw_store_counts_t *counts);
static void row_settle(const wgw_txn_t *t, wgw_row_t *row,
    const MDB_val *found);
static size_t row_at(const wgw_txn_t *t, unsigned db);
static uint64_t row_id(const MDB_val *value, size_t at);
static unsigned row_same(const MDB_val *value, wgw_text_t other, size_t at);
static int row_noted(wgw_txn_t *t, const wgw_row_t *row);
static int row_mirror(wgw_txn_t *t, const wgw_row_t *row, uint64_t before,
    unsigned deleted);
static int row_renumber(wgw_txn_t *t, MDB_cursor *cursor, size_t at);


wgw_store_rc_t
wgw_row_find(wgw_txn_t *t, wgw_row_t *row)
{
    int      err;
    size_t   at;
    MDB_val  key, value;

    row->existed = 0;
    row->same = 0;
    row->altered = 0;
    row->change = 0;

    if (t->err) {
        return WGW_STORE_FAILED;
    }

    key.mv_data = (void *) row->key.data;
    key.mv_size = row->key.len;

    err = mdb_get(t->txn, wgw_txn_dbi(t, row->db), &key, &value);

    if (err == 0 || err == MDB_NOTFOUND) {
        row_settle(t, row, err == 0 ? &value : NULL);
    }

    if (err == MDB_NOTFOUND) {
        return WGW_STORE_NONE;
    }

    if (err == 0) {
        at = row_at(t, row->db);

        row->existed = 1;
        row->change = row_id(&value, at);
        row->same = row->value.data && row_same(&value, row->value, at);
    }

    return wgw_txn_fail(t, err);
}


static void
row_settle(const wgw_txn_t *t, wgw_row_t *row, const MDB_val *found)
{
    wgw_text_t                   old;
    const wgw_store_database_t  *database;

    if (row->db == WGW_STORE_META || row->value.data == NULL) {
        return;
    }

    database = &t->env->class->databases[row->db - 1];

    old.data = found ? found->mv_data : NULL;
    old.len = found ? found->mv_size : 0;

    if (database->settle) {
        database->settle(&row->value, old);
    }
}


/* What is the same already is put into the shadow, where it is asked for. */

wgw_store_rc_t
wgw_row_put(wgw_txn_t *t, wgw_row_t *row)
{
    int       err;
    uint64_t  before;

    if (t->err || (row->same && !t->mark.filling)) {
        return wgw_txn_fail(t, 0);
    }

    err = 0;
    before = row->change;

    if (!row->same) {
        row->altered = 1;
        row->change = wgw_txn_id(t);
        t->changed = 1;

        err = wgw_row_store(t, row->db, wgw_txn_dbi(t, row->db), row->key,
                            row->value, row->change, 0);

        if (err == 0 && row->db == 1 && t->noting) {
            err = row_noted(t, row);
        }
    }

    if (err == 0 && row->db == 1 && t->mark.filling) {
        err = row_mirror(t, row, before, 0);
    }

    return wgw_txn_fail(t, err);
}


wgw_store_rc_t
wgw_row_delete(wgw_txn_t *t, wgw_row_t *row)
{
    int      err;
    MDB_val  key;

    if (t->err) {
        return WGW_STORE_FAILED;
    }

    if (!row->existed) {
        return WGW_STORE_NONE;
    }

    row->altered = 1;
    t->changed = 1;

    key.mv_data = (void *) row->key.data;
    key.mv_size = row->key.len;

    err = mdb_del(t->txn, wgw_txn_dbi(t, row->db), &key, NULL);

    if (err == 0 && row->db == 1 && t->noting) {
        err = row_noted(t, row);
    }

    if (err == 0 && row->db == 1 && t->mark.filling) {
        err = row_mirror(t, row, row->change, 1);
    }

    return wgw_txn_fail(t, err);
}


wgw_store_rc_t
wgw_row_write(wgw_store_t *store, unsigned db, const wgw_store_row_t *rows,
    size_t n, wgw_store_counts_t *counts, wgw_store_error_t *error)
{
    size_t          i;
    wgw_txn_t       t;
    wgw_store_rc_t  rc;

    memset(counts, 0, sizeof(wgw_store_counts_t));

    wgw_txn_begin(&t, store);

    rc = WGW_STORE_OK;

    for (i = 0; rc == WGW_STORE_OK && i < n; i++) {
        rc = row_change(&t, db, &rows[i], counts);
    }

    return wgw_txn_end(&t, error);
}


static wgw_store_rc_t
row_change(wgw_txn_t *t, unsigned db, const wgw_store_row_t *row,
    wgw_store_counts_t *counts)
{
    wgw_row_t       change;
    wgw_store_rc_t  rc;

    change.db = db;
    change.key = row->key;
    change.value = row->value;

    rc = wgw_row_find(t, &change);

    if (rc == WGW_STORE_FAILED) {
        return rc;
    }

    if (row->value.data == NULL) {
        rc = wgw_row_delete(t, &change);
        counts->deleted += change.altered;

    } else {
        rc = wgw_row_put(t, &change);
        counts->changed += change.altered && change.existed;
        counts->added += change.altered && !change.existed;
    }

    return rc == WGW_STORE_NONE ? WGW_STORE_OK : rc;
}


static size_t
row_at(const wgw_txn_t *t, unsigned db)
{
    return db == WGW_STORE_META ? WGW_STORE_PLAIN
                                : t->env->class->databases[db - 1].change;
}


/* Of a row that is damaged or carries none: 0. */

static uint64_t
row_id(const MDB_val *value, size_t at)
{
    if (at == WGW_STORE_PLAIN || value->mv_size < at + ROW_ID) {
        return 0;
    }

    return wgw_number_get((const uint8_t *) value->mv_data + at, ROW_ID);
}


static unsigned
row_same(const MDB_val *value, wgw_text_t other, size_t at)
{
    size_t       rest;
    const char  *p;

    p = value->mv_data;

    if (value->mv_size != other.len) {
        return 0;
    }

    if (at == WGW_STORE_PLAIN || other.len < at + ROW_ID) {
        return memcmp(p, other.data, other.len) == 0;
    }

    rest = at + ROW_ID;

    return memcmp(p, other.data, at) == 0
           && memcmp(p + rest, other.data + rest, other.len - rest) == 0;
}


/* Written where it will be: the id is put in on the way. */

int
wgw_row_store(wgw_txn_t *t, unsigned db, MDB_dbi dbi, wgw_text_t key,
    wgw_text_t value, uint64_t change, unsigned flags)
{
    int      err;
    size_t   at;
    MDB_val  to, row;

    at = row_at(t, db);

    if (at != WGW_STORE_PLAIN && value.len < at + ROW_ID) {
        return EINVAL;
    }

    to.mv_data = (void *) key.data;
    to.mv_size = key.len;
    row.mv_size = value.len;

    err = mdb_put(t->txn, dbi, &to, &row, MDB_RESERVE|flags);
    if (err) {
        return err;
    }

    memcpy(row.mv_data, value.data, value.len);

    if (at != WGW_STORE_PLAIN) {
        wgw_number_put((uint8_t *) row.mv_data + at, change, ROW_ID);
    }

    return 0;
}


static int
row_noted(wgw_txn_t *t, const wgw_row_t *row)
{
    MDB_val  key;

    key.mv_data = (void *) row->key.data;
    key.mv_size = row->key.len;

    return wgw_row_note(t, &key);
}


unsigned
wgw_row_alike(const wgw_txn_t *t, const MDB_val *one, const MDB_val *other)
{
    size_t  at;

    at = row_at(t, 1);

    return row_id(one, at) == row_id(other, at)
           && one->mv_size == other->mv_size;
}


int
wgw_row_note(wgw_txn_t *t, const MDB_val *key)
{
    MDB_val  to, value;
    uint8_t  id[ROW_ID];

    to = *key;

    wgw_number_put(id, wgw_txn_id(t), ROW_ID);

    value.mv_data = id;
    value.mv_size = ROW_ID;

    return mdb_put(t->txn, t->env->dbs[t->env->class->notes], &to, &value, 0);
}


/*
 * Repeats in the shadow what was done to a row of the current set, which
 * had the id `before` if it existed.
 */

static int
row_mirror(wgw_txn_t *t, const wgw_row_t *row, uint64_t before,
    unsigned deleted)
{
    int       err;
    uint8_t   there;
    MDB_dbi   dbi;
    MDB_val   key, found, note;
    unsigned  both;

    dbi = t->env->pair[!t->current];

    key.mv_data = (void *) row->key.data;
    key.mv_size = row->key.len;

    err = mdb_get(t->txn, dbi, &key, &found);
    if (err && err != MDB_NOTFOUND) {
        return err;
    }

    there = (err == 0);
    both = there && row->existed;

    if (both && row_id(&found, row_at(t, row->db)) != before) {
        t->mark.differ--;
    }

    t->mark.common += !deleted;
    t->mark.common -= both;
    t->changed = 1;

    note.mv_data = &there;
    note.mv_size = 1;

    err = mdb_put(t->txn, t->env->kept, &key, &note, MDB_NOOVERWRITE);
    if (err && err != MDB_KEYEXIST) {
        return err;
    }

    if (!deleted) {
        return wgw_row_store(t, row->db, dbi, row->key, row->value,
                             row->change, 0);
    }

    return there ? mdb_del(t->txn, dbi, &key, NULL) : 0;
}


void
wgw_row_renumber(wgw_txn_t *t, unsigned db)
{
    int          err;
    size_t       at;
    MDB_cursor  *cursor;

    at = row_at(t, db);

    if (t->err || at == WGW_STORE_PLAIN) {
        return;
    }

    err = mdb_cursor_open(t->txn, wgw_txn_dbi(t, db), &cursor);

    if (err == 0) {
        err = row_renumber(t, cursor, at);
        mdb_cursor_close(cursor);
    }

    (void) wgw_txn_fail(t, err);
}


static int
row_renumber(wgw_txn_t *t, MDB_cursor *cursor, size_t at)
{
    int      err;
    char    *copy, *room;
    size_t   size;
    MDB_val  key, value;

    copy = NULL;
    size = 0;

    err = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);

    while (err == 0) {

        if (row_id(&value, at) > wgw_txn_id(t)) {

            if (copy == NULL || value.mv_size > size) {
                size = 2 * value.mv_size;
                room = realloc(copy, size);

                if (room == NULL) {
                    err = ENOMEM;
                    break;
                }

                copy = room;
            }

            memcpy(copy, value.mv_data, value.mv_size);
            wgw_number_put((uint8_t *) copy + at, wgw_txn_id(t), ROW_ID);

            value.mv_data = copy;
            t->changed = 1;

            err = mdb_cursor_put(cursor, &key, &value, MDB_CURRENT);
        }

        if (err == 0) {
            err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        }
    }

    free(copy);

    return err == MDB_NOTFOUND ? 0 : err;
}
