
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

#include "store/store_env.h"


/* f_type of file systems where LMDB's locks or mapping do not hold */
#define STORE_FS_NFS   0x6969
#define STORE_FS_SMB   0x517b
#define STORE_FS_SMB2  0xfe534d42
#define STORE_FS_CIFS  0xff534d42
#define STORE_FS_FUSE  0x65735546
#define STORE_FS_9P    0x01021997

#define STORE_DBS      4
#define STORE_PATH     4096


static wgw_store_rc_t store_make(const char *path, wgw_store_error_t *error);
static wgw_store_rc_t store_filesystem(const char *path,
    wgw_store_error_t *error);
static wgw_store_rc_t store_file(char name[STORE_PATH], const char *path,
    const char *file, wgw_store_error_t *error);
static wgw_store_rc_t store_plain(const char *path, const char *file,
    wgw_store_error_t *error);
static wgw_store_rc_t store_env(MDB_env **env, const char *path,
    unsigned flags, wgw_store_error_t *error);
static wgw_store_rc_t store_format(MDB_txn *txn, unsigned create,
    wgw_store_error_t *error);
static wgw_store_rc_t store_format_put(MDB_txn *txn, MDB_dbi dbi,
    wgw_store_error_t *error);
static wgw_store_rc_t store_own(const char *path, const char *file, uid_t uid,
    gid_t gid, wgw_store_error_t *error);
static wgw_store_rc_t store_start(wgw_store_t *store,
    wgw_store_error_t *error);
static wgw_store_rc_t store_databases(wgw_store_t *store,
    wgw_store_error_t *error);
static int store_compare(const MDB_val *a, const MDB_val *b);
static int store_compare_all(const MDB_val *a, const MDB_val *b);
static unsigned store_claim(wgw_store_t *store);
static int store_renew(wgw_store_t *store);
static void store_stop(wgw_store_t *store);


static const char  *store_names[] = { "names.0", "names.1", "kept" };

static wgw_store_t  *stores;


wgw_store_rc_t
wgw_store_create(const char *path, uid_t uid, gid_t gid,
    wgw_store_error_t *error)
{
    struct stat      st;
    wgw_store_t     *store;
    wgw_store_rc_t   rc;

    if (mkdir(path, 0750) == -1 && errno != EEXIST) {
        return wgw_store_fail(error, "mkdir() failed (%d: %s)", errno,
                              strerror(errno));
    }

    if (stat(path, &st) == -1) {
        return wgw_store_fail(error, "stat() failed (%d: %s)", errno,
                              strerror(errno));
    }

    /* a process without workers has it open since the last configuration */

    for (store = stores; store; store = store->next) {
        if (store->dev == st.st_dev && store->ino == st.st_ino) {
            return WGW_STORE_OK;
        }
    }

    rc = store_filesystem(path, error);

    if (rc == WGW_STORE_OK) {
        rc = store_plain(path, "/data.mdb", error);
    }

    if (rc == WGW_STORE_OK) {
        rc = store_plain(path, "/lock.mdb", error);
    }

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
        return wgw_store_lmdb(error, "mdb_txn_begin()", err);
    }

    rc = store_format(txn, MDB_CREATE, error);

    if (rc == WGW_STORE_OK) {
        err = wgw_store_renumber(txn);
        if (err) {
            rc = wgw_store_lmdb(error, "renumbering", err);
        }
    }

    if (rc == WGW_STORE_OK) {
        err = mdb_txn_commit(txn);
        if (err) {
            rc = wgw_store_lmdb(error, "mdb_txn_commit()", err);
        }

    } else {
        mdb_txn_abort(txn);
    }

    if (rc == WGW_STORE_OK) {
        wgw_shadow_sweep(env);
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
        return wgw_store_fail(error, "path is too long");
    }

    if (stat(file, &st) == -1) {
        if (errno == ENOENT) {
            return WGW_STORE_OK;
        }

        return wgw_store_fail(error, "stat() \"data.mdb\" failed (%d: %s)",
                              errno, strerror(errno));
    }

    rc = store_env(&env, path, MDB_RDONLY|MDB_NOLOCK, error);
    if (rc != WGW_STORE_OK) {
        return rc;
    }

    err = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (err) {
        mdb_env_close(env);
        return wgw_store_lmdb(error, "mdb_txn_begin()", err);
    }

    rc = store_format(txn, 0, error);

    mdb_txn_abort(txn);
    mdb_env_close(env);

    return rc;
}


