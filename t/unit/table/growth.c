
/*
 * A table's file that grows, and is rewritten.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "table/growth.h"

#include "t/unit/table/table.h"


#define CHILDREN  6
#define KILLS     150


static wgw_table_conf_t  conf = { 100, 24, { WGW_WINDOW_DAY, 1 }, 0 };
static char              path[] = "/tmp/wgw-growth.XXXXXX";


/* A file of one segment, open; its name is gone. */

static int
make_file(void)
{
    int     fd;
    void   *memory;
    size_t  size;

    strcpy(path, "/tmp/wgw-growth.XXXXXX");

    fd = mkstemp(path);
    assert(fd != -1);

    size = wgw_table_size(&conf);
    assert(ftruncate(fd, (off_t) size) == 0);

    memory = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);
    assert(memory != MAP_FAILED);

    wgw_table_format(memory, &conf, seed);
    munmap(memory, size);

    return fd;
}


/* Memory is left to the end of the process. */

static int
open_file(int fd, wgw_table_t *t, wgw_table_parts_t *parts)
{
    void              *memory;
    uint32_t           n;
    struct stat        st;
    const char        *error;
    wgw_table_conf_t   made;

    assert(fstat(fd, &st) == 0);

    if (wgw_growth_look(fd, (uint64_t) st.st_size, parts, &made, &error)
        != 0)
    {
        return -1;
    }

    for (n = 0; n < parts->count; n++) {
        memory = mmap(NULL, parts->parts[n].size, PROT_READ|PROT_WRITE,
                      MAP_SHARED, fd, (off_t) parts->parts[n].offset);
        assert(memory != MAP_FAILED);

        if (n == 0) {
            wgw_table_open(t, memory);

        } else {
            wgw_table_join(t, memory);
        }
    }

    return 0;
}


static int
grow(int fd, uint32_t keys)
{
    const char        *error;
    wgw_table_conf_t   more;

    more = conf;
    more.keys = keys;

    return wgw_growth_append(fd, &more, &error);
}


/* Counts 1 byte for each of these keys. */

static uint32_t
count(wgw_table_t *t, int from, int to, int64_t now)
{
    int       i;
    char      key[32];
    uint32_t  record, others;

    others = 0;

    for (i = from; i < to; i++) {
        (void) sprintf(key, "key%d", i);
        record = wgw_table_get(t, text(key));
        wgw_table_add(t, record, wgw_table_period(t, now), 1, 2, 1);
        others += record == WGW_TABLE_OTHER;
    }

    return others;
}


static uint64_t
total(wgw_table_t *t, uint32_t *keys)
{
    uint32_t     record;
    uint64_t     bytes;
    wgw_usage_t  usage;

    bytes = 0;
    *keys = 0;

    for (record = 0; record < wgw_table_end(t); record++) {
        if (wgw_table_read(t, record, 0, &usage) == 0) {
            bytes += usage.sent;
            *keys += record >= WGW_TABLE_FIRST;
        }
    }

    return bytes;
}


