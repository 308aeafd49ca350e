
#include <errno.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "store.h"


/* f_type of file systems where LMDB's locks or mapping do not hold */
#define STORE_FS_NFS   0x6969
#define STORE_FS_SMB   0x517b
#define STORE_FS_SMB2  0xfe534d42
#define STORE_FS_CIFS  0xff534d42
#define STORE_FS_FUSE  0x65735546
#define STORE_FS_9P    0x01021997

#define STORE_DBS      3


struct wgw_store_s {
    wgw_store_t       *next;            /* the process's stores */
    char              *path;
    dev_t              dev;
    ino_t              ino;
    wgw_store_sync_t   sync;
    MDB_env           *env;             /* NULL: to be opened (again) */
    MDB_txn           *reader;          /* reset between looks */
    MDB_dbi            meta;
    MDB_dbi            names[2];
    unsigned           current;         /* of snapshot `id` */
    uint64_t           id;
    time_t             tried;
    unsigned           writing;         /* a thread is in wgw_store_write() */
};


static wgw_store_rc_t store_fail(wgw_store_error_t *error,
    const char *format, ...) __attribute__((format(printf, 2, 3)));
static wgw_store_rc_t store_lmdb(wgw_store_error_t *error, const char *what,
    int rc);
static wgw_store_rc_t store_make(const char *path, wgw_store_error_t *error);
static wgw_store_rc_t store_filesystem(const char *path,
    wgw_store_error_t *error);
static wgw_store_rc_t store_env(MDB_env **env, const char *path,
    unsigned flags, wgw_store_error_t *error);
static wgw_store_rc_t store_format(MDB_txn *txn, unsigned create,
    wgw_store_error_t *error);
static wgw_store_rc_t store_own(const char *path, const char *file, uid_t uid,
    gid_t gid, wgw_store_error_t *error);
static wgw_store_rc_t store_start(wgw_store_t *store,
    wgw_store_error_t *error);
static wgw_store_rc_t store_databases(wgw_store_t *store,
    wgw_store_error_t *error);
static void store_stop(wgw_store_t *store);
static int store_current(wgw_store_t *store, MDB_txn *txn, unsigned *current);
static int store_apply(MDB_txn *txn, MDB_dbi dbi, wgw_store_write_t *write,
    uint8_t *packed, unsigned *changed);


static const char  *store_names[] = { "names.0", "names.1" };

static wgw_store_t  *stores;


wgw_store_rc_t
wgw_store_create(const char *path, uid_t uid, gid_t gid,
    wgw_store_error_t *error)
{
    struct stat      st;
    wgw_store_t     *store;
    wgw_store_rc_t   rc;

    if (mkdir(path, 0750) == -1 && errno != EEXIST) {
        return store_fail(error, "mkdir() failed (%d: %s)", errno,
                          strerror(errno));
    }

    if (stat(path, &st) == -1) {
        return store_fail(error, "stat() failed (%d: %s)", errno,
                          strerror(errno));
    }

    /* a process without workers has it open since the last configuration */

    for (store = stores; store; store = store->next) {
        if (store->dev == st.st_dev && store->ino == st.st_ino) {
            return WGW_STORE_OK;
        }
    }

    rc = store_filesystem(path, error);
    if (rc != WGW_STORE_OK) {
        return rc;
    }

    rc = store_make(path, error);
    if (rc != WGW_STORE_OK || geteuid() != 0) {
        return rc;
    }

    /* by path: closing a descriptor of lock.mdb would drop LMDB's locks */

    rc = store_own(path, "", uid, gid, error);

    if (rc == WGW_STORE_OK) {
        rc = store_own(path, "/data.mdb", uid, gid, error);
    }

    if (rc == WGW_STORE_OK) {
        rc = store_own(path, "/lock.mdb", uid, gid, error);
    }

    return rc;
}


