
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/statefile.h"
#include "meter/archive.h"
#include "meter/label_text.h"
#include "table/growth.h"


#define WGW_ARCHIVE_PATH    4096
#define WGW_ARCHIVE_BUFFER  65536

/* more than a line takes, every byte of its key and labels escaped */
#define WGW_ARCHIVE_LINE    12288

#define WGW_ARCHIVE_TIME    sizeof("9999-12-31T23:59:59Z")


typedef int (*wgw_archive_line_pt)(wgw_archive_t *archive, uint32_t record,
    wgw_out_t *out);


static void wgw_archive_path(wgw_archive_t *archive,
    char path[WGW_ARCHIVE_PATH]);
static int wgw_archive_lock(wgw_archive_t *archive, int flags);
static int wgw_archive_file(wgw_archive_t *archive, const char *path,
    wgw_archive_line_pt line);
static int wgw_archive_records(wgw_archive_t *archive, int fd, char *buffer,
    wgw_archive_line_pt line);
static int wgw_archive_line(wgw_archive_t *archive, uint32_t record,
    wgw_out_t *out);
static int wgw_archive_total(wgw_archive_t *archive, uint32_t record,
    wgw_out_t *out);
static void wgw_archive_zone(wgw_archive_t *archive, wgw_out_t *out);
static void wgw_archive_key(wgw_archive_t *archive, uint32_t record,
    wgw_out_t *out, const wgw_usage_t *usage);
static int wgw_archive_flush(int fd, wgw_out_t *out, char *buffer);
static int wgw_archive_own(wgw_archive_t *archive, int fd);
static int wgw_archive_sync(wgw_archive_t *archive);
static void wgw_archive_time(char text[WGW_ARCHIVE_TIME], const char *format,
    int64_t time);


static const char  *wgw_archive_classes[WGW_TABLE_FIRST] = {
    "unknown", "other", "denied"
};


int
wgw_archive_write(wgw_archive_t *archive)
{
    int   rc, lock, err;
    char  path[WGW_ARCHIVE_PATH];

    wgw_archive_path(archive, path);

    if (access(path, F_OK) == 0) {
        return WGW_ARCHIVE_THERE;
    }

    lock = wgw_archive_lock(archive, archive->wait ? LOCK_EX
                                                   : LOCK_EX|LOCK_NB);

    if (lock == -1) {
        return errno == EWOULDBLOCK ? WGW_ARCHIVE_BUSY : WGW_ARCHIVE_ERROR;
    }

    if (access(path, F_OK) == 0) {
        rc = WGW_ARCHIVE_THERE;

    } else {
        rc = wgw_archive_file(archive, path, wgw_archive_line);
    }

    err = errno;
    (void) close(lock);
    errno = err;

    return rc;
}


int
wgw_archive_undo(wgw_archive_t *archive)
{
    char  path[WGW_ARCHIVE_PATH], aside[WGW_ARCHIVE_PATH + 8];

    wgw_archive_path(archive, path);
    (void) snprintf(aside, sizeof(aside), "%s.undone", path);

    return rename(path, aside) == 0 ? 0 : WGW_ARCHIVE_ERROR;
}


static void
wgw_archive_path(wgw_archive_t *archive, char path[WGW_ARCHIVE_PATH])
{
    char  start[WGW_ARCHIVE_TIME];

    wgw_archive_time(start, "%Y%m%dT%H%M%SZ",
                     wgw_window_start(archive->window, archive->period));

    (void) snprintf(path, WGW_ARCHIVE_PATH, "%s/%s-%s.ndjson", archive->dir,
                    archive->zone, start);
}


int
wgw_archive_purged(wgw_archive_t *archive, int64_t now)
{
    int   rc, lock, err;
    char  path[WGW_ARCHIVE_PATH];
    char  time[WGW_ARCHIVE_TIME];

    archive->now = now;
    wgw_archive_time(time, "%Y%m%dT%H%M%SZ", now);

    (void) snprintf(path, sizeof(path), "%s/%s-purged-%s.ndjson",
                    archive->dir, archive->zone, time);

    lock = wgw_archive_lock(archive, LOCK_EX);

    if (lock == -1) {
        return WGW_ARCHIVE_ERROR;
    }

    rc = wgw_archive_file(archive, path, wgw_archive_total);

    err = errno;
    (void) close(lock);
    errno = err;

    return rc;
}


