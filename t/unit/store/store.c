
/*
 * The store of names: made, checked, changed by many processes, some killed.
 *
 * sources: format/text format/name format/addr format/json names/record names/record_packed store/shadow store/store store/store_write
 */

#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "t/unit/tap.h"
#include "store/shadow.h"
#include "store/store.h"


#define WRITERS  4
#define ROUNDS   12

#define ROWS     300            /* of a set in the tests of replaces */
#define STEPS    4000           /* of the test by chance */
#define NAMES    12             /* in it */


static char               root[] = "/tmp/wgw-store.XXXXXX";
static wgw_store_error_t  error;
static time_t             ahead;        /* of the true time, seconds */


/* The parts' own clock, instead of libc's. */

time_t
time(time_t *t)
{
    struct timespec  now;

    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += ahead;

    if (t) {
        *t = now.tv_sec;
    }

    return now.tv_sec;
}


/* A path below the test's directory, one at a time. */

static const char *
path(const char *name)
{
    static char  text[256];

    snprintf(text, sizeof(text), "%s/%s", root, name);

    return text;
}


static wgw_text_t
text(const char *s)
{
    return (wgw_text_t) { s, strlen(s) };
}


static wgw_record_t
record(uint64_t cap)
{
    wgw_record_t  made;

    memset(&made, 0, sizeof(made));

    made.verify = 1;
    made.cap_bytes = cap;
    made.nbackends = 1;
    made.backends[0].family = 6;
    made.backends[0].port = 80;
    made.backends[0].addr[0] = 0x20;
    made.backends[0].addr[15] = 1;

    return made;
}


static wgw_store_write_t
put(wgw_store_t *store, const char *name, uint64_t cap)
{
    wgw_record_t       made = record(cap);
    wgw_store_write_t  write;

    memset(&write, 0, sizeof(write));

    write.name = text(name);
    write.record = &made;

    wgw_store_write(store, &write, &error);
    write.record = NULL;

    return write;
}


/* The cap of a name, or -1. */

static int64_t
cap(wgw_store_t *store, const char *name)
{
    int64_t       found;
    uint64_t      id;
    wgw_text_t    packed;
    wgw_record_t  made;

    found = -1;

    if (wgw_store_begin(store, &id, &error) == WGW_STORE_OK) {

        if (wgw_store_get(store, text(name), &packed, &error) == WGW_STORE_OK
            && wgw_record_unpack(&made, (const uint8_t *) packed.data,
                                 packed.len)
               == 0)
        {
            found = (int64_t) made.cap_bytes;
        }

        wgw_store_end(store);
    }

    return found;
}


static wgw_store_t *
fresh(const char *name)
{
    wgw_store_t  *store;

    if (wgw_store_create(path(name), geteuid(), getegid(), &error)
        != WGW_STORE_OK)
    {
        ok(0, "create %s: %s", name, error.text);
        exit(1);
    }

    store = wgw_store_open(path(name), WGW_STORE_SYNC_META, &error);

    if (store == NULL) {
        ok(0, "open %s: %s", name, error.text);
        exit(1);
    }

    return store;
}


static void
test_files(void)
{
    struct stat   st;
    wgw_store_t  *store;

    ok(wgw_store_check(path("none"), &error) == WGW_STORE_OK,
       "a store that is not there yet passes the check");
    ok(stat(path("none"), &st) == -1, "and is not made by it");

    store = fresh("files");

    ok(stat(path("files"), &st) == 0 && (st.st_mode & 07777) == 0750,
       "directory 0750");
    ok(stat(path("files/data.mdb"), &st) == 0 && (st.st_mode & 07777) == 0640,
       "data.mdb 0640");
    ok(stat(path("files/lock.mdb"), &st) == 0 && (st.st_mode & 07777) == 0640,
       "lock.mdb 0640");

    ok(wgw_store_open(path("files"), WGW_STORE_SYNC_META, &error) == store,
       "a process opens a path once");
    ok(wgw_store_open(path("./files"), WGW_STORE_SYNC_META, &error) == store,
       "however it is spelled");
    ok(wgw_store_create(path("files"), geteuid(), getegid(), &error)
       == WGW_STORE_OK,
       "a master without workers leaves the open one alone");

    put(store, "a.example", 1);
    wgw_store_close();

    store = fresh("files");
    ok(cap(store, "a.example") == 1, "kept");
    wgw_store_close();

    unlink(path("files/lock.mdb"));
    ok(wgw_store_check(path("files"), &error) == WGW_STORE_OK
       && stat(path("files/lock.mdb"), &st) == -1,
       "the check makes no lock file");
}


/* Writes a number under "format", as another version would. */

static void
set_format(const char *directory, uint32_t format)
{
    MDB_env  *env;
    MDB_dbi   dbi;
    MDB_txn  *txn;
    MDB_val   key = { 6, "format" };
    MDB_val   value = { sizeof(format), &format };

    mdb_env_create(&env);
    mdb_env_set_maxdbs(env, 4);
    mdb_env_open(env, directory, 0, 0640);
    mdb_txn_begin(env, NULL, 0, &txn);
    mdb_dbi_open(txn, "wgw", MDB_CREATE, &dbi);
    mdb_put(txn, dbi, &key, &value, 0);
    mdb_txn_commit(txn);
    mdb_env_close(env);
}


