
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif

#include "writer.h"


#define WRITER_TIMEOUT  60000
#define WRITER_GROUP    512             /* changes of a transaction */


/* What the thread works on: not touched by the event loop meanwhile. */
typedef struct {
    wgw_store_t         *store;
    wgw_change_t        *changes;       /* a transaction of these, */
    wgw_job_t           *job;           /* or, without any, a step */
} writer_work_t;


static void writer_commit(writer_work_t *work);
static wgw_change_t *writer_group(wgw_change_t *first);
static void writer_write(wgw_store_t *store, wgw_change_t *first,
    wgw_change_t *end);
static void writer_reply(wgw_change_t *change);
#if (NGX_THREADS)
static ngx_thread_pool_t *writer_pool(void);
static void writer_append(wgw_job_t *job);
static void writer_start(void);
static ngx_uint_t writer_take(writer_work_t *work);
static void writer_thread(void *data, ngx_log_t *log);
static void writer_done(ngx_event_t *ev);
static void writer_finish(writer_work_t *work);
#endif


#if (NGX_THREADS)

static ngx_str_t           writer_name = ngx_string("wgw");

static writer_work_t       writer_work;
static ngx_thread_task_t  *writer_task;

/* waiting for the thread, oldest first */
static wgw_store_t        *writer_store;
static wgw_change_t       *writer_queue;
static wgw_change_t      **writer_last = &writer_queue;
static wgw_job_t          *writer_jobs;
static wgw_job_t         **writer_last_job = &writer_jobs;

static ngx_uint_t          writer_turn;         /* a job's is next */

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
    writer_work_t  work;

    change->next = NULL;

#if (NGX_THREADS)

    if (writer_pool()) {
        writer_store = store;

        *writer_last = change;
        writer_last = &change->next;

        writer_start();
        return;
    }

#endif

    work.store = store;
    work.changes = change;

    writer_commit(&work);
    writer_reply(change);
}


void
wgw_writer_run(wgw_job_t *job)
{
#if (NGX_THREADS)

    if (writer_pool()) {
        writer_append(job);
        writer_start();
        return;
    }

#endif

    while (job->step(job)) { /* void */ }

    job->handler(job);
}


static void
writer_commit(writer_work_t *work)
{
    wgw_change_t  *first, *end;

    for (first = work->changes; first; first = end) {
        end = writer_group(first);
        writer_write(work->store, first, end);
    }
}


/*
 * Where the changes from `first` on that may be in one transaction end.  Its
 * id is the version of all it changes: a second change of a name in it would
 * have the version, and the ETag, of the first.
 */

static wgw_change_t *
writer_group(wgw_change_t *first)
{
    ngx_uint_t     n;
    wgw_change_t  *change, *other;

    change = first->next;

    for (n = 1; change && n < WRITER_GROUP; n++) {

        for (other = first; other != change; other = other->next) {
            if (wgw_text_equal(other->write.name, change->write.name)) {
                return change;
            }
        }

        change = change->next;
    }

    return change;
}


static void
writer_write(wgw_store_t *store, wgw_change_t *first, wgw_change_t *end)
{
    wgw_change_t       *change;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    for (change = first; change != end; change = change->next) {
        change->write.next = change->next != end ? &change->next->write
                                                 : NULL;
    }

    rc = wgw_store_write(store, &first->write, &error);

    if (rc == WGW_STORE_OK) {
        return;
    }

    for (change = first; change != end; change = change->next) {

        if (first->next != end) {
            change->write.next = NULL;
            (void) wgw_store_write(store, &change->write, &change->error);

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


static void
writer_append(wgw_job_t *job)
{
    job->next = NULL;

    *writer_last_job = job;
    writer_last_job = &job->next;
}


/*
 * Gives the thread, if it is idle, what is next.  If that fails, for want of
 * memory, it is done here and now.
 */

static void
writer_start(void)
{
    writer_work_t       work;
    ngx_thread_task_t  *task;

    if (writer_task && writer_task->event.active) {
        return;
    }

    while (writer_take(&work)) {

        if (writer_task == NULL) {
            writer_task = ngx_thread_task_alloc(ngx_cycle->pool, 0);
        }

        task = writer_task;

        if (task) {
            task->ctx = &writer_work;
            task->handler = writer_thread;
            task->event.data = task;
            task->event.handler = writer_done;
            task->event.log = ngx_cycle->log;

            writer_work = work;

            if (ngx_thread_task_post(writer_pool(), task) == NGX_OK) {

                /* not cancelable: a worker does not exit before the reply */

                ngx_add_timer(&task->event, WRITER_TIMEOUT);
                return;
            }
        }

        writer_thread(&work, ngx_cycle->log);

        if (work.job && work.job->more) {
            writer_append(work.job);

        } else {
            writer_finish(&work);
        }
    }
}


/* Changes and jobs take turns where there are both. */

static ngx_uint_t
writer_take(writer_work_t *work)
{
    work->store = writer_store;
    work->changes = NULL;
    work->job = NULL;

    if (writer_queue && !(writer_turn && writer_jobs)) {
        work->changes = writer_queue;

        writer_queue = NULL;
        writer_last = &writer_queue;
        writer_turn = 1;

        return 1;
    }

    if (writer_jobs == NULL) {
        return 0;
    }

    work->job = writer_jobs;

    writer_jobs = work->job->next;

    if (writer_jobs == NULL) {
        writer_last_job = &writer_jobs;
    }

    writer_turn = 0;

    return 1;
}


static void
writer_thread(void *data, ngx_log_t *log)
{
    writer_work_t *work = data;

    if (work->changes) {
        writer_commit(work);

    } else {
        work->job->more = work->job->step(work->job);
    }
}


static void
writer_done(ngx_event_t *ev)
{
    writer_work_t  work;

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

    work = writer_work;

    if (work.job && work.job->more) {
        writer_append(work.job);
        writer_start();
        return;
    }

    writer_start();
    writer_finish(&work);
}


static void
writer_finish(writer_work_t *work)
{
    if (work->changes) {
        writer_reply(work->changes);

    } else {
        work->job->handler(work->job);
    }
}

#endif