static wgw_store_rc_t
store_file(char name[STORE_PATH], const char *path, const char *file,
    wgw_store_error_t *error)
{
    int  n;

    n = snprintf(name, STORE_PATH, "%s%s", path, file);
    if (n < 0 || n >= STORE_PATH) {
        return wgw_store_fail(error, "path is too long");
    }

    return WGW_STORE_OK;
}


/*
 * The directory is the workers' user's: a link that it could put there must
 * not make root write to, or give away, a file of somebody else.
 */

static wgw_store_rc_t
store_plain(const char *path, const char *file, wgw_store_error_t *error)
{
    char         name[STORE_PATH];
    struct stat  st;

    if (store_file(name, path, file, error) != WGW_STORE_OK) {
        return WGW_STORE_FAILED;
    }

    if (lstat(name, &st) == 0 && !S_ISREG(st.st_mode)) {
        return wgw_store_fail(error, "\"%s\" is not a regular file", file + 1);
    }

    return WGW_STORE_OK;
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
        return wgw_store_lmdb(error, "mdb_env_create()", err);
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
        return wgw_store_lmdb(error, "mdb_env_open()", err);
    }

    return WGW_STORE_OK;
}


static wgw_store_rc_t
store_format(MDB_txn *txn, unsigned create, wgw_store_error_t *error)
{
    int       err, i;
    MDB_dbi   dbi;
    MDB_val   key, value;
    uint8_t   format[4];
    uint32_t  found;

    err = mdb_dbi_open(txn, "wgw", create, &dbi);

    if (err == MDB_NOTFOUND) {
        return wgw_store_fail(error, "is no store of wgw");
    }

    for (i = 0; err == 0 && create && i < STORE_DBS - 1; i++) {
        MDB_dbi  other;

        err = mdb_dbi_open(txn, store_names[i], create, &other);
    }

    if (err) {
        return wgw_store_lmdb(error, "mdb_dbi_open()", err);
    }

    key.mv_data = "format";
    key.mv_size = sizeof("format") - 1;

    err = mdb_get(txn, dbi, &key, &value);

    if (err == 0) {

        if (value.mv_size != sizeof(format)) {
            return wgw_store_fail(error, "is no store of wgw");
        }

        memcpy(format, value.mv_data, sizeof(format));

        found = format[0] | format[1] << 8 | format[2] << 16
                | (uint32_t) format[3] << 24;

        if (found != WGW_STORE_FORMAT) {
            return wgw_store_fail(error, "has format %u, this is for format %d",
                                  found, WGW_STORE_FORMAT);
        }

        return WGW_STORE_OK;
    }

    if (err != MDB_NOTFOUND || !create) {
        return wgw_store_lmdb(error, "mdb_get()", err);
    }

    return store_format_put(txn, dbi, error);
}


static wgw_store_rc_t
store_format_put(MDB_txn *txn, MDB_dbi dbi, wgw_store_error_t *error)
{
    int      err;
    MDB_val  key, value;
    uint8_t  zero, format[4];

    memset(format, 0, sizeof(format));
    format[0] = WGW_STORE_FORMAT;

    key.mv_data = "format";
    key.mv_size = sizeof("format") - 1;

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

    return err ? wgw_store_lmdb(error, "mdb_put()", err) : WGW_STORE_OK;
}


static wgw_store_rc_t
store_filesystem(const char *path, wgw_store_error_t *error)
{
    struct statfs  fs;

    if (statfs(path, &fs) == -1) {
        return wgw_store_fail(error, "statfs() failed (%d: %s)", errno,
                              strerror(errno));
    }

    switch ((uint32_t) fs.f_type) {

    case STORE_FS_NFS:
    case STORE_FS_SMB:
    case STORE_FS_SMB2:
    case STORE_FS_CIFS:
    case STORE_FS_FUSE:
    case STORE_FS_9P:
        return wgw_store_fail(error, "is on a network or user-space file "
                              "system, which cannot be shared between "
                              "processes");

    default:
        return WGW_STORE_OK;
    }
}