static wgw_store_rc_t
store_make(const char *path, wgw_store_error_t *error)
{
    int              err;
    MDB_env         *env;
    MDB_txn         *txn;
    wgw_store_rc_t   rc;

    rc = store_env(&env, path, 0, error);
    if (rc != WGW_STORE_OK) {
        return rc;
    }

    err = mdb_txn_begin(env, NULL, 0, &txn);
    if (err) {
        mdb_env_close(env);
        return store_lmdb(error, "mdb_txn_begin()", err);
    }

    rc = store_format(txn, MDB_CREATE, error);

    if (rc == WGW_STORE_OK) {
        err = mdb_txn_commit(txn);
        if (err) {
            rc = store_lmdb(error, "mdb_txn_commit()", err);
        }

    } else {
        mdb_txn_abort(txn);
    }

    mdb_env_close(env);

    return rc;
}


wgw_store_rc_t
wgw_store_check(const char *path, wgw_store_error_t *error)
{
    int              err;
    char             file[4096];
    MDB_env         *env;
    MDB_txn         *txn;
    struct stat      st;
    wgw_store_rc_t   rc;

    err = snprintf(file, sizeof(file), "%s/data.mdb", path);
    if (err < 0 || (size_t) err >= sizeof(file)) {
        return store_fail(error, "path is too long");
    }

    if (stat(file, &st) == -1) {
        if (errno == ENOENT) {
            return WGW_STORE_OK;
        }

        return store_fail(error, "stat() \"%s\" failed (%d: %s)", "data.mdb",
                          errno, strerror(errno));
    }

    rc = store_env(&env, path, MDB_RDONLY|MDB_NOLOCK, error);
    if (rc != WGW_STORE_OK) {
        return rc;
    }

    err = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (err) {
        mdb_env_close(env);
        return store_lmdb(error, "mdb_txn_begin()", err);
    }

    rc = store_format(txn, 0, error);

    mdb_txn_abort(txn);
    mdb_env_close(env);

    return rc;
}


/*
 * An environment that is set up alike everywhere: the first opener decides
 * the number of readers, and a map of another size makes the others fail.
 */

static wgw_store_rc_t
store_env(MDB_env **env, const char *path, unsigned flags,
    wgw_store_error_t *error)
{
    int  err;

    err = mdb_env_create(env);
    if (err) {
        return store_lmdb(error, "mdb_env_create()", err);
    }

    err = mdb_env_set_maxreaders(*env, WGW_STORE_READERS);

    if (err == 0) {
        err = mdb_env_set_maxdbs(*env, STORE_DBS);
    }

    if (err == 0) {
        err = mdb_env_set_mapsize(*env, WGW_STORE_MAP);
    }

    if (err == 0) {
        err = mdb_env_open(*env, path, MDB_NOTLS|flags, 0640);
    }

    if (err) {
        mdb_env_close(*env);
        return store_lmdb(error, "mdb_env_open()", err);
    }

    return WGW_STORE_OK;
}


static wgw_store_rc_t
store_format(MDB_txn *txn, unsigned create, wgw_store_error_t *error)
{
    int       err, i;
    MDB_dbi   dbi;
    MDB_val   key, value;
    uint8_t   zero, format[4];
    uint32_t  found;

    err = mdb_dbi_open(txn, "wgw", create, &dbi);

    if (err == MDB_NOTFOUND) {
        return store_fail(error, "is no store of wgw");
    }

    for (i = 0; err == 0 && create && i < 2; i++) {
        MDB_dbi  names;

        err = mdb_dbi_open(txn, store_names[i], create, &names);
    }

    if (err) {
        return store_lmdb(error, "mdb_dbi_open()", err);
    }

    key.mv_data = "format";
    key.mv_size = sizeof("format") - 1;

    err = mdb_get(txn, dbi, &key, &value);

    if (err == 0) {

        if (value.mv_size != sizeof(format)) {
            return store_fail(error, "is no store of wgw");
        }

        memcpy(format, value.mv_data, sizeof(format));

        found = format[0] | format[1] << 8 | format[2] << 16
                | (uint32_t) format[3] << 24;

        if (found != WGW_STORE_FORMAT) {
            return store_fail(error, "has format %u, this is for format %d",
                              found, WGW_STORE_FORMAT);
        }

        return WGW_STORE_OK;
    }

    if (err != MDB_NOTFOUND || !create) {
        return store_lmdb(error, "mdb_get()", err);
    }

    memset(format, 0, sizeof(format));
    format[0] = WGW_STORE_FORMAT;

    value.mv_data = format;
    value.mv_size = sizeof(format);

    err = mdb_put(txn, dbi, &key, &value, 0);

    if (err == 0) {
        zero = 0;

        key.mv_data = "current";
        key.mv_size = sizeof("current") - 1;
        value.mv_data = &zero;
        value.mv_size = 1;

        err = mdb_put(txn, dbi, &key, &value, 0);
    }

    return err ? store_lmdb(error, "mdb_put()", err) : WGW_STORE_OK;
}