static void
growing(void)
{
    int                 fd;
    uint32_t            keys, last;
    struct stat         before, after;
    wgw_table_t         old, t;
    wgw_usage_t         usage;
    wgw_table_parts_t   parts;

    fd = make_file();
    assert(open_file(fd, &old, &parts) == 0);

    ok(parts.count == 1 && parts.keys == 100, "a file of before: one segment");
    ok(count(&old, 0, 110, 5) == 10, "full: other");

    assert(fstat(fd, &before) == 0);
    ok(grow(fd, 100) == 0 && grow(fd, 50) == 0, "nothing to add");
    assert(fstat(fd, &after) == 0);
    ok(before.st_size == after.st_size, "then nothing is");

    ok(grow(fd, 250) == 0 && open_file(fd, &t, &parts) == 0
       && parts.count == 2 && parts.keys == 250
       && parts.parts[1].offset % WGW_TABLE_ALIGN == 0, "150 more");

    ok(count(&t, 0, 250, 5) == 0 && count(&t, 250, 253, 5) == 3,
       "all are used, not one more");
    ok(count(&old, 0, 101, 5) == 1, "who knows only the first goes on");

    (void) wgw_table_read(&t, WGW_TABLE_OTHER, 5, &usage);
    ok(total(&t, &keys) == 110 + 253 + 101 && keys == 250
       && usage.sent == 10 + 3 + 1, "the totals of all");
    ok(wgw_table_taken(&t) == 250, "keys in use");

    last = wgw_table_find(&t, text("key249"));
    ok(last == wgw_table_end(&t) - 1 && last == 3 + 100 + 3 + 150 - 1,
       "records are numbered over all segments");
    ok(wgw_table_is(&t, last, text("key249"), 0)
       && !wgw_table_is(&t, last, text("key248"), 0)
       && wgw_table_find(&t, text("key250")) == WGW_TABLE_UNKNOWN, "found");
    ok(wgw_table_read(&t, 103, 0, &usage) == -1
       && wgw_table_read(&t, last + 1, 0, &usage) == -1,
       "records that nobody has");

    wgw_table_refused(&t, last);
    wgw_table_cut(&t, last);
    wgw_table_cap(&t, last, 77);
    usage = usage_of(&t, "key249", 5);
    ok(usage.sent == 1 && usage.received == 2 && usage.window.sent == 1
       && usage.refused == 1 && usage.cut == 1 && usage.cap == 77,
       "its figures");

    wgw_table_add(&t, last, wgw_table_period(&t, DAY), 8, 0, 1);
    usage = usage_of(&t, "key249", DAY);
    ok(usage.window.sent == 8 && usage.last.sent == 1,
       "one clock for all segments");

    t.header->boot[0] = 1;
    ok(wgw_table_repair(&t, 1) == 0 && total(&t, &keys) == 464 + 8
       && keys == 250 && usage_of(&t, "key249", DAY).window.sent == 8,
       "rebuilt");

    ok(grow(fd, 300) == 0 && grow(fd, 301) == 0
       && open_file(fd, &t, &parts) == 0 && parts.count == 4
       && parts.keys == 301 && count(&t, 250, 301, 5) == 0, "and again");

    close(fd);
    unlink(path);
}


/* Two records of one key, as two processes can leave them. */

static void
twins(void)
{
    int                 fd, waiting;
    void               *memory;
    uint32_t            a, b, keys;
    uint64_t            p;
    wgw_table_t         old, t, one;
    wgw_usage_t         usage;
    wgw_table_conf_t    to;
    wgw_table_parts_t   parts;

    fd = make_file();
    assert(open_file(fd, &old, &parts) == 0);
    (void) count(&old, 0, 99, 5);
    assert(grow(fd, 200) == 0 && open_file(fd, &t, &parts) == 0);

    /* the first segment seems to be full, then one of its records is left */

    old.header->records++;
    b = wgw_table_get(&t, text("twin"));
    old.header->records--;
    a = wgw_table_get(&old, text("twin"));

    ok(a == 102 && b == 106, "a key with two records");
    ok(wgw_table_find(&t, text("twin")) == a
       && wgw_table_get(&t, text("twin")) == a, "the first is found");
    ok(wgw_table_read(&t, b, 5, &usage) == -1, "the second is not listed");

    p = wgw_table_period(&t, 5);
    wgw_table_add(&t, a, p, 10, 1, 1);
    wgw_table_add(&t, b, p, 20, 2, 1);
    wgw_table_refused(&t, b);

    ok(wgw_table_read(&t, a, 5, &usage) == 0 && usage.sent == 30
       && usage.received == 3 && usage.requests == 2 && usage.refused == 1
       && usage.window.sent == 30, "they are read as one");
    ok(wgw_table_read(&t, b, 5, &usage) == -1, "once");
    ok(wgw_table_used(&t, a, p, WGW_COUNT_SENT) == 30
       && wgw_table_used(&t, b, p, WGW_COUNT_SENT) == 30,
       "both know what was used");

    ok(wgw_table_hold(&t, a, p, WGW_COUNT_SENT, 100, 50, &waiting) == 50
       && wgw_table_hold(&t, b, p, WGW_COUNT_SENT, 100, 50, &waiting) == 20
       && wgw_table_hold(&t, b, p, WGW_COUNT_SENT, 100, 50, &waiting) == 0
       && waiting, "a cap is one for both");

    to = conf;
    to.keys = 100;
    ok(wgw_growth_fit(&t, 0, 5, &to) == 0 && to.key_bytes == 24,
       "they fit as one");
    to.keys = 99;
    ok(wgw_growth_fit(&t, 0, 5, &to) == -1, "but not in less");
    to.keys = 100;

    memory = shared(wgw_table_size(&to));
    wgw_growth_rewrite(memory, &to, &t, 0, 5);
    wgw_table_open(&one, memory);

    usage = usage_of(&one, "twin", 5);
    ok(usage.sent == 30 && usage.requests == 2 && usage.refused == 1
       && usage.window.sent == 30 && usage.held == 0, "rewritten as one");
    ok(total(&one, &keys) == 99 + 30 && keys == 100, "with all others");

    ok(wgw_table_repair(&t, 1) == 0 && usage_of(&t, "twin", 5).sent == 30
       && wgw_table_twins(&t, a, (uint32_t [WGW_TABLE_SEGMENTS]) { 0 }) == 0,
       "one after a repair, too");

    munmap(memory, wgw_table_size(&to));
    close(fd);
    unlink(path);
}


