
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                     /* F_OFD_SETLK */
#endif

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "table/growth.h"
#include "table/labels.h"


/* as long as another may take to add a segment */
#define WGW_GROWTH_WAIT  500            /* naps */
#define WGW_GROWTH_NAP   20000000       /* ns */


static int wgw_growth_more(int fd, const wgw_table_conf_t *conf,
    const char **error);
static int wgw_growth_lock(int fd, short type);
static int wgw_growth_add(int fd, const wgw_table_parts_t *parts,
    const wgw_table_conf_t *conf);
static int wgw_growth_fill(int fd, uint64_t offset, size_t size,
    const wgw_table_conf_t *conf, uint32_t number);
static int wgw_growth_commit(int fd, uint32_t segments);
static uint64_t wgw_growth_end(const wgw_table_parts_t *parts);
static size_t wgw_growth_labels(wgw_table_t *t, uint32_t record);
static void wgw_growth_relabel(wgw_table_t *to, uint32_t into,
    wgw_table_t *from, uint32_t record);
static int wgw_growth_key(wgw_table_t *t, uint32_t record, wgw_text_t *key);


int
wgw_growth_look(int fd, uint64_t size, wgw_table_parts_t *parts,
    wgw_table_conf_t *conf, const char **error)
{
    char              first[WGW_TABLE_HEADER], header[WGW_TABLE_HEADER];
    uint32_t          n, count;
    uint64_t          offset;
    wgw_table_conf_t  more;

    memset(first, 0, sizeof(first));

    if (pread(fd, first, sizeof(first), 0) == -1) {
        *error = "cannot be read";
        return -1;
    }

    if (wgw_table_check(first, size, conf, error) != 0) {
        return -1;
    }

    parts->count = 1;
    parts->parts[0].offset = 0;
    parts->parts[0].size = wgw_table_size(conf);

    count = wgw_table_segments(first);

    for (n = 1; n < count; n++) {
        offset = wgw_growth_end(parts);

        memset(header, 0, sizeof(header));

        if (pread(fd, header, sizeof(header), (off_t) offset) == -1) {
            *error = "cannot be read";
            return -1;
        }

        if (wgw_table_check_segment(first, header, n,
                                    size < offset ? 0 : size - offset, &more,
                                    error)
            != 0)
        {
            return -1;
        }

        if (more.keys > WGW_TABLE_KEYS_MAX - conf->keys) {
            *error = "has a damaged header";
            return -1;
        }

        conf->keys += more.keys;

        parts->parts[n].offset = offset;
        parts->parts[n].size = wgw_table_size(&more);
        parts->count++;
    }

    parts->keys = conf->keys;

    return 0;
}


int
wgw_growth_append(int fd, const wgw_table_conf_t *conf, const char **error)
{
    int  rc, err;

    *error = "cannot be grown";

    if (wgw_growth_lock(fd, F_WRLCK) != 0) {
        return -1;
    }

    rc = wgw_growth_more(fd, conf, error);

    err = errno;
    (void) wgw_growth_lock(fd, F_UNLCK);
    errno = err;

    return rc;
}


static int
wgw_growth_more(int fd, const wgw_table_conf_t *conf, const char **error)
{
    struct stat        st;
    wgw_table_conf_t   made, more;
    wgw_table_parts_t  parts;

    if (fstat(fd, &st) == -1) {
        return -1;
    }

    errno = 0;

    if (wgw_growth_look(fd, (uint64_t) st.st_size, &parts, &made, error)
        != 0)
    {
        return -1;
    }

    *error = "cannot be grown";

    if (made.keys >= conf->keys) {
        return 0;
    }

    if (parts.count == WGW_TABLE_SEGMENTS) {
        *error = "has grown too often, a restart lets it grow again";
        return -1;
    }

    more = made;
    more.keys = conf->keys - made.keys;
    more.key_bytes = conf->key_bytes;
    more.label_bytes = conf->label_bytes;

    return wgw_growth_add(fd, &parts, &more);
}