static void
test_refused(void)
{
    int    fd;
    char   noise[8192];

    fresh("newer");
    wgw_store_close();
    set_format(path("newer"), 7);

    ok(wgw_store_check(path("newer"), &error) == WGW_STORE_FAILED
       && strstr(error.text, "has format 7"),
       "a newer format is refused by the check: %s", error.text);
    ok(wgw_store_create(path("newer"), geteuid(), getegid(), &error)
       == WGW_STORE_FAILED,
       "and at start: %s", error.text);

    mkdir(path("foreign"), 0750);
    memset(noise, 'x', sizeof(noise));
    fd = open(path("foreign/data.mdb"), O_CREAT|O_WRONLY, 0640);
    ok(write(fd, noise, sizeof(noise)) == sizeof(noise), "a foreign file");
    close(fd);

    ok(wgw_store_check(path("foreign"), &error) == WGW_STORE_FAILED,
       "is refused by the check: %s", error.text);
    ok(wgw_store_create(path("foreign"), geteuid(), getegid(), &error)
       == WGW_STORE_FAILED,
       "and at start: %s", error.text);

    fd = open(path("foreign/data.mdb"), O_RDONLY);
    ok(read(fd, noise, sizeof(noise)) == sizeof(noise)
       && noise[0] == 'x' && noise[8191] == 'x',
       "and is as it was");
    close(fd);

    ok(wgw_store_open(path("nowhere"), WGW_STORE_SYNC_META, &error) == NULL,
       "a worker makes no store: %s", error.text);

    fresh("linked");
    wgw_store_close();
    unlink(path("linked/lock.mdb"));
    ok(symlink("../foreign/data.mdb", path("linked/lock.mdb")) == 0, "a link");

    ok(wgw_store_create(path("linked"), geteuid(), getegid(), &error)
       == WGW_STORE_FAILED,
       "in the place of a file is refused: %s", error.text);

    fd = open(path("foreign/data.mdb"), O_RDONLY);
    ok(read(fd, noise, sizeof(noise)) == sizeof(noise) && noise[0] == 'x',
       "and what it leads to is as it was");
    close(fd);
}


static void
test_changes(void)
{
    size_t              len;
    uint64_t            id, later;
    char                name[WGW_NAME_MAX];
    wgw_text_t          packed;
    wgw_store_t        *store;
    wgw_record_t        made;
    wgw_store_write_t   first, second, third, list[2];

    store = fresh("changes");

    wgw_store_begin(store, &id, &error);
    wgw_store_end(store);

    first = put(store, "a.example", 1);
    ok(first.rc == WGW_STORE_OK && !first.existed && first.change > id,
       "put: new");

    second = put(store, "a.example", 1);
    ok(second.rc == WGW_STORE_OK && second.existed
       && second.change == first.change,
       "put of the same: nothing changes");

    wgw_store_begin(store, &later, &error);
    wgw_store_end(store);
    ok(later == first.change, "not even the store's id");

    third = put(store, "a.example", 2);
    ok(third.existed && third.change > first.change, "put of another");
    ok(cap(store, "a.example") == 2, "which is then there");

    /* conditions */

    made = record(3);
    memset(list, 0, sizeof(list));
    list[0].name = text("a.example");
    list[0].record = &made;
    list[0].match = 1;
    list[0].if_match = first.change;
    wgw_store_write(store, list, &error);
    ok(list[0].rc == WGW_STORE_MISMATCH, "another version: mismatch");

    list[0].if_match = third.change;
    wgw_store_write(store, list, &error);
    ok(list[0].rc == WGW_STORE_OK, "this version");

    list[0].name = text("b.example");
    list[0].if_match = 0;
    wgw_store_write(store, list, &error);
    ok(list[0].rc == WGW_STORE_MISMATCH, "any version, but there is none");

    list[0].match = 0;
    list[0].absent = 1;
    wgw_store_write(store, list, &error);
    ok(list[0].rc == WGW_STORE_OK, "only if absent");
    wgw_store_write(store, list, &error);
    ok(list[0].rc == WGW_STORE_MISMATCH, "and not again");

    /* two in one transaction, one of which fails by itself */

    memset(list, 0, sizeof(list));
    list[0].name = text("none.example");
    list[0].next = &list[1];
    list[1].name = text("c.example");
    list[1].record = &made;
    ok(wgw_store_write(store, list, &error) == WGW_STORE_OK
       && list[0].rc == WGW_STORE_NONE && list[1].rc == WGW_STORE_OK,
       "one change of two has nothing to delete");
    ok(cap(store, "c.example") == 3, "the other one is made");

    /* pages */

    wgw_store_begin(store, &id, &error);
    ok(wgw_store_next(store, text(""), name, &len, &packed, &error)
       == WGW_STORE_OK,
       "first");
    is(name, len, "a.example", "name");
    ok(wgw_store_next(store, text("a.example"), name, &len, &packed, &error)
       == WGW_STORE_OK,
       "after a name that is there");
    is(name, len, "b.example", "name");
    ok(wgw_store_next(store, text("bb"), name, &len, &packed, &error)
       == WGW_STORE_OK,
       "after one that is not");
    is(name, len, "c.example", "name");
    ok(wgw_store_next(store, text("c.example"), name, &len, &packed, &error)
       == WGW_STORE_NONE,
       "after the last");
    wgw_store_end(store);

    memset(list, 0, sizeof(list));
    list[0].name = text("a.example");
    wgw_store_write(store, list, &error);
    ok(list[0].rc == WGW_STORE_OK && cap(store, "a.example") == -1, "delete");

    wgw_store_close();
}


/* The id at which a look began that is held. */

static uint64_t
hold(wgw_store_t *store)
{
    uint64_t  id;

    if (wgw_store_begin(store, &id, &error) != WGW_STORE_OK) {
        return 0;
    }

    wgw_store_hold(store);

    return id;
}


/* How much the file grows by changes, while or after a look is held. */

static off_t
growth(wgw_store_t *store, unsigned ended)
{
    int          i;
    struct stat  before, after;

    hold(store);

    if (ended) {
        wgw_store_end(store);
    }

    stat(path("held/data.mdb"), &before);

    for (i = 0; i < 200; i++) {
        put(store, "a.example", 100 + i);
    }

    stat(path("held/data.mdb"), &after);

    wgw_store_end(store);

    return after.st_size - before.st_size;
}


