
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif

#include "writer.h"


#define WRITER_TIMEOUT  60000


/* What the thread works on: not touched by the event loop meanwhile. */
typedef struct {
    wgw_store_t         *store;
    wgw_change_t        *changes;
} writer_group_t;


static void writer_commit(writer_group_t *group);
static void writer_reply(wgw_change_t *change);
#if (NGX_THREADS)
static ngx_thread_pool_t *writer_pool(void);
static void writer_start(void);
static void writer_thread(void *data, ngx_log_t *log);
static void writer_done(ngx_event_t *ev);
#endif


#if (NGX_THREADS)

static ngx_str_t           writer_name = ngx_string("wgw");

static writer_group_t      writer_group;
static ngx_thread_task_t  *writer_task;

/* waiting for the thread, oldest first */
static wgw_store_t        *writer_store;
static wgw_change_t       *writer_queue;
static wgw_change_t      **writer_last = &writer_queue;

#endif


char *
wgw_writer_init(ngx_conf_t *cf)
{
#if (NGX_THREADS)

    char             *rv;
    ngx_buf_t         buf;
    ngx_array_t      *args;
    ngx_conf_file_t   file, *saved;

    static u_char     directive[] = "thread_pool wgw threads=1;";

    if (ngx_thread_pool_get(cf->cycle, &writer_name)) {
        return NGX_CONF_OK;
    }

    /* the size of a pool can be set by its directive only */

    ngx_memzero(&buf, sizeof(ngx_buf_t));
    ngx_memzero(&file, sizeof(ngx_conf_file_t));

    buf.start = directive;
    buf.pos = directive;
    buf.last = directive + sizeof(directive) - 1;
    buf.end = buf.last;
    buf.temporary = 1;

    file.file.fd = NGX_INVALID_FILE;
    file.buffer = &buf;

    saved = cf->conf_file;
    args = cf->args;

    cf->args = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
    if (cf->args == NULL) {
        return NGX_CONF_ERROR;
    }

    cf->conf_file = &file;

    rv = ngx_conf_parse(cf, NULL);

    cf->conf_file = saved;
    cf->args = args;

    return rv;

#else

    return NGX_CONF_OK;

#endif
}


void
wgw_writer_post(wgw_store_t *store, wgw_change_t *change)
{
    writer_group_t  group;

    change->next = NULL;

#if (NGX_THREADS)

    if (writer_pool()) {
        writer_store = store;

        *writer_last = change;
        writer_last = &change->next;

        if (writer_task == NULL || !writer_task->event.active) {
            writer_start();
        }

        return;
    }

#endif

    group.store = store;
    group.changes = change;

    writer_commit(&group);
    writer_reply(change);
}


static void
writer_commit(writer_group_t *group)
{
    wgw_change_t       *change;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    for (change = group->changes; change; change = change->next) {
        change->write.next = change->next ? &change->next->write : NULL;
    }

    rc = wgw_store_write(group->store, &group->changes->write, &error);

    if (rc == WGW_STORE_OK) {
        return;
    }

    for (change = group->changes; change; change = change->next) {

        if (group->changes->next) {
            change->write.next = NULL;
            (void) wgw_store_write(group->store, &change->write,
                                   &change->error);

        } else {
            change->error = error;
        }
    }
}


static void
writer_reply(wgw_change_t *change)
{
    wgw_change_t  *next;

    while (change) {
        next = change->next;
        change->handler(change);
        change = next;
    }
}


#if (NGX_THREADS)

static ngx_thread_pool_t *
writer_pool(void)
{
    /*
     * a process without a master runs init_process for its first
     * configuration only: pools of a later one have no threads
     */

    if (ngx_process == NGX_PROCESS_SINGLE) {
        return NULL;
    }

    return ngx_thread_pool_get((ngx_cycle_t *) ngx_cycle, &writer_name);
}


/*
 * Hands the whole queue to the thread, which is idle.  If that fails, for
 * want of memory, the changes are made here and now.
 */

static void
writer_start(void)
{
    writer_group_t      group;
    ngx_thread_task_t  *task;

    group.store = writer_store;
    group.changes = writer_queue;

    writer_queue = NULL;
    writer_last = &writer_queue;

    if (writer_task == NULL) {
        writer_task = ngx_thread_task_alloc(ngx_cycle->pool, 0);
    }

    task = writer_task;

    if (task) {
        task->ctx = &writer_group;
        task->handler = writer_thread;
        task->event.data = task;
        task->event.handler = writer_done;
        task->event.log = ngx_cycle->log;

        writer_group = group;

        if (ngx_thread_task_post(writer_pool(), task) == NGX_OK) {

            /* not cancelable: a worker does not exit before the reply */

            ngx_add_timer(&task->event, WRITER_TIMEOUT);
            return;
        }
    }

    writer_commit(&group);
    writer_reply(group.changes);
}


static void
writer_thread(void *data, ngx_log_t *log)
{
    writer_commit(data);
}


static void
writer_done(ngx_event_t *ev)
{
    wgw_change_t  *change;

    if (ev->timedout) {
        ngx_log_error(NGX_LOG_WARN, ev->log, 0,
                      "names: a change has been waiting for the disk "
                      "for more than a minute");

        ev->timedout = 0;
        ngx_add_timer(ev, WRITER_TIMEOUT);

        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    change = writer_group.changes;

    if (writer_queue) {
        writer_start();
    }

    writer_reply(change);
}

#endif
