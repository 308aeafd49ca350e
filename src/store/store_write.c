
/*
 * store_write: changes of the store; see store.h.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "store/store_env.h"


#define STORE_KEEP  60                  /* seconds, of a noted deletion */
#define STORE_MARK  (WGW_SHADOW_TOKEN + 4 + 1 + 8 + 8)

/* the id of the first transaction of a store that is new or compacted */
#define STORE_FIRST  2

/* LMDB writes at most that much in one call */
#define STORE_ROOM  (1024 * 1024)


static int store_apply(wgw_store_txn_t *t, wgw_store_write_t *write);
static int store_put(wgw_store_txn_t *t, MDB_val *key,
    wgw_store_write_t *write, unsigned same);
static int store_delete(wgw_store_txn_t *t, MDB_val *key,
    wgw_store_write_t *write);
static int store_note(wgw_store_txn_t *t, MDB_val *name);
static int store_row(wgw_store_txn_t *t, const wgw_store_row_t *row,
    wgw_store_counts_t *counts);
static int store_renumber(MDB_cursor *cursor, uint64_t id);
static int store_forget(MDB_cursor *cursor);
static unsigned store_no_room(wgw_store_t *store);
static uint8_t *store_number(uint8_t *p, uint64_t number, size_t size);
static uint64_t store_number_at(const uint8_t *p, size_t size);


wgw_store_rc_t
wgw_store_write(wgw_store_t *store, wgw_store_write_t *list,
    wgw_store_error_t *error)
{
    int                 err;
    wgw_store_rc_t      rc;
    wgw_store_txn_t     t;
    wgw_store_write_t  *write;

    err = wgw_store_enter(store, &t);

    for (write = list; err == 0 && write; write = write->next) {
        err = store_apply(&t, write);
    }

    rc = wgw_store_leave(&t, err, error);

    for (write = list; rc != WGW_STORE_OK && write; write = write->next) {
        write->rc = rc;
    }

    return rc;
}


wgw_store_rc_t
wgw_store_write_rows(wgw_store_t *store, const wgw_store_row_t *rows,
    size_t n, wgw_store_counts_t *counts, wgw_store_error_t *error)
{
    int              err;
    size_t           i;
    wgw_store_txn_t  t;

    memset(counts, 0, sizeof(wgw_store_counts_t));

    err = wgw_store_enter(store, &t);

    for (i = 0; err == 0 && i < n; i++) {
        err = store_row(&t, &rows[i], counts);
    }

    return wgw_store_leave(&t, err, error);
}


static int
store_row(wgw_store_txn_t *t, const wgw_store_row_t *row,
    wgw_store_counts_t *counts)
{
    int                err;
    wgw_record_t       record;
    wgw_store_write_t  write;

    memset(&write, 0, sizeof(wgw_store_write_t));

    write.name = row->name;

    if (row->packed) {
        if (wgw_record_unpack(&record, row->packed, row->len) != 0) {
            return EINVAL;
        }

        write.record = &record;
    }

    err = store_apply(t, &write);

    if (err || !write.altered) {
        return err;
    }

    if (write.record == NULL) {
        counts->deleted++;

    } else if (write.existed) {
        counts->changed++;

    } else {
        counts->added++;
    }

    return 0;
}


static int
store_apply(wgw_store_txn_t *t, wgw_store_write_t *write)
{
    int           err;
    MDB_val       key, value;
    unsigned      same;
    wgw_record_t  old;

    key.mv_data = (void *) write->name.data;
    key.mv_size = write->name.len;

    err = mdb_get(t->txn, t->store->names[t->current], &key, &value);
    if (err && err != MDB_NOTFOUND) {
        return err;
    }

    write->existed = (err == 0);
    write->altered = 0;
    write->change = 0;
    write->rc = WGW_STORE_OK;

    same = 0;

    /* a record that is damaged can still be replaced or deleted */

    if (write->existed
        && wgw_record_unpack(&old, value.mv_data, value.mv_size) == 0)
    {
        write->change = old.change;
        same = write->record && wgw_record_equal(&old, write->record);
    }

    if ((write->absent && write->existed)
        || (write->match && !write->existed)
        || (write->match && write->if_match
            && write->if_match != write->change))
    {
        write->rc = WGW_STORE_MISMATCH;
        return 0;
    }

    return write->record ? store_put(t, &key, write, same)
                         : store_delete(t, &key, write);
}


/* What is the same already is put into the shadow, where it is asked for. */

static int
store_put(wgw_store_txn_t *t, MDB_val *key, wgw_store_write_t *write,
    unsigned same)
{
    int           err;
    MDB_val       value;
    uint64_t      before;
    wgw_record_t  record;

    if (same && !t->mark.filling) {
        return 0;
    }

    before = write->change;

    if (!same) {
        write->altered = 1;
        write->change = mdb_txn_id(t->txn);
    }

    record = *write->record;
    record.change = write->change;

    value.mv_data = t->packed;
    value.mv_size = wgw_record_pack(&record, t->packed);

    if (!same) {
        t->changed = 1;

        err = mdb_put(t->txn, t->store->names[t->current], key, &value, 0);
        if (err) {
            return err;
        }
    }

    return t->mark.filling
           ? wgw_shadow_mirror(t, key, write->existed, before, &value) : 0;
}


