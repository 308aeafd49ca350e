
/*
 * A writer that is killed at every step: before and after each call in which
 * LMDB takes or gives its lock, writes or syncs.  Whatever the step, other
 * processes see the whole change or nothing of it, and go on changing.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/unit/tap.h"
#include "names/rows.h"
#include "store/make.h"
#include "store/shadow.h"


#define NAMES  40
#define STEPS  2000             /* more than there are */


static char               root[] = "/tmp/wgw-steps.XXXXXX";
static char               path[64];
static long               left = -1;    /* steps to live; -1: for ever */
static wgw_store_error_t  error;


static void
step(void)
{
    if (left > 0 && --left == 0) {
        kill(getpid(), SIGKILL);
    }
}


/* These stand before libc's, for liblmdb too. */

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
    ssize_t  n;

    step();
    n = syscall(SYS_pwrite64, fd, data, size, offset);
    step();

    return n;
}


ssize_t
pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return pwrite(fd, data, size, offset);
}


ssize_t
pwritev(int fd, const struct iovec *vec, int n, off_t offset)
{
    ssize_t  size;

    step();
    size = syscall(SYS_pwritev, fd, vec, n, offset, 0);
    step();

    return size;
}


ssize_t
pwritev64(int fd, const struct iovec *vec, int n, off_t offset)
{
    return pwritev(fd, vec, n, offset);
}


ssize_t
writev(int fd, const struct iovec *vec, int n)
{
    ssize_t  size;

    step();
    size = syscall(SYS_writev, fd, vec, n);
    step();

    return size;
}


int
fdatasync(int fd)
{
    int  rc;

    step();
    rc = syscall(SYS_fdatasync, fd);
    step();

    return rc;
}


int
pthread_mutex_lock(pthread_mutex_t *mutex)
{
    int           rc;
    static int  (*next)(pthread_mutex_t *);

    if (next == NULL) {
        next = (int (*)(pthread_mutex_t *)) dlsym(RTLD_NEXT,
                                                  "pthread_mutex_lock");
    }

    step();
    rc = next(mutex);
    step();

    return rc;
}


int
pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int           rc;
    static int  (*next)(pthread_mutex_t *);

    if (next == NULL) {
        next = (int (*)(pthread_mutex_t *)) dlsym(RTLD_NEXT,
                                                  "pthread_mutex_unlock");
    }

    step();
    rc = next(mutex);
    step();

    return rc;
}


static void
record_of(wgw_record_t *record, uint64_t cap)
{
    memset(record, 0, sizeof(wgw_record_t));

    record->verify = 1;
    record->cap_bytes = cap;
    record->nbackends = 1;
    record->backends[0].family = 4;
    record->backends[0].port = 80;
    record->backends[0].addr[0] = 192;
}


/* Gives all the names this number, in one transaction. */

static wgw_store_rc_t
put(wgw_store_t *store, uint64_t cap)
{
    int                i;
    char               names[NAMES][32];
    wgw_record_t       record;
    wgw_txn_t          t;
    wgw_rows_write_t   writes[NAMES];

    record_of(&record, cap);
    memset(writes, 0, sizeof(writes));
    wgw_txn_begin(&t, store);

    for (i = 0; i < NAMES; i++) {
        snprintf(names[i], sizeof(names[i]), "n%02d.example", i);

        writes[i].name = (wgw_text_t) { names[i], strlen(names[i]) };
        writes[i].record = &record;
        (void) wgw_rows_write(&t, &writes[i]);
    }

    return wgw_txn_end(&t, &error);
}


/* The same by a replace of the whole set. */

static wgw_store_rc_t
replace(wgw_store_t *store, uint64_t cap)
{
    int                 i;
    char                names[NAMES][32];
    uint8_t             packed[WGW_RECORD_PACKED];
    unsigned            more;
    wgw_record_t        record;
    wgw_shadow_t        shadow;
    wgw_store_rc_t      rc;
    wgw_store_row_t     rows[NAMES];
    wgw_store_counts_t  counts;

    record_of(&record, cap);

    for (i = 0; i < NAMES; i++) {
        snprintf(names[i], sizeof(names[i]), "n%02d.example", i);

        rows[i].key = (wgw_text_t) { names[i], strlen(names[i]) };
        rows[i].value.data = (char *) packed;
        rows[i].value.len = wgw_record_pack(&record, packed);
        rows[i].line = (uint32_t) i + 1;
    }

    rc = wgw_shadow_start(store, &shadow, &error);

    for (more = 1; rc == WGW_STORE_OK && more; /* void */) {
        rc = wgw_shadow_clear(store, &shadow, 1, &more, &error);
    }

    if (rc == WGW_STORE_OK) {
        rc = wgw_shadow_load(store, &shadow, rows, NAMES, &error);
    }

    if (rc == WGW_STORE_OK) {
        rc = wgw_shadow_flip(store, &shadow, &counts, &error);
    }

    for (more = 1; rc == WGW_STORE_OK && more; /* void */) {
        rc = wgw_shadow_clear(store, &shadow, 0, &more, &error);
    }

    return rc;
}


