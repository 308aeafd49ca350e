
/*
 * store: the names, in an LMDB environment that all workers of an instance,
 * and both masters of a binary upgrade, share.
 *
 * A directory with data.mdb and lock.mdb (LMDB's own) and four databases:
 *
 *     wgw       "format" -> u32 1, "current" -> u8 0 or 1, and while a
 *               replace goes on "replace" -> its mark (shadow.h)
 *     names.0   canonical name -> packed record (record.h)
 *     names.1   the other set: a whole-set replace fills the one that is not
 *               current and flips "current"
 *     kept      names changed during a replace -> u8 1 if it had a row for
 *               them, too
 *
 * Numbers are little-endian.  The id of LMDB's newest transaction is the
 * only version there is: every process sees it, commits advance it, and a
 * record carries the id of the one that last altered it.
 *
 * LMDB asks that a process opens an environment once and that nothing else
 * touches lock.mdb while it does; wgw_store_open() keeps to that.  Functions
 * return WGW_STORE_OK or another code and then say why in `error`.
 */

#ifndef WGW_STORE_H
#define WGW_STORE_H


#include <sys/types.h>

#include "format/name.h"
#include "names/record.h"
#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_STORE_FORMAT   1
#define WGW_STORE_READERS  4096
#define WGW_STORE_MAP      ((size_t) 64 << 30)  /* virtual, not disk space */


typedef enum {
    WGW_STORE_OK = 0,
    WGW_STORE_NONE,             /* no such name */
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


typedef struct wgw_store_s  wgw_store_t;


typedef struct {
    char         text[256];
} wgw_store_error_t;


/*
 * One change.  A put stores `record` under `name` (canonical) unless it is
 * there and equal; a delete needs no record.  With `match` the change is
 * made only if the stored record's change id is `if_match`, or, for an
 * `if_match` of 0, if there is any; with `absent` only if there is none.
 */
typedef struct wgw_store_write_s  wgw_store_write_t;

struct wgw_store_write_s {
    wgw_text_t           name;
    const wgw_record_t  *record;        /* NULL: delete */
    uint64_t             if_match;
    unsigned             match:1;
    unsigned             absent:1;
    unsigned             close:1;       /* note a deletion for
                                           wgw_store_closed() */

    /* results */
    unsigned             existed:1;
    unsigned             altered:1;     /* it is not as before */
    uint64_t             change;        /* the record's, after the write */
    wgw_store_rc_t       rc;

    wgw_store_write_t   *next;
};


/*
 * A place in the list of such deletions: `id` is a transaction's, and, unless
 * `len` is 0, that of the deletion of `name`.
 */
typedef struct {
    uint64_t             id;
    size_t               len;
    char                 name[WGW_NAME_MAX];
} wgw_store_closed_t;


/* A change of many; `line` tells the caller where it comes from. */
typedef struct {
    wgw_text_t           name;          /* canonical */
    const uint8_t       *packed;        /* NULL: delete */
    uint32_t             len;
    uint32_t             line;
} wgw_store_row_t;


typedef struct {
    uint64_t             added;
    uint64_t             changed;
    uint64_t             deleted;
} wgw_store_counts_t;


/*
 * What a master does before it forks: makes the directory (0750) and the
 * files (0640) where they are missing, checks the format, gives the records
 * of a compacted copy new ids, drops what a killed replace left, closes
 * everything and gives all to uid and gid when it is root.
 */
wgw_store_rc_t wgw_store_create(const char *path, uid_t uid, gid_t gid,
    wgw_store_error_t *error);

/*
 * What `nginx -t` does: looks at the format without the lock file.  A store
 * that does not exist yet is all right.
 */
wgw_store_rc_t wgw_store_check(const char *path, wgw_store_error_t *error);

/*
 * The process's environment for `path`, opened at the first call; later
 * calls return the same.  After the kernel reported an I/O error (MDB_PANIC)
 * it is opened again, at most once a second.  NULL and `error` on failure.
 */
wgw_store_t *wgw_store_open(const char *path, wgw_store_sync_t sync,
    wgw_store_error_t *error);

/*
 * Closes all environments of the process; waits for a thread that is in a
 * write, and lets none in after that.
 */
void wgw_store_close(void);

/*
 * The id of the newest commit, as wgw_store_begin() would give it, for a
 * fraction of the cost; 0 when the store has to be opened again.  It may be
 * ahead of the snapshot of a look that begins at the same moment, never
 * behind one that has ended.
 */
uint64_t wgw_store_id(wgw_store_t *store);

/*
 * A look at one snapshot, from begin to end: must not be held over a turn of
 * the event loop.  `*id` is the snapshot's; every commit gives a new one.
 */
wgw_store_rc_t wgw_store_begin(wgw_store_t *store, uint64_t *id,
    wgw_store_error_t *error);
void wgw_store_end(wgw_store_t *store);

/*
 * Ends a look that may not be the last of this turn: the next one takes the
 * snapshot over, for a third of the cost, unless it is no longer the newest.
 * Until then no page that a commit leaves can be used again, so that
 * wgw_store_end() has to follow in the same turn, where it does no harm if
 * there is nothing to end.
 */
void wgw_store_hold(wgw_store_t *store);

/* Packed bytes in the snapshot's memory: valid until the look ends. */
wgw_store_rc_t wgw_store_get(wgw_store_t *store, wgw_text_t name,
    wgw_text_t *packed, wgw_store_error_t *error);

/*
 * The first name after `after` (which need not exist; empty: the very
 * first), in byte order, copied to `name`; its length in `*len`.
 */
wgw_store_rc_t wgw_store_next(wgw_store_t *store, wgw_text_t after,
    char name[WGW_NAME_MAX], size_t *len, wgw_text_t *packed,
    wgw_store_error_t *error);

/*
 * Moves `at` to the next deletion with `close`, in the order of transactions,
 * or gives WGW_STORE_NONE and leaves it: more may follow in a later look.
 * They are kept for a minute.
 */
wgw_store_rc_t wgw_store_closed(wgw_store_t *store, wgw_store_closed_t *at,
    wgw_store_error_t *error);

/*
 * Makes the changes of a list in one transaction, in order; every other
 * process sees all of them once this returns.  Each change has its own rc
 * (OK, NONE, MISMATCH); when the transaction as a whole fails, each has that
 * code and nothing was changed.  Blocks: for a thread.
 */
wgw_store_rc_t wgw_store_write(wgw_store_t *store, wgw_store_write_t *list,
    wgw_store_error_t *error);

/*
 * Makes all the changes in one transaction, or none, and counts them: a
 * record that is there and equal, and a delete of what is not there, count
 * nothing.  Rows in the order of their names are the fastest.  Blocks.
 */
wgw_store_rc_t wgw_store_write_rows(wgw_store_t *store,
    const wgw_store_row_t *rows, size_t n, wgw_store_counts_t *counts,
    wgw_store_error_t *error);


#pragma GCC visibility pop

#endif /* WGW_STORE_H */
