
/*
 * hints: where rows of a store's first database are, in memory that all
 * workers of a master share, in front of looks.
 *
 * A hint is a place in data.mdb and the id of the snapshot it was seen in, in
 * two words, and is good while that id is the newest commit's: no page of a
 * snapshot is written again before two more commits, so that a row that was
 * copied out, and after which the id is still the same, is the row.  That
 * takes neither a reader's slot nor a descent of the tree.
 *
 * Nothing is locked.  The second word is mixed with the first: a hint of
 * which a killed process, or two at once, wrote only halves is good for no
 * snapshot.  A hint that is lost costs a look.
 *
 * The memory is made by the master for each configuration, empty, and takes
 * pages as hints come: 64 bytes for each two or three rows, up to
 * WGW_HINTS_SIZE.  Whoever has another data.mdb open than who came first
 * goes without.
 *
 * Of LMDB's format it is taken that a page begins with its number, which says
 * where the file is in memory, and that a row's key stands before it.  Where
 * two pages do not agree, or that is not the key, no hint is left nor used.
 *
 * For the parts of the store alone, but for the first two functions.
 */

#ifndef WGW_HINTS_H
#define WGW_HINTS_H


#include <lmdb.h>

#include "store/class.h"

#pragma GCC visibility push(hidden)


#define WGW_HINTS_SIZE  ((size_t) 256 << 20)    /* of addresses */
#define WGW_HINTS_ROOM  768             /* bytes, most of a key and its row */


typedef struct wgw_hints_s  wgw_hints_t;


/* NULL, and errno, without memory. */
wgw_hints_t *wgw_hints_create(void);
void wgw_hints_destroy(wgw_hints_t *hints);


/* What a process has of it; all zero: nothing. */
typedef struct {
    wgw_hints_t       *shared;
    MDB_env           *env;
    const char        *file;            /* in memory; NULL: not known yet */
    size_t             page;            /* bytes */

    const char        *seen;            /* where a page says that it is, */
    const char        *by;              /* and that page */
} wgw_hinted_t;


/* Once the environment is open; without effect where it is another's. */
void wgw_hints_open(wgw_hinted_t *hinted, wgw_hints_t *shared, MDB_env *env);

/* Makes room for that many rows. */
void wgw_hints_fit(wgw_hinted_t *hinted, size_t rows);

/*
 * Copies the row as of the commit `id` into `room`, of WGW_HINTS_ROOM bytes:
 * 1, or 0 where that has to be looked up.  `hash` is of the key, and the same
 * in all processes.
 */
unsigned wgw_hints_get(const wgw_hinted_t *hinted, uint64_t id, uint64_t hash,
    wgw_text_t key, char *room, wgw_text_t *value);

/*
 * For a wgw_hints_get() that comes later: the processor is asked to have the
 * hint at hand; and, once it has, the row.  Neither waits for memory that the
 * other did not ask for.
 */
void wgw_hints_prefetch(const wgw_hinted_t *hinted, uint64_t hash);
void wgw_hints_prefetch_row(const wgw_hinted_t *hinted, uint64_t hash,
    size_t key);

/* A row that was found, in the memory of the snapshot `id`. */
void wgw_hints_put(wgw_hinted_t *hinted, uint64_t id, uint64_t hash,
    wgw_text_t key, wgw_text_t value);


#pragma GCC visibility pop

#endif /* WGW_HINTS_H */
