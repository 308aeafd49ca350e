
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/sha256.h"
#include "fleet/journal_segment.h"


#define WGW_JOURNAL_DIGITS   20
#define WGW_JOURNAL_SUFFIX   ".journal"

/* files of a journal that is bounded; more are not looked at */
#define WGW_JOURNAL_MOST     65536


const char  wgw_journal_magic[WGW_JOURNAL_MAGIC] = "wgwjrnl\1";


static int wgw_journal_segments_read(DIR *dir, wgw_journal_segments_t *list);
static int wgw_journal_segment_name(const char *name,
    wgw_journal_segment_t *segment);
static int wgw_journal_segment_order(const void *one, const void *other);
static ssize_t wgw_journal_segment_read(int fd, uint64_t offset, void *bytes,
    size_t len);


int
wgw_journal_segments(const char *path, wgw_journal_segments_t *list)
{
    int   rc, err;
    DIR  *dir;

    list->elts = NULL;
    list->n = 0;

    dir = opendir(path);

    if (dir == NULL) {
        return -1;
    }

    rc = wgw_journal_segments_read(dir, list);
    err = errno;

    (void) closedir(dir);

    if (rc != 0) {
        wgw_journal_segments_free(list);
        errno = err;
        return -1;
    }

    if (list->n) {
        qsort(list->elts, list->n, sizeof(wgw_journal_segment_t),
              wgw_journal_segment_order);
    }

    return 0;
}


static int
wgw_journal_segments_read(DIR *dir, wgw_journal_segments_t *list)
{
    size_t                  size;
    struct dirent          *entry;
    wgw_journal_segment_t   one, *elts;

    size = 0;
    errno = 0;

    while (list->n < WGW_JOURNAL_MOST) {
        entry = readdir(dir);

        if (entry == NULL) {
            return errno ? -1 : 0;
        }

        if (wgw_journal_segment_name(entry->d_name, &one) != 0) {
            continue;
        }

        if (list->n == size) {
            size = size ? 2 * size : 64;
            elts = realloc(list->elts, size * sizeof(wgw_journal_segment_t));

            if (elts == NULL) {
                errno = ENOMEM;
                return -1;
            }

            list->elts = elts;
        }

        list->elts[list->n++] = one;
    }

    return 0;
}


void
wgw_journal_segments_free(wgw_journal_segments_t *list)
{
    free(list->elts);

    list->elts = NULL;
    list->n = 0;
}


/* EPOCH-SEQ.journal */

static int
wgw_journal_segment_name(const char *name, wgw_journal_segment_t *segment)
{
    wgw_text_t  epoch, seq;

    if (strlen(name) != 2 * WGW_JOURNAL_DIGITS + 1
                        + sizeof(WGW_JOURNAL_SUFFIX) - 1
        || name[WGW_JOURNAL_DIGITS] != '-'
        || strcmp(name + 2 * WGW_JOURNAL_DIGITS + 1, WGW_JOURNAL_SUFFIX) != 0)
    {
        return -1;
    }

    epoch.data = name;
    epoch.len = WGW_JOURNAL_DIGITS;
    seq.data = name + WGW_JOURNAL_DIGITS + 1;
    seq.len = WGW_JOURNAL_DIGITS;

    return wgw_text_uint(epoch, UINT64_MAX >> 1, &segment->epoch) == 0
           && wgw_text_uint(seq, UINT64_MAX >> 1, &segment->seq) == 0
           ? 0 : -1;
}


static int
wgw_journal_segment_order(const void *one, const void *other)
{
    const wgw_journal_segment_t  *a = one, *b = other;

    if (a->epoch != b->epoch) {
        return a->epoch < b->epoch ? -1 : 1;
    }

    return a->seq < b->seq ? -1 : a->seq > b->seq;
}


void
wgw_journal_segment_path(char path[WGW_JOURNAL_PATH], const char *dir,
    uint64_t epoch, uint64_t seq)
{
    (void) snprintf(path, WGW_JOURNAL_PATH, "%s/%020llu-%020llu"
                    WGW_JOURNAL_SUFFIX, dir, (unsigned long long) epoch,
                    (unsigned long long) seq);
}


