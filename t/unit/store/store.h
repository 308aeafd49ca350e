
/*
 * What the tests of a store share: one of names in a directory of the test's,
 * and short ways to change it and to look at it.
 */

#ifndef WGW_TEST_STORE_H
#define WGW_TEST_STORE_H


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "names/rows.h"
#include "store/make.h"
#include "store/shadow.h"

#include "t/unit/tap.h"


#define ROWS  300               /* of a set in the tests of replaces */


typedef struct {
    wgw_rows_write_t  row;
    wgw_store_rc_t    rc;
} write_t;


static char               root[] = "/tmp/wgw-store.XXXXXX";
static wgw_store_error_t  error;


/* A path below the test's directory, one at a time. */

static inline const char *
path(const char *name)
{
    static char  text[256];

    snprintf(text, sizeof(text), "%s/%s", root, name);

    return text;
}


static inline wgw_text_t
text(const char *s)
{
    return (wgw_text_t) { s, strlen(s) };
}


static inline wgw_record_t
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


/* In one transaction; if it fails as a whole, each has its code. */

static inline wgw_store_rc_t
write_list(wgw_store_t *store, write_t *list, size_t n)
{
    size_t          i;
    wgw_txn_t       t;
    wgw_store_rc_t  rc;

    wgw_txn_begin(&t, store);

    for (i = 0; i < n; i++) {
        list[i].rc = wgw_rows_write(&t, &list[i].row);
    }

    rc = wgw_txn_end(&t, &error);

    for (i = 0; rc != WGW_STORE_OK && i < n; i++) {
        list[i].rc = rc;
    }

    return rc;
}


static inline write_t
put(wgw_store_t *store, const char *name, uint64_t cap)
{
    wgw_record_t       made = record(cap);
    write_t  write;

    memset(&write, 0, sizeof(write));

    write.row.name = text(name);
    write.row.record = &made;

    write_list(store, &write, 1);
    write.row.record = NULL;

    return write;
}


/* The cap of a name, or -1. */

static inline int64_t
cap(wgw_store_t *store, const char *name)
{
    int64_t       found;
    uint64_t      id;
    wgw_text_t    packed;
    wgw_record_t  made;

    found = -1;

    if (wgw_store_begin(store, &id, &error) == WGW_STORE_OK) {

        if (wgw_store_get(store, WGW_ROWS, text(name),
                          &packed, &error) == WGW_STORE_OK
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


static inline wgw_store_t *
fresh(const char *name)
{
    wgw_store_t  *store;

    if (wgw_store_create(&wgw_rows_class, path(name),
                         geteuid(), getegid(), &error)
        != WGW_STORE_OK)
    {
        ok(0, "create %s: %s", name, error.text);
        exit(1);
    }

    store = wgw_store_open(&wgw_rows_class, path(name),
                           WGW_STORE_SYNC_META, &error);

    if (store == NULL) {
        ok(0, "open %s: %s", name, error.text);
        exit(1);
    }

    return store;
}


/* Row `n` of a set; "n0003.example" with a cap. */

static inline wgw_store_row_t
row(unsigned n, int64_t cap, uint32_t line)
{
    wgw_record_t  made = record((uint64_t) cap);

    static char     names[ROWS][16];
    static uint8_t  packed[ROWS][128];

    wgw_store_row_t  made_row;

    /* as who stores it asks: the store says whose life it goes on */
    made.life = WGW_RECORD_LIFE_NEW;

    snprintf(names[n], sizeof(names[n]), "n%04u.example", n);

    made_row.key = text(names[n]);
    made_row.value.data = cap < 0 ? NULL : (char *) packed[n];
    made_row.value.len = cap < 0 ? 0 : wgw_record_pack(&made, packed[n]);
    made_row.line = line;

    return made_row;
}


static inline int64_t
row_cap(wgw_store_t *store, unsigned n)
{
    return cap(store, row(n, 0, 0).key.data);
}


#endif /* WGW_TEST_STORE_H */
