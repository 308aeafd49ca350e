
#include "fleet/bookkeeper.h"
#include "core/single.h"
#include "core/statefile.h"
#include "crypto/sha256.h"

#include <signal.h>
#include <sys/file.h>


#define WGW_BOOKKEEPER_IDLE    3600000  /* ms, see ngx_path_t */
#define WGW_BOOKKEEPER_NAP     50       /* ms */
#define WGW_BOOKKEEPER_LONG    200      /* naps, until a wait is told of */
#define WGW_BOOKKEEPER_AGAIN   5        /* s after a failure */
#define WGW_BOOKKEEPER_TOLD    60       /* s between two lines that say so */
#define WGW_BOOKKEEPER_LEAVE   3        /* s for the last reading */


static ngx_msec_t wgw_bookkeeper_manager(void *data);
static void wgw_bookkeeper_start(wgw_bookkeeper_t *keeper);
static void *wgw_bookkeeper_thread(void *data);
static int wgw_bookkeeper_lock(wgw_bookkeeper_t *keeper);
static ngx_int_t wgw_bookkeeper_books_open(wgw_bookkeeper_t *keeper);
static ngx_int_t wgw_bookkeeper_read(wgw_bookkeeper_t *keeper);
static void wgw_bookkeeper_publish(wgw_bookkeeper_t *keeper);
static ngx_int_t wgw_bookkeeper_renew(wgw_bookkeeper_t *keeper);
static void wgw_bookkeeper_failed(wgw_bookkeeper_t *keeper, ngx_err_t err);
static void wgw_bookkeeper_wait(wgw_bookkeeper_t *keeper);
static int64_t wgw_bookkeeper_now(wgw_bookkeeper_t *keeper, long *ms);
static void wgw_bookkeeper_nap(void);


/* The one of this process. */
static wgw_bookkeeper_t  *wgw_bookkeeper;


ngx_int_t
wgw_bookkeeper_init_module(ngx_cycle_t *cycle, wgw_bookkeeper_t *keeper)
{
    ngx_path_t  **path;

    if (keeper == NULL || keeper->books == NULL || keeper->books->n == 0) {
        return NGX_OK;
    }

    /* not by ngx_add_path(), which makes a directory of its own */

    path = ngx_array_push(&cycle->paths);
    if (path == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&keeper->path.name, "wgw_journal");
    keeper->path.manager = wgw_bookkeeper_manager;
    keeper->path.data = keeper;
    keeper->path.conf_file = cycle->conf_file.data;

    *path = &keeper->path;

    return NGX_OK;
}


ngx_int_t
wgw_bookkeeper_init_process(ngx_cycle_t *cycle, wgw_bookkeeper_t *keeper)
{
    return keeper && keeper->books && keeper->books->n
           ? wgw_single_put(cycle, wgw_bookkeeper_manager, keeper) : NGX_OK;
}


static ngx_msec_t
wgw_bookkeeper_manager(void *data)
{
    wgw_bookkeeper_t  *keeper = data;

    if (!keeper->started) {
        wgw_bookkeeper_start(keeper);
    }

    return WGW_BOOKKEEPER_IDLE;
}


static void
wgw_bookkeeper_start(wgw_bookkeeper_t *keeper)
{
    int       rc;
    uint8_t   digest[WGW_SHA256];
    sigset_t  all, old;

    keeper->log = ngx_cycle->log;
    keeper->stop = 0;

    /*
     * nginx leaves this process by exit(); before OpenSSL is taken apart the
     * thread has to end, so that this is said after OpenSSL's own.
     */

    (void) wgw_sha256("", 0, digest);

    if (wgw_bookkeeper == NULL && atexit(wgw_bookkeeper_exit_process) != 0) {
        return;
    }

    wgw_bookkeeper = keeper;

    /* signals are the process's */

    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_BLOCK, &all, &old);

    rc = pthread_create(&keeper->thread, NULL, wgw_bookkeeper_thread, keeper);

    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);

    keeper->started = rc == 0;

    if (rc != 0) {
        ngx_log_error(NGX_LOG_ALERT, keeper->log, rc,
                      "wgw journal \"%V\": no thread", &keeper->dir);
    }
}


/* A disk that does not answer holds nobody up for long. */

