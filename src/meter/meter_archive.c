
#include "meter/meter_archive.h"
#include "meter/archive.h"
#include "core/place.h"

#include <pthread.h>
#include <signal.h>


#define WGW_METER_ARCHIVE_LATE   2      /* s after the turn */
#define WGW_METER_ARCHIVE_AGAIN  60     /* s after a failure */
#define WGW_METER_ARCHIVE_LEAP   600    /* s after a leap of the clock */


typedef struct {
    wgw_archive_t   archive;
    uint64_t        done;               /* nothing to do before this period */
    time_t          next;               /* not tried before */
    pthread_t       thread;
    int             running;
    int             ended;              /* set by the thread */
    int             rc;
    ngx_err_t       err;
    uint64_t        turn;               /* the period it was started in */
    uint64_t        left;               /* by a leap, seen ... */
    int64_t         seen;               /* ... then */
} wgw_meter_archive_t;


static void wgw_meter_archive_init(wgw_archive_t *archive,
    wgw_meter_zone_t *zone, ngx_core_conf_t *ccf);
static void wgw_meter_archive_turn(wgw_meter_zone_t *zone);
static void wgw_meter_archive_undone(wgw_meter_zone_t *zone,
    uint64_t period);
static int wgw_meter_archive_late(wgw_archive_t *archive, int64_t now,
    uint64_t turns);
static int wgw_meter_archive_due(wgw_meter_zone_t *zone, uint64_t period);
static ngx_int_t wgw_meter_archive_dir(ngx_cycle_t *cycle,
    wgw_meter_zone_t *zone, ngx_core_conf_t *ccf);
static void *wgw_meter_archive_thread(void *data);
static void wgw_meter_archive_result(wgw_meter_zone_t *zone, ngx_log_t *log);


ngx_int_t
wgw_meter_archive_open(ngx_cycle_t *cycle, wgw_meter_zone_t *zone)
{
    ngx_uint_t            test;
    const char           *error;
    wgw_archive_t        *archive;
    ngx_core_conf_t      *ccf;
    wgw_meter_archive_t  *job;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    job = ngx_pcalloc(cycle->pool, sizeof(wgw_meter_archive_t));
    if (job == NULL) {
        return NGX_ERROR;
    }

    archive = &job->archive;
    wgw_meter_archive_init(archive, zone, ccf);

    zone->job = job;
    zone->turn = wgw_meter_archive_turn;
    zone->undone = wgw_meter_archive_undone;

    test = ngx_test_config || ngx_process == NGX_PROCESS_SIGNALLER;

    if (!test && wgw_meter_archive_dir(cycle, zone, ccf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (wgw_place_shared((char *) zone->archive.data, &error) != 0
        || wgw_place_directory((char *) zone->archive.data, ccf->user,
                               ccf->group, &error)
           != 0)
    {
        (void) wgw_line_error(cycle->log, &zone->zone.line, ngx_errno,
                              "wgw archive \"%V\" %s", &zone->archive, error);
        return NGX_ERROR;
    }

    if (test) {
        return NGX_OK;
    }

    if (wgw_meter_archive_late(archive, wgw_meter_now(zone), 1) != 0) {
        (void) wgw_line_error(cycle->log, &zone->zone.line, ngx_errno,
                              "wgw archive \"%V\" of zone \"%V\" cannot be "
                              "written", &zone->archive, &zone->zone.name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Before a process uses the counters in a window that it has not seen. */

static void
wgw_meter_archive_turn(wgw_meter_zone_t *zone)
{
    uint64_t              period, seen;
    wgw_table_t          *table;
    wgw_archive_t         archive;
    wgw_meter_archive_t  *job;

    table = &zone->zone.table;
    seen = wgw_table_seen(table);
    period = wgw_window_period(zone->zone.conf.window, zone->now);

    if (period <= seen || (period == seen + 1 && wgw_table_left(table) == 0)) {
        return;
    }

    /* that of the job may be in use by its thread */

    job = zone->job;
    archive = job->archive;

    if (wgw_meter_archive_late(&archive, zone->now, 1) != 0) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
                      "wgw archive \"%V\" of zone \"%V\" cannot be written",
                      &zone->archive, &zone->zone.name);
    }
}


/*
 * Writes the window that was counted last, if another one has passed since,
 * and the one before it, if at least `turns` have come.  When others are in
 * a newer one it is too late, or was not to be done.
 */

static int
wgw_meter_archive_late(wgw_archive_t *archive, int64_t time, uint64_t turns)
{
    uint64_t  now, seen, left, period;

    seen = wgw_table_seen(archive->table);
    left = wgw_table_left(archive->table);
    now = wgw_window_period(archive->window, time);

    if (seen == 0 || now < seen + turns) {
        return 0;
    }

    archive->wait = 1;

    if (left) {
        archive->period = left;

        if (wgw_archive_write(archive) == WGW_ARCHIVE_ERROR
            && errno != ESTALE)
        {
            return -1;
        }
    }

    for (period = seen - 1; period <= seen && period + 1 < now; period++) {

        archive->period = period;

        if (period && wgw_archive_write(archive) == WGW_ARCHIVE_ERROR
            && errno != ESTALE)
        {
            return -1;
        }
    }

    archive->wait = 0;

    return 0;
}


ngx_int_t
wgw_meter_archive_purged(ngx_cycle_t *cycle, wgw_zone_t *zone)
{
    wgw_archive_t     *archive;
    ngx_core_conf_t   *ccf;
    wgw_meter_zone_t  *meter;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);
    meter = (wgw_meter_zone_t *) zone;

    archive = ngx_pcalloc(cycle->pool, sizeof(wgw_archive_t));
    if (archive == NULL) {
        return NGX_ERROR;
    }

    wgw_meter_archive_init(archive, meter, ccf);
    archive->purge = zone->purge;

    if (wgw_meter_archive_dir(cycle, meter, ccf) == NGX_OK
        && wgw_archive_purged(archive, wgw_meter_now(meter)) == 0)
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_CRIT, cycle->log, ngx_errno,
                  "wgw archive \"%V\" of zone \"%V\" cannot be written, "
                  "no key is purged", &meter->archive, &zone->name);

    return NGX_ERROR;
}


static void
wgw_meter_archive_init(wgw_archive_t *archive, wgw_meter_zone_t *zone,
    ngx_core_conf_t *ccf)
{
    archive->table = &zone->zone.table;
    archive->window = zone->zone.conf.window;
    archive->uid = ccf->user;
    archive->gid = ccf->group;

    ngx_memcpy(archive->zone, zone->zone.name.data, zone->zone.name.len);
    ngx_memcpy(archive->dir, zone->archive.data, zone->archive.len);
}


static ngx_int_t
wgw_meter_archive_dir(ngx_cycle_t *cycle, wgw_meter_zone_t *zone,
    ngx_core_conf_t *ccf)
{
    if (ngx_create_dir(zone->archive.data, 0750) == NGX_FILE_ERROR) {

        if (ngx_errno == NGX_EEXIST) {
            return NGX_OK;
        }

    } else if (geteuid() != 0
               || chown((const char *) zone->archive.data, ccf->user,
                        ccf->group)
                  != -1)
    {
        return NGX_OK;
    }

    (void) wgw_line_error(cycle->log, &zone->zone.line, ngx_errno,
                          "wgw archive \"%V\" cannot be made",
                          &zone->archive);
    return NGX_ERROR;
}


void
wgw_meter_archive_look(wgw_meter_zone_t *zone, ngx_log_t *log)
{
    sigset_t              all, old;
    uint64_t              period;
    wgw_meter_archive_t  *job;

    job = zone->job;
    period = wgw_meter_period(zone);

    if (job == NULL) {
        return;
    }

    if (job->running) {
        if (!__atomic_load_n(&job->ended, __ATOMIC_ACQUIRE)) {
            return;
        }

        wgw_meter_archive_result(zone, log);
    }

    if (!wgw_meter_archive_due(zone, period) || ngx_time() < job->next) {
        return;
    }

    job->turn = period;
    job->ended = 0;

    /* signals are the worker's */

    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_BLOCK, &all, &old);

    job->running = pthread_create(&job->thread, NULL,
                                  wgw_meter_archive_thread, job)
                   == 0;

    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
}


