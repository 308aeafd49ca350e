
/*
 * live: requests and sessions that go on, so that they can be ended when
 * their name is deleted with close=true.
 *
 * Each worker looks once a second (sweep.h) for deletions that the store has
 * noted since (wgw_rows_closed()); nothing but a word is read when nothing
 * changed.
 */

#ifndef WGW_LIVE_H
#define WGW_LIVE_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "core/sweep.h"
#include "route/routes.h"
#include "store/store.h"

#pragma GCC visibility push(hidden)


/* `swept` is zeroed at first; it stays where it is until it was removed. */
typedef struct {
    wgw_swept_t          swept;
    wgw_route_t         *route;         /* held by the caller */
    void               (*end)(void *data);
    void                *data;
} wgw_live_t;


/*
 * Adds one; `id` is of the snapshot that its route was found in.  `end` is
 * called at most once, from a timer of the event loop; it may be long after
 * it that wgw_live_remove() is.
 */
void wgw_live_add(wgw_live_t *live, wgw_route_t *route, uint64_t id,
    void (*end)(void *data), void *data);

/* Also for one that was never added. */

static ngx_inline void
wgw_live_remove(wgw_live_t *live)
{
    wgw_sweep_remove(&live->swept);
}


#pragma GCC visibility pop

#endif /* WGW_LIVE_H */