static wgw_store_rc_t
store_filesystem(const char *path, wgw_store_error_t *error)
{
    struct statfs  fs;

    if (statfs(path, &fs) == -1) {
        return store_fail(error, "statfs() failed (%d: %s)", errno,
                          strerror(errno));
    }

    switch ((uint32_t) fs.f_type) {

    case STORE_FS_NFS:
    case STORE_FS_SMB:
    case STORE_FS_SMB2:
    case STORE_FS_CIFS:
    case STORE_FS_FUSE:
    case STORE_FS_9P:
        return store_fail(error, "is on a network or user-space file system, "
                          "which cannot be shared between processes");

    default:
        return WGW_STORE_OK;
    }
}


static wgw_store_rc_t
store_own(const char *path, const char *file, uid_t uid, gid_t gid,
    wgw_store_error_t *error)
{
    int          n;
    char         name[4096];
    struct stat  st;

    n = snprintf(name, sizeof(name), "%s%s", path, file);
    if (n < 0 || (size_t) n >= sizeof(name)) {
        return store_fail(error, "path is too long");
    }

    if (stat(name, &st) == -1) {
        return store_fail(error, "stat() \"%s\" failed (%d: %s)", file, errno,
                          strerror(errno));
    }

    if (st.st_uid == uid && st.st_gid == gid) {
        return WGW_STORE_OK;
    }

    if (chown(name, uid, gid) == -1) {
        return store_fail(error, "chown() \"%s\" failed (%d: %s)", file,
                          errno, strerror(errno));
    }

    return WGW_STORE_OK;
}


wgw_store_t *
wgw_store_open(const char *path, wgw_store_sync_t sync,
    wgw_store_error_t *error)
{
    struct stat   st;
    wgw_store_t  *store;

    if (stat(path, &st) == -1) {
        store_fail(error, "stat() failed (%d: %s)", errno, strerror(errno));
        return NULL;
    }

    for (store = stores; store; store = store->next) {
        if (store->dev == st.st_dev && store->ino == st.st_ino) {
            return store;
        }
    }

    store = calloc(1, sizeof(wgw_store_t));
    if (store == NULL) {
        store_fail(error, "out of memory");
        return NULL;
    }

    store->path = strdup(path);
    store->dev = st.st_dev;
    store->ino = st.st_ino;
    store->sync = sync;

    if (store->path == NULL || store_start(store, error) != WGW_STORE_OK) {
        free(store->path);
        free(store);
        return NULL;
    }

    store->next = stores;
    stores = store;

    return store;
}


