
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "route/idle.h"


struct wgw_idle_s {
    ngx_queue_t           queue;
    wgw_idle_t           *next;         /* in the bucket */
    wgw_idle_cache_t     *cache;
    wgw_idle_t          **bucket;
    wgw_idle_key_t        key;
    ngx_connection_t     *connection;
};


static void idle_unlink(wgw_idle_t *idle);
static void idle_write(ngx_event_t *ev);
static void idle_read(ngx_event_t *ev);
static ngx_uint_t idle_silent(ngx_connection_t *c);
static void idle_close(ngx_connection_t *c);


char *
wgw_idle_create(ngx_conf_t *cf, wgw_idle_cache_t *cache)
{
    ngx_uint_t   i;
    wgw_idle_t  *idle;

    ngx_queue_init(&cache->idle);
    ngx_queue_init(&cache->free);

    if (cache->keepalive == 0) {
        return NGX_CONF_OK;
    }

    idle = ngx_pcalloc(cf->pool, cache->keepalive * sizeof(wgw_idle_t));
    if (idle == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < cache->keepalive; i++) {
        idle[i].cache = cache;
        ngx_queue_insert_head(&cache->free, &idle[i].queue);
    }

    cache->nbuckets = 1;

    while (cache->nbuckets < cache->keepalive) {
        cache->nbuckets *= 2;
    }

    cache->buckets = ngx_pcalloc(cf->pool,
                                 cache->nbuckets * sizeof(wgw_idle_t *));

    return cache->buckets ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_connection_t *
wgw_idle_take(wgw_idle_cache_t *cache, const wgw_idle_key_t *key,
    uint64_t hash, ngx_log_t *log)
{
    wgw_idle_t        *idle;
    ngx_connection_t  *c;

    if (cache->keepalive == 0) {
        return NULL;
    }

    idle = cache->buckets[hash & (cache->nbuckets - 1)];

    while (idle
           && ngx_memcmp(&idle->key, key, sizeof(wgw_idle_key_t)) != 0)
    {
        idle = idle->next;
    }

    if (idle == NULL) {
        return NULL;
    }

    c = idle->connection;

    idle_unlink(idle);

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
wgw_idle_keep(wgw_idle_cache_t *cache, const wgw_idle_key_t *key,
    uint64_t hash, ngx_connection_t *c)
{
    ngx_queue_t   *q;
    wgw_idle_t    *idle, **bucket;

    if (ngx_queue_empty(&cache->free)) {
        q = ngx_queue_last(&cache->idle);
        idle = ngx_queue_data(q, wgw_idle_t, queue);

        idle_unlink(idle);
        idle_close(idle->connection);
    }

    q = ngx_queue_head(&cache->free);
    ngx_queue_remove(q);
    ngx_queue_insert_head(&cache->idle, q);

    idle = ngx_queue_data(q, wgw_idle_t, queue);

    idle->key = *key;
    idle->connection = c;

    bucket = &cache->buckets[hash & (cache->nbuckets - 1)];

    idle->bucket = bucket;
    idle->next = *bucket;
    *bucket = idle;

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    c->read->delayed = 0;
    ngx_add_timer(c->read, cache->timeout);

    c->read->handler = idle_read;
    c->write->handler = idle_write;

    c->data = idle;
    c->idle = 1;
    c->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;
    c->pool->log = ngx_cycle->log;

    /* it may have been closed by the backend already */

    if (c->read->ready) {
        idle_read(c->read);
    }
}


static void
idle_unlink(wgw_idle_t *idle)
{
    wgw_idle_t  **place;

    place = idle->bucket;

    while (*place != idle) {
        place = &(*place)->next;
    }

    *place = idle->next;

    ngx_queue_remove(&idle->queue);
    ngx_queue_insert_head(&idle->cache->free, &idle->queue);
}


static void
idle_write(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ev->log, 0,
                   "wgw backend: idle write");
}


static void
idle_read(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    if (!c->close && !ev->timedout && idle_silent(c)) {
        ev->ready = 0;

        if (ngx_handle_read_event(ev, 0) == NGX_OK) {
            return;
        }
    }

    idle_unlink(c->data);
    idle_close(c);
}


/*
 * A look below TLS first, which costs less; but TLS reads ahead, so that an
 * empty socket does not say that nothing came.
 */

static ngx_uint_t
idle_silent(ngx_connection_t *c)
{
    int     n;
    u_char  buf[1];

    n = recv(c->fd, buf, 1, MSG_PEEK);

    if (n == 0 || (n == -1 && ngx_socket_errno != NGX_EAGAIN)) {
        return 0;
    }

#if (NGX_HTTP_SSL)

    if (c->ssl && (n == 1 || SSL_has_pending(c->ssl->connection))) {

        /* its answer to a key update may have to wait: not worth it */

        return c->recv(c, buf, 1) == NGX_AGAIN
               && c->ssl->saved_write_handler == NULL;
    }

#endif

    return n == -1;
}


static void
idle_close(ngx_connection_t *c)
{
#if (NGX_HTTP_SSL)

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
            c->ssl->handler = idle_close;
            return;
        }
    }

#endif

    ngx_destroy_pool(c->pool);
    ngx_close_connection(c);
}
