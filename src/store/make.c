
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                     /* AT_EACCESS */
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/place.h"
#include "store/make.h"
#include "store/number.h"
#include "store/row.h"
#include "store/shadow.h"
#include "store/store.h"
#include "store/txn.h"


#define MAKE_PATH     4096

/* of an empty store: the lock file, of 4096 readers, and some pages */
#define MAKE_ROOM     524288

/* the id of the first transaction of a compacted copy */
#define MAKE_FIRST    2


static wgw_store_rc_t make_all(const wgw_store_class_t *class,
    const char *path, wgw_store_error_t *error);
static wgw_store_rc_t make_databases(wgw_env_t *env, unsigned *copy,
    wgw_store_error_t *error);
static unsigned make_empty(MDB_txn *txn);
static wgw_store_rc_t make_format(wgw_env_t *env, MDB_txn *txn,
    unsigned create, wgw_store_error_t *error);
static int make_format_put(wgw_env_t *env, MDB_txn *txn);
static wgw_store_rc_t make_copied(wgw_env_t *env, wgw_store_error_t *error);
static wgw_store_rc_t make_place(const char *path, wgw_store_error_t *error);
static wgw_store_rc_t make_file(char name[MAKE_PATH], const char *path,
    const char *file, wgw_store_error_t *error);
static wgw_store_rc_t make_plain(const char *path, const char *file,
    wgw_store_error_t *error);
static wgw_store_rc_t make_own(const char *path, const char *file, uid_t uid,
    gid_t gid, wgw_store_error_t *error);


wgw_store_rc_t
wgw_store_create(const wgw_store_class_t *class, const char *path, uid_t uid,
    gid_t gid, wgw_store_error_t *error)
{
    struct stat      st;
    wgw_store_rc_t   rc;

    rc = make_place(path, error);
    if (rc != WGW_STORE_OK) {
        return rc;
    }

    if (mkdir(path, 0750) == -1 && errno != EEXIST) {
        return wgw_env_fail(error, "mkdir() failed (%d: %s)", errno,
                            strerror(errno));
    }

    if (stat(path, &st) == -1) {
        return wgw_env_fail(error, "stat() failed (%d: %s)", errno,
                            strerror(errno));
    }

    /* a process without workers has it open since the last configuration */

    if (wgw_store_is_open(&st)) {
        return WGW_STORE_OK;
    }

    rc = make_all(class, path, error);
    if (rc != WGW_STORE_OK || geteuid() != 0) {
        return rc;
    }

    /* by path: closing a descriptor of lock.mdb would drop LMDB's locks */

    rc = make_own(path, "", uid, gid, error);

    if (rc == WGW_STORE_OK) {
        rc = make_own(path, "/data.mdb", uid, gid, error);
    }

    if (rc == WGW_STORE_OK) {
        rc = make_own(path, "/lock.mdb", uid, gid, error);
    }

    return rc;
}


static wgw_store_rc_t
make_all(const wgw_store_class_t *class, const char *path,
    wgw_store_error_t *error)
{
    unsigned        copy;
    wgw_env_t       env;
    wgw_store_rc_t  rc;

    env.class = class;

    rc = wgw_env_open(&env, path, 0, error);
    if (rc != WGW_STORE_OK) {
        return rc;
    }

    rc = make_databases(&env, &copy, error);

    if (rc == WGW_STORE_OK && copy) {
        rc = make_copied(&env, error);
    }

    if (rc == WGW_STORE_OK) {
        wgw_shadow_sweep(&env);
    }

    wgw_env_close(&env);

    return rc;
}


/* Made where they are missing; `*copy`: see make_copied(). */

