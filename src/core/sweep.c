
#include <ngx_config.h>
#include <ngx_core.h>

#include "core/sweep.h"


#define SWEEP_EVERY  1000               /* milliseconds */


static void sweep_handler(ngx_event_t *ev);


void
wgw_sweep_start(wgw_sweep_t *sweep)
{
    if (sweep->timer.handler == NULL) {
        ngx_queue_init(&sweep->list);

        sweep->dumb.fd = (ngx_socket_t) -1;
        sweep->dumb.data = sweep;

        sweep->timer.data = &sweep->dumb;
        sweep->timer.handler = sweep_handler;
        sweep->timer.cancelable = 1;
    }

    sweep->timer.log = ngx_cycle->log;

    ngx_add_timer(&sweep->timer, SWEEP_EVERY);
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