static wgw_store_rc_t
store_own(const char *path, const char *file, uid_t uid, gid_t gid,
    wgw_store_error_t *error)
{
    char         name[STORE_PATH];
    struct stat  st;

    if (store_file(name, path, file, error) != WGW_STORE_OK) {
        return WGW_STORE_FAILED;
    }

    if (stat(name, &st) == -1) {
        return wgw_store_fail(error, "stat() \"%s\" failed (%d: %s)", file,
                              errno, strerror(errno));
    }

    if (st.st_uid == uid && st.st_gid == gid) {
        return WGW_STORE_OK;
    }

    if ((*file ? lchown(name, uid, gid) : chown(name, uid, gid)) == -1) {
        return wgw_store_fail(error, "chown() \"%s\" failed (%d: %s)", file,
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
        wgw_store_fail(error, "stat() failed (%d: %s)", errno, strerror(errno));
        return NULL;
    }

    for (store = stores; store; store = store->next) {
        if (store->dev == st.st_dev && store->ino == st.st_ino) {
            return store;
        }
    }

    store = calloc(1, sizeof(wgw_store_t));
    if (store == NULL) {
        wgw_store_fail(error, "out of memory");
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

    rc = store_env(&store->env, store->path, flags, error);
    if (rc != WGW_STORE_OK) {
        store->env = NULL;
        return rc;
    }

    rc = store_databases(store, error);
    if (rc != WGW_STORE_OK) {
        store_stop(store);
        return rc;
    }

    __atomic_store_n(&store->writing, 0, __ATOMIC_RELEASE);

    return WGW_STORE_OK;
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
        return wgw_store_lmdb(error, "mdb_txn_begin()", err);
    }

    err = mdb_dbi_open(txn, "wgw", 0, &store->meta);

    for (i = 0; err == 0 && i < 2; i++) {
        err = mdb_dbi_open(txn, store_names[i], 0, &store->names[i]);

        if (err == 0) {
            err = mdb_set_compare(txn, store->names[i], store_compare);
        }
    }

    if (err == 0) {
        err = mdb_dbi_open(txn, store_names[2], 0, &store->kept);
    }

    if (err) {
        mdb_txn_abort(txn);
        return wgw_store_lmdb(error, "mdb_dbi_open()", err);
    }

    err = mdb_txn_commit(txn);
    if (err) {
        return wgw_store_lmdb(error, "mdb_txn_commit()", err);
    }

    (void) mdb_reader_check(store->env, &dead);

    err = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &store->reader);
    if (err) {
        store->reader = NULL;
        return wgw_store_lmdb(error, "mdb_txn_begin()", err);
    }

    err = wgw_store_current(store->reader, store->meta, &store->current);

    store->id = mdb_txn_id(store->reader);

    mdb_txn_reset(store->reader);

    return err ? wgw_store_lmdb(error, "mdb_get()", err) : WGW_STORE_OK;
}


/*
 * LMDB's own order, cheaper: of a million names a look-up compares twenty,
 * nearly all of which differ in their first eight bytes.
 */

static int
store_compare(const MDB_val *a, const MDB_val *b)
{
    uint64_t  x, y;

    if (a->mv_size >= sizeof(x) && b->mv_size >= sizeof(y)) {
        memcpy(&x, a->mv_data, sizeof(x));
        memcpy(&y, b->mv_data, sizeof(y));

        if (x != y) {
#if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
            x = __builtin_bswap64(x);
            y = __builtin_bswap64(y);
#endif
            return x < y ? -1 : 1;
        }
    }

    return store_compare_all(a, b);
}


/* Not inlined: it would have the above save registers each time. */

static __attribute__((noinline)) int
store_compare_all(const MDB_val *a, const MDB_val *b)
{
    int     diff;
    size_t  len;

    len = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;

    diff = memcmp(a->mv_data, b->mv_data, len);

    if (diff) {
        return diff;
    }

    return (a->mv_size > b->mv_size) - (a->mv_size < b->mv_size);
}


/* Keeps threads out, if none is in: before the environment is closed. */

