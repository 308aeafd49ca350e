
/*
 * The store of names: made, checked, changed by many processes, some killed.
 *
 * sources: text name addr json record record_packed store
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

#include "tap.h"
#include "src/store.h"


#define WRITERS  4
#define ROUNDS   12


static char               root[] = "/tmp/wgw-store.XXXXXX";
static wgw_store_error_t  error;


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
    mdb_env_set_maxdbs(env, 3);
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


int
main(void)
{
    int   rc;
    char  command[300];

    if (mkdtemp(root) == NULL) {
        return 1;
    }

    test_files();
    test_refused();
    test_changes();
    test_full();
    test_killed();
    test_seen();

    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    rc = system(command);
    ok(rc == 0, "cleaned");

    return done();
}