static wgw_store_rc_t
make_databases(wgw_env_t *env, unsigned *copy, wgw_store_error_t *error)
{
    int              err;
    MDB_txn         *txn;
    unsigned         there;
    wgw_store_rc_t   rc;

    *copy = 0;

    err = mdb_txn_begin(env->env, NULL, 0, &txn);
    if (err) {
        return wgw_env_lmdb(error, "mdb_txn_begin()", err);
    }

    there = (wgw_env_meta(env, txn, 0) != MDB_NOTFOUND);

    if (!there && !make_empty(txn)) {
        mdb_txn_abort(txn);
        return wgw_env_fail(error, "is no store of %s", env->class->what);
    }

    *copy = there && mdb_txn_id(txn) == MAKE_FIRST;

    err = wgw_env_databases(env, txn, MDB_CREATE);

    rc = err ? wgw_env_lmdb(error, "mdb_dbi_open()", err)
             : make_format(env, txn, MDB_CREATE, error);

    if (rc != WGW_STORE_OK) {
        mdb_txn_abort(txn);
        return rc;
    }

    err = mdb_txn_commit(txn);

    return err ? wgw_env_lmdb(error, "mdb_txn_commit()", err) : WGW_STORE_OK;
}


/* There are no databases, nor anything else. */

static unsigned
make_empty(MDB_txn *txn)
{
    MDB_dbi   dbi;
    MDB_stat  st;

    return mdb_dbi_open(txn, NULL, 0, &dbi) == 0
           && mdb_stat(txn, dbi, &st) == 0
           && st.ms_entries == 0;
}


wgw_store_rc_t
wgw_store_check(const wgw_store_class_t *class, const char *path,
    wgw_store_error_t *error)
{
    int             err;
    char            file[MAKE_PATH];
    MDB_txn        *txn;
    wgw_env_t       env;
    struct stat     st;
    wgw_store_rc_t  rc;

    if (make_place(path, error) != WGW_STORE_OK
        || make_file(file, path, "/data.mdb", error) != WGW_STORE_OK)
    {
        return WGW_STORE_FAILED;
    }

    if (stat(file, &st) == -1) {
        if (errno == ENOENT) {
            return WGW_STORE_OK;
        }

        return wgw_env_fail(error, "stat() \"data.mdb\" failed (%d: %s)",
                            errno, strerror(errno));
    }

    env.class = class;

    rc = wgw_env_open(&env, path, MDB_RDONLY|MDB_NOLOCK, error);
    if (rc != WGW_STORE_OK) {
        return rc;
    }

    err = mdb_txn_begin(env.env, NULL, MDB_RDONLY, &txn);
    if (err) {
        wgw_env_close(&env);
        return wgw_env_lmdb(error, "mdb_txn_begin()", err);
    }

    err = wgw_env_meta(&env, txn, 0);

    if (err == MDB_NOTFOUND) {
        rc = wgw_env_fail(error, "is no store of %s", class->what);

    } else {
        rc = err ? wgw_env_lmdb(error, "mdb_dbi_open()", err)
                 : make_format(&env, txn, 0, error);
    }

    mdb_txn_abort(txn);
    wgw_env_close(&env);

    return rc;
}


static wgw_store_rc_t
make_format(wgw_env_t *env, MDB_txn *txn, unsigned create,
    wgw_store_error_t *error)
{
    int       err;
    MDB_val   key, value;
    uint32_t  found;

    key.mv_data = "format";
    key.mv_size = sizeof("format") - 1;

    err = mdb_get(txn, env->dbs[WGW_STORE_META], &key, &value);

    if (err == MDB_NOTFOUND && create) {
        err = make_format_put(env, txn);

        return err ? wgw_env_lmdb(error, "mdb_put()", err) : WGW_STORE_OK;
    }

    if (err) {
        return wgw_env_lmdb(error, "mdb_get()", err);
    }

    if (value.mv_size != sizeof(found)) {
        return wgw_env_fail(error, "is no store of %s", env->class->what);
    }

    found = (uint32_t) wgw_number_get(value.mv_data, sizeof(found));

    if (found != env->class->format) {
        return wgw_env_fail(error, "has format %u, this is for format %u",
                            found, env->class->format);
    }

    return WGW_STORE_OK;
}


static int
make_format_put(wgw_env_t *env, MDB_txn *txn)
{
    int      err;
    MDB_val  key, value;
    uint8_t  zero, format[4];

    wgw_number_put(format, env->class->format, sizeof(format));

    key.mv_data = "format";
    key.mv_size = sizeof("format") - 1;

    value.mv_data = format;
    value.mv_size = sizeof(format);

    err = mdb_put(txn, env->dbs[WGW_STORE_META], &key, &value, 0);

    if (err || !env->class->pair) {
        return err;
    }

    zero = 0;

    key.mv_data = "current";
    key.mv_size = sizeof("current") - 1;
    value.mv_data = &zero;
    value.mv_size = 1;

    return mdb_put(txn, env->dbs[WGW_STORE_META], &key, &value, 0);
}