void
wgw_bookkeeper_exit_process(void)
{
    struct timespec    ts;
    wgw_bookkeeper_t  *keeper;

    keeper = wgw_bookkeeper;
    wgw_bookkeeper = NULL;

    if (keeper == NULL || !keeper->started) {
        return;
    }

    keeper->stop = 1;
    keeper->started = 0;

    (void) clock_gettime(CLOCK_REALTIME, &ts);
    ts.tv_sec += WGW_BOOKKEEPER_LEAVE;

    if (pthread_timedjoin_np(keeper->thread, NULL, &ts) != 0) {
        _exit(0);
    }
}


static void *
wgw_bookkeeper_thread(void *data)
{
    int                lock;
    ngx_uint_t         open;
    wgw_bookkeeper_t  *keeper = data;

    lock = wgw_bookkeeper_lock(keeper);
    open = 0;

    while (lock != -1 && !keeper->stop) {

        if (!open && wgw_bookkeeper_books_open(keeper) == NGX_OK) {
            open = 1;
            keeper->keeping = 1;
        }

        wgw_bookkeeper_wait(keeper);

        /* the last one, too */

        if (open && (wgw_bookkeeper_renew(keeper) != NGX_OK
                     || wgw_bookkeeper_read(keeper) != NGX_OK))
        {
            wgw_books_close(keeper->books);
            open = 0;
        }
    }

    if (open) {
        wgw_books_close(keeper->books);
    }

    if (lock != -1) {
        (void) close(lock);
    }

    return NULL;
}


/*
 * The process of before, and that of another master, may still have it.  Who
 * has it for longer is one that nobody ended, or that of a master which has
 * not taken over yet.
 */

static int
wgw_bookkeeper_lock(wgw_bookkeeper_t *keeper)
{
    int         fd;
    char        path[WGW_BOOKS_PATH];
    ngx_uint_t  naps;

    (void) snprintf(path, sizeof(path), "%s/lock",
                    keeper->books->journal.dir);

    for (naps = 0; !keeper->stop; naps++) {
        fd = wgw_statefile_open(path);

        if (fd != -1) {
            if (flock(fd, LOCK_EX|LOCK_NB) == 0) {
                return fd;
            }

            (void) close(fd);

        } else {
            wgw_bookkeeper_failed(keeper, ngx_errno);
        }

        if (naps == WGW_BOOKKEEPER_LONG) {
            ngx_log_error(NGX_LOG_WARN, keeper->log, 0,
                          "wgw journal \"%V\" is kept by another process, "
                          "which is waited for", &keeper->dir);
        }

        wgw_bookkeeper_nap();
    }

    return -1;
}


static ngx_int_t
wgw_bookkeeper_books_open(wgw_bookkeeper_t *keeper)
{
    int          rc;
    long         ms;
    int64_t      now;
    const char  *why;

    now = wgw_bookkeeper_now(keeper, &ms);
    why = NULL;

    rc = wgw_books_open(keeper->books, (uint64_t) now * 1000 + ms, &why);

    if (rc == -1) {
        wgw_bookkeeper_failed(keeper, ngx_errno);
        wgw_books_close(keeper->books);

        return NGX_ERROR;
    }

    if (rc == 1) {
        ngx_log_error(NGX_LOG_WARN, keeper->log, 0,
                      "wgw journal \"%V\" %s: a new epoch begins",
                      &keeper->dir, why);

    } else if (why) {
        ngx_log_error(NGX_LOG_WARN, keeper->log, 0,
                      "wgw journal \"%V\": %s, and is left out",
                      &keeper->dir, why);
    }

    wgw_books_trim(keeper->books, now);
    wgw_bookkeeper_publish(keeper);

    return NGX_OK;
}


static ngx_int_t
wgw_bookkeeper_read(wgw_bookkeeper_t *keeper)
{
    long                  ms;
    int64_t               now;
    wgw_books_t          *books;
    wgw_usage_journal_t  *state;

    books = keeper->books;
    state = keeper->state;
    now = wgw_bookkeeper_now(keeper, &ms);

    if (wgw_books_read(books, now - now % keeper->every) != 0) {
        wgw_bookkeeper_failed(keeper, ngx_errno);
        return NGX_ERROR;
    }

    if (state->failing) {
        ngx_log_error(NGX_LOG_NOTICE, keeper->log, 0,
                      "wgw journal \"%V\" is written again", &keeper->dir);
    }

    if (books->gone) {
        ngx_log_error(NGX_LOG_ERR, keeper->log, 0,
                      "wgw journal \"%V\" was deleted while it is written, "
                      "and begins again with all readings", &keeper->dir);
    }

    state->failing = 0;
    state->time = (uint64_t) now;

    wgw_bookkeeper_publish(keeper);

    return NGX_OK;
}


