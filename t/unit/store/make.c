
/*
 * Stores: made, refused, made smaller.
 */

#include <fcntl.h>
#include <sys/wait.h>

#include "t/unit/store/store.h"


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


int
main(void)
{
    if (mkdtemp(root) == NULL) {
        return 1;
    }

    test_files();
    test_refused();
    test_compacted();

    return done_in(root);
}
