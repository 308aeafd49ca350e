
/*
 * mark: says, in META, that a replace of the whole set goes on, or was
 * killed (shadow.h).  For the parts of the store alone.
 *
 *     "replace" -> 16 token, u32 process, u8 filling, u64 common, u64 differ
 */

#ifndef WGW_MARK_H
#define WGW_MARK_H


#include "store/env.h"

#pragma GCC visibility push(hidden)


#define WGW_MARK_TOKEN  16


typedef struct {
    uint8_t            token[WGW_MARK_TOKEN];
    uint32_t           pid;             /* of the worker */
    unsigned           filling;         /* changes go to both sets */
    uint64_t           common;          /* keys in both sets, */
    uint64_t           differ;          /* of which with another row */
} wgw_mark_t;


/* LMDB's codes. */
int wgw_mark_get(wgw_env_t *env, MDB_txn *txn, wgw_mark_t *mark);
int wgw_mark_put(wgw_env_t *env, MDB_txn *txn, const wgw_mark_t *mark);
int wgw_mark_delete(wgw_env_t *env, MDB_txn *txn);


#pragma GCC visibility pop

#endif /* WGW_MARK_H */