static void
test_held(void)
{
    int                 status;
    off_t               free, pinned;
    pid_t               pid;
    uint64_t            id, again;
    wgw_text_t          packed;
    wgw_store_t        *store;
    wgw_store_write_t   write;

    pid = fork();

    if (pid == 0) {
        store = fresh("held");
        put(store, "a.example", 1);
        _exit(0);
    }

    waitpid(pid, &status, 0);

    store = wgw_store_open(path("held"), WGW_STORE_SYNC_META, &error);

    id = hold(store);
    ok(wgw_store_begin(store, &again, &error) == WGW_STORE_OK && again == id,
       "a look that is held goes on");
    ok(wgw_store_get(store, text("a.example"), &packed, &error)
       == WGW_STORE_OK,
       "in its snapshot");
    wgw_store_hold(store);

    write = put(store, "a.example", 2);
    ok(hold(store) == write.change && cap(store, "a.example") == 2,
       "what this process changed meanwhile is seen");

    hold(store);

    pid = fork();

    if (pid == 0) {
        execl("/proc/self/exe", "store", "put", path("held"), NULL);
        _exit(1);
    }

    waitpid(pid, &status, 0);
    ok(status == 0 && cap(store, "a.example") == 3,
       "and what another one changed");

    hold(store);
    wgw_store_end(store);
    wgw_store_end(store);
    ok(hold(store) > 0, "an end may come twice");
    wgw_store_end(store);

    growth(store, 1);
    free = growth(store, 1);
    pinned = growth(store, 0);
    ok(free == 0 && pinned > 1000000,
       "pages are used again once it ended: %ld, %ld bytes more",
       (long) free, (long) pinned);

    wgw_store_close();
}


/* What another process does in test_held(). */

static int
other(const char *store)
{
    return put(wgw_store_open(store, WGW_STORE_SYNC_META, &error),
               "a.example", 3).rc
           != WGW_STORE_OK;
}


/* A name of few letters, so that many have the same start. */

static const char *
alike(unsigned i)
{
    unsigned     n, len;

    static char  name[24];

    len = 1 + i * 7 % 19;

    for (n = 0; n < len; n++) {
        name[n] = n < 6 + i % 4 ? 'a' : "-.a~"[i >> (n % 8) & 3];
    }

    name[len] = '\0';

    return name;
}


/* Found by LMDB itself, in its own order, by a version without ours. */

static unsigned
found_plainly(unsigned n)
{
    MDB_dbi       dbi;
    MDB_env      *env;
    MDB_txn      *txn;
    MDB_val       key, value;
    unsigned      i, found;

    found = 0;

    mdb_env_create(&env);
    mdb_env_set_maxdbs(env, 4);
    mdb_env_open(env, path("order"), MDB_RDONLY|MDB_NOLOCK, 0640);
    mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    mdb_dbi_open(txn, "names.0", 0, &dbi);

    for (i = 0; i < n; i++) {
        key.mv_data = (void *) alike(i);
        key.mv_size = strlen(key.mv_data);

        found += mdb_get(txn, dbi, &key, &value) == 0;
    }

    mdb_txn_abort(txn);
    mdb_env_close(env);

    return found;
}


static void
test_order(void)
{
    int            disorder;
    char           name[WGW_NAME_MAX], last[WGW_NAME_MAX];
    size_t         len, lastlen, shorter;
    uint64_t       id;
    unsigned       i, found, listed;
    wgw_text_t     packed;
    wgw_store_t   *store;

    store = fresh("order");

    for (i = 0; i < ROWS; i++) {
        put(store, alike(i), 1);
    }

    for (found = 0, i = 0; i < ROWS; i++) {
        found += cap(store, alike(i)) == 1;
    }

    ok(found == ROWS, "names that begin alike are found");

    lastlen = 0;
    listed = 0;
    disorder = 0;

    wgw_store_begin(store, &id, &error);

    while (wgw_store_next(store, (wgw_text_t) { last, lastlen }, name, &len,
                          &packed, &error)
           == WGW_STORE_OK)
    {
        shorter = len < lastlen ? len : lastlen;
        i = memcmp(last, name, shorter) > 0;

        disorder += i || (memcmp(last, name, shorter) == 0 && len <= lastlen);

        memcpy(last, name, len);
        lastlen = len;
        listed++;
    }

    wgw_store_end(store);
    ok(listed > 100 && disorder == 0, "%u are listed in byte order", listed);

    wgw_store_close();

    ok(found_plainly(ROWS) == ROWS, "and are where LMDB expects them");
}


static void
delete(wgw_store_t *store, const char *name, unsigned close)
{
    wgw_store_write_t  write;

    memset(&write, 0, sizeof(write));

    write.name = text(name);
    write.close = close & 1;

    wgw_store_write(store, &write, &error);
}


/* The deletions noted behind `at`, which is moved: "a b c". */

static const char *
closed(wgw_store_t *store, wgw_store_closed_t *at)
{
    uint64_t     id, before;
    wgw_out_t    out;

    static char  names[256];

    wgw_out_init(&out, names, sizeof(names) - 1);
    wgw_store_begin(store, &id, &error);

    before = at->id;

    while (wgw_store_closed(store, at, &error) == WGW_STORE_OK) {
        if (at->id < before || at->id > id) {
            ok(0, "transactions are in order");
        }

        before = at->id;

        wgw_out_str(&out, out.pos > out.start ? " " : "");
        wgw_out_bytes(&out, at->name, at->len);
    }

    wgw_store_end(store);
    *out.pos = '\0';

    return names;
}