static int
store_delete(wgw_store_txn_t *t, MDB_val *key, wgw_store_write_t *write)
{
    int  err;

    if (!write->existed) {
        write->rc = WGW_STORE_NONE;
        return 0;
    }

    write->altered = 1;
    t->changed = 1;

    err = mdb_del(t->txn, t->store->names[t->current], key, NULL);

    if (err == 0 && write->close) {
        err = store_note(t, key);
    }

    if (err || !t->mark.filling) {
        return err;
    }

    return wgw_shadow_mirror(t, key, 1, write->change, NULL);
}


/*
 * Notes a deletion, and forgets the oldest ones.  A clock that was set back
 * makes old ones of all.
 */

static int
store_note(wgw_store_txn_t *t, MDB_val *name)
{
    int                 err;
    MDB_val             key, value;
    uint8_t             bytes[WGW_STORE_CLOSED_MAX], now[8];
    uint64_t            age;
    MDB_cursor         *cursor;
    wgw_store_closed_t  at;

    err = mdb_cursor_open(t->txn, t->store->meta, &cursor);
    if (err) {
        return err;
    }

    at.id = 0;
    at.len = 0;

    key.mv_data = bytes;
    key.mv_size = wgw_store_closed_key(&at, bytes);

    err = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

    while (err == 0
           && key.mv_size > WGW_STORE_CLOSED_HEAD
           && memcmp(key.mv_data, bytes, WGW_STORE_CLOSED_HEAD - 8) == 0
           && value.mv_size == sizeof(now))
    {
        age = (uint64_t) time(NULL) - store_number_at(value.mv_data, 8);

        if (age <= STORE_KEEP) {
            break;
        }

        err = mdb_cursor_del(cursor, 0);

        if (err == 0) {
            err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        }
    }

    mdb_cursor_close(cursor);

    if (err && err != MDB_NOTFOUND) {
        return err;
    }

    at.id = mdb_txn_id(t->txn);
    at.len = name->mv_size;
    memcpy(at.name, name->mv_data, at.len);

    store_number(now, (uint64_t) time(NULL), sizeof(now));

    key.mv_data = bytes;
    key.mv_size = wgw_store_closed_key(&at, bytes);
    value.mv_data = now;
    value.mv_size = sizeof(now);

    return mdb_put(t->txn, t->store->meta, &key, &value, 0);
}


int
wgw_store_enter(wgw_store_t *store, wgw_store_txn_t *t)
{
    int       err;
    unsigned  n;

    memset(t, 0, sizeof(wgw_store_txn_t));

    n = __atomic_load_n(&store->writing, __ATOMIC_ACQUIRE);

    do {
        if (n == WGW_STORE_CLOSED) {
            return MDB_PANIC;
        }

    } while (!__atomic_compare_exchange_n(&store->writing, &n, n + 1, 0,
                                          __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));

    t->store = store;

    t->packed = malloc(WGW_RECORD_PACKED);
    if (t->packed == NULL) {
        return ENOMEM;
    }

    err = mdb_txn_begin(store->env, NULL, 0, &t->txn);
    if (err) {
        t->txn = NULL;
        return err;
    }

    err = wgw_store_current(t->txn, store->meta, &t->current);
    if (err) {
        return err;
    }

    err = wgw_store_get_mark(t->txn, store->meta, &t->mark);

    t->marked = (err == 0);

    return err == MDB_NOTFOUND ? 0 : err;
}


wgw_store_rc_t
wgw_store_leave(wgw_store_txn_t *t, int err, wgw_store_error_t *error)
{
    wgw_store_rc_t  rc;

    if (err == 0 && t->changed) {
        err = t->mark.filling ? wgw_store_put_mark(t) : 0;

        if (err == 0) {
            err = mdb_txn_commit(t->txn);
            t->txn = NULL;
        }
    }

    if (t->txn) {
        mdb_txn_abort(t->txn);
    }

    free(t->packed);

    rc = err ? wgw_store_lmdb(error, "write", err) : WGW_STORE_OK;

    if (err == EIO && store_no_room(t->store)) {
        rc = WGW_STORE_FULL;
    }

    if (t->store) {
        __atomic_sub_fetch(&t->store->writing, 1, __ATOMIC_ACQ_REL);
    }

    return rc;
}


/*
 * A write that fits in part only is an I/O error to LMDB.  It is no such
 * thing where the disk, or the size of a file, is about to end.
 */

static unsigned
store_no_room(wgw_store_t *store)
{
    struct stat     st;
    struct rlimit   limit;
    struct statvfs  fs;
    char            file[4096];
    int             n;

    if (statvfs(store->path, &fs) == 0
        && (uint64_t) fs.f_bavail * fs.f_frsize < STORE_ROOM)
    {
        return 1;
    }

    n = snprintf(file, sizeof(file), "%s/data.mdb", store->path);

    return n > 0 && (size_t) n < sizeof(file)
           && stat(file, &st) == 0
           && getrlimit(RLIMIT_FSIZE, &limit) == 0
           && limit.rlim_cur != RLIM_INFINITY
           && (uint64_t) st.st_size + STORE_ROOM > limit.rlim_cur;
}


