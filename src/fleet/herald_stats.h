
/*
 * herald_stats: what is known of a herald, in memory that workers share, for
 * metrics.
 */

#ifndef WGW_HERALD_STATS_H
#define WGW_HERALD_STATS_H


#include <stdint.h>

#include "format/text.h"
#include "store/store.h"

#pragma GCC visibility push(hidden)


#define WGW_HERALD_NUMBERS  192


typedef struct {
    uint64_t             connected;     /* 1: Redis answers */
    uint64_t             told;          /* changes of here ... */
    uint64_t             taken;         /* ... and of others */
    uint64_t             refused;       /* records of these that are bad here */
    uint64_t             snapshots;     /* times all was compared */
    uint64_t             losses;        /* since Redis had lost data */
    uint64_t             caught;        /* ms: all that was said was known */
} wgw_herald_stats_t;


/*
 * The numbers in this order, the last one as milliseconds since then, in
 * decimal with blanks between them: at most WGW_HERALD_NUMBERS bytes.  Behind
 * the first comes how many names are not told yet, as the store has it at this
 * moment, not as the agent saw it last; 0 where the store is NULL, which
 * whoever opens it says.
 */
void wgw_herald_numbers(const wgw_herald_stats_t *stats, wgw_store_t *store,
    wgw_out_t *out);


#pragma GCC visibility pop

#endif /* WGW_HERALD_STATS_H */