static void
test_closed(void)
{
    wgw_store_t         *store;
    wgw_store_write_t    write, list[2];
    wgw_store_closed_t   first, second, third;

    store = fresh("closed");

    memset(&first, 0, sizeof(first));
    ok(strcmp(closed(store, &first), "") == 0 && first.id == 0,
       "no deletion is noted");

    put(store, "a.example", 1);
    put(store, "b.example", 1);
    put(store, "c.example", 1);
    write = put(store, "d.example", 1);

    delete(store, "a.example", 0);
    delete(store, "none.example", 1);
    ok(strcmp(closed(store, &first), "") == 0,
       "none without close, none of what is not there");

    second = first;
    delete(store, "c.example", 1);
    ok(strcmp(closed(store, &first), "c.example") == 0, "one with close");
    ok(first.id > write.change, "later than the records");
    ok(strcmp(closed(store, &first), "") == 0, "which is seen once");

    memset(list, 0, sizeof(list));
    list[0].name = text("d.example");
    list[0].close = 1;
    list[0].next = &list[1];
    list[1].name = text("b.example");
    list[1].close = 1;
    wgw_store_write(store, list, &error);

    ok(strcmp(closed(store, &first), "b.example d.example") == 0,
       "two in a transaction");
    ok(strcmp(closed(store, &second), "c.example b.example d.example") == 0,
       "by another reader, all");

    ahead = 59;
    put(store, "e.example", 1);
    delete(store, "e.example", 1);
    memset(&third, 0, sizeof(third));
    ok(strcmp(closed(store, &third),
              "c.example b.example d.example e.example") == 0,
       "they are kept for a minute");

    ahead = 100;
    put(store, "f.example", 1);
    delete(store, "f.example", 1);
    memset(&third, 0, sizeof(third));
    ok(strcmp(closed(store, &third), "e.example f.example") == 0,
       "and no longer");
    ok(strcmp(closed(store, &first), "e.example f.example") == 0,
       "a reader whose place was forgotten goes on after it");

    ahead = 0;
    put(store, "g.example", 1);
    delete(store, "g.example", 1);
    memset(&third, 0, sizeof(third));
    ok(strcmp(closed(store, &third), "g.example") == 0,
       "a clock that was set back");

    put(store, "h.example", 5);
    ok(cap(store, "h.example") == 5, "names are found among all that");

    wgw_store_close();
}


/* A process's files may not grow: the disk is full. */

static void
test_full(void)
{
    int                i;
    char               name[64];
    struct rlimit      limit = { 64 * 1024, 64 * 1024 };
    wgw_store_t       *store;
    wgw_store_write_t  write;

    store = fresh("full");
    put(store, "first.example", 1);
    wgw_store_close();

    fflush(stdout);

    if (fork() == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);

        store = wgw_store_open(path("full"), WGW_STORE_SYNC_META, &error);

        for (i = 0; i < 10000; i++) {
            snprintf(name, sizeof(name), "n%d.example", i);
            write = put(store, name, i);

            if (write.rc != WGW_STORE_OK) {
                break;
            }
        }

        _exit(i == 10000 ? 1
              : cap(store, "first.example") != 1 ? 2
              : cap(store, name) != -1 ? 3
              : 0);
    }

    wait(&i);
    ok(i == 0, "full: the change is refused, the rest is served (%d)", i);

    store = fresh("full");
    ok(cap(store, "first.example") == 1, "what was there is there");
    ok(put(store, "more.example", 5).rc == WGW_STORE_OK
       && cap(store, "more.example") == 5,
       "with room again changes are made");
    wgw_store_close();
}


/*
 * Writers put growing numbers under names of their own and say in shared
 * memory what was replied; they are killed at any time.  What was replied is
 * there, and no later number but the one then on its way.
 */

static void
writer(const char *name, volatile uint64_t *replied)
{
    uint64_t      n;
    wgw_store_t  *store;

    store = wgw_store_open(path("kill"), WGW_STORE_SYNC_META, &error);

    for (n = *replied + 1; store; n++) {
        if (put(store, name, n).rc != WGW_STORE_OK) {
            _exit(1);
        }

        *replied = n;
    }

    _exit(1);
}


static void
test_killed(void)
{
    int                 i, round, status, bad, dead;
    char                name[WRITERS][32];
    pid_t               pids[WRITERS];
    int64_t             found;
    wgw_store_t        *store;
    struct timespec     pause;
    volatile uint64_t  *replied;

    store = fresh("kill");

    replied = mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                   -1, 0);
    bad = 0;
    dead = 0;

    srand(7);
    wgw_store_close();
    fflush(stdout);

    for (round = 0; round < ROUNDS; round++) {

        for (i = 0; i < WRITERS; i++) {
            snprintf(name[i], sizeof(name[i]), "w%d.example", i);

            pids[i] = fork();

            if (pids[i] == 0) {
                writer(name[i], &replied[i]);
            }
        }

        pause.tv_sec = 0;
        pause.tv_nsec = 50000000 + rand() % 50000000;
        nanosleep(&pause, NULL);

        for (i = 0; i < WRITERS; i++) {
            kill(pids[i], SIGKILL);
            waitpid(pids[i], &status, 0);
            dead += WIFSIGNALED(status);
        }

        /* some rounds as workers that live on, some as a new start */

        store = round % 2 ? fresh("kill")
                : wgw_store_open(path("kill"), WGW_STORE_SYNC_META, &error);

        for (i = 0; i < WRITERS; i++) {
            found = cap(store, name[i]);

            if (found == -1) {
                found = 0;
            }

            if (found != (int64_t) replied[i]
                && found != (int64_t) replied[i] + 1)
            {
                bad++;
                printf("# %s: replied %lu, found %ld\n", name[i], replied[i],
                       found);
            }

            replied[i] = found;
        }

        if (put(store, "alive.example", round + 1).rc != WGW_STORE_OK) {
            printf("# %s\n", error.text);
            bad++;
        }

        wgw_store_close();
    }

    ok(dead == WRITERS * ROUNDS, "all writers were killed in the act");
    ok(replied[0] > ROUNDS, "after some work");
    ok(bad == 0, "nothing that was replied is lost, and nothing blocks");
}


