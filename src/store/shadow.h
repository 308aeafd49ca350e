
/*
 * shadow: replaces the whole set of a store's pair, while it is read and
 * changed (by row.h).
 *
 * The new set is loaded into the database that is not current, the shadow, in
 * many small transactions, so that other changes need not wait;
 * one more makes it the current one.  Readers always see one whole set.
 *
 *     wgw_shadow_start()                   marks the store
 *     wgw_shadow_clear(fill = 1)           until nothing is `more`
 *     wgw_shadow_load()                    any number of times
 *     wgw_shadow_flip()                    the new set is read
 *     wgw_shadow_clear(fill = 0)           until nothing is `more`
 *
 * To give up, clear with fill = 0 at any time after start.
 *
 * The mark (mark.h) tells every process that a shadow is being filled.  A
 * change that is made meanwhile is made to both sets, and it stays: a row
 * that is loaded later for a key that was put or deleted since the filling
 * began is not taken, since the change is newer than the set.  The keys of
 * such changes are in the database "kept" until the end.
 *
 * A row that is as in the current set keeps its change id, so that what was
 * made of it stays valid.
 *
 * The mark carries a random token.  Who starts a replace takes the shadow
 * from who has it: each function but start returns WGW_STORE_TAKEN when the
 * mark is another's or gone.  So nothing is locked, and what a killed
 * process leaves hinders nobody; the next replace, or the next start, clears
 * it.  All functions block, for a thread; each is one short transaction.
 */

#ifndef WGW_SHADOW_H
#define WGW_SHADOW_H


#include "store/row.h"

#pragma GCC visibility push(hidden)


#define WGW_SHADOW_ROWS  1000           /* most in one wgw_shadow_load() */


typedef struct {
    uint8_t      token[WGW_MARK_TOKEN];
    uint32_t     duplicate;     /* least line that had a key again, or 0 */
} wgw_shadow_t;


wgw_store_rc_t wgw_shadow_start(wgw_store_t *store, wgw_shadow_t *shadow,
    wgw_store_error_t *error);

/*
 * One step of emptying the shadow; `*more` is 0 after the last one, in which
 * the filling begins (fill = 1) or the mark is removed.
 */
wgw_store_rc_t wgw_shadow_clear(wgw_store_t *store, wgw_shadow_t *shadow,
    unsigned fill, unsigned *more, wgw_store_error_t *error);

/*
 * Adds rows, none of which may be a delete.  Keys that were loaded before
 * are noted in shadow->duplicate and not taken again.
 */
wgw_store_rc_t wgw_shadow_load(wgw_store_t *store, wgw_shadow_t *shadow,
    const wgw_store_row_t *rows, size_t n, wgw_store_error_t *error);

/* The counts are what readers see change. */
wgw_store_rc_t wgw_shadow_flip(wgw_store_t *store, wgw_shadow_t *shadow,
    wgw_store_counts_t *counts, wgw_store_error_t *error);

/*
 * At a start: empties the shadow that a killed process left, unless its
 * process lives.  Nothing depends on it, so that failing is no error.
 */
void wgw_shadow_sweep(wgw_env_t *env);


#pragma GCC visibility pop

#endif /* WGW_SHADOW_H */
