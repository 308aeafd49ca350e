
/*
 * class: what a feature says of its store, and what the store answers.
 *
 * A store is an LMDB environment in a directory of its own: data.mdb and
 * lock.mdb (LMDB's) with these databases:
 *
 *     META            "format" -> u32, the class's; with `pair` "current" ->
 *                     u8 0 or 1, and while a replace goes on "replace" ->
 *                     its mark (mark.h); and what else the feature keeps one
 *                     of
 *     NAME            each of the class's `databases`, rows of bytes; but of
 *     NAME.0 NAME.1   the first one, with `pair`, there are two, of which
 *                     the current one is read: a replace of the whole set
 *                     (shadow.h) fills the other one
 *     kept            with `pair`: keys changed during a replace
 *
 * One of the class's databases may be for notes: while META has "noted", it
 * gets the key of each row of the first that was altered, with the id of the
 * transaction, in it, so that somebody can tell others of it later.  What is
 * altered because others told is not noted.
 *
 * Numbers are little-endian.  The id of LMDB's newest transaction is the only
 * version there is: every process sees it, and commits advance it.  A row
 * may carry the id of the transaction that last altered it, at `change`
 * bytes from its start: what was made of the row stays valid as long as that
 * is the same.
 */

#ifndef WGW_CLASS_H
#define WGW_CLASS_H


#include <stddef.h>
#include <stdint.h>

#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_STORE_READERS    4096
#ifndef WGW_STORE_MAP                            /* memcheck has not so much */
#define WGW_STORE_MAP        ((size_t) 64 << 30) /* virtual, not disk space */
#endif
#define WGW_STORE_DATABASES  8          /* of a class */
#define WGW_STORE_PLAIN      ((size_t) -1)      /* rows carry no change id */

/* a database is META, or n for the class's n-th, from 1 on */
#define WGW_STORE_META       0


typedef enum {
    WGW_STORE_OK = 0,
    WGW_STORE_NONE,             /* no such row */
    WGW_STORE_MISMATCH,         /* a condition of the change fails */
    WGW_STORE_TAKEN,            /* another replace was started (shadow.h) */
    WGW_STORE_FULL,             /* disk or map full: nothing was changed */
    WGW_STORE_FAILED            /* anything else; `error` tells */
} wgw_store_rc_t;


typedef enum {
    WGW_STORE_SYNC_META = 0,    /* default: integrity always */
    WGW_STORE_SYNC_ON,          /* durable when the reply is sent */
    WGW_STORE_SYNC_OFF          /* the kernel decides */
} wgw_store_sync_t;


typedef struct {
    char                    text[256];
} wgw_store_error_t;


typedef struct {
    const char             *name;
    size_t                  change;     /* or WGW_STORE_PLAIN */

    /*
     * What a row that is put takes from the one it replaces, which has no
     * data where there is none; changed where it is, and no longer than it
     * was.  May be NULL.
     */
    void                  (*settle)(wgw_text_t *value, wgw_text_t old);
} wgw_store_database_t;


struct wgw_txn_s;


typedef struct {
    const char             *what;       /* "names": for messages */
    const char             *meta;       /* the database's name */
    uint32_t                format;     /* another one is refused */

    unsigned                pair;       /* the first database is two */
    unsigned                n;
    unsigned                notes;      /* the database of these, or 0 */
    wgw_store_database_t    databases[WGW_STORE_DATABASES];

    /*
     * Where the store is a compacted copy, which counts its transactions from
     * 1 again, before it is used: the rows have got the id of this
     * transaction, and what else holds ids, in META, is made fit.  May be
     * NULL.
     */
    wgw_store_rc_t        (*copied)(struct wgw_txn_s *t);
} wgw_store_class_t;


/* A change of many; `line` tells the caller where it comes from. */
typedef struct {
    wgw_text_t              key;
    wgw_text_t              value;      /* data NULL: delete */
    uint32_t                line;
} wgw_store_row_t;


typedef struct {
    uint64_t                added;
    uint64_t                changed;
    uint64_t                deleted;
} wgw_store_counts_t;


#pragma GCC visibility pop

#endif /* WGW_CLASS_H */
