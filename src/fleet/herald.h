
/*
 * herald: keeps the names of a store and those of the fleet's Redis alike, in
 * the agent's process: `follow` of wgw_names.
 *
 * A change that was made here is in the outbox, in the transaction that made
 * it (names/follow.h); it is told (gazette.h) as soon as the store's id is
 * another, and taken out.  What others have changed is read ten times a second
 * and written into the store, from where workers serve it as they do what was
 * changed here.  Nobody waits for either.  The last that is told is what all
 * have: of two changes of one name at once, that which Redis had later.
 *
 * What is read first, when it is connected: where to go on is in the store.
 *
 *     the fleet has an epoch that is not the store's, or less than was read or
 *     told before: it has lost its data, or this machine is new.  All that is
 *     here is compared, and told where the fleet has none or an older one;
 *     nothing is deleted for being absent there
 *
 *     what followed is not in the log any more: all is compared, and names
 *     that the fleet has not are gone
 *
 * and all of the fleet's is read.  Meanwhile this machine serves what it has,
 * and tells what is changed.  One that has a record for which the rules here
 * have no room (its own address as a backend) keeps what it had, says so, and
 * compares again when it is started.
 *
 * Versions of more than a year ahead are nobody's, and are not followed: all
 * that comes after them would come near 2^53, from where they cannot grow.
 *
 * One agent of a store at a time: whoever has locked PATH/herald.
 */

#ifndef WGW_HERALD_H
#define WGW_HERALD_H


#include "fleet/fleet_conf.h"
#include "fleet/herald_stats.h"
#include "names/record.h"
#include "store/store.h"

#pragma GCC visibility push(hidden)


/* While the directive is read; NULL, logged. */
wgw_herald_stats_t *wgw_herald_create(ngx_conf_t *cf);

/*
 * In init_conf; `store` opens the process's, or returns NULL, logged; `rules`
 * stay.  NGX_ERROR: no memory.
 */
ngx_int_t wgw_herald_serve(ngx_cycle_t *cycle, wgw_fleet_t *fleet,
    const char *path, wgw_store_t *(*store)(ngx_log_t *log),
    const wgw_record_rules_t *rules, wgw_herald_stats_t *stats);


#pragma GCC visibility pop

#endif /* WGW_HERALD_H */