static int
wgw_archive_lock(wgw_archive_t *archive, int flags)
{
    int   lock, rc, err;
    char  path[WGW_ARCHIVE_PATH];

    (void) snprintf(path, sizeof(path), "%s/%s.lock", archive->dir,
                    archive->zone);

    lock = wgw_archive_own(archive, wgw_statefile_open(path));

    if (lock == -1) {
        return -1;
    }

    do {
        rc = flock(lock, flags);
    } while (rc == -1 && errno == EINTR);

    if (rc == -1) {
        err = errno;
        (void) close(lock);
        errno = err;

        return -1;
    }

    return lock;
}


static int
wgw_archive_file(wgw_archive_t *archive, const char *path,
    wgw_archive_line_pt line)
{
    int    fd, rc, err;
    char  *buffer, tmp[WGW_ARCHIVE_PATH];

    (void) snprintf(tmp, sizeof(tmp), "%s/%s.tmp", archive->dir,
                    archive->zone);

    fd = wgw_archive_own(archive, wgw_statefile_tmp(tmp, 0));

    if (fd == -1) {
        return WGW_ARCHIVE_ERROR;
    }

    rc = -1;
    buffer = malloc(WGW_ARCHIVE_BUFFER);

    if (buffer) {
        rc = wgw_archive_records(archive, fd, buffer, line);
    }

    if (rc == 0) {
        rc = fsync(fd);
    }

    err = errno;
    free(buffer);

    if (close(fd) == -1 && rc == 0) {
        rc = -1;
        err = errno;
    }

    if (rc != 0) {
        (void) unlink(tmp);
        errno = err;
        return WGW_ARCHIVE_ERROR;
    }

    if (rename(tmp, path) == -1) {
        return WGW_ARCHIVE_ERROR;
    }

    return wgw_archive_sync(archive);
}


static int
wgw_archive_records(wgw_archive_t *archive, int fd, char *buffer,
    wgw_archive_line_pt line)
{
    uint32_t   record, end;
    wgw_out_t  out;

    wgw_out_init(&out, buffer, WGW_ARCHIVE_BUFFER);

    end = wgw_table_end(archive->table);

    for (record = 0; record < end; record++) {

        if (__atomic_load_n(&archive->stop, __ATOMIC_RELAXED)) {
            errno = ECANCELED;
            return -1;
        }

        if (line(archive, record, &out) != 0) {
            return -1;
        }

        if (out.end - out.pos < WGW_ARCHIVE_LINE
            && wgw_archive_flush(fd, &out, buffer) != 0)
        {
            return -1;
        }
    }

    return wgw_archive_flush(fd, &out, buffer);
}


/* Fails when the table has gone on to a window that does not know of this. */

static int
wgw_archive_line(wgw_archive_t *archive, uint32_t record, wgw_out_t *out)
{
    char         text[WGW_ARCHIVE_TIME];
    int64_t      start, end;
    wgw_usage_t  usage;

    start = wgw_window_start(archive->window, archive->period);
    end = wgw_window_start(archive->window, archive->period + 1);

    if (wgw_table_read(archive->table, record, end, &usage) != 0) {
        return 0;
    }

    if (usage.last.start != start) {
        errno = ESTALE;
        return -1;
    }

    if ((usage.last.sent | usage.last.received) == 0) {
        return 0;
    }

    wgw_archive_zone(archive, out);

    if (record < WGW_TABLE_FIRST) {
        wgw_out_str(out, "\"\",\"class\":\"");
        wgw_out_str(out, wgw_archive_classes[record]);
        wgw_out_str(out, "\"");

    } else {
        wgw_archive_key(archive, record, out, &usage);
    }

    wgw_out_str(out, ",\"start\":\"");
    wgw_archive_time(text, "%Y-%m-%dT%H:%M:%SZ", start);
    wgw_out_str(out, text);
    wgw_out_str(out, "\",\"end\":\"");
    wgw_archive_time(text, "%Y-%m-%dT%H:%M:%SZ", end);
    wgw_out_str(out, text);
    wgw_out_str(out, "\",\"sent\":");
    wgw_out_uint(out, usage.last.sent);
    wgw_out_str(out, ",\"received\":");
    wgw_out_uint(out, usage.last.received);
    wgw_out_str(out, "}\n");

    return 0;
}