/* The number that all the names have in one snapshot; -1: none or several. */

static int64_t
served(wgw_store_t *store)
{
    size_t        n;
    int64_t       number;
    uint64_t      id;
    wgw_text_t    after, packed;
    wgw_record_t  record;

    if (wgw_store_begin(store, &id, &error) != WGW_STORE_OK) {
        return -1;
    }

    number = -1;
    after = wgw_text("");

    for (n = 0;
         wgw_store_next(store, WGW_ROWS, after, &after, &packed, &error)
         == WGW_STORE_OK;
         n++)
    {
        if (wgw_record_unpack(&record, (const uint8_t *) packed.data,
                              packed.len)
            != 0
            || (n && number != (int64_t) record.cap_bytes))
        {
            n = NAMES + 1;
            break;
        }

        number = (int64_t) record.cap_bytes;
    }

    wgw_store_end(store);

    return n == NAMES ? number : -1;
}


/*
 * One process writes `number`, and is killed at a step; it tells `*replied`
 * when the change is made.  Returns 1 if it lived.
 */

static int
write_until(long steps, wgw_store_rc_t (*write)(wgw_store_t *, uint64_t),
    uint64_t number, volatile uint64_t *replied)
{
    int           status;
    pid_t         pid;
    wgw_store_t  *store;

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        store = wgw_store_open(&wgw_rows_class, path,
                               WGW_STORE_SYNC_META, &error);
        left = steps;

        if (store == NULL || write(store, number) != WGW_STORE_OK) {
            _exit(1);
        }

        *replied = number;
        _exit(0);
    }

    waitpid(pid, &status, 0);

    if (WIFEXITED(status) && WEXITSTATUS(status)) {
        ok(0, "step %ld: the writer failed", steps);
    }

    return WIFEXITED(status);
}


/* What another process sees after the kill, and whether it can write. */

static int
look(int64_t *found, wgw_store_rc_t (*write)(wgw_store_t *, uint64_t),
    uint64_t next)
{
    int           status;
    pid_t         pid;
    wgw_store_t  *store;

    pid = fork();

    if (pid == 0) {
        store = wgw_store_open(&wgw_rows_class, path,
                               WGW_STORE_SYNC_META, &error);

        if (store == NULL) {
            _exit(1);
        }

        *found = served(store);

        _exit(write(store, next) != WGW_STORE_OK
              || served(store) != (int64_t) next);
    }

    waitpid(pid, &status, 0);

    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}


/* `fresh`: each time by a new start, as after a kill of all. */

static void
test_steps(const char *what, int fresh,
    wgw_store_rc_t (*write)(wgw_store_t *, uint64_t), int64_t *found,
    volatile uint64_t *replied)
{
    int       lived, torn, stuck, lost, old, new;
    long      steps;
    uint64_t  number;

    torn = stuck = lost = old = new = lived = 0;
    number = 1;

    if (write_until(-1, write, number, replied) != 1) {
        return;
    }

    for (steps = 1; !lived && steps < STEPS; steps++) {
        lived = write_until(steps, write, number + 1, replied);

        if (fresh
            && wgw_store_create(&wgw_rows_class, path,
                                geteuid(), getegid(), &error)
               != WGW_STORE_OK)
        {
            printf("# step %ld: %s\n", steps, error.text);
            stuck++;
        }

        *found = -1;
        stuck += !look(found, write, number + 2);

        old += *found == (int64_t) number;
        new += *found == (int64_t) number + 1;
        torn += *found != (int64_t) number && *found != (int64_t) number + 1;
        lost += *replied == number + 1 && *found != (int64_t) number + 1;

        number += 2;
    }

    ok(lived && steps > 10, "%s: killed at each of %ld steps", what,
       steps - 2);
    ok(old > 2 && new > 1, "%s: %d times as before, %d times done", what, old,
       new);
    ok(torn == 0, "%s: never a part of it", what);
    ok(lost == 0, "%s: what was replied is there", what);
    ok(stuck == 0, "%s: the next process changes all again", what);
}


int
main(void)
{
    int64_t  *shared;

    if (mkdtemp(root) == NULL) {
        return 1;
    }

    snprintf(path, sizeof(path), "%s/names", root);

    shared = mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                  -1, 0);

    if (wgw_store_create(&wgw_rows_class, path,
                         geteuid(), getegid(), &error) != WGW_STORE_OK) {
        ok(0, "create: %s", error.text);
        return done();
    }

    test_steps("a change, beside others", 0, put, &shared[0],
               (volatile uint64_t *) &shared[1]);
    test_steps("a change, then a start", 1, put, &shared[0],
               (volatile uint64_t *) &shared[1]);
    test_steps("a replace, beside others", 0, replace, &shared[0],
               (volatile uint64_t *) &shared[1]);
    test_steps("a replace, then a start", 1, replace, &shared[0],
               (volatile uint64_t *) &shared[1]);

    return done_in(root);
}