static unsigned
store_claim(wgw_store_t *store)
{
    unsigned  n;

    n = 0;

    return __atomic_compare_exchange_n(&store->writing, &n, WGW_STORE_CLOSED,
                                       0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
           || n == WGW_STORE_CLOSED;
}


static void
store_stop(wgw_store_t *store)
{
    store->held = 0;

    if (store->reader) {
        mdb_txn_abort(store->reader);
        store->reader = NULL;
    }

    if (store->env) {
        mdb_env_close(store->env);
        store->env = NULL;
    }
}


static int
store_renew(wgw_store_t *store)
{
    int  err, dead;

    err = mdb_txn_renew(store->reader);

    if (err == MDB_READERS_FULL) {
        (void) mdb_reader_check(store->env, &dead);
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

    if (store->env == NULL || mdb_env_info(store->env, &info) != 0) {
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

    err = store->env ? store_renew(store) : MDB_PANIC;

    /* LMDB gave up this environment: a new one may do, once a second */

    if (err == MDB_PANIC && store_claim(store)) {
        store_stop(store);

        if (store->tried == time(NULL)) {
            return wgw_store_fail(error,
                                  "is not available after an I/O error");
        }

        rc = store_start(store, error);
        if (rc != WGW_STORE_OK) {
            return rc;
        }

        err = store_renew(store);
    }

    if (err) {
        return wgw_store_lmdb(error, "mdb_txn_renew()", err);
    }

    *id = mdb_txn_id(store->reader);

    if (*id != store->id) {
        err = wgw_store_current(store->reader, store->meta, &store->current);
        if (err) {
            mdb_txn_reset(store->reader);
            return wgw_store_lmdb(error, "mdb_get()", err);
        }

        store->id = *id;
    }

    return WGW_STORE_OK;
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


int
wgw_store_current(MDB_txn *txn, MDB_dbi meta, unsigned *current)
{
    int      err;
    MDB_val  key, value;

    key.mv_data = "current";
    key.mv_size = sizeof("current") - 1;

    err = mdb_get(txn, meta, &key, &value);
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
        return wgw_store_lmdb(error, "mdb_get()", err);
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
        return wgw_store_lmdb(error, "mdb_cursor_open()", err);
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
        return wgw_store_lmdb(error, "mdb_cursor_get()", err);
    }

    if (key.mv_size > WGW_NAME_MAX) {
        return wgw_store_lmdb(error, "mdb_cursor_get()", MDB_CORRUPTED);
    }

    memcpy(name, key.mv_data, key.mv_size);
    *len = key.mv_size;

    packed->data = value.mv_data;
    packed->len = value.mv_size;

    return WGW_STORE_OK;
}


wgw_store_rc_t
wgw_store_closed(wgw_store_t *store, wgw_store_closed_t *at,
    wgw_store_error_t *error)
{
    int          err, i;
    size_t       len;
    MDB_val      key, value;
    uint8_t      bytes[WGW_STORE_CLOSED_MAX], *p;
    MDB_cursor  *cursor;

    err = mdb_cursor_open(store->reader, store->meta, &cursor);
    if (err) {
        return wgw_store_lmdb(error, "mdb_cursor_open()", err);
    }

    len = wgw_store_closed_key(at, bytes);

    key.mv_data = bytes;
    key.mv_size = len;

    err = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);

    if (err == 0
        && at->len
        && key.mv_size == len
        && memcmp(key.mv_data, bytes, len) == 0)
    {
        err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }

    mdb_cursor_close(cursor);

    p = key.mv_data;

    if (err == MDB_NOTFOUND
        || (err == 0
            && (key.mv_size <= WGW_STORE_CLOSED_HEAD
                || key.mv_size > WGW_STORE_CLOSED_MAX
                || memcmp(p, bytes, WGW_STORE_CLOSED_HEAD - 8) != 0)))
    {
        return WGW_STORE_NONE;
    }

    if (err) {
        return wgw_store_lmdb(error, "mdb_cursor_get()", err);
    }

    at->id = 0;

    for (i = 8; i > 0; i--) {
        at->id = at->id << 8 | p[WGW_STORE_CLOSED_HEAD - i];
    }

    at->len = key.mv_size - WGW_STORE_CLOSED_HEAD;
    memcpy(at->name, p + WGW_STORE_CLOSED_HEAD, at->len);

    return WGW_STORE_OK;
}


size_t
wgw_store_closed_key(const wgw_store_closed_t *at,
    uint8_t key[WGW_STORE_CLOSED_MAX])
{
    int  i;

    memcpy(key, WGW_STORE_CLOSED_KEY, WGW_STORE_CLOSED_HEAD - 8);

    for (i = 8; i > 0; i--) {
        key[WGW_STORE_CLOSED_HEAD - i] = (uint8_t) (at->id >> 8 * (i - 1));
    }

    memcpy(key + WGW_STORE_CLOSED_HEAD, at->name, at->len);

    return WGW_STORE_CLOSED_HEAD + at->len;
}


wgw_store_rc_t
wgw_store_fail(wgw_store_error_t *error, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);

    return WGW_STORE_FAILED;
}


wgw_store_rc_t
wgw_store_lmdb(wgw_store_error_t *error, const char *what, int rc)
{
    wgw_store_fail(error, "%s failed (%d: %s)", what, rc, mdb_strerror(rc));

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