void
wgw_store_close(void)
{
    wgw_store_t  *store;

    while (stores) {
        store = stores;
        stores = store->next;

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

    rc = store_env(&store->env, store->path, flags, error);
    if (rc != WGW_STORE_OK) {
        store->env = NULL;
        return rc;
    }

    rc = store_databases(store, error);
    if (rc != WGW_STORE_OK) {
        store_stop(store);
    }

    return rc;
}


/*
 * The databases are opened in an empty write transaction: its mutex is the
 * way to learn that a writer was killed, which repairs what it left.
 */

static wgw_store_rc_t
store_databases(wgw_store_t *store, wgw_store_error_t *error)
{
    int       err, dead, i;
    MDB_txn  *txn;

    err = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (err) {
        return store_lmdb(error, "mdb_txn_begin()", err);
    }

    err = mdb_dbi_open(txn, "wgw", 0, &store->meta);

    for (i = 0; err == 0 && i < 2; i++) {
        err = mdb_dbi_open(txn, store_names[i], 0, &store->names[i]);
    }

    if (err) {
        mdb_txn_abort(txn);
        return store_lmdb(error, "mdb_dbi_open()", err);
    }

    err = mdb_txn_commit(txn);
    if (err) {
        return store_lmdb(error, "mdb_txn_commit()", err);
    }

    (void) mdb_reader_check(store->env, &dead);

    err = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &store->reader);
    if (err) {
        store->reader = NULL;
        return store_lmdb(error, "mdb_txn_begin()", err);
    }

    err = store_current(store, store->reader, &store->current);

    store->id = mdb_txn_id(store->reader);

    mdb_txn_reset(store->reader);

    return err ? store_lmdb(error, "mdb_get()", err) : WGW_STORE_OK;
}


static void
store_stop(wgw_store_t *store)
{
    if (store->reader) {
        mdb_txn_abort(store->reader);
        store->reader = NULL;
    }

    if (store->env) {
        mdb_env_close(store->env);
        store->env = NULL;
    }
}


wgw_store_rc_t
wgw_store_begin(wgw_store_t *store, uint64_t *id, wgw_store_error_t *error)
{
    int             err, dead;
    wgw_store_rc_t  rc;

    if (store->env == NULL) {
        if (store->tried == time(NULL)) {
            return store_fail(error, "is not available after an I/O error");
        }

        rc = store_start(store, error);
        if (rc != WGW_STORE_OK) {
            return rc;
        }
    }

    err = mdb_txn_renew(store->reader);

    if (err == MDB_READERS_FULL) {
        (void) mdb_reader_check(store->env, &dead);
        err = mdb_txn_renew(store->reader);
    }

    if (err) {
        if (err == MDB_PANIC
            && __atomic_load_n(&store->writing, __ATOMIC_ACQUIRE) == 0)
        {
            store_stop(store);
            store->tried = time(NULL);
        }

        return store_lmdb(error, "mdb_txn_renew()", err);
    }

    *id = mdb_txn_id(store->reader);

    if (*id != store->id) {
        err = store_current(store, store->reader, &store->current);
        if (err) {
            mdb_txn_reset(store->reader);
            return store_lmdb(error, "mdb_get()", err);
        }

        store->id = *id;
    }

    return WGW_STORE_OK;
}


void
wgw_store_end(wgw_store_t *store)
{
    mdb_txn_reset(store->reader);
}


static int
store_current(wgw_store_t *store, MDB_txn *txn, unsigned *current)
{
    int      err;
    MDB_val  key, value;

    key.mv_data = "current";
    key.mv_size = sizeof("current") - 1;

    err = mdb_get(txn, store->meta, &key, &value);
    if (err) {
        return err;
    }

    if (value.mv_size != 1 || *(uint8_t *) value.mv_data > 1) {
        return MDB_CORRUPTED;
    }

    *current = *(uint8_t *) value.mv_data;

    return 0;
}


wgw_store_rc_t
wgw_store_get(wgw_store_t *store, wgw_text_t name, wgw_text_t *packed,
    wgw_store_error_t *error)
{
    int      err;
    MDB_val  key, value;

    if (name.len == 0) {
        return WGW_STORE_NONE;
    }

    key.mv_data = (void *) name.data;
    key.mv_size = name.len;

    err = mdb_get(store->reader, store->names[store->current], &key, &value);

    if (err == MDB_NOTFOUND) {
        return WGW_STORE_NONE;
    }

    if (err) {
        return store_lmdb(error, "mdb_get()", err);
    }

    packed->data = value.mv_data;
    packed->len = value.mv_size;

    return WGW_STORE_OK;
}