/* For who sends them: of a new epoch nothing before it is known. */

static void
wgw_bookkeeper_publish(wgw_bookkeeper_t *keeper)
{
    const wgw_journal_t     *journal;
    wgw_usage_journal_t  *state;

    journal = &keeper->books->journal;
    state = keeper->state;

    state->size = wgw_books_size(keeper->books);

    if (state->epoch != journal->epoch) {
        __atomic_store_n(&state->seq, 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(&state->epoch, journal->epoch, __ATOMIC_SEQ_CST);
    }

    __atomic_store_n(&state->seq, journal->synced_seq, __ATOMIC_SEQ_CST);
}


/* The ledger has records that this journal has not. */

static ngx_int_t
wgw_bookkeeper_renew(wgw_bookkeeper_t *keeper)
{
    long      ms;
    int64_t   now;
    uint64_t  epoch;

    epoch = __atomic_exchange_n(&keeper->renew, 0, __ATOMIC_SEQ_CST);

    if (epoch == 0) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_WARN, keeper->log, 0,
                  "wgw journal \"%V\" is older than what the ledger has of "
                  "it: a new epoch begins", &keeper->dir);

    now = wgw_bookkeeper_now(keeper, &ms);

    if (wgw_books_renew(keeper->books, (uint64_t) now * 1000 + ms, epoch)
        != 0)
    {
        wgw_bookkeeper_failed(keeper, ngx_errno);
        return NGX_ERROR;
    }

    wgw_books_trim(keeper->books, now);
    wgw_bookkeeper_publish(keeper);

    return NGX_OK;
}


/* Whoever serves goes on: all is in the tables, and is written later. */

static void
wgw_bookkeeper_failed(wgw_bookkeeper_t *keeper, ngx_err_t err)
{
    time_t         now;
    ngx_uint_t     i;

    static time_t  told;

    keeper->state->failures++;
    keeper->state->failing = 1;

    now = time(NULL);

    if (now - told >= WGW_BOOKKEEPER_TOLD) {
        told = now;

        ngx_log_error(NGX_LOG_CRIT, keeper->log, err,
                      "wgw journal \"%V\" cannot be written, counting goes on",
                      &keeper->dir);
    }

    for (i = 0; !keeper->stop
                && i < WGW_BOOKKEEPER_AGAIN * 1000 / WGW_BOOKKEEPER_NAP; i++)
    {
        wgw_bookkeeper_nap();
    }
}


/* Until the next multiple of `every`. */

static void
wgw_bookkeeper_wait(wgw_bookkeeper_t *keeper)
{
    long     ms;
    int64_t  now, next;

    now = wgw_bookkeeper_now(keeper, &ms);
    next = now - now % keeper->every + keeper->every;

    while (!keeper->stop && now < next && now >= next - keeper->every) {
        wgw_bookkeeper_nap();
        now = wgw_bookkeeper_now(keeper, &ms);
    }
}


/* The time that the tables count by, in which no clock leaps. */

static int64_t
wgw_bookkeeper_now(wgw_bookkeeper_t *keeper, long *ms)
{
    int64_t          now;
    struct timespec  wall, steady;

    (void) clock_gettime(CLOCK_REALTIME, &wall);
    (void) clock_gettime(CLOCK_BOOTTIME, &steady);

    *ms = wall.tv_nsec / 1000000;

    (void) wgw_table_now(keeper->books->books[0].table, &keeper->doubt,
                         wall.tv_sec, steady.tv_sec, &now);

    return now;
}


static void
wgw_bookkeeper_nap(void)
{
    struct timespec  ts;

    ts.tv_sec = 0;
    ts.tv_nsec = WGW_BOOKKEEPER_NAP * 1000000;

    (void) nanosleep(&ts, NULL);
}
