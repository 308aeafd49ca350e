
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "core/beside.h"
#include "store/writer.h"


#define WRITER_TIMEOUT  60000
#define WRITER_GROUP    512             /* changes of a transaction */


/* What the thread works on: not touched by the event loop meanwhile. */
typedef struct {
    wgw_change_t        *changes;       /* transactions of these, */
    wgw_job_t           *job;           /* or, without any, a step */
} writer_work_t;


static void writer_commit(writer_work_t *work);
static wgw_change_t *writer_group(wgw_change_t *first);
static ngx_uint_t writer_apart(wgw_change_t *one, wgw_change_t *other);
static void writer_write(wgw_change_t *first, wgw_change_t *end);
static wgw_store_rc_t writer_make(wgw_change_t *first, wgw_change_t *end,
    wgw_store_error_t *error);
static void writer_reply(wgw_change_t *change);
static void writer_append(wgw_job_t *job);
static void writer_start(void);
static ngx_uint_t writer_take(writer_work_t *work);
static void writer_thread(void *data);
static void writer_done(void *data);
static void writer_finish(writer_work_t *work);
static void writer_wait(void);
static void writer_late(ngx_event_t *ev);


static writer_work_t      writer_work;
static ngx_event_t        writer_timer;
static ngx_connection_t   writer_dumb;

/* waiting for the thread, oldest first */
static wgw_change_t      *writer_queue;
static wgw_change_t     **writer_last = &writer_queue;
static wgw_job_t         *writer_jobs;
static wgw_job_t        **writer_last_job = &writer_jobs;

static ngx_uint_t         writer_turn;          /* a job's is next */


void
wgw_writer_post(wgw_change_t *change)
{
    change->next = NULL;

    *writer_last = change;
    writer_last = &change->next;

    writer_start();
}


void
wgw_writer_run(wgw_job_t *job)
{
    writer_append(job);
    writer_start();
}


void
wgw_writer_exit(void)
{
    wgw_beside_exit();
}


static void
writer_commit(writer_work_t *work)
{
    wgw_change_t  *first, *end;

    for (first = work->changes; first; first = end) {
        end = writer_group(first);
        writer_write(first, end);
    }
}


/* Where the changes from `first` on that may be in one transaction end. */

static wgw_change_t *
writer_group(wgw_change_t *first)
{
    ngx_uint_t     n;
    wgw_change_t  *change, *other;

    change = first->next;

    for (n = 1; change && n < WRITER_GROUP; n++) {

        for (other = first; other != change; other = other->next) {
            if (writer_apart(other, change)) {
                return change;
            }
        }

        change = change->next;
    }

    return change;
}


/*
 * A transaction's id is the version of all it changes: a second change of a
 * key in it would have the version, and the ETag, of the first.
 */

static ngx_uint_t
writer_apart(wgw_change_t *one, wgw_change_t *other)
{
    return one->store != other->store
           || (one->key.len && wgw_text_equal(one->key, other->key));
}


static void
writer_write(wgw_change_t *first, wgw_change_t *end)
{
    wgw_change_t       *change;
    wgw_store_rc_t      rc;
    wgw_store_error_t   error;

    rc = writer_make(first, end, &error);

    if (rc == WGW_STORE_OK) {
        return;
    }

    for (change = first; change != end; change = change->next) {

        if (first->next != end) {
            rc = writer_make(change, change->next, &error);

            if (rc == WGW_STORE_OK) {
                continue;
            }
        }

        change->rc = rc;
        change->error = error;
    }
}


static wgw_store_rc_t
writer_make(wgw_change_t *first, wgw_change_t *end, wgw_store_error_t *error)
{
    wgw_txn_t      t;
    wgw_change_t  *change;

    wgw_txn_begin(&t, first->store);

    for (change = first; change != end; change = change->next) {
        change->rc = change->make(&t, change);
    }

    return wgw_txn_end(&t, error);
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


static void
writer_append(wgw_job_t *job)
{
    job->next = NULL;

    *writer_last_job = job;
    writer_last_job = &job->next;
}


/*
 * Gives the thread, if it is idle, what is next.  Without one it is done here
 * and now.
 */

static void
writer_start(void)
{
    writer_work_t  work;

    if (writer_timer.timer_set) {
        return;
    }

    while (writer_take(&work)) {

        writer_work = work;

        if (wgw_beside_run(writer_thread, writer_done, &writer_work,
                           ngx_cycle->log)
            == NGX_OK)
        {
            writer_wait();
            return;
        }

        writer_thread(&work);

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
writer_thread(void *data)
{
    writer_work_t *work = data;

    if (work->changes) {
        writer_commit(work);

    } else {
        work->job->more = work->job->step(work->job);
    }
}


static void
writer_done(void *data)
{
    writer_work_t  work;

    ngx_del_timer(&writer_timer);

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

    } else if (work->job) {
        work->job->handler(work->job);
    }
}


/* Not cancelable: a worker does not exit before the reply. */

static void
writer_wait(void)
{
    writer_dumb.fd = (ngx_socket_t) -1;

    writer_timer.handler = writer_late;
    writer_timer.data = &writer_dumb;
    writer_timer.log = ngx_cycle->log;

    ngx_add_timer(&writer_timer, WRITER_TIMEOUT);
}


static void
writer_late(ngx_event_t *ev)
{
    ngx_log_error(NGX_LOG_WARN, ev->log, 0,
                  "a change of a store has been waiting for the disk "
                  "for more than a minute");

    writer_wait();
}
