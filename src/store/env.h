
/*
 * env: an LMDB environment with the databases of a class, as every process
 * sets it up, and LMDB's codes as the store's.  For the parts of the store
 * alone.
 */

#ifndef WGW_ENV_H
#define WGW_ENV_H


#include <lmdb.h>

#include "store/class.h"

#pragma GCC visibility push(hidden)


typedef struct wgw_env_s {
    const wgw_store_class_t  *class;
    MDB_env                  *env;      /* NULL: not open */
    MDB_dbi                   dbs[WGW_STORE_DATABASES + 1];
    MDB_dbi                   pair[2];  /* what dbs[1] may be */
    MDB_dbi                   kept;
} wgw_env_t;


/* `env->class` is set.  After a failure there is nothing to close. */
wgw_store_rc_t wgw_env_open(wgw_env_t *env, const char *path, unsigned flags,
    wgw_store_error_t *error);
void wgw_env_close(wgw_env_t *env);

/*
 * LMDB's codes.  The databases last as long as the environment once `txn`
 * commits; MDB_CREATE makes them.
 */
int wgw_env_meta(wgw_env_t *env, MDB_txn *txn, unsigned flags);
int wgw_env_databases(wgw_env_t *env, MDB_txn *txn, unsigned flags);

/* Which of the pair is read; 0 without one. */
int wgw_env_current(wgw_env_t *env, MDB_txn *txn, unsigned *current);

wgw_store_rc_t wgw_env_fail(wgw_store_error_t *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
wgw_store_rc_t wgw_env_lmdb(wgw_store_error_t *error, const char *what,
    int rc);


#pragma GCC visibility pop

#endif /* WGW_ENV_H */
