
/*
 * writer: changes of a store, made beside the event loop.
 *
 * A worker has a thread for it, while there is something to do; what is posted
 * while the thread is busy goes into the next transaction together, but for a
 * second change of a key, which goes into one after it.  If a transaction
 * fails as a whole, each of its changes is tried again alone, so that one
 * that does not fit spoils no other.
 *
 * Long work is a job: a sequence of steps, between any two of which the
 * changes that are waiting are made, and a step of every other job.  Without
 * a thread changes are made, and jobs done, at once, in the call.
 */

#ifndef WGW_WRITER_H
#define WGW_WRITER_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "store/txn.h"

#pragma GCC visibility push(hidden)


typedef struct wgw_change_s  wgw_change_t;

/*
 * Owned by the caller, who keeps it and all it points to until the handler
 * is called, in the event loop, after the commit.  A worker that exits
 * gracefully waits for it.
 */
struct wgw_change_s {
    wgw_store_t         *store;
    wgw_text_t           key;           /* of what is changed, or empty */

    /*
     * In the thread; returns the change's own code, such as MISMATCH.  It may
     * be called again, in another transaction.
     */
    wgw_store_rc_t     (*make)(wgw_txn_t *t, wgw_change_t *change);

    wgw_store_rc_t       rc;            /* make's, or the transaction's */
    wgw_store_error_t    error;         /* set for the latter */

    void               (*handler)(wgw_change_t *change);
    void                *data;

    wgw_change_t        *next;
};


typedef struct wgw_job_s  wgw_job_t;

/*
 * Owned by the caller until the handler is called, in the event loop, after
 * the last step; the handler may run the job again.  A worker that exits
 * gracefully waits for it.
 */
struct wgw_job_s {
    /* in the thread; returns 1 if there is another step to make */
    ngx_uint_t         (*step)(wgw_job_t *job);

    void               (*handler)(wgw_job_t *job);

    ngx_uint_t           more;
    wgw_job_t           *next;
};


void wgw_writer_post(wgw_change_t *change);
void wgw_writer_run(wgw_job_t *job);

/* For exit: waits for what is being made; no handler is called any more. */
void wgw_writer_exit(void);


#pragma GCC visibility pop

#endif /* WGW_WRITER_H */