int
wgw_journal_segment_open(const char *dir,
    const wgw_journal_segment_t *segment, int flags)
{
    int          fd;
    char         path[WGW_JOURNAL_PATH];
    struct stat  st;

    wgw_journal_segment_path(path, dir, segment->epoch, segment->seq);

    fd = open(path, flags|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);

    if (fd == -1) {
        return -1;
    }

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        (void) close(fd);
        errno = EINVAL;
        return -1;
    }

    return fd;
}


int
wgw_journal_segment_magic(int fd)
{
    char  magic[WGW_JOURNAL_MAGIC];

    return wgw_journal_segment_read(fd, 0, magic, sizeof(magic))
           == (ssize_t) sizeof(magic)
           && memcmp(magic, wgw_journal_magic, sizeof(magic)) == 0 ? 0 : -1;
}


int
wgw_journal_segment_frame(int fd, uint64_t offset, uint8_t *buffer,
    wgw_journal_record_t *record)
{
    size_t       len;
    uint8_t      hash[WGW_JOURNAL_HASH];
    ssize_t      n;
    const char  *error;

    n = wgw_journal_segment_read(fd, offset, buffer, WGW_JOURNAL_FRAME);

    if (n == 0) {
        return 0;
    }

    if (n != WGW_JOURNAL_FRAME) {
        return -1;
    }

    len = (size_t) buffer[0] | (size_t) buffer[1] << 8
          | (size_t) buffer[2] << 16 | (size_t) buffer[3] << 24;

    if (len == 0 || len > WGW_JOURNAL_MAX
        || wgw_journal_segment_read(fd, offset + WGW_JOURNAL_FRAME,
                                    buffer + WGW_JOURNAL_FRAME, len)
           != (ssize_t) len)
    {
        return -1;
    }

    if (wgw_sha256(buffer + WGW_JOURNAL_FRAME, len, hash) != 0
        || memcmp(hash, buffer + 4, WGW_JOURNAL_HASH) != 0
        || wgw_journal_read(buffer + WGW_JOURNAL_FRAME, len, record, &error)
           != 0)
    {
        return -1;
    }

    return (int) (WGW_JOURNAL_FRAME + len);
}


/* The length of the bad one may be right. */

int
wgw_journal_segment_more(int fd, uint64_t offset)
{
    int                    rc;
    size_t                 len;
    uint8_t                head[4], *buffer;
    wgw_journal_record_t   record;

    if (wgw_journal_segment_read(fd, offset, head, sizeof(head))
        != (ssize_t) sizeof(head))
    {
        return 0;
    }

    len = (size_t) head[0] | (size_t) head[1] << 8 | (size_t) head[2] << 16
          | (size_t) head[3] << 24;

    if (len == 0 || len > WGW_JOURNAL_MAX) {
        return 0;
    }

    buffer = malloc(WGW_JOURNAL_FRAME + WGW_JOURNAL_MAX);

    if (buffer == NULL) {
        return 1;
    }

    rc = wgw_journal_segment_frame(fd, offset + WGW_JOURNAL_FRAME + len,
                                   buffer, &record);
    free(buffer);

    return rc > 0;
}


static ssize_t
wgw_journal_segment_read(int fd, uint64_t offset, void *bytes, size_t len)
{
    size_t   done;
    ssize_t  n;

    for (done = 0; done < len; done += (size_t) n) {
        n = pread(fd, (char *) bytes + done, len - done,
                  (off_t) (offset + done));

        if (n == -1 && errno == EINTR) {
            n = 0;
            continue;
        }

        if (n <= 0) {
            return n == 0 ? (ssize_t) done : -1;
        }
    }

    return (ssize_t) done;
}


int
wgw_journal_segment_write(int fd, uint64_t offset, const void *bytes,
    size_t len)
{
    size_t   done;
    ssize_t  n;

    for (done = 0; done < len; done += (size_t) n) {
        n = pwrite(fd, (const char *) bytes + done, len - done,
                   (off_t) (offset + done));

        if (n == -1) {
            if (errno != EINTR) {
                return -1;
            }

            n = 0;
        }
    }

    return 0;
}


int
wgw_journal_segment_sync(const char *dir)
{
    int  fd, rc;

    fd = open(dir, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == -1) {
        return -1;
    }

    rc = fsync(fd);

    (void) close(fd);

    return rc;
}
