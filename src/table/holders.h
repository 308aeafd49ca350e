
/*
 * holders: who holds what of caps, so that what a killed process held is free
 * again while others go on.
 *
 * A table's `held` is a sum over processes and does not say whose.  Beside it,
 * in memory that the processes of one master share, a process notes what it
 * holds in entries of its own, of which it has blocks: a block belongs to a
 * process, known by its pid and the time it started at.  A process that finds
 * a block of one that is gone takes it, gives back what its entries say, and
 * goes on with it.
 *
 * An entry never says more than is held: it is written after a hold, and before
 * a release.  What was held by a process that is killed in between stays held
 * until a table is repaired.  With all entries taken, holds are not noted.
 *
 * Takes no nginx types.
 */

#ifndef WGW_HOLDERS_H
#define WGW_HOLDERS_H


#include "table/table.h"
#include "table/word.h"

#pragma GCC visibility push(hidden)


typedef struct wgw_holders_shared_s  wgw_holders_shared_t;


typedef struct {
    uint64_t                held;
    uint32_t                record;
    uint32_t                next;       /* of those that are free */
} wgw_holder_t;


/* A process' view. */
typedef struct {
    wgw_holders_shared_t   *shared;
    wgw_holder_t           *entries;    /* 0 is none */
    uint64_t                self;       /* 0: notes nothing */
    uint32_t                free;
} wgw_holders_t;


/* Before processes are forked.  NULL: no memory. */
wgw_holders_t *wgw_holders_create(void);
void wgw_holders_destroy(wgw_holders_t *holders);

/* In each process. */
void wgw_holders_begin(wgw_holders_t *holders);

/* One more block of entries, or 0. */
uint32_t wgw_holders_more(wgw_holders_t *holders);

/*
 * Gives back what processes held that are gone.  Returns how many blocks they
 * had.
 */
uint32_t wgw_holders_reap(wgw_holders_t *holders, wgw_table_t *table);


/* An entry for a record of the table, or NULL. */

static inline wgw_holder_t *
wgw_holders_take(wgw_holders_t *holders, uint32_t record)
{
    uint32_t       entry;
    wgw_holder_t  *e;

    entry = holders->free ? holders->free : wgw_holders_more(holders);

    if (entry == 0) {
        return NULL;
    }

    e = &holders->entries[entry];

    holders->free = e->next;
    e->record = record;

    return e;
}


/* What is held by it. */

static inline void
wgw_holders_note(wgw_holder_t *e, uint64_t held)
{
    __atomic_store_n(&e->held, held, __ATOMIC_RELEASE);
}


/* Of one that holds nothing. */

static inline void
wgw_holders_free(wgw_holders_t *holders, wgw_holder_t *e)
{
    e->next = holders->free;
    holders->free = (uint32_t) (e - holders->entries);
}


#pragma GCC visibility pop

#endif /* WGW_HOLDERS_H */