typedef struct {
    const char  *what;
    off_t        tail;          /* bytes behind the first segment */
    int          whole;         /* 1: the segment was formatted */
} leftover_t;


/* What one who was killed while it grew may leave. */

static void
leftovers(void)
{
    int                 fd, i;
    char                header[WGW_TABLE_HEADER];
    size_t              size;
    uint32_t            segments, keys;
    const char         *error;
    wgw_table_t         t;
    wgw_table_conf_t    made;
    wgw_table_parts_t   parts;

    static const leftover_t  cases[] = {
        { "a byte more", 1, 0 },
        { "room", 200000, 0 },
        { "a segment that is not counted", 0, 1 }
    };

    size = wgw_table_size(&conf);

    for (i = 0; i < 3; i++) {
        fd = make_file();

        if (cases[i].whole) {
            segments = 1;
            assert(grow(fd, 180) == 0);
            assert(pwrite(fd, &segments, 4, 208) == 4);

        } else {
            assert(ftruncate(fd, (off_t) size + cases[i].tail) == 0);
            assert(pwrite(fd, "x", 1, (off_t) size) == 1);
        }

        ok(open_file(fd, &t, &parts) == 0 && parts.count == 1
           && parts.keys == 100, "left: %s", cases[i].what);
        ok(count(&t, 0, 100, 5) == 0 && grow(fd, 150) == 0
           && open_file(fd, &t, &parts) == 0 && parts.keys == 150
           && count(&t, 100, 150, 5) == 0
           && total(&t, &keys) == 150 && keys == 150, "then it grows");

        close(fd);
        unlink(path);
    }

    fd = make_file();
    assert(grow(fd, 180) == 0 && open_file(fd, &t, &parts) == 0);
    assert(wgw_growth_look(fd, parts.parts[1].offset, &parts, &made, &error)
           == -1);
    is(error, strlen(error), "is truncated", "without its last segment");
    assert(wgw_growth_look(fd, parts.parts[1].offset + 5000, &parts, &made,
                           &error)
           == -1);
    is(error, strlen(error), "is truncated", "with half of it");

    assert(pread(fd, header, sizeof(header), 0) == sizeof(header));
    assert(pwrite(fd, header, sizeof(header),
                  (off_t) parts.parts[0].size + WGW_TABLE_ALIGN
                  - (off_t) parts.parts[0].size % WGW_TABLE_ALIGN)
           == sizeof(header));
    assert(wgw_growth_look(fd, UINT64_MAX, &parts, &made, &error) == -1);
    is(error, strlen(error), "has a damaged header",
       "a first segment where a second should be");

    close(fd);
    unlink(path);
}


static void
limits(void)
{
    int                 fd, n;
    const char         *error;
    struct stat         before, after;
    wgw_table_t         t;
    struct rlimit       old, limit;
    wgw_table_conf_t    more;
    wgw_table_parts_t   parts;

    fd = make_file();
    more = conf;

    for (n = 1; n < WGW_TABLE_SEGMENTS; n++) {
        more.keys++;
        assert(wgw_growth_append(fd, &more, &error) == 0);
    }

    more.keys++;
    ok(wgw_growth_append(fd, &more, &error) == -1 && errno == 0,
       "no more than 16 segments");
    is(error, strlen(error),
       "has grown too often, a restart lets it grow again", "the reason");
    ok(open_file(fd, &t, &parts) == 0 && parts.keys == 115
       && count(&t, 0, 116, 5) == 1, "15 keys in 15 of them");
    close(fd);
    unlink(path);

    /* a limit of the file's size, like a full disk, ends the allocation */

    fd = make_file();
    assert(fstat(fd, &before) == 0 && getrlimit(RLIMIT_FSIZE, &old) == 0);
    signal(SIGXFSZ, SIG_IGN);
    limit = old;
    limit.rlim_cur = 100000;
    assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);

    more.keys = 100000;
    ok(wgw_growth_append(fd, &more, &error) == -1 && errno == EFBIG,
       "no room");
    is(error, strlen(error), "cannot be grown", "the reason");

    assert(setrlimit(RLIMIT_FSIZE, &old) == 0 && fstat(fd, &after) == 0);
    ok(before.st_size == after.st_size && open_file(fd, &t, &parts) == 0
       && parts.count == 1, "the file is as before");

    close(fd);
    unlink(path);
}


