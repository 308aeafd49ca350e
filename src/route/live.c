
#include <ngx_config.h>
#include <ngx_core.h>

#include "names/rows.h"
#include "route/live.h"
#include "route/lookup.h"


static void live_look(ngx_queue_t *list, ngx_queue_t *ended, ngx_log_t *log);
static void live_match(ngx_queue_t *list, ngx_queue_t *ended, uint64_t id,
    ngx_str_t *name);
static void live_end(wgw_swept_t *swept, ngx_log_t *log);


static wgw_sweep_t         live_sweep = { .look = live_look,
                                          .end = live_end };
static wgw_rows_closed_t   live_seen;


void
wgw_live_add(wgw_live_t *live, wgw_route_t *route, uint64_t id,
    void (*end)(void *data), void *data)
{
    live->route = route;
    live->end = end;
    live->data = data;

    if (wgw_sweep_add(&live_sweep, &live->swept)) {
        live_seen.id = id;
        live_seen.len = 0;
    }
}


static void
live_end(wgw_swept_t *swept, ngx_log_t *log)
{
    wgw_live_t *live = (wgw_live_t *) swept;

    ngx_log_error(NGX_LOG_INFO, log, 0,
                  "ending a connection of \"%V\", which was deleted",
                  &live->route->name);

    live->end(live->data);
}


static void
live_look(ngx_queue_t *list, ngx_queue_t *ended, ngx_log_t *log)
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

        live_match(list, ended, live_seen.id, &name);
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
live_match(ngx_queue_t *list, ngx_queue_t *ended, uint64_t id,
    ngx_str_t *name)
{
    wgw_live_t   *live;
    ngx_queue_t  *q, *next;

    for (q = ngx_queue_head(list); q != ngx_queue_sentinel(list); q = next) {
        next = ngx_queue_next(q);
        live = ngx_queue_data(q, wgw_live_t, swept.queue);

        if (live->route->change < id
            && live->route->name.len == name->len
            && ngx_memcmp(live->route->name.data, name->data, name->len) == 0)
        {
            ngx_queue_remove(q);
            /* that `ended` is another queue is not seen from here */
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
            ngx_queue_insert_tail(ended, q);
        }
    }
}
