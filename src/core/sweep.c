
#include <ngx_config.h>
#include <ngx_core.h>

#include "core/sweep.h"


#define SWEEP_EVERY  1000               /* milliseconds */


static void sweep_handler(ngx_event_t *ev);


ngx_uint_t
wgw_sweep_add(wgw_sweep_t *sweep, wgw_swept_t *swept)
{
    if (sweep->timer.handler == NULL) {
        ngx_queue_init(&sweep->list);

        sweep->dumb.fd = (ngx_socket_t) -1;
        sweep->dumb.data = sweep;

        sweep->timer.data = &sweep->dumb;
        sweep->timer.handler = sweep_handler;
        sweep->timer.cancelable = 1;
    }

    swept->sweep = sweep;

    ngx_queue_insert_tail(&sweep->list, &swept->queue);

    if (sweep->timer.timer_set) {
        return 0;
    }

    sweep->timer.log = ngx_cycle->log;

    ngx_add_timer(&sweep->timer, SWEEP_EVERY);

    return 1;
}


void
wgw_sweep_remove(wgw_swept_t *swept)
{
    if (swept->sweep) {
        ngx_queue_remove(&swept->queue);
        swept->sweep = NULL;
    }
}


static void
sweep_handler(ngx_event_t *ev)
{
    ngx_queue_t       *q, ended;
    wgw_swept_t       *swept;
    wgw_sweep_t       *sweep;
    ngx_connection_t  *dumb;

    dumb = ev->data;
    sweep = dumb->data;

    if (ngx_queue_empty(&sweep->list)) {
        return;
    }

    ngx_add_timer(ev, SWEEP_EVERY);

    ngx_queue_init(&ended);

    sweep->look(&sweep->list, &ended, ev->log);

    /* ending one may remove others, wherever they are */

    while (!ngx_queue_empty(&ended)) {
        q = ngx_queue_head(&ended);
        swept = ngx_queue_data(q, wgw_swept_t, queue);

        wgw_sweep_remove(swept);

        sweep->end(swept, ev->log);
    }
}
