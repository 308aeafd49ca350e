
/*
 * sweep: what goes on in a worker for as long as it likes, such as upgraded
 * connections, looked at once a second, so that it can be ended when what it
 * was allowed by has gone.
 *
 * No signal and no lock: something that is shared is read by each worker.
 * While there is nothing in the list there is no timer.
 */

#ifndef WGW_SWEEP_H
#define WGW_SWEEP_H


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#pragma GCC visibility push(hidden)


typedef struct wgw_sweep_s  wgw_sweep_t;


/* Zeroed at first; it stays where it is until it was removed. */
typedef struct {
    ngx_queue_t          queue;
    wgw_sweep_t         *sweep;         /* NULL: in no list */
} wgw_swept_t;


/* One for each reason to look, static and zero but for the functions. */
struct wgw_sweep_s {

    /* moves what is to end from `list` to another queue */
    void               (*look)(ngx_queue_t *list, ngx_queue_t *ended,
                               ngx_log_t *log);

    /* ends one that is in no list any more; may remove others */
    void               (*end)(wgw_swept_t *swept, ngx_log_t *log);

    ngx_queue_t          list;          /* of wgw_swept_t */
    ngx_event_t          timer;
    ngx_connection_t     dumb;
};


/* For wgw_sweep_add(): the looking begins. */
void wgw_sweep_start(wgw_sweep_t *sweep);

/* Adds one.  Returns 1 when it is the first, and the looking begins. */

static ngx_inline ngx_uint_t
wgw_sweep_add(wgw_sweep_t *sweep, wgw_swept_t *swept)
{
    ngx_uint_t  first;

    first = !sweep->timer.timer_set;

    if (first) {
        wgw_sweep_start(sweep);
    }

    swept->sweep = sweep;

    ngx_queue_insert_tail(&sweep->list, &swept->queue);

    return first;
}

/* Also for one that was never added, or was ended. */

static ngx_inline void
wgw_sweep_remove(wgw_swept_t *swept)
{
    if (swept->sweep) {
        ngx_queue_remove(&swept->queue);
        swept->sweep = NULL;
    }
}


#pragma GCC visibility pop

#endif /* WGW_SWEEP_H */