/*
 * A copy that was compacted (mdb_copy -c) counts transactions from 1 again,
 * while its rows have ids of before, which a change to come would get a
 * second time.
 */

static wgw_store_rc_t
make_copied(wgw_env_t *env, wgw_store_error_t *error)
{
    unsigned   db;
    wgw_txn_t  t;

    wgw_txn_start(&t, env);

    for (db = 1; db <= env->class->n; db++) {
        wgw_row_renumber(&t, db);
    }

    if (env->class->copied) {
        (void) env->class->copied(&t);
    }

    return wgw_txn_end(&t, error);
}


/*
 * What a start needs, and `nginx -t` can see.  The lock file is mapped
 * sparse: without room for it a write would end the process.
 */

static wgw_store_rc_t
make_place(const char *path, wgw_store_error_t *error)
{
    char         name[MAKE_PATH];
    unsigned     i, missing;
    const char  *what;

    static const char  *files[] = { "/data.mdb", "/lock.mdb" };

    if (wgw_place_shared(path, &what) != 0
        || wgw_place_directory(path, 0, 0, &what) != 0)
    {
        return errno ? wgw_env_fail(error, "access() failed (%d: %s), it %s",
                                    errno, strerror(errno), what)
                     : wgw_env_fail(error, "%s", what);
    }

    missing = 0;

    for (i = 0; i < 2; i++) {

        if (make_file(name, path, files[i], error) != WGW_STORE_OK
            || make_plain(path, files[i], error) != WGW_STORE_OK)
        {
            return WGW_STORE_FAILED;
        }

        if (faccessat(AT_FDCWD, name, R_OK|W_OK, AT_EACCESS) == 0) {
            continue;
        }

        if (errno != ENOENT) {
            return wgw_env_fail(error, "access() \"%s\" failed (%d: %s)",
                                files[i] + 1, errno, strerror(errno));
        }

        missing = 1;
    }

    if (missing && wgw_place_room(path, MAKE_ROOM, &what) != 0) {
        return wgw_env_fail(error, "statvfs() failed (%d: %s), it cannot be "
                            "made", errno, strerror(errno));
    }

    return WGW_STORE_OK;
}


static wgw_store_rc_t
make_file(char name[MAKE_PATH], const char *path, const char *file,
    wgw_store_error_t *error)
{
    int  n;

    n = snprintf(name, MAKE_PATH, "%s%s", path, file);
    if (n < 0 || n >= MAKE_PATH) {
        return wgw_env_fail(error, "path is too long");
    }

    return WGW_STORE_OK;
}


/*
 * The directory is the workers' user's: a link that it could put there must
 * not make root write to, or give away, a file of somebody else.
 */

static wgw_store_rc_t
make_plain(const char *path, const char *file, wgw_store_error_t *error)
{
    char         name[MAKE_PATH];
    struct stat  st;

    if (make_file(name, path, file, error) != WGW_STORE_OK) {
        return WGW_STORE_FAILED;
    }

    if (lstat(name, &st) == 0 && !S_ISREG(st.st_mode)) {
        return wgw_env_fail(error, "\"%s\" is not a regular file", file + 1);
    }

    return WGW_STORE_OK;
}


static wgw_store_rc_t
make_own(const char *path, const char *file, uid_t uid, gid_t gid,
    wgw_store_error_t *error)
{
    char         name[MAKE_PATH];
    struct stat  st;

    if (make_file(name, path, file, error) != WGW_STORE_OK) {
        return WGW_STORE_FAILED;
    }

    if (stat(name, &st) == -1) {
        return wgw_env_fail(error, "stat() \"%s\" failed (%d: %s)", file,
                            errno, strerror(errno));
    }

    if (st.st_uid == uid && st.st_gid == gid) {
        return WGW_STORE_OK;
    }

    if ((*file ? lchown(name, uid, gid) : chown(name, uid, gid)) == -1) {
        return wgw_env_fail(error, "chown() \"%s\" failed (%d: %s)", file,
                            errno, strerror(errno));
    }

    return WGW_STORE_OK;
}