int
wgw_store_get_mark(MDB_txn *txn, MDB_dbi meta, wgw_store_mark_t *mark)
{
    int             err;
    MDB_val         key, value;
    const uint8_t  *p;

    key.mv_data = "replace";
    key.mv_size = sizeof("replace") - 1;

    err = mdb_get(txn, meta, &key, &value);
    if (err) {
        return err;
    }

    if (value.mv_size != STORE_MARK) {
        return MDB_CORRUPTED;
    }

    p = value.mv_data;

    memcpy(mark->token, p, WGW_SHADOW_TOKEN);
    p += WGW_SHADOW_TOKEN;

    mark->pid = (uint32_t) store_number_at(p, 4);
    mark->filling = p[4];
    mark->common = store_number_at(p + 5, 8);
    mark->differ = store_number_at(p + 13, 8);

    return 0;
}


int
wgw_store_put_mark(wgw_store_txn_t *t)
{
    MDB_val   key, value;
    uint8_t  *p, bytes[STORE_MARK];

    memcpy(bytes, t->mark.token, WGW_SHADOW_TOKEN);

    p = store_number(bytes + WGW_SHADOW_TOKEN, t->mark.pid, 4);
    p = store_number(p, t->mark.filling, 1);
    p = store_number(p, t->mark.common, 8);
    store_number(p, t->mark.differ, 8);

    key.mv_data = "replace";
    key.mv_size = sizeof("replace") - 1;
    value.mv_data = bytes;
    value.mv_size = STORE_MARK;

    t->changed = 1;

    return mdb_put(t->txn, t->store->meta, &key, &value, 0);
}


int
wgw_store_del_mark(wgw_store_txn_t *t)
{
    MDB_val  key;

    key.mv_data = "replace";
    key.mv_size = sizeof("replace") - 1;

    t->changed = 1;

    return mdb_del(t->txn, t->store->meta, &key, NULL);
}


int
wgw_store_renumber(MDB_txn *txn)
{
    int          err;
    MDB_dbi      meta, names;
    unsigned     current;
    MDB_cursor  *cursor;

    if (mdb_txn_id(txn) != STORE_FIRST) {
        return 0;
    }

    err = mdb_dbi_open(txn, "wgw", 0, &meta);

    if (err == 0) {
        err = wgw_store_current(txn, meta, &current);
    }

    if (err == 0) {
        err = mdb_dbi_open(txn, current ? "names.1" : "names.0", 0, &names);
    }

    if (err == 0) {
        err = mdb_cursor_open(txn, names, &cursor);
    }

    if (err == 0) {
        err = store_renumber(cursor, mdb_txn_id(txn));
        mdb_cursor_close(cursor);
    }

    if (err == 0) {
        err = mdb_cursor_open(txn, meta, &cursor);
    }

    if (err == 0) {
        err = store_forget(cursor);
        mdb_cursor_close(cursor);
    }

    return err;
}


static int
store_renumber(MDB_cursor *cursor, uint64_t id)
{
    int            err;
    MDB_val        key, value;
    uint8_t       *packed;
    wgw_record_t   record;

    packed = malloc(WGW_RECORD_PACKED);
    if (packed == NULL) {
        return ENOMEM;
    }

    err = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);

    while (err == 0) {

        if (wgw_record_unpack(&record, value.mv_data, value.mv_size) == 0
            && record.change > id)
        {
            record.change = id;

            value.mv_data = packed;
            value.mv_size = wgw_record_pack(&record, packed);

            err = mdb_cursor_put(cursor, &key, &value, MDB_CURRENT);
        }

        if (err == 0) {
            err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        }
    }

    free(packed);

    return err == MDB_NOTFOUND ? 0 : err;
}


/* Nobody is left whom deletions that were noted before could concern. */

static int
store_forget(MDB_cursor *cursor)
{
    int      err;
    MDB_val  key, value;

    key.mv_data = (void *) WGW_STORE_CLOSED_KEY;
    key.mv_size = sizeof(WGW_STORE_CLOSED_KEY) - 1;

    err = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

    while (err == 0
           && key.mv_size > WGW_STORE_CLOSED_HEAD
           && memcmp(key.mv_data, WGW_STORE_CLOSED_KEY,
                     sizeof(WGW_STORE_CLOSED_KEY) - 1)
              == 0)
    {
        err = mdb_cursor_del(cursor, 0);

        if (err == 0) {
            err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        }
    }

    return err == MDB_NOTFOUND ? 0 : err;
}


static uint8_t *
store_number(uint8_t *p, uint64_t number, size_t size)
{
    size_t  i;

    for (i = 0; i < size; i++) {
        *p++ = (uint8_t) (number >> 8 * i);
    }

    return p;
}


static uint64_t
store_number_at(const uint8_t *p, size_t size)
{
    size_t    i;
    uint64_t  number;

    number = 0;

    for (i = 0; i < size; i++) {
        number |= (uint64_t) p[i] << 8 * i;
    }

    return number;
}
