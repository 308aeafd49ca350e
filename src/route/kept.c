
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "route/kept.h"


struct wgw_idle_s {
    ngx_queue_t          queue;
    wgw_idle_t          *next;          /* in the bucket */
    wgw_kept_t          *kept;
    wgw_idle_t         **bucket;
    wgw_kept_key_t       key;
    ngx_connection_t    *connection;
};


static void kept_unlink(wgw_idle_t *idle);
static void kept_write(ngx_event_t *ev);
static void kept_read(ngx_event_t *ev);
static ngx_uint_t kept_silent(ngx_connection_t *c);
static void kept_close(ngx_connection_t *c);


ngx_int_t
wgw_kept_create(ngx_conf_t *cf, wgw_kept_t *kept)
{
    ngx_uint_t   i;
    wgw_idle_t  *idle;

    ngx_queue_init(&kept->idle);
    ngx_queue_init(&kept->free);

    if (kept->max == 0) {
        return NGX_OK;
    }

    idle = ngx_pcalloc(cf->pool, kept->max * sizeof(wgw_idle_t));
    if (idle == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < kept->max; i++) {
        idle[i].kept = kept;
        ngx_queue_insert_head(&kept->free, &idle[i].queue);
    }

    kept->nbuckets = 1;

    while (kept->nbuckets < kept->max) {
        kept->nbuckets *= 2;
    }

    kept->buckets = ngx_pcalloc(cf->pool,
                                kept->nbuckets * sizeof(wgw_idle_t *));

    return kept->buckets ? NGX_OK : NGX_ERROR;
}


ngx_connection_t *
wgw_kept_take(wgw_kept_t *kept, wgw_kept_key_t *key, uint64_t hash,
    ngx_log_t *log)
{
    wgw_idle_t        *idle;
    ngx_connection_t  *c;

    if (kept->max == 0) {
        return NULL;
    }

    idle = kept->buckets[hash & (kept->nbuckets - 1)];

    while (idle && ngx_memcmp(&idle->key, key, sizeof(wgw_kept_key_t))) {
        idle = idle->next;
    }

    if (idle == NULL) {
        return NULL;
    }

    c = idle->connection;

    kept_unlink(idle);

    c->idle = 0;
    c->sent = 0;
    c->data = NULL;
    c->log = log;
    c->read->log = log;
    c->write->log = log;
    c->pool->log = log;

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, log, 0,
                   "wgw backend: using connection %p", c);

    return c;
}


void
wgw_kept_add(wgw_kept_t *kept, wgw_kept_key_t *key, uint64_t hash,
    ngx_connection_t *c)
{
    ngx_queue_t  *q;
    wgw_idle_t   *idle, **bucket;

    if (ngx_queue_empty(&kept->free)) {
        q = ngx_queue_last(&kept->idle);
        idle = ngx_queue_data(q, wgw_idle_t, queue);

        kept_unlink(idle);
        kept_close(idle->connection);
    }

    q = ngx_queue_head(&kept->free);
    ngx_queue_remove(q);
    ngx_queue_insert_head(&kept->idle, q);

    idle = ngx_queue_data(q, wgw_idle_t, queue);

    idle->key = *key;
    idle->connection = c;

    bucket = &kept->buckets[hash & (kept->nbuckets - 1)];

    idle->bucket = bucket;
    idle->next = *bucket;
    *bucket = idle;

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    c->read->delayed = 0;
    ngx_add_timer(c->read, kept->timeout);

    c->read->handler = kept_read;
    c->write->handler = kept_write;

    c->data = idle;
    c->idle = 1;
    c->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;
    c->pool->log = ngx_cycle->log;

    /* it may have been closed by the backend already */

    if (c->read->ready) {
        kept_read(c->read);
    }
}


static void
kept_unlink(wgw_idle_t *idle)
{
    wgw_idle_t  **place;

    place = idle->bucket;

    while (*place != idle) {
        place = &(*place)->next;
    }

    *place = idle->next;

    ngx_queue_remove(&idle->queue);
    ngx_queue_insert_head(&idle->kept->free, &idle->queue);
}


static void
kept_write(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ev->log, 0,
                   "wgw backend: idle write");
}


static void
kept_read(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    if (!c->close && !ev->timedout && kept_silent(c)) {
        ev->ready = 0;

        if (ngx_handle_read_event(ev, 0) == NGX_OK) {
            return;
        }
    }

    kept_unlink(c->data);
    kept_close(c);
}


/*
 * A look below TLS first, which costs less; but TLS reads ahead, so that an
 * empty socket does not say that nothing came.
 */

static ngx_uint_t
kept_silent(ngx_connection_t *c)
{
    int     n;
    u_char  buf[1];

    n = recv(c->fd, buf, 1, MSG_PEEK);

    if (n == 0 || (n == -1 && ngx_socket_errno != NGX_EAGAIN)) {
        return 0;
    }

#if (NGX_SSL)

    if (c->ssl && (n == 1 || SSL_has_pending(c->ssl->connection))) {

        /* its answer to a key update may have to wait: not worth it */

        return c->recv(c, buf, 1) == NGX_AGAIN
               && c->ssl->saved_write_handler == NULL;
    }

#endif

    return n == -1;
}


static void
kept_close(ngx_connection_t *c)
{
#if (NGX_SSL)

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
            c->ssl->handler = kept_close;
            return;
        }
    }

#endif

    ngx_destroy_pool(c->pool);
    ngx_close_connection(c);
}
