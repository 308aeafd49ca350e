
/*
 * A store: looked at and read, while it and others change.
 */

#include <sys/wait.h>

#include "t/unit/store/store.h"


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

    test_held();
    test_order();
    test_seen();

    return done_in(root);
}