/* What one process replied another one sees at once. */

static void
test_seen(void)
{
    int           i, to[2], from[2], stale;
    char          byte;
    wgw_store_t  *store;

    store = fresh("seen");
    wgw_store_close();

    if (pipe(to) == -1 || pipe(from) == -1) {
        exit(1);
    }

    fflush(stdout);

    if (fork() == 0) {
        store = wgw_store_open(path("seen"), WGW_STORE_SYNC_META, &error);

        for (i = 1; read(to[0], &byte, 1) == 1; i++) {
            byte = cap(store, "a.example") == i;

            if (write(from[1], &byte, 1) != 1 || i == 200) {
                break;
            }
        }

        _exit(0);
    }

    store = wgw_store_open(path("seen"), WGW_STORE_SYNC_META, &error);
    stale = 0;

    for (i = 1; i <= 200; i++) {
        put(store, "a.example", i);

        if (write(to[1], "x", 1) != 1 || read(from[0], &byte, 1) != 1) {
            stale++;
            break;
        }

        stale += !byte;
    }

    ok(stale == 0, "200 changes, none stale in another process");

    wait(NULL);
    wgw_store_close();
}


/* Row `n` of a set; "n0003.example" with a cap. */

static wgw_store_row_t
row(unsigned n, int64_t cap, uint32_t line)
{
    wgw_record_t  made = record((uint64_t) cap);

    static char     names[ROWS][16];
    static uint8_t  packed[ROWS][128];

    wgw_store_row_t  made_row;

    snprintf(names[n], sizeof(names[n]), "n%04u.example", n);

    made_row.name = text(names[n]);
    made_row.packed = cap < 0 ? NULL : packed[n];
    made_row.len = cap < 0 ? 0 : (uint32_t) wgw_record_pack(&made, packed[n]);
    made_row.line = line;

    return made_row;
}


static int64_t
row_cap(wgw_store_t *store, unsigned n)
{
    return cap(store, row(n, 0, 0).name.data);
}


static void
test_rows(void)
{
    wgw_store_t         *store;
    wgw_store_row_t      rows[3];
    wgw_store_counts_t   counts;

    store = fresh("rows");

    rows[0] = row(0, 1, 1);
    rows[1] = row(1, 1, 2);
    ok(wgw_store_write_rows(store, rows, 2, &counts, &error) == WGW_STORE_OK
       && counts.added == 2 && counts.changed == 0 && counts.deleted == 0,
       "rows: two are added");

    rows[0] = row(0, -1, 1);
    rows[1] = row(1, 2, 2);
    rows[2] = row(2, -1, 3);
    ok(wgw_store_write_rows(store, rows, 3, &counts, &error) == WGW_STORE_OK
       && counts.added == 0 && counts.changed == 1 && counts.deleted == 1,
       "one is deleted, one changed; deleting what is not there is nothing");
    ok(wgw_store_write_rows(store, rows, 3, &counts, &error) == WGW_STORE_OK
       && counts.added + counts.changed + counts.deleted == 0,
       "and the same again is nothing");
    ok(row_cap(store, 0) == -1 && row_cap(store, 1) == 2, "so it is there");

    rows[0] = row(0, 5, 1);
    rows[1] = row(1, 5, 2);
    rows[1].len = 20;
    ok(wgw_store_write_rows(store, rows, 2, &counts, &error)
       == WGW_STORE_FAILED,
       "one bad row: %s", error.text);
    ok(row_cap(store, 0) == -1 && row_cap(store, 1) == 2, "changes nothing");

    wgw_store_close();
}


/* Clears until it is done; returns the last code. */

static wgw_store_rc_t
clear(wgw_store_t *store, wgw_shadow_t *shadow, unsigned fill)
{
    unsigned        more;
    wgw_store_rc_t  rc;

    do {
        rc = wgw_shadow_clear(store, shadow, fill, &more, &error);
    } while (rc == WGW_STORE_OK && more);

    return rc;
}


static wgw_store_rc_t
begin(wgw_store_t *store, wgw_shadow_t *shadow)
{
    wgw_store_rc_t  rc;

    rc = wgw_shadow_start(store, shadow, &error);

    return rc == WGW_STORE_OK ? clear(store, shadow, 1) : rc;
}


static wgw_store_rc_t
load(wgw_store_t *store, wgw_shadow_t *shadow, unsigned n, int64_t cap,
    uint32_t line)
{
    wgw_store_row_t  one = row(n, cap, line);

    return wgw_shadow_load(store, shadow, &one, 1, &error);
}


/* What is in a database, by LMDB itself; the store must not be open. */

static long
entries(const char *directory, const char *name)
{
    long      n;
    MDB_env  *env;
    MDB_dbi   dbi;
    MDB_txn  *txn;
    MDB_val   key = { 7, "replace" };
    MDB_val   value;
    MDB_stat  st;

    mdb_env_create(&env);
    mdb_env_set_maxdbs(env, 4);
    mdb_env_set_mapsize(env, WGW_STORE_MAP);
    mdb_env_open(env, directory, MDB_RDONLY|MDB_NOLOCK, 0640);
    mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

    n = -1;

    if (mdb_dbi_open(txn, name, 0, &dbi) == 0
        && mdb_stat(txn, dbi, &st) == 0)
    {
        n = strcmp(name, "wgw") == 0 ? mdb_get(txn, dbi, &key, &value) == 0
                                     : (long) st.ms_entries;
    }

    mdb_txn_abort(txn);
    mdb_env_close(env);

    return n;
}