/* Days on which a key counts, and those after which it has gone. */

/* A key that rests for more windows than its words can tell apart. */

static void
forgotten(void)
{
    int                fd;
    uint32_t           record;
    int64_t            day;
    wgw_table_t        t, one;
    wgw_table_conf_t   to;
    wgw_table_parts_t  parts;
    void              *memory;

    fd = make_file();
    assert(open_file(fd, &t, &parts) == 0);

    (void) count(&t, 0, 1, 10 * DAY);
    (void) count(&t, 1, 2, 10 * DAY);
    record = wgw_table_find(&t, text("key0"));

    for (day = 11; day < 5000; day++) {
        wgw_table_sweep(&t, wgw_table_period(&t, day * DAY), 0, UINT32_MAX);

        if (day % 1000 == 0) {
            ok(wgw_growth_purged(&t, 3, day * DAY) == 2
               && wgw_table_idle(&t, record, day * DAY) >= 989,
               "field 11.9: idle for %d windows", (int) day - 10);
        }
    }

    (void) count(&t, 1, 2, day * DAY);
    ok(wgw_growth_purged(&t, 3999, day * DAY) == 1,
       "field 11.9: known to be idle when nothing is known of it");

    /* what a rewrite does not purge stays that old */

    to = conf;
    memory = shared(wgw_table_size(&to));
    wgw_growth_rewrite(memory, &to, &t, 0, day * DAY);
    wgw_table_open(&one, memory);
    ok(wgw_growth_purged(&one, 3999, day * DAY) == 1,
       "field 11.9: also after a rewrite");

    wgw_table_refused(&one, wgw_table_find(&one, text("key0")));
    ok(wgw_growth_purged(&one, 1, day * DAY) == 0,
       "field 11.9: who is refused is not idle");

    close(fd);
    unlink(path);
}


/* Every life of a key has its own, in whatever segment, over a rewrite. */

static void
lives(void)
{
    int                fd;
    void              *memory;
    uint32_t           i, n, first, records[100];
    wgw_table_t        t, one;
    wgw_usage_t        usage;
    const char        *error;
    wgw_table_conf_t   to;
    wgw_table_parts_t  parts;

    fd = make_file();
    to = conf;
    to.keys = 150;
    assert(wgw_growth_append(fd, &to, &error) == 0);
    assert(open_file(fd, &t, &parts) == 0);

    (void) count(&t, 0, 70, 10 * DAY);
    first = wgw_table_find(&t, text("key0"));

    for (i = 1; i <= 50; i++) {
        n = wgw_table_live(&t, text("key0"), 1000 + i);
        assert(n >= WGW_TABLE_FIRST);
        wgw_table_add(&t, n, wgw_table_period(&t, 10 * DAY), i, 0, 1);
    }

    ok(wgw_table_end(&t) > 103, "lives in two segments");
    ok(wgw_table_find(&t, text("key0")) == first
       && wgw_table_live(&t, text("key0"), 0) == first
       && wgw_table_live(&t, text("key0"), 1050) == n
       && wgw_table_is(&t, n, text("key0"), 1050)
       && !wgw_table_is(&t, n, text("key0"), 1049)
       && !wgw_table_is(&t, first, text("key0"), 1050),
       "field 11.8: each has its record");

    i = wgw_table_lives(&t, text("key0"), records, 100);
    ok(i == 51 && records[0] == n && records[50] == first
       && wgw_table_lives(&t, text("key0"), records, 3) == 3
       && wgw_table_lives(&t, text("key1"), records, 3) == 1,
       "field 11.8: all are found, the newest first");

    (void) wgw_table_read(&t, n, 10 * DAY, &usage);
    ok(usage.sent == 50 && usage.life == 1050 && !usage.ended, "the newest");
    (void) wgw_table_read(&t, records[1], 10 * DAY, &usage);
    ok(usage.sent == 49 && usage.life == 1049 && usage.ended, "one before");
    (void) wgw_table_read(&t, first, 10 * DAY, &usage);
    ok(usage.sent == 1 && usage.life == 0 && usage.ended, "the first");

    ok(wgw_table_repair(&t, 1) == 0
       && wgw_table_lives(&t, text("key0"), records, 100) == 51
       && wgw_table_live(&t, text("key0"), 1050) == n,
       "field 11.8: after a repair");

    memory = shared(wgw_table_size(&to));
    wgw_growth_rewrite(memory, &to, &t, 0, 10 * DAY);
    wgw_table_open(&one, memory);

    i = wgw_table_lives(&one, text("key0"), records, 100);
    (void) wgw_table_read(&one, records[0], 10 * DAY, &usage);
    ok(i == 51 && usage.sent == 50 && usage.life == 1050 && !usage.ended,
       "field 11.8: after a rewrite");
    ok(wgw_table_taken(&one) == 120, "as many records");

    close(fd);
    unlink(path);
}


