
/*
 * store: a process's LMDB environment and the looks at it; all workers of an
 * instance, and both masters of a binary upgrade, share what is in it.
 *
 * How a feature keeps rows of its own:
 *
 *  - it says what its store is (class.h): a name, a format, databases; a row
 *    that others cache something of carries its change id;
 *  - its core module calls wgw_store_create() in init_conf, or, where
 *    ngx_test_config or a signaller, wgw_store_check() (make.h);
 *  - a worker calls wgw_store_open() once, when it starts or later, reads
 *    between wgw_store_begin() and wgw_store_end(), and calls
 *    wgw_writer_exit() and wgw_store_close() in exit_process;
 *  - it makes changes in the thread beside: wgw_writer_post() (writer.h)
 *    calls it back with a transaction (txn.h) to put and delete rows in, and
 *    for rows with a change id by row.h;
 *  - a cache of what was read is valid while its snapshot's id is
 *    wgw_store_id(); when that is another, what was made of a row is valid
 *    while the row's change id is the same;
 *  - a whole set is replaced, while it is served, by shadow.h.
 *
 * Several modules may have stores, each in a directory of its own; a store of
 * another kind is refused.
 *
 * Functions return WGW_STORE_OK or another code, and then say why in `error`
 * but for WGW_STORE_NONE.
 */

#ifndef WGW_STORE_H
#define WGW_STORE_H


#include <sys/stat.h>

#include "store/hints.h"

#pragma GCC visibility push(hidden)


typedef struct wgw_store_s  wgw_store_t;


/*
 * The process's environment for `path`, opened at the first call; later
 * calls return the same.  After the kernel reported an I/O error (MDB_PANIC)
 * it is opened again, at most once a second.  NULL and `error` on failure.
 */
wgw_store_t *wgw_store_open(const wgw_store_class_t *class, const char *path,
    wgw_store_sync_t sync, wgw_store_error_t *error);

/* Whether the process has the one in this directory open. */
unsigned wgw_store_is_open(const struct stat *directory);

/* As it was opened first. */
const char *wgw_store_path(const wgw_store_t *store);

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

/* A row in the snapshot's memory: valid until the look ends. */
wgw_store_rc_t wgw_store_get(wgw_store_t *store, unsigned db, wgw_text_t key,
    wgw_text_t *value, wgw_store_error_t *error);

/*
 * Rows of the first database without a look, by hints (hints.h) that all
 * workers leave each other.  The memory stays the caller's; a `hash` of the
 * key is the same in all of them.
 */
void wgw_store_hints(wgw_store_t *store, wgw_hints_t *hints);

/*
 * 1, and a copy of the row in `room`, of WGW_HINTS_ROOM bytes, as of the newest
 * commit, if that is still `id`; 0 where only a look can tell.
 */
unsigned wgw_store_recall(wgw_store_t *store, uint64_t id, uint64_t hash,
    wgw_text_t key, char *room, wgw_text_t *value);

/* Before a recall: see wgw_hints_prefetch(). */
void wgw_store_prefetch(wgw_store_t *store, uint64_t hash);
void wgw_store_prefetch_row(wgw_store_t *store, uint64_t hash, size_t key);

/* In a look, of what wgw_store_get() found. */
void wgw_store_remember(wgw_store_t *store, uint64_t hash, wgw_text_t key,
    wgw_text_t value);

/*
 * The first row behind `after` (which need not exist; empty: the very
 * first), in byte order.
 */
wgw_store_rc_t wgw_store_next(wgw_store_t *store, unsigned db,
    wgw_text_t after, wgw_text_t *key, wgw_text_t *value,
    wgw_store_error_t *error);

/* In a look: how many rows there are; 0 also where that fails. */
uint64_t wgw_store_rows(wgw_store_t *store, unsigned db);

/*
 * For transactions: the environment, which stays open until leave, or NULL
 * when it is closed or has to be opened again.
 */
struct wgw_env_s *wgw_store_enter(wgw_store_t *store);
void wgw_store_leave(wgw_store_t *store);


#pragma GCC visibility pop

#endif /* WGW_STORE_H */