static int
wgw_growth_lock(int fd, short type)
{
    int              n;
    struct flock     lock;
    struct timespec  nap;

    memset(&lock, 0, sizeof(lock));

    lock.l_type = type;
    lock.l_whence = SEEK_SET;

    nap.tv_sec = 0;
    nap.tv_nsec = WGW_GROWTH_NAP;

    for (n = 0; n < WGW_GROWTH_WAIT; n++) {

        if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
            return 0;
        }

        if (errno != EAGAIN && errno != EACCES) {
            return -1;
        }

        (void) nanosleep(&nap, NULL);
    }

    return -1;
}


/*
 * What one who was killed left is cut off first: it may be too short, and its
 * bytes must be zero.  Nobody has mapped it.
 */

static int
wgw_growth_add(int fd, const wgw_table_parts_t *parts,
    const wgw_table_conf_t *conf)
{
    int       err, cut;
    off_t     last;
    size_t    size;
    uint32_t  number;
    uint64_t  offset;

    number = parts->count;
    size = wgw_table_size(conf);
    offset = wgw_growth_end(parts);
    last = (off_t) (parts->parts[number - 1].offset
                    + parts->parts[number - 1].size);

    if (ftruncate(fd, last) == -1) {
        return -1;
    }

    err = posix_fallocate(fd, last, (off_t) (offset + size) - last);

    if (err == 0 && wgw_growth_fill(fd, offset, size, conf, number) == 0) {
        return wgw_growth_commit(fd, number + 1);
    }

    err = err ? err : errno;

    /* or, if that fails too, the next one to grow it does, as above */
    cut = ftruncate(fd, last);
    (void) cut;

    errno = err;

    return -1;
}


static int
wgw_growth_fill(int fd, uint64_t offset, size_t size,
    const wgw_table_conf_t *conf, uint32_t number)
{
    char   first[WGW_TABLE_HEADER];
    void  *memory;

    if (pread(fd, first, sizeof(first), 0) != sizeof(first)) {
        return -1;
    }

    memory = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED, fd,
                  (off_t) offset);

    if (memory == MAP_FAILED) {
        return -1;
    }

    wgw_table_format_segment(memory, conf, first, number);

    (void) munmap(memory, size);

    return fsync(fd);
}


static int
wgw_growth_commit(int fd, uint32_t segments)
{
    if (pwrite(fd, &segments, sizeof(segments),
               offsetof(wgw_table_header_t, segments))
        != sizeof(segments))
    {
        return -1;
    }

    return fsync(fd);
}


/* Where the next segment begins. */

static uint64_t
wgw_growth_end(const wgw_table_parts_t *parts)
{
    uint64_t  end;

    end = parts->parts[parts->count - 1].offset
          + parts->parts[parts->count - 1].size;

    return (end + WGW_TABLE_ALIGN - 1) & ~(uint64_t) (WGW_TABLE_ALIGN - 1);
}


int
wgw_growth_idle(wgw_table_t *t, uint32_t record, uint64_t purge, int64_t now)
{
    uint32_t  i, n, twins[WGW_TABLE_SEGMENTS];

    if (purge == 0 || record < WGW_TABLE_FIRST
        || wgw_table_idle(t, record, now) <= purge)
    {
        return 0;
    }

    n = wgw_table_twins(t, record, twins);

    for (i = 0; i < n; i++) {
        if (wgw_table_idle(t, twins[i], now) <= purge) {
            return 0;
        }
    }

    return 1;
}


uint32_t
wgw_growth_purged(wgw_table_t *t, uint64_t purge, int64_t now)
{
    uint32_t    record, end, purged;
    wgw_text_t  key;

    purged = 0;
    end = purge ? wgw_table_end(t) : 0;

    for (record = WGW_TABLE_FIRST; record < end; record++) {
        purged += wgw_growth_idle(t, record, purge, now)
                  && wgw_growth_key(t, record, &key)
                  && wgw_table_found(t, record);
    }

    return purged;
}