static void
purging(void)
{
    int                 fd;
    void               *memory;
    uint32_t            keys, record;
    wgw_table_t         t, one;
    wgw_usage_t         usage;
    wgw_table_conf_t    to;
    wgw_table_parts_t   parts;

    fd = make_file();
    assert(open_file(fd, &t, &parts) == 0);

    wgw_table_add(&t, WGW_TABLE_UNKNOWN, wgw_table_period(&t, 10 * DAY), 5, 0,
                  1);
    (void) count(&t, 0, 1, 10 * DAY);
    (void) count(&t, 1, 2, 11 * DAY);
    (void) count(&t, 2, 3, 12 * DAY);
    (void) count(&t, 3, 4, 13 * DAY);
    wgw_table_sweep(&t, wgw_table_period(&t, 13 * DAY), 0, UINT32_MAX);

    ok(wgw_table_idle(&t, 3, 13 * DAY) == 3
       && wgw_table_idle(&t, 4, 13 * DAY) == 2
       && wgw_table_idle(&t, 6, 13 * DAY) == 0, "days since");
    ok(wgw_table_idle(&t, 3, 20 * DAY) == 10
       && wgw_table_idle(&t, 5, 20 * DAY) == 0,
       "the time without a clock counts, but for what its last turn knows");

    ok(wgw_growth_purged(&t, 0, 13 * DAY) == 0
       && wgw_growth_purged(&t, 3, 13 * DAY) == 0
       && wgw_growth_purged(&t, 2, 13 * DAY) == 1
       && wgw_growth_purged(&t, 1, 13 * DAY) == 2, "whole days without");

    (void) wgw_table_get(&t, text("never"));
    ok(wgw_growth_purged(&t, 1, 13 * DAY) == 2, "a key that never counted");

    to = conf;
    to.keys = 3;
    ok(wgw_growth_fit(&t, 2, 13 * DAY, &to) == -1
       && wgw_growth_fit(&t, 1, 13 * DAY, &to) == 0, "what stays must fit");

    memory = shared(wgw_table_size(&to));
    wgw_growth_rewrite(memory, &to, &t, 1, 13 * DAY);
    wgw_table_open(&one, memory);

    ok(wgw_table_find(&one, text("key0")) == WGW_TABLE_UNKNOWN
       && wgw_table_find(&one, text("key1")) == WGW_TABLE_UNKNOWN
       && usage_of(&one, "key2", 13 * DAY).last.sent == 1
       && usage_of(&one, "key3", 13 * DAY).window.sent == 1, "purged");
    ok(total(&one, &keys) == 7 && keys == 3, "the classes stay");
    (void) wgw_table_read(&one, WGW_TABLE_UNKNOWN, 13 * DAY, &usage);
    ok(usage.sent == 5 && usage.requests == 1, "as they were");

    /* one that was only refused, before refusals were dated: from now on */

    record = wgw_table_find(&t, text("key0"));
    memset(wgw_table_hot(&t, record), 0, sizeof(wgw_record_hot_t));
    wgw_table_cold(&t, record)->refused = 1;
    to.keys = 5;
    memory = shared(wgw_table_size(&to));
    wgw_growth_rewrite(memory, &to, &t, 1, 13 * DAY);
    wgw_table_open(&one, memory);
    record = wgw_table_find(&one, text("key0"));
    ok(record >= WGW_TABLE_FIRST && wgw_table_idle(&one, record, 13 * DAY) == 0
       && usage_of(&one, "key0", 13 * DAY).window.sent == 0,
       "who may have counted stays");
    (void) wgw_table_period(&one, 14 * DAY);
    (void) wgw_table_period(&one, 15 * DAY);
    ok(wgw_table_idle(&one, record, 15 * DAY) == 2, "and is looked at anew");
    forgotten();

    close(fd);
    unlink(path);
}