/*
 * 1 and the window to write: the last one; or, when a leap of the clock has
 * lasted for longer, the one that it left.
 */

static int
wgw_meter_archive_due(wgw_meter_zone_t *zone, uint64_t period)
{
    int64_t               late;
    uint64_t              left;
    wgw_meter_archive_t  *job;

    job = zone->job;
    left = wgw_table_left(&zone->zone.table);

    if (left != job->left) {
        job->left = left;
        job->seen = zone->now;
    }

    if (job->done > period) {

        /* a leap was undone */

        job->done = 0;
    }

    if (left) {
        job->archive.period = left;
        late = job->seen + WGW_METER_ARCHIVE_LEAP;

    } else {
        job->archive.period = period - 1;
        late = wgw_window_start(zone->zone.conf.window, period)
               + WGW_METER_ARCHIVE_LATE;
    }

    return period != 0 && job->done < period && zone->now >= late;
}


/* What was written of a window that goes on is not it. */

static void
wgw_meter_archive_undone(wgw_meter_zone_t *zone, uint64_t period)
{
    wgw_archive_t         archive;
    wgw_meter_archive_t  *job;

    job = zone->job;
    archive = job->archive;
    archive.period = period;

    if (wgw_archive_undo(&archive) == WGW_ARCHIVE_ERROR && errno != ENOENT) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, ngx_errno,
                      "wgw archive \"%V\" of zone \"%V\" cannot be undone",
                      &zone->archive, &zone->zone.name);
    }
}


static void *
wgw_meter_archive_thread(void *data)
{
    wgw_meter_archive_t  *job = data;

    job->rc = wgw_archive_write(&job->archive);
    job->err = errno;

    __atomic_store_n(&job->ended, 1, __ATOMIC_RELEASE);

    return NULL;
}


static void
wgw_meter_archive_result(wgw_meter_zone_t *zone, ngx_log_t *log)
{
    wgw_meter_archive_t  *job;

    job = zone->job;

    (void) pthread_join(job->thread, NULL);

    job->running = 0;

    switch (job->rc) {

    case WGW_ARCHIVE_ERROR:
        job->next = ngx_time() + WGW_METER_ARCHIVE_AGAIN;

        ngx_log_error(NGX_LOG_CRIT, log, job->err,
                      "wgw archive \"%V\" of zone \"%V\" cannot be written",
                      &zone->archive, &zone->zone.name);
        return;

    case WGW_ARCHIVE_BUSY:
        job->next = ngx_time() + 1;
        return;

    default: /* 0, WGW_ARCHIVE_THERE */
        job->done = job->turn;
        job->next = 0;
    }
}


void
wgw_meter_archive_stop(wgw_meter_zone_t *zone)
{
    wgw_meter_archive_t  *job;

    job = zone->job;

    if (job && job->running) {
        __atomic_store_n(&job->archive.stop, 1, __ATOMIC_RELAXED);
        (void) pthread_join(job->thread, NULL);
        job->running = 0;
    }
}