int
wgw_growth_fit(wgw_table_t *t, uint64_t purge, int64_t now,
    wgw_table_conf_t *conf)
{
    uint32_t    record, end, keys;
    uint64_t    granules, labels;
    wgw_text_t  key;

    keys = 0;
    granules = 0;
    labels = 0;
    end = wgw_table_end(t);

    for (record = WGW_TABLE_FIRST; record < end; record++) {

        if (wgw_growth_key(t, record, &key)
            && wgw_table_found(t, record)
            && !wgw_growth_idle(t, record, purge, now))
        {
            keys++;
            labels += wgw_growth_labels(t, record);
            granules += (key.len + WGW_GRANULE - 1) / WGW_GRANULE;

            if (wgw_table_life(t, record)) {
                granules += sizeof(wgw_record_life_t) / WGW_GRANULE;
            }
        }
    }

    if (keys > conf->keys) {
        return -1;
    }

    /* ends at WGW_TABLE_KEY_ROOM, where every key has room */

    while ((uint64_t) conf->keys * conf->key_bytes / WGW_GRANULE < granules) {
        conf->key_bytes++;
    }

    /* at WGW_LABEL_MOST, where the largest blocks have room */

    while ((uint64_t) conf->keys * conf->label_bytes < labels) {
        conf->label_bytes += WGW_LABEL_UNIT;
    }

    return 0;
}


static size_t
wgw_growth_labels(wgw_table_t *t, uint32_t record)
{
    const wgw_segment_t  *s;

    s = wgw_table_segment(t, record);

    return wgw_labels_size(s, record - s->first);
}


/* The first that had any. */

static void
wgw_growth_relabel(wgw_table_t *to, uint32_t into, wgw_table_t *from,
    uint32_t record)
{
    wgw_text_t            text;
    wgw_labels_t          labels;
    const wgw_segment_t  *s, *s_into;

    s = wgw_table_segment(from, record);
    s_into = wgw_table_segment(to, into);

    wgw_labels_get(s, record - s->first, &labels);

    if (labels.n == 0 || wgw_labels_size(s_into, into - s_into->first)) {
        return;
    }

    text.data = labels.text;
    text.len = (size_t) (labels.elts[labels.n - 1].value.data
                         + labels.elts[labels.n - 1].value.len - labels.text);

    (void) wgw_labels_set(s_into, into - s_into->first, text);
}


void
wgw_growth_rewrite(void *memory, const wgw_table_conf_t *conf,
    wgw_table_t *from, uint64_t purge, int64_t now)
{
    uint32_t            record, end, into;
    wgw_text_t          key;
    wgw_table_t         to;
    wgw_record_life_t  *own;

    wgw_table_format(memory, conf, from->header->made.seed);
    wgw_table_open(&to, memory);

    to.header->clock = from->header->clock;
    to.header->trust = from->header->trust;
    to.header->leap = from->header->leap;
    memcpy(to.header->boot, from->header->boot, WGW_TABLE_BOOT);

    for (record = 0; record < WGW_TABLE_FIRST; record++) {
        wgw_counter_copy(&to, record, from, record);
    }

    end = wgw_table_end(from);

    for (record = WGW_TABLE_FIRST; record < end; record++) {

        if (wgw_growth_key(from, record, &key)
            && !wgw_growth_idle(from, record, purge, now))
        {
            own = wgw_table_life(from, record);
            into = wgw_table_live(&to, key, own ? own->life : 0);

            wgw_counter_copy(&to, into, from, record);
            wgw_growth_relabel(&to, into, from, record);
        }
    }
}


/* 1 and the key, unless the record is of an insert that was not finished. */

static int
wgw_growth_key(wgw_table_t *t, uint32_t record, wgw_text_t *key)
{
    return wgw_table_key(t, record, key) != 0
           && (wgw_table_counted(t, record)
               || wgw_table_found(t, record));
}
