
/*
 * Writing; reading is in journal_file_read.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/statefile.h"
#include "crypto/sha256.h"
#include "fleet/journal_file.h"


#define WGW_JOURNAL_DAY    86400


static int wgw_journal_load(wgw_journal_t *j, wgw_journal_each_pt each,
    void *data, const char **error);
static int wgw_journal_take(wgw_journal_t *j, wgw_journal_record_t *record,
    const uint8_t hash[WGW_JOURNAL_HASH]);
static int wgw_journal_torn(wgw_journal_t *j, uint64_t size,
    const char **error);
static int wgw_journal_create(wgw_journal_t *j, uint64_t epoch, uint64_t seq,
    wgw_journal_state_pt state, void *data);
static int wgw_journal_fill(wgw_journal_t *j, wgw_journal_state_pt state,
    void *data);
static void wgw_journal_cut(wgw_journal_t *j, uint64_t size);
static int wgw_journal_frame(wgw_journal_t *j, wgw_journal_record_t *record,
    const wgw_journal_rows_t *rows, uint8_t hash[WGW_JOURNAL_HASH]);


int
wgw_journal_open(wgw_journal_t *j, wgw_journal_each_pt each, void *data,
    const char **error)
{
    int                     rc;
    wgw_journal_segments_t  list;

    j->fd = -1;
    j->old = -1;
    j->epoch = 0;
    j->seq = 0;
    j->to = 0;
    j->torn = NULL;
    *error = NULL;

    if (wgw_journal_segments(j->dir, &list) != 0) {
        return -1;
    }

    if (list.n == 0) {
        *error = "is not there yet";
        return 1;
    }

    j->epoch = list.elts[list.n - 1].epoch;
    j->first = list.elts[list.n - 1].seq;
    j->fd = wgw_journal_segment_open(j->dir, &list.elts[list.n - 1], O_RDWR);

    wgw_journal_segments_free(&list);

    if (j->fd == -1) {
        return -1;
    }

    rc = wgw_journal_load(j, each, data, error);

    if (rc != 0) {
        wgw_journal_close(j);
    }

    return rc;
}


static int
wgw_journal_load(wgw_journal_t *j, wgw_journal_each_pt each, void *data,
    const char **error)
{
    int                   rc;
    uint64_t              offset;
    wgw_journal_record_t  record;

    if (wgw_journal_segment_magic(j->fd) != 0) {
        *error = "is damaged";
        return 1;
    }

    offset = WGW_JOURNAL_MAGIC;
    j->state = 0;
    j->born = 0;

    for ( ;; ) {
        rc = wgw_journal_segment_frame(j->fd, offset, j->buffer, &record);

        if (rc <= 0) {
            break;
        }

        if (wgw_journal_take(j, &record, j->buffer + 4) != 0) {
            *error = "is damaged";
            return 1;
        }

        if (each && each(data, &record) != 0) {
            return -1;
        }

        offset += (uint64_t) rc;
        j->state = record.kind == WGW_JOURNAL_STATE ? offset : j->state;
        j->born = j->born ? j->born : record.to;
    }

    j->size = offset;
    j->synced = offset;

    return rc == 0 ? 0 : wgw_journal_torn(j, offset, error);
}


/* Readings have the number and the hash of the record they are as of. */

static int
wgw_journal_take(wgw_journal_t *j, wgw_journal_record_t *record,
    const uint8_t hash[WGW_JOURNAL_HASH])
{
    if (record->kind == WGW_JOURNAL_STATE) {
        j->seq = record->seq;
        memcpy(j->hash, record->prev, WGW_JOURNAL_HASH);

    } else {

        if (record->epoch != j->epoch || record->seq != j->seq + 1
            || (j->seq
                && memcmp(record->prev, j->hash, WGW_JOURNAL_HASH) != 0))
        {
            return -1;
        }

        j->seq = record->seq;
        memcpy(j->hash, hash, WGW_JOURNAL_HASH);
    }

    j->to = record->to > j->to ? record->to : j->to;
    j->synced_seq = j->seq;
    memcpy(j->synced_hash, j->hash, WGW_JOURNAL_HASH);

    return 0;
}


/*
 * A frame that is not whole.  Whoever was killed left nothing behind it; if
 * there is another whole one the disk has lost something that was on it.
 */

