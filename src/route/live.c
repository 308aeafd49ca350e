
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "names/rows.h"
#include "route/live.h"
#include "route/lookup.h"


#define LIVE_SWEEP  1000                /* milliseconds */


static void live_sweep(ngx_event_t *ev);
static void live_look(ngx_queue_t *ended, ngx_log_t *log);
static void live_match(ngx_queue_t *ended, uint64_t id, ngx_str_t *name);


static ngx_queue_t         live_list;
static ngx_event_t         live_timer;
static ngx_connection_t    live_dumb;
static wgw_rows_closed_t   live_seen;


void
wgw_live_add(wgw_live_t *live, wgw_route_t *route, uint64_t id,
    void (*end)(void *data), void *data)
{
    if (live_timer.handler == NULL) {
        ngx_queue_init(&live_list);

        live_dumb.fd = (ngx_socket_t) -1;

        live_timer.data = &live_dumb;
        live_timer.handler = live_sweep;
        live_timer.cancelable = 1;
    }

    live->route = route;
    live->end = end;
    live->data = data;

    ngx_queue_insert_tail(&live_list, &live->queue);

    if (!live_timer.timer_set) {
        live_timer.log = ngx_cycle->log;

        live_seen.id = id;
        live_seen.len = 0;

        ngx_add_timer(&live_timer, LIVE_SWEEP);
    }
}


void
wgw_live_remove(wgw_live_t *live)
{
    if (live->route) {
        ngx_queue_remove(&live->queue);
        live->route = NULL;
    }
}


static void
live_sweep(ngx_event_t *ev)
{
    ngx_queue_t  *q, ended;
    wgw_live_t   *live;

    if (ngx_queue_empty(&live_list)) {
        return;
    }

    ngx_add_timer(ev, LIVE_SWEEP);

    ngx_queue_init(&ended);

    live_look(&ended, ev->log);

    /* ending one may remove others, wherever they are */

    while (!ngx_queue_empty(&ended)) {
        q = ngx_queue_head(&ended);
        live = ngx_queue_data(q, wgw_live_t, queue);

        ngx_queue_remove(q);

        ngx_log_error(NGX_LOG_INFO, ev->log, 0,
                      "ending a connection of \"%V\", which was deleted",
                      &live->route->name);

        live->route = NULL;
        live->end(live->data);
    }
}


static void
live_look(ngx_queue_t *ended, ngx_log_t *log)
{
    uint64_t            id;
    ngx_str_t           name;
    wgw_store_t        *store;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    static uint64_t     last;

    store = wgw_lookup_store(log);

    if (store == NULL || wgw_store_id(store) == last) {
        return;
    }

    if (wgw_store_begin(store, &id, &error) != WGW_STORE_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "names: %s", error.text);
        return;
    }

    for ( ;; ) {
        rc = wgw_rows_closed(store, &live_seen, &error);

        if (rc != WGW_STORE_OK) {
            break;
        }

        name.data = (u_char *) live_seen.name;
        name.len = live_seen.len;

        live_match(ended, live_seen.id, &name);
    }

    wgw_store_end(store);

    if (rc == WGW_STORE_FAILED) {
        ngx_log_error(NGX_LOG_ERR, log, 0, "names: %s", error.text);
        return;
    }

    last = id;
}


/* A record that was put after the deletion is another one. */

static void
live_match(ngx_queue_t *ended, uint64_t id, ngx_str_t *name)
{
    wgw_live_t   *live;
    ngx_queue_t  *q, *next;

    for (q = ngx_queue_head(&live_list);
         q != ngx_queue_sentinel(&live_list);
         q = next)
    {
        next = ngx_queue_next(q);
        live = ngx_queue_data(q, wgw_live_t, queue);

        if (live->route->change < id
            && live->route->name.len == name->len
            && ngx_memcmp(live->route->name.data, name->data, name->len) == 0)
        {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(ended, q);
        }
    }
}