static void
test_replace(void)
{
    wgw_store_t         *store;
    wgw_shadow_t         shadow;
    wgw_store_write_t    same, before;
    wgw_store_counts_t   counts;

    store = fresh("replace");

    put(store, "n0000.example", 1);
    same = put(store, "n0001.example", 1);
    before = put(store, "n0002.example", 1);

    ok(begin(store, &shadow) == WGW_STORE_OK, "replace: begun");
    ok(load(store, &shadow, 1, 1, 1) == WGW_STORE_OK
       && load(store, &shadow, 2, 2, 2) == WGW_STORE_OK
       && load(store, &shadow, 3, 2, 3) == WGW_STORE_OK
       && shadow.duplicate == 0,
       "loaded");
    ok(row_cap(store, 0) == 1 && row_cap(store, 1) == 1
       && row_cap(store, 2) == 1 && row_cap(store, 3) == -1,
       "what is served is the old set");

    ok(wgw_shadow_flip(store, &shadow, &counts, &error) == WGW_STORE_OK,
       "flipped");
    ok(counts.added == 1 && counts.changed == 1 && counts.deleted == 1,
       "one name is new, one changed, one gone");
    ok(row_cap(store, 0) == -1 && row_cap(store, 1) == 1
       && row_cap(store, 2) == 2 && row_cap(store, 3) == 2,
       "what is served is the new set");

    ok(put(store, "n0001.example", 1).change == same.change,
       "what did not change has its id");
    ok(put(store, "n0002.example", 2).change > before.change,
       "what did has another");

    ok(clear(store, &shadow, 0) == WGW_STORE_OK, "tidied");
    ok(clear(store, &shadow, 0) == WGW_STORE_TAKEN, "which ends it");

    /* a name twice */

    ok(begin(store, &shadow) == WGW_STORE_OK
       && load(store, &shadow, 1, 1, 1) == WGW_STORE_OK
       && load(store, &shadow, 2, 1, 2) == WGW_STORE_OK
       && load(store, &shadow, 1, 1, 4) == WGW_STORE_OK
       && load(store, &shadow, 2, 1, 3) == WGW_STORE_OK
       && shadow.duplicate == 3,
       "the first line with a name again is noted");
    ok(clear(store, &shadow, 0) == WGW_STORE_OK && row_cap(store, 2) == 2,
       "given up: nothing is changed");

    /* an empty set */

    ok(begin(store, &shadow) == WGW_STORE_OK
       && wgw_shadow_flip(store, &shadow, &counts, &error) == WGW_STORE_OK
       && counts.deleted == 3 && row_cap(store, 1) == -1,
       "a set without names");
    ok(clear(store, &shadow, 0) == WGW_STORE_OK, "tidied");

    wgw_store_close();

    ok(entries(path("replace"), "wgw") == 0
       && entries(path("replace"), "names.0") == 0
       && entries(path("replace"), "names.1") == 0
       && entries(path("replace"), "kept") == 0,
       "nothing is left of it all");
}


static void
test_taken(void)
{
    unsigned             more;
    wgw_store_t         *store;
    wgw_shadow_t         first, second;
    wgw_store_counts_t   counts;

    store = fresh("taken");
    put(store, "n0000.example", 1);

    begin(store, &first);
    load(store, &first, 1, 1, 1);

    ok(wgw_shadow_start(store, &second, &error) == WGW_STORE_OK,
       "taken: a second replace");
    ok(load(store, &first, 2, 1, 2) == WGW_STORE_TAKEN,
       "the first one can load no more: %s", error.text);
    ok(wgw_shadow_flip(store, &first, &counts, &error) == WGW_STORE_TAKEN
       && wgw_shadow_clear(store, &first, 0, &more, &error)
          == WGW_STORE_TAKEN,
       "nor flip nor clear");
    ok(clear(store, &second, 1) == WGW_STORE_OK
       && load(store, &second, 3, 3, 1) == WGW_STORE_OK
       && wgw_shadow_flip(store, &second, &counts, &error) == WGW_STORE_OK
       && counts.added == 1 && counts.deleted == 1,
       "the second is made");
    ok(clear(store, &first, 0) == WGW_STORE_TAKEN
       && clear(store, &second, 0) == WGW_STORE_OK
       && clear(store, &first, 0) == WGW_STORE_TAKEN,
       "and tidied by itself alone");
    ok(row_cap(store, 1) == -1 && row_cap(store, 3) == 3,
       "nothing of the first one is there");

    wgw_store_close();
}


/*
 * Changes while a replace goes on, by chance, against what they ought to
 * give: the newer change stays, and the counts are what readers see.
 */

static void
chance(wgw_store_t *store, unsigned round, unsigned *bad)
{
    int64_t              value, now[NAMES], old[NAMES], set[NAMES];
    uint64_t             added, changed, deleted;
    unsigned             i, n, filling, loaded[NAMES], touched[NAMES];
    wgw_shadow_t         shadow;
    wgw_store_row_t      one;
    wgw_store_counts_t   counts;

    for (i = 0; i < NAMES; i++) {
        now[i] = row_cap(store, i);
        set[i] = -1;
        loaded[i] = 0;
        touched[i] = 0;
    }

    filling = begin(store, &shadow) == WGW_STORE_OK;

    for (i = 0; filling && i < 40; i++) {
        n = (unsigned) rand() % NAMES;

        if (rand() % 2 && !loaded[n]) {
            value = rand() % 3;
            one = row(n, value, i + 1);
            loaded[n] = 1;

            *bad += wgw_shadow_load(store, &shadow, &one, 1, &error)
                    != WGW_STORE_OK;

            if (!touched[n]) {
                set[n] = value;
            }

            continue;
        }

        if (rand() % 3) {
            now[n] = rand() % 3;
            set[n] = now[n];
            touched[n] = 1;
            put(store, row(n, 0, 0).name.data, (uint64_t) now[n]);

        } else if (now[n] != -1) {
            one = row(n, -1, 0);
            now[n] = -1;
            set[n] = -1;
            touched[n] = 1;
            *bad += wgw_store_write_rows(store, &one, 1, &counts, &error)
                    != WGW_STORE_OK;
        }
    }

    added = changed = deleted = 0;

    for (i = 0; i < NAMES; i++) {
        old[i] = row_cap(store, i);
        *bad += old[i] != now[i];
        added += old[i] == -1 && set[i] != -1;
        deleted += old[i] != -1 && set[i] == -1;
        changed += old[i] != -1 && set[i] != -1 && old[i] != set[i];
    }

    *bad += wgw_shadow_flip(store, &shadow, &counts, &error) != WGW_STORE_OK
            || counts.added != added || counts.changed != changed
            || counts.deleted != deleted || shadow.duplicate != 0;

    for (i = 0; i < NAMES; i++) {
        if (row_cap(store, i) != set[i]) {
            printf("# round %u: name %u is %ld, not %ld\n", round, i,
                   (long) row_cap(store, i), (long) set[i]);
            *bad += 1;
        }
    }

    *bad += clear(store, &shadow, 0) != WGW_STORE_OK;
}