static int
wgw_journal_torn(wgw_journal_t *j, uint64_t size, const char **error)
{
    if (wgw_journal_segment_more(j->fd, size)) {
        *error = "is damaged";
        return 1;
    }

    if (ftruncate(j->fd, (off_t) size) == -1 || fsync(j->fd) == -1) {
        return -1;
    }

    j->torn = "its last record was not whole";

    return 0;
}


int
wgw_journal_begin(wgw_journal_t *j, uint64_t now, wgw_journal_state_pt state,
    void *data)
{
    uint64_t  epoch, seq;
    uint8_t   hash[WGW_JOURNAL_HASH];

    epoch = j->epoch;
    seq = j->seq;
    memcpy(hash, j->hash, WGW_JOURNAL_HASH);

    j->epoch = now > epoch ? now : epoch + 1;
    j->seq = 0;
    memset(j->hash, 0, WGW_JOURNAL_HASH);

    j->synced_seq = 0;
    memset(j->synced_hash, 0, WGW_JOURNAL_HASH);

    if (wgw_journal_create(j, j->epoch, 1, state, data) != 0) {
        j->epoch = epoch;
        j->seq = seq;
        memcpy(j->hash, hash, WGW_JOURNAL_HASH);
        return -1;
    }

    j->born = (int64_t) (now / 1000);

    return 0;
}


int
wgw_journal_due(const wgw_journal_t *j, int64_t now)
{
    uint64_t  most;

    most = j->state * 4 > j->segment ? j->state * 4 : j->segment;

    return j->fd != -1 && j->synced > j->state
           && (j->size > most || now - j->born >= WGW_JOURNAL_DAY);
}


int
wgw_journal_gone(const wgw_journal_t *j)
{
    char         path[WGW_JOURNAL_PATH];
    struct stat  ours, there;

    wgw_journal_segment_path(path, j->dir, j->epoch, j->first);

    if (fstat(j->fd, &ours) == -1) {
        return 0;
    }

    if (stat(path, &there) == -1) {
        return errno == ENOENT;
    }

    return ours.st_ino != there.st_ino || ours.st_dev != there.st_dev;
}


int
wgw_journal_turn(wgw_journal_t *j, int64_t now, wgw_journal_state_pt state,
    void *data)
{
    if (wgw_journal_sync(j) != 0
        || wgw_journal_create(j, j->epoch, j->seq + 1, state, data) != 0)
    {
        return -1;
    }

    j->born = now;

    return 0;
}


/* As a whole: by another name, then renamed. */

static int
wgw_journal_create(wgw_journal_t *j, uint64_t epoch, uint64_t seq,
    wgw_journal_state_pt state, void *data)
{
    int       err;
    char      path[WGW_JOURNAL_PATH], tmp[WGW_JOURNAL_PATH + 4];
    uint64_t  size;

    size = j->size;
    j->old = j->fd;

    wgw_journal_segment_path(path, j->dir, epoch, seq);
    (void) snprintf(tmp, sizeof(tmp), "%s.tmp", path);

    j->fd = wgw_statefile_tmp(tmp, 0);

    if (j->fd != -1 && wgw_journal_fill(j, state, data) == 0
        && rename(tmp, path) == 0)
    {
        /* a rename is on the disk when its directory is */

        (void) wgw_journal_segment_sync(j->dir);

        if (j->old != -1) {
            (void) close(j->old);
        }

        j->old = -1;
        j->first = seq;
        j->state = j->size;
        j->synced = j->size;

        return 0;
    }

    err = errno;

    if (j->fd != -1) {
        (void) close(j->fd);
        (void) unlink(tmp);
    }

    j->fd = j->old;
    j->old = -1;
    j->size = size;
    errno = err;

    return -1;
}


static int
wgw_journal_fill(wgw_journal_t *j, wgw_journal_state_pt state, void *data)
{
    j->size = WGW_JOURNAL_MAGIC;

    if (wgw_journal_segment_write(j->fd, 0, wgw_journal_magic,
                                  WGW_JOURNAL_MAGIC)
        != 0)
    {
        return -1;
    }

    if (state && state(data, j) != 0) {
        return -1;
    }

    return fsync(j->fd);
}


