
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "store/env.h"


#define ENV_DBS   (WGW_STORE_DATABASES + 4)     /* meta, pair, kept */
#define ENV_NAME  64


static int env_pair(wgw_env_t *env, MDB_txn *txn, unsigned flags);
static int env_rows(MDB_txn *txn, const char *name, unsigned flags,
    MDB_dbi *dbi);
static int env_compare(const MDB_val *a, const MDB_val *b);
static int env_compare_all(const MDB_val *a, const MDB_val *b);


/*
 * Alike everywhere: the first opener decides the number of readers, and a
 * map of another size makes the others fail.
 */

wgw_store_rc_t
wgw_env_open(wgw_env_t *env, const char *path, unsigned flags,
    wgw_store_error_t *error)
{
    int  err;

    err = mdb_env_create(&env->env);
    if (err) {
        env->env = NULL;
        return wgw_env_lmdb(error, "mdb_env_create()", err);
    }

    err = mdb_env_set_maxreaders(env->env, WGW_STORE_READERS);

    if (err == 0) {
        err = mdb_env_set_maxdbs(env->env, ENV_DBS);
    }

    if (err == 0) {
        err = mdb_env_set_mapsize(env->env, WGW_STORE_MAP);
    }

    if (err == 0) {
        err = mdb_env_open(env->env, path, MDB_NOTLS|flags, 0640);
    }

    if (err) {
        wgw_env_close(env);
        return wgw_env_lmdb(error, "mdb_env_open()", err);
    }

    return WGW_STORE_OK;
}


void
wgw_env_close(wgw_env_t *env)
{
    if (env->env) {
        mdb_env_close(env->env);
        env->env = NULL;
    }
}


int
wgw_env_meta(wgw_env_t *env, MDB_txn *txn, unsigned flags)
{
    return mdb_dbi_open(txn, env->class->meta, flags,
                        &env->dbs[WGW_STORE_META]);
}


int
wgw_env_databases(wgw_env_t *env, MDB_txn *txn, unsigned flags)
{
    int                       err;
    unsigned                  i;
    const wgw_store_class_t  *class;

    class = env->class;

    err = wgw_env_meta(env, txn, flags);

    if (err == 0 && class->pair) {
        err = env_pair(env, txn, flags);
    }

    for (i = class->pair ? 1 : 0; err == 0 && i < class->n; i++) {
        err = env_rows(txn, class->databases[i].name, flags,
                       &env->dbs[i + 1]);
    }

    return err;
}


static int
env_pair(wgw_env_t *env, MDB_txn *txn, unsigned flags)
{
    int   err, i;
    char  name[ENV_NAME];

    for (i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "%s.%d", env->class->databases[0].name,
                 i);

        err = env_rows(txn, name, flags, &env->pair[i]);
        if (err) {
            return err;
        }
    }

    return mdb_dbi_open(txn, "kept", flags, &env->kept);
}


static int
env_rows(MDB_txn *txn, const char *name, unsigned flags, MDB_dbi *dbi)
{
    int  err;

    err = mdb_dbi_open(txn, name, flags, dbi);

    return err ? err : mdb_set_compare(txn, *dbi, env_compare);
}


/*
 * LMDB's own order, cheaper: of a million names a look-up compares twenty,
 * nearly all of which differ in their first eight bytes.
 */

static int
env_compare(const MDB_val *a, const MDB_val *b)
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

    return env_compare_all(a, b);
}


/* Not inlined: it would have the above save registers each time. */

static __attribute__((noinline)) int
env_compare_all(const MDB_val *a, const MDB_val *b)
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


int
wgw_env_current(wgw_env_t *env, MDB_txn *txn, unsigned *current)
{
    int      err;
    MDB_val  key, value;

    *current = 0;

    if (!env->class->pair) {
        return 0;
    }

    key.mv_data = "current";
    key.mv_size = sizeof("current") - 1;

    err = mdb_get(txn, env->dbs[WGW_STORE_META], &key, &value);
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
wgw_env_fail(wgw_store_error_t *error, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);

    return WGW_STORE_FAILED;
}


wgw_store_rc_t
wgw_env_lmdb(wgw_store_error_t *error, const char *what, int rc)
{
    wgw_env_fail(error, "%s failed (%d: %s)", what, rc, mdb_strerror(rc));

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