static void
test_chance(void)
{
    unsigned      round, bad;
    wgw_store_t  *store;

    store = wgw_store_create(path("chance"), geteuid(), getegid(), &error)
            == WGW_STORE_OK
            ? wgw_store_open(path("chance"), WGW_STORE_SYNC_OFF, &error)
            : NULL;

    if (store == NULL) {
        ok(0, "chance: %s", error.text);
        return;
    }

    srand(11);
    bad = 0;

    for (round = 0; round < STEPS / 40; round++) {
        chance(store, round, &bad);
    }

    ok(bad == 0, "%u replaces with changes meanwhile: the newer one stays",
       round);

    wgw_store_close();
}


/* A change before a row and one after it do not hide that it is there twice. */

static void
test_kept_twice(void)
{
    wgw_store_t   *store;
    wgw_shadow_t   shadow;

    store = fresh("twice");

    begin(store, &shadow);
    put(store, "n0000.example", 9);
    load(store, &shadow, 0, 1, 1);
    ok(shadow.duplicate == 0, "a changed name's only row is no duplicate");
    load(store, &shadow, 0, 1, 2);
    ok(shadow.duplicate == 2, "its second one is");

    begin(store, &shadow);
    load(store, &shadow, 1, 1, 1);
    put(store, "n0001.example", 9);
    load(store, &shadow, 1, 1, 2);
    ok(shadow.duplicate == 2, "also with the change between them");

    clear(store, &shadow, 0);
    wgw_store_close();
}


/* Replaces the set for ever, with a number as every cap. */

static void
replacer(volatile uint64_t *replied)
{
    unsigned             n, i;
    uint64_t             round;
    wgw_store_t         *store;
    wgw_shadow_t         shadow;
    wgw_store_row_t      rows[ROWS];
    wgw_store_counts_t   counts;

    store = wgw_store_open(path("torn"), WGW_STORE_SYNC_META, &error);

    for (round = *replied + 1; store; round++) {

        for (n = 0; n < ROWS; n++) {
            rows[n] = row(n, (int64_t) round, n + 1);
        }

        if (begin(store, &shadow) != WGW_STORE_OK) {
            _exit(1);
        }

        for (i = 0; i < ROWS; i += 50) {
            if (wgw_shadow_load(store, &shadow, rows + i, 50, &error)
                != WGW_STORE_OK)
            {
                _exit(2);
            }
        }

        if (wgw_shadow_flip(store, &shadow, &counts, &error) != WGW_STORE_OK) {
            _exit(3);
        }

        *replied = round;

        if (clear(store, &shadow, 0) != WGW_STORE_OK) {
            _exit(4);
        }
    }

    _exit(5);
}


/* The number that all the names have in one snapshot, or -1. */

static int64_t
whole(wgw_store_t *store)
{
    size_t        len, n;
    char          name[WGW_NAME_MAX];
    int64_t       number;
    uint64_t      id;
    wgw_text_t    after, packed;
    wgw_record_t  made;

    number = 0;
    after = text("");

    if (wgw_store_begin(store, &id, &error) != WGW_STORE_OK) {
        return -1;
    }

    for (n = 0;
         wgw_store_next(store, after, name, &len, &packed, &error)
         == WGW_STORE_OK;
         n++)
    {
        if (wgw_record_unpack(&made, (const uint8_t *) packed.data,
                              packed.len)
            != 0
            || (n && number != (int64_t) made.cap_bytes))
        {
            number = -1;
            break;
        }

        number = (int64_t) made.cap_bytes;
        after = (wgw_text_t) { name, len };
    }

    wgw_store_end(store);

    return n == ROWS || (n == 0 && number == 0) ? number : -1;
}


static int64_t
milliseconds(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);

    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