/* Of a key that goes, all of it. */

static int
wgw_archive_total(wgw_archive_t *archive, uint32_t record, wgw_out_t *out)
{
    wgw_usage_t  usage;

    if (!wgw_growth_idle(archive->table, record, archive->purge,
                         archive->now)
        || wgw_table_read(archive->table, record, archive->now, &usage) != 0)
    {
        return 0;
    }

    wgw_archive_zone(archive, out);
    wgw_archive_key(archive, record, out, &usage);
    wgw_out_str(out, ",\"sent\":");
    wgw_out_uint(out, usage.sent);
    wgw_out_str(out, ",\"received\":");
    wgw_out_uint(out, usage.received);
    wgw_out_str(out, ",\"requests\":");
    wgw_out_uint(out, usage.requests);
    wgw_out_str(out, ",\"refused\":");
    wgw_out_uint(out, usage.refused);
    wgw_out_str(out, ",\"cut\":");
    wgw_out_uint(out, usage.cut);
    wgw_out_str(out, "}\n");

    return 0;
}


static void
wgw_archive_zone(wgw_archive_t *archive, wgw_out_t *out)
{
    wgw_text_t  zone;

    zone.data = archive->zone;
    zone.len = strlen(archive->zone);

    wgw_out_str(out, "{\"zone\":");
    wgw_out_json(out, zone);
    wgw_out_str(out, ",\"key\":");
}


/* A key's former life says which it was. */

static void
wgw_archive_key(wgw_archive_t *archive, uint32_t record, wgw_out_t *out,
    const wgw_usage_t *usage)
{
    wgw_labels_t  labels;

    wgw_out_json_key(out, usage->key);

    if (usage->ended) {
        wgw_out_str(out, ",\"life\":");
        wgw_out_uint(out, usage->life);
    }

    wgw_label_read(archive->table, record, &labels);
    wgw_label_json(out, &labels);
}


static int
wgw_archive_flush(int fd, wgw_out_t *out, char *buffer)
{
    char     *p;
    ssize_t   n;

    for (p = buffer; p < out->pos; p += n) {
        n = write(fd, p, out->pos - p);

        if (n == -1) {
            if (errno != EINTR) {
                return -1;
            }

            n = 0;
        }
    }

    wgw_out_init(out, buffer, WGW_ARCHIVE_BUFFER);

    return 0;
}


/* What root makes, as the master, workers go on with. */

static int
wgw_archive_own(wgw_archive_t *archive, int fd)
{
    if (fd != -1 && geteuid() == 0
        && fchown(fd, archive->uid, archive->gid) == -1)
    {
        (void) close(fd);
        return -1;
    }

    return fd;
}


/* A rename is on the disk when its directory is. */

static int
wgw_archive_sync(wgw_archive_t *archive)
{
    int  fd, rc;

    fd = open(archive->dir, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == -1) {
        return WGW_ARCHIVE_ERROR;
    }

    rc = fsync(fd);

    (void) close(fd);

    return rc == 0 ? 0 : WGW_ARCHIVE_ERROR;
}


static void
wgw_archive_time(char text[WGW_ARCHIVE_TIME], const char *format,
    int64_t time)
{
    time_t     t;
    struct tm  tm;

    t = (time_t) time;

    if (gmtime_r(&t, &tm) == NULL
        || strftime(text, WGW_ARCHIVE_TIME, format, &tm) == 0)
    {
        text[0] = '\0';
    }
}