int
wgw_journal_state(wgw_journal_t *j, const wgw_journal_rows_t *rows)
{
    uint8_t               hash[WGW_JOURNAL_HASH];
    wgw_journal_record_t  record;

    memset(&record, 0, sizeof(wgw_journal_record_t));

    record.kind = WGW_JOURNAL_STATE;
    record.seq = j->seq;
    record.from = j->to;
    record.to = j->to;
    memcpy(record.prev, j->hash, WGW_JOURNAL_HASH);

    return wgw_journal_frame(j, &record, rows, hash);
}


int
wgw_journal_append(wgw_journal_t *j, wgw_journal_record_t *record,
    const wgw_journal_rows_t *rows)
{
    uint8_t  hash[WGW_JOURNAL_HASH];

    if (j->fd == -1) {
        errno = EBADF;
        return -1;
    }

    record->seq = j->seq + 1;
    memcpy(record->prev, j->hash, WGW_JOURNAL_HASH);

    if (wgw_journal_frame(j, record, rows, hash) != 0) {
        return -1;
    }

    j->seq = record->seq;
    j->to = record->to;
    memcpy(j->hash, hash, WGW_JOURNAL_HASH);

    return 0;
}


static int
wgw_journal_frame(wgw_journal_t *j, wgw_journal_record_t *record,
    const wgw_journal_rows_t *rows, uint8_t hash[WGW_JOURNAL_HASH])
{
    size_t    len;
    uint8_t  *body;

    record->epoch = j->epoch;
    record->node.data = j->node;
    record->node.len = strlen(j->node);

    body = j->buffer + WGW_JOURNAL_FRAME;
    len = wgw_journal_write(body, record, rows);

    if (wgw_sha256(body, len, hash) != 0) {
        errno = EIO;
        return -1;
    }

    j->buffer[0] = (uint8_t) len;
    j->buffer[1] = (uint8_t) (len >> 8);
    j->buffer[2] = (uint8_t) (len >> 16);
    j->buffer[3] = 0;
    memcpy(j->buffer + 4, hash, WGW_JOURNAL_HASH);

    len += WGW_JOURNAL_FRAME;

    if (wgw_journal_segment_write(j->fd, j->size, j->buffer, len) != 0) {
        wgw_journal_cut(j, j->size);
        return -1;
    }

    j->size += len;

    return 0;
}


/* Of what could not be written; errno stays.  If it cannot be cut off either
   the next record is written over it, and to who reads it is torn. */

static void
wgw_journal_cut(wgw_journal_t *j, uint64_t size)
{
    int  err, cut;

    err = errno;
    cut = ftruncate(j->fd, (off_t) size);
    (void) cut;
    errno = err;
}


int
wgw_journal_sync(wgw_journal_t *j)
{
    if (j->size == j->synced) {
        return 0;
    }

    if (fdatasync(j->fd) == 0) {
        j->synced = j->size;
        j->synced_seq = j->seq;
        memcpy(j->synced_hash, j->hash, WGW_JOURNAL_HASH);

        return 0;
    }

    wgw_journal_cut(j, j->synced);

    j->size = j->synced;
    j->seq = j->synced_seq;
    memcpy(j->hash, j->synced_hash, WGW_JOURNAL_HASH);

    return -1;
}


uint64_t
wgw_journal_trim(wgw_journal_t *j, int64_t now)
{
    char                    path[WGW_JOURNAL_PATH];
    size_t                  i;
    uint64_t                sum;
    struct stat             st;
    wgw_journal_segments_t  list;

    if (wgw_journal_segments(j->dir, &list) != 0) {
        return 0;
    }

    sum = 0;

    /* from the newest on, which stays */

    for (i = list.n; i-- > 0; ) {
        wgw_journal_segment_path(path, j->dir, list.elts[i].epoch,
                                 list.elts[i].seq);

        if (stat(path, &st) == -1) {
            continue;
        }

        if (i + 1 != list.n
            && (sum + (uint64_t) st.st_size > j->max
                || now - st.st_mtime > j->keep))
        {
            (void) unlink(path);
            continue;
        }

        sum += (uint64_t) st.st_size;
    }

    wgw_journal_segments_free(&list);

    return sum;
}


void
wgw_journal_close(wgw_journal_t *j)
{
    if (j->fd != -1) {
        (void) close(j->fd);
        j->fd = -1;
    }
}