wgw_store_rc_t
wgw_store_next(wgw_store_t *store, wgw_text_t after, char name[WGW_NAME_MAX],
    size_t *len, wgw_text_t *packed, wgw_store_error_t *error)
{
    int          err;
    MDB_val      key, value;
    MDB_cursor  *cursor;

    err = mdb_cursor_open(store->reader, store->names[store->current],
                          &cursor);
    if (err) {
        return store_lmdb(error, "mdb_cursor_open()", err);
    }

    key.mv_data = (void *) after.data;
    key.mv_size = after.len;

    if (after.len == 0) {
        err = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);

    } else {
        err = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

        if (err == 0 && key.mv_size == after.len
            && memcmp(key.mv_data, after.data, after.len) == 0)
        {
            err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        }
    }

    mdb_cursor_close(cursor);

    if (err == MDB_NOTFOUND) {
        return WGW_STORE_NONE;
    }

    if (err) {
        return store_lmdb(error, "mdb_cursor_get()", err);
    }

    if (key.mv_size > WGW_NAME_MAX) {
        return store_lmdb(error, "mdb_cursor_get()", MDB_CORRUPTED);
    }

    memcpy(name, key.mv_data, key.mv_size);
    *len = key.mv_size;

    packed->data = value.mv_data;
    packed->len = value.mv_size;

    return WGW_STORE_OK;
}


wgw_store_rc_t
wgw_store_write(wgw_store_t *store, wgw_store_write_t *list,
    wgw_store_error_t *error)
{
    int                 err;
    uint8_t            *packed;
    MDB_txn            *txn;
    unsigned            current, changed;
    wgw_store_rc_t      rc;
    wgw_store_write_t  *write;

    txn = NULL;
    changed = 0;

    __atomic_add_fetch(&store->writing, 1, __ATOMIC_ACQ_REL);

    packed = malloc(WGW_RECORD_PACKED);

    err = packed == NULL ? ENOMEM
          : store->env == NULL ? MDB_PANIC
          : mdb_txn_begin(store->env, NULL, 0, &txn);

    if (err == 0) {
        err = store_current(store, txn, &current);
    }

    for (write = list; err == 0 && write; write = write->next) {
        err = store_apply(txn, store->names[current], write, packed,
                          &changed);
    }

    if (err == 0 && changed) {
        err = mdb_txn_commit(txn);
        txn = NULL;
    }

    if (txn) {
        mdb_txn_abort(txn);
    }

    free(packed);

    __atomic_sub_fetch(&store->writing, 1, __ATOMIC_ACQ_REL);

    if (err == 0) {
        return WGW_STORE_OK;
    }

    rc = store_lmdb(error, "write", err);

    for (write = list; write; write = write->next) {
        write->rc = rc;
    }

    return rc;
}


static int
store_apply(MDB_txn *txn, MDB_dbi dbi, wgw_store_write_t *write,
    uint8_t *packed, unsigned *changed)
{
    int           err, same;
    MDB_val       key, value;
    wgw_record_t  old, new;

    key.mv_data = (void *) write->name.data;
    key.mv_size = write->name.len;

    err = mdb_get(txn, dbi, &key, &value);
    if (err && err != MDB_NOTFOUND) {
        return err;
    }

    write->existed = (err == 0);
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

    if (write->record == NULL) {
        if (!write->existed) {
            write->rc = WGW_STORE_NONE;
            return 0;
        }

        *changed = 1;
        return mdb_del(txn, dbi, &key, NULL);
    }

    if (same) {
        return 0;
    }

    new = *write->record;
    new.change = mdb_txn_id(txn);

    value.mv_data = packed;
    value.mv_size = wgw_record_pack(&new, packed);

    write->change = new.change;
    *changed = 1;

    return mdb_put(txn, dbi, &key, &value, 0);
}


static wgw_store_rc_t
store_fail(wgw_store_error_t *error, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);

    return WGW_STORE_FAILED;
}


static wgw_store_rc_t
store_lmdb(wgw_store_error_t *error, const char *what, int rc)
{
    store_fail(error, "%s failed (%d: %s)", what, rc, mdb_strerror(rc));

    switch (rc) {

    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return WGW_STORE_FULL;

    default:
        return WGW_STORE_FAILED;
    }
}
