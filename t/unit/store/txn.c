
/*
 * Transactions: on a full disk, and of processes that are killed.
 */

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "t/unit/store/store.h"


#define WRITERS  4
#define ROUNDS   12


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


int
main(void)
{
    if (mkdtemp(root) == NULL) {
        return 1;
    }

    test_full();
    test_killed();

    return done_in(root);
}
