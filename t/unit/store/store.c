
/*
 * A store: made, checked, read, changed by many processes, some killed.
 */

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "t/unit/store/store.h"


#define WRITERS  4
#define ROUNDS   12


static void
test_files(void)
{
    struct stat   st;
    wgw_store_t  *store;

    ok(wgw_store_check(&wgw_rows_class, path("none"), &error) == WGW_STORE_OK,
       "a store that is not there yet passes the check");
    ok(stat(path("none"), &st) == -1, "and is not made by it");

    store = fresh("files");

    ok(stat(path("files"), &st) == 0 && (st.st_mode & 07777) == 0750,
       "directory 0750");
    ok(stat(path("files/data.mdb"), &st) == 0 && (st.st_mode & 07777) == 0640,
       "data.mdb 0640");
    ok(stat(path("files/lock.mdb"), &st) == 0 && (st.st_mode & 07777) == 0640,
       "lock.mdb 0640");

    ok(wgw_store_open(&wgw_rows_class, path("files"),
                      WGW_STORE_SYNC_META, &error) == store,
       "a process opens a path once");
    ok(wgw_store_open(&wgw_rows_class, path("./files"),
                      WGW_STORE_SYNC_META, &error) == store,
       "however it is spelled");
    ok(wgw_store_create(&wgw_rows_class, path("files"),
                        geteuid(), getegid(), &error)
       == WGW_STORE_OK,
       "a master without workers leaves the open one alone");

    put(store, "a.example", 1);
    wgw_store_close();

    store = fresh("files");
    ok(cap(store, "a.example") == 1, "kept");
    wgw_store_close();

    unlink(path("files/lock.mdb"));
    ok(wgw_store_check(&wgw_rows_class, path("files"), &error) == WGW_STORE_OK
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

    ok(wgw_store_check(&wgw_rows_class, path("newer"),
                       &error) == WGW_STORE_FAILED
       && strstr(error.text, "has format 7"),
       "a newer format is refused by the check: %s", error.text);
    ok(wgw_store_create(&wgw_rows_class, path("newer"),
                        geteuid(), getegid(), &error)
       == WGW_STORE_FAILED,
       "and at start: %s", error.text);

    mkdir(path("foreign"), 0750);
    memset(noise, 'x', sizeof(noise));
    fd = open(path("foreign/data.mdb"), O_CREAT|O_WRONLY, 0640);
    ok(write(fd, noise, sizeof(noise)) == sizeof(noise), "a foreign file");
    close(fd);

    ok(wgw_store_check(&wgw_rows_class, path("foreign"),
                       &error) == WGW_STORE_FAILED,
       "is refused by the check: %s", error.text);
    ok(wgw_store_create(&wgw_rows_class, path("foreign"),
                        geteuid(), getegid(), &error)
       == WGW_STORE_FAILED,
       "and at start: %s", error.text);

    fd = open(path("foreign/data.mdb"), O_RDONLY);
    ok(read(fd, noise, sizeof(noise)) == sizeof(noise)
       && noise[0] == 'x' && noise[8191] == 'x',
       "and is as it was");
    close(fd);

    ok(wgw_store_open(&wgw_rows_class, path("nowhere"),
                      WGW_STORE_SYNC_META, &error) == NULL,
       "a worker makes no store: %s", error.text);

    fresh("linked");
    wgw_store_close();
    unlink(path("linked/lock.mdb"));
    ok(symlink("../foreign/data.mdb", path("linked/lock.mdb")) == 0, "a link");

    ok(wgw_store_create(&wgw_rows_class, path("linked"),
                        geteuid(), getegid(), &error)
       == WGW_STORE_FAILED,
       "in the place of a file is refused: %s", error.text);

    fd = open(path("foreign/data.mdb"), O_RDONLY);
    ok(read(fd, noise, sizeof(noise)) == sizeof(noise) && noise[0] == 'x',
       "and what it leads to is as it was");
    close(fd);
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
held_pages(wgw_store_t *store)
{
    off_t  free, pinned;

    growth(store, 1);
    free = growth(store, 1);
    pinned = growth(store, 0);
    ok(free == 0 && pinned > 1000000,
       "pages are used again once it ended: %ld, %ld bytes more",
       (long) free, (long) pinned);
}


static void
test_held(void)
{
    int                 status;
    pid_t               pid;
    uint64_t            id, again;
    wgw_text_t          packed;
    wgw_store_t        *store;
    write_t             write;

    pid = fork();

    if (pid == 0) {
        store = fresh("held");
        put(store, "a.example", 1);
        _exit(0);
    }

    waitpid(pid, &status, 0);

    store = wgw_store_open(&wgw_rows_class, path("held"),
                           WGW_STORE_SYNC_META, &error);

    id = hold(store);
    ok(wgw_store_begin(store, &again, &error) == WGW_STORE_OK && again == id,
       "a look that is held goes on");
    ok(wgw_store_get(store, WGW_ROWS, text("a.example"), &packed, &error)
       == WGW_STORE_OK,
       "in its snapshot");
    wgw_store_hold(store);

    write = put(store, "a.example", 2);
    ok(hold(store) == write.row.change && cap(store, "a.example") == 2,
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

    held_pages(store);

    wgw_store_close();
}


/* What another process does in test_held(). */

static int
other(const char *store)
{
    return put(wgw_store_open(&wgw_rows_class, store,
                              WGW_STORE_SYNC_META, &error),
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
    size_t         shorter;
    uint64_t       id;
    unsigned       i, found, listed;
    wgw_text_t     key, last, packed;
    wgw_store_t   *store;

    store = fresh("order");

    for (i = 0; i < ROWS; i++) {
        put(store, alike(i), 1);
    }

    for (found = 0, i = 0; i < ROWS; i++) {
        found += cap(store, alike(i)) == 1;
    }

    ok(found == ROWS, "names that begin alike are found");

    last = text("");
    listed = 0;
    disorder = 0;

    wgw_store_begin(store, &id, &error);

    while (wgw_store_next(store, WGW_ROWS, last, &key, &packed, &error)
           == WGW_STORE_OK)
    {
        shorter = key.len < last.len ? key.len : last.len;
        i = memcmp(last.data, key.data, shorter) > 0;

        disorder += i || (memcmp(last.data, key.data, shorter) == 0
                          && key.len <= last.len);

        last = key;
        listed++;
    }

    wgw_store_end(store);
    ok(listed > 100 && disorder == 0, "%u are listed in byte order", listed);

    wgw_store_close();

    ok(found_plainly(ROWS) == ROWS, "and are where LMDB expects them");
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
    write_t    write, later;
    wgw_rows_closed_t   at;

    store = fresh("long");

    for (i = 0; i < 50; i++) {
        put(store, "a.example", (uint64_t) i + 1);

        snprintf(name, sizeof(name), "%d.example", i);
        put(store, name, 7);
    }

    memset(&write, 0, sizeof(write));
    write.row.name = text("49.example");
    write.row.close = 1;
    write_list(store, &write, 1);

    wgw_store_close();
    compact("long", "short");

    store = fresh("short");

    ok(cap(store, "a.example") == 50 && cap(store, "0.example") == 7,
       "the records are there");

    wgw_store_begin(store, &id, &error);
    wgw_store_end(store);

    write = put(store, "a.example", 50);
    ok(write.row.change <= id, "none has an id that is to come (%d, %d)",
       (int) write.row.change, (int) id);

    later = put(store, "a.example", 51);
    ok(later.row.change > write.row.change, "the next change has another");

    at.id = 1;
    at.len = 0;

    wgw_store_begin(store, &id, &error);
    ok(wgw_rows_closed(store, &at, &error) == WGW_STORE_NONE,
       "deletions of before are forgotten");
    wgw_store_end(store);

    wgw_store_close();

    store = fresh("short");
    ok(put(store, "a.example", 51).row.change == later.row.change,
       "and the next start changes nothing");
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
    write_t  write;

    store = fresh("full");
    put(store, "first.example", 1);
    wgw_store_close();

    fflush(stdout);

    if (fork() == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);

        store = wgw_store_open(&wgw_rows_class, path("full"),
                               WGW_STORE_SYNC_META, &error);

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

    store = wgw_store_open(&wgw_rows_class, path("kill"),
                           WGW_STORE_SYNC_META, &error);

    for (n = *replied + 1; store; n++) {
        if (put(store, name, n).rc != WGW_STORE_OK) {
            _exit(1);
        }

        *replied = n;
    }

    _exit(1);
}


/* Starts the writers, and kills them at any moment; how many died of it. */

static int
killed_writers(char name[WRITERS][32], volatile uint64_t *replied)
{
    int              i, status, dead;
    pid_t            pids[WRITERS];
    struct timespec  pause;

    for (i = 0; i < WRITERS; i++) {
        snprintf(name[i], 32, "w%d.example", i);

        pids[i] = fork();

        if (pids[i] == 0) {
            writer(name[i], &replied[i]);
        }
    }

    pause.tv_sec = 0;
    pause.tv_nsec = 50000000 + rand() % 50000000;
    nanosleep(&pause, NULL);

    dead = 0;

    for (i = 0; i < WRITERS; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], &status, 0);
        dead += WIFSIGNALED(status);
    }

    return dead;
}


/* What was replied to is there, and at most what was not yet; 1: it is not. */

static int
lost(const char *name, int64_t found, volatile uint64_t *replied)
{
    int  bad;

    if (found == -1) {
        found = 0;
    }

    bad = found != (int64_t) *replied && found != (int64_t) *replied + 1;

    if (bad) {
        printf("# %s: replied %lu, found %ld\n", name, *replied,
               (long) found);
    }

    *replied = (uint64_t) found;

    return bad;
}


static void
test_killed(void)
{
    int                 i, round, bad, dead;
    char                name[WRITERS][32];
    wgw_store_t        *store;
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

        dead += killed_writers(name, replied);

        /* some rounds as workers that live on, some as a new start */

        store = round % 2 ? fresh("kill")
                : wgw_store_open(&wgw_rows_class, path("kill"),
                                 WGW_STORE_SYNC_META, &error);

        for (i = 0; i < WRITERS; i++) {
            bad += lost(name[i], cap(store, name[i]), &replied[i]);
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
        store = wgw_store_open(&wgw_rows_class, path("seen"),
                               WGW_STORE_SYNC_META, &error);

        for (i = 1; read(to[0], &byte, 1) == 1; i++) {
            byte = cap(store, "a.example") == i;

            if (write(from[1], &byte, 1) != 1 || i == 200) {
                break;
            }
        }

        _exit(0);
    }

    store = wgw_store_open(&wgw_rows_class, path("seen"),
                           WGW_STORE_SYNC_META, &error);
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


int
main(int argc, char **argv)
{
    if (argc == 3) {
        return other(argv[2]);
    }

    if (mkdtemp(root) == NULL) {
        return 1;
    }

    test_files();
    test_refused();
    test_held();
    test_order();
    test_compacted();
    test_full();
    test_killed();
    test_seen();

    return done_in(root);
}