/* Long keys need more than keys= would give them. */

static void
long_keys(void)
{
    int                 fd, i;
    char                key[200];
    void               *memory;
    wgw_table_t         t, one;
    wgw_table_conf_t    to;
    wgw_table_parts_t   parts;

    fd = make_file();
    assert(open_file(fd, &t, &parts) == 0);

    for (i = 0; i < 12; i++) {
        memset(key, 'k', sizeof(key));
        (void) sprintf(key + 180, "%d", i);
        wgw_table_add(&t, wgw_table_get(&t, text(key)), 0, 1, 0, 1);
    }

    to = conf;
    to.keys = 12;
    ok(wgw_growth_fit(&t, 0, 5, &to) == 0 && to.key_bytes == 184,
       "long keys get room");

    memory = shared(wgw_table_size(&to));
    wgw_growth_rewrite(memory, &to, &t, 0, 5);
    wgw_table_open(&one, memory);
    ok(wgw_table_taken(&one) == 12 && usage_of(&one, key, 5).sent == 1,
       "and are there");

    munmap(memory, wgw_table_size(&to));
    close(fd);
    unlink(path);
}


/* Children count and grow the file until they are killed. */

static void
child(int number, uint64_t *begun, uint64_t *ended)
{
    int                 fd, i, key;
    uint32_t            keys;
    wgw_table_t         t;
    wgw_table_parts_t   parts;

    fd = open(path, O_RDWR);
    assert(fd != -1);
    srand((unsigned) getpid());

    for ( ;; ) {
        keys = 100 + 100 * (uint32_t) (rand() % 14);

        if (grow(fd, keys) != 0 || open_file(fd, &t, &parts) != 0
            || parts.keys < keys)
        {
            _exit(7);
        }

        for (i = 0; i < 200; i++) {
            __atomic_add_fetch(&begun[number], 1, __ATOMIC_SEQ_CST);
            key = rand() % 1500;
            (void) count(&t, key, key + 1, 5);
            __atomic_add_fetch(&ended[number], 1, __ATOMIC_SEQ_CST);
        }

        for (i = 0; i < (int) t.count; i++) {
            munmap(t.segments[i].header, parts.parts[i].size);
        }
    }
}


static void
killed(void)
{
    int                 fd, i, n, status, failed;
    pid_t               pids[CHILDREN];
    uint32_t            keys;
    uint64_t           *begun, *ended, first, last, bytes;
    wgw_table_t         t;
    wgw_table_parts_t   parts;

    begun = shared(2 * CHILDREN * sizeof(uint64_t));
    ended = begun + CHILDREN;
    failed = 0;
    fd = make_file();
    fflush(stdout);

    for (n = 0; n < KILLS; n++) {
        i = n % CHILDREN;

        if (n >= CHILDREN) {
            usleep((useconds_t) (rand() % 4000));
            kill(pids[i], SIGKILL);
            waitpid(pids[i], &status, 0);
            failed += !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
        }

        pids[i] = fork();
        assert(pids[i] != -1);

        if (pids[i] == 0) {
            child(i, begun, ended);
        }
    }

    first = 0;
    last = 0;

    for (i = 0; i < CHILDREN; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], &status, 0);
        failed += !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
        first += ended[i];
        last += begun[i];
    }

    ok(failed == 0, "no process ended but by a kill");
    ok(open_file(fd, &t, &parts) == 0, "the file is whole");

    bytes = total(&t, &keys);
    printf("# %u segments, %u keys of %u, %lu <= %lu <= %lu\n", parts.count,
           keys, parts.keys, (unsigned long) first, (unsigned long) bytes,
           (unsigned long) last);
    ok(first <= bytes && bytes <= last, "all that was counted is there");
    ok(keys <= 1500, "each key once");

    (void) wgw_table_repair(&t, 1);
    ok(total(&t, &keys) == bytes, "and after a repair");

    munmap(begun, 2 * CHILDREN * sizeof(uint64_t));
    close(fd);
    unlink(path);
}


int
main(void)
{
    growing();
    twins();
    leftovers();
    limits();
    purging();
    lives();
    long_keys();
    killed();

    return done();
}