static void
test_torn(void)
{
    int                 round, status, bad;
    long                left;
    pid_t               pid;
    int64_t             found;
    int64_t             end;
    uint64_t            looks, before;
    wgw_store_t        *store;
    volatile uint64_t  *replied;

    store = fresh("torn");
    wgw_store_close();

    replied = mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                   -1, 0);
    bad = 0;
    left = 0;
    looks = 0;

    srand(5);

    for (round = 0; round < ROUNDS; round++) {
        fflush(stdout);
        pid = fork();

        if (pid == 0) {
            replacer(replied);
        }

        store = wgw_store_open(path("torn"), WGW_STORE_SYNC_META, &error);

        before = *replied;
        end = milliseconds() + 50 + rand() % 50;

        /* on a machine that is busy with other things, longer */

        do {
            looks++;
            bad += whole(store) == -1;
        } while (milliseconds() < end
                 || (milliseconds() < end + 30000
                     && (*replied == before || looks % 16 != 0)));

        if (round == ROUNDS - 1) {
            wgw_store_close();
            ok(wgw_store_create(path("torn"), geteuid(), getegid(), &error)
               == WGW_STORE_OK
               && waitpid(pid, &status, WNOHANG) == 0,
               "a start leaves the replace of a live process alone");
            store = wgw_store_open(path("torn"), WGW_STORE_SYNC_META, &error);
            nanosleep(&(struct timespec) { 0, 50000000 }, NULL);
        }

        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        bad += !WIFSIGNALED(status);

        found = whole(store);

        if (found != (int64_t) *replied && found != (int64_t) *replied + 1) {
            printf("# replied %lu, found %ld\n", *replied, (long) found);
            bad++;
        }

        *replied = (uint64_t) found;

        wgw_store_close();

        /* some rounds as workers that live on, some as a new start */

        if (round % 2) {
            left += entries(path("torn"), "wgw");
            fresh("torn");
            wgw_store_close();

            if (entries(path("torn"), "wgw") != 0
                || entries(path("torn"), "kept") != 0
                || entries(path("torn"), "names.0")
                   + entries(path("torn"), "names.1") != ROWS)
            {
                printf("# a start leaves something\n");
                bad++;
            }
        }
    }

    ok(*replied >= ROUNDS && looks > ROUNDS * 10,
       "%lu replaces, %lu looks", *replied, looks);
    ok(left > 0, "some were killed in the middle");
    ok(bad == 0, "each look and each kill finds one whole set");
}


/* There is no room for the second set. */

static void
test_full_replace(void)
{
    int               i, status;
    unsigned          n;
    wgw_store_t      *store;
    wgw_shadow_t      shadow;
    struct rlimit     limit = { 128 * 1024, 128 * 1024 };
    wgw_store_rc_t    rc;
    wgw_store_row_t   rows[ROWS];

    store = fresh("full_replace");
    put(store, "first.example", 1);
    wgw_store_close();

    fflush(stdout);

    if (fork() == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);

        store = wgw_store_open(path("full_replace"), WGW_STORE_SYNC_META,
                               &error);
        rc = begin(store, &shadow);

        for (i = 0; rc == WGW_STORE_OK && i < 100; i++) {

            for (n = 0; n < ROWS; n++) {
                rows[n] = row(n, 1, n + 1);
                snprintf((char *) rows[n].name.data, 16, "n%02d%02x%u", i,
                         n % 256, n / 256);
                rows[n].name.len = strlen(rows[n].name.data);
            }

            rc = wgw_shadow_load(store, &shadow, rows, ROWS, &error);
        }

        printf("# %s, after %d loads\n", error.text, i);
        fflush(stdout);

        _exit(rc != WGW_STORE_FULL ? 1
              : cap(store, "first.example") != 1 ? 2
              : clear(store, &shadow, 0) != WGW_STORE_OK ? 3
              : put(store, "first.example", 2).rc != WGW_STORE_OK ? 4
              : 0);
    }

    wait(&status);
    ok(status == 0, "full: the set is refused and dropped (%d)", status);
    ok(entries(path("full_replace"), "wgw") == 0
       && entries(path("full_replace"), "names.1") == 0,
       "nothing is left of it");

    store = fresh("full_replace");
    ok(cap(store, "first.example") == 2, "what was there is there");
    wgw_store_close();
}


/* A store that was copied and compacted: LMDB counts from 1 again. */

static void
compact(const char *from, const char *to)
{
    MDB_env  *env;

    mkdir(path(to), 0750);

    mdb_env_create(&env);
    mdb_env_open(env, path(from), MDB_RDONLY, 0640);
    ok(mdb_env_copy2(env, path(to), MDB_CP_COMPACT) == 0, "compacted");
    mdb_env_close(env);
}


static void
test_compacted(void)
{
    int                  i;
    char                 name[32];
    uint64_t             id;
    wgw_store_t         *store;
    wgw_store_write_t    write, later;
    wgw_store_closed_t   at;

    store = fresh("long");

    for (i = 0; i < 50; i++) {
        put(store, "a.example", (uint64_t) i + 1);

        snprintf(name, sizeof(name), "%d.example", i);
        put(store, name, 7);
    }

    memset(&write, 0, sizeof(write));
    write.name = text("49.example");
    write.close = 1;
    wgw_store_write(store, &write, &error);

    wgw_store_close();
    compact("long", "short");

    store = fresh("short");

    ok(cap(store, "a.example") == 50 && cap(store, "0.example") == 7,
       "the records are there");

    wgw_store_begin(store, &id, &error);
    wgw_store_end(store);

    write = put(store, "a.example", 50);
    ok(write.change <= id, "none has an id that is to come (%d, %d)",
       (int) write.change, (int) id);

    later = put(store, "a.example", 51);
    ok(later.change > write.change, "the next change has another");

    at.id = 1;
    at.len = 0;

    wgw_store_begin(store, &id, &error);
    ok(wgw_store_closed(store, &at, &error) == WGW_STORE_NONE,
       "deletions of before are forgotten");
    wgw_store_end(store);

    wgw_store_close();

    store = fresh("short");
    ok(put(store, "a.example", 51).change == later.change,
       "and the next start changes nothing");
    wgw_store_close();
}


int
main(int argc, char **argv)
{
    int   rc;
    char  command[300];

    if (argc == 3) {
        return other(argv[2]);
    }

    if (mkdtemp(root) == NULL) {
        return 1;
    }

    test_files();
    test_refused();
    test_changes();
    test_held();
    test_order();
    test_closed();
    test_compacted();
    test_full();
    test_killed();
    test_seen();
    test_rows();
    test_replace();
    test_taken();
    test_kept_twice();
    test_chance();
    test_torn();
    test_full_replace();

    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    rc = system(command);
    ok(rc == 0, "cleaned");

    return done();
}
