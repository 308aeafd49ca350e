
/*
 * A disk that fails in the worst moment: LMDB then gives up an environment
 * for good, and the store opens it again.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "t/unit/tap.h"
#include "names/rows.h"
#include "store/make.h"


#define META_PAGES  2


static char               root[] = "/tmp/wgw-panic.XXXXXX";
static int                broken;
static wgw_store_error_t  error;


/* Stands before libc's for liblmdb too: its first two pages are the metas. */

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (broken && offset < META_PAGES * 4096) {
        errno = EIO;
        return -1;
    }

    return syscall(SYS_pwrite64, fd, data, size, offset);
}


ssize_t
pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return pwrite(fd, data, size, offset);
}


static wgw_store_rc_t
put(wgw_store_t *store, uint64_t cap)
{
    wgw_record_t       record;
    wgw_txn_t          t;
    wgw_rows_write_t   write;

    memset(&record, 0, sizeof(record));
    memset(&write, 0, sizeof(write));

    record.verify = 1;
    record.cap_bytes = cap;
    record.nbackends = 1;
    record.backends[0].family = 4;
    record.backends[0].port = 80;
    record.backends[0].addr[0] = 192;

    write.name = wgw_text("a.example");
    write.record = &record;

    wgw_txn_begin(&t, store);
    (void) wgw_rows_write(&t, &write);

    return wgw_txn_end(&t, &error);
}


/* The cap that is served, or -1. */

static int
served(wgw_store_t *store)
{
    uint64_t         id;
    wgw_text_t       packed;
    wgw_record_t     record;
    wgw_store_rc_t   rc;

    if (wgw_store_begin(store, &id, &error) != WGW_STORE_OK) {
        return -1;
    }

    rc = wgw_store_get(store, WGW_ROWS, wgw_text("a.example"), &packed, &error);

    if (rc == WGW_STORE_OK
        && wgw_record_unpack(&record, (const uint8_t *) packed.data,
                             packed.len)
           != 0)
    {
        rc = WGW_STORE_FAILED;
    }

    wgw_store_end(store);

    return rc == WGW_STORE_OK ? (int) record.cap_bytes : -1;
}


/* Leaves a look open. */

static unsigned
held(wgw_store_t *store)
{
    uint64_t  id;

    if (wgw_store_begin(store, &id, &error) != WGW_STORE_OK) {
        return 0;
    }

    wgw_store_hold(store);

    return 1;
}


int
main(void)
{
    int           i;
    char          path[64];
    wgw_store_t  *store;

    if (mkdtemp(root) == NULL) {
        return 1;
    }

    snprintf(path, sizeof(path), "%s/names", root);

    if (wgw_store_create(&wgw_rows_class, path,
                         geteuid(), getegid(), &error) != WGW_STORE_OK) {
        ok(0, "create: %s", error.text);
        return done();
    }

    store = wgw_store_open(&wgw_rows_class, path, WGW_STORE_SYNC_META, &error);

    ok(put(store, 1) == WGW_STORE_OK && served(store) == 1, "a record");

    sleep(1);
    ok(held(store), "a look that is held when the disk fails");
    broken = 1;

    ok(put(store, 2) == WGW_STORE_FAILED, "the disk fails: %s", error.text);
    ok(served(store) == 1, "the record is served all the same");
    ok(put(store, 3) == WGW_STORE_FAILED, "changes fail: %s", error.text);

    broken = 0;

    for (i = 0; i < 30 && put(store, 4) != WGW_STORE_OK; i++) {
        struct timespec  pause = { 0, 100000000 };

        (void) served(store);
        (void) held(store);
        nanosleep(&pause, NULL);
    }

    ok(i < 30, "the disk is well: changes are made, after %d tries", i);
    ok(served(store) == 4, "and served");

    wgw_store_close();

    store = wgw_store_open(&wgw_rows_class, path, WGW_STORE_SYNC_META, &error);
    ok(served(store) == 4, "and are there later");
    wgw_store_close();

    return done_in(root);
}
