
/*
 * fill: a store of names, written by the parts of the module itself.
 *
 *     fill PATH NAMES 16          names over 16 backends, 127.0.0.1:9100 ...
 *     fill PATH NAMES own         a backend each, 127.1.0.1:9100 ...
 *     fill PATH NAMES pass        as the first, TLS passed through
 *
 * Names are n0000000.gw.test and on.  Prints the seconds that it took.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "names/rows.h"
#include "store/make.h"


#define FILL_GROUP     10000            /* changes of a transaction */
#define FILL_NAME      32
#define FILL_PORT      9100
#define FILL_BACKENDS  16


typedef struct {
    wgw_rows_write_t    write;
    wgw_record_t        record;
    char                name[FILL_NAME];
} fill_row_t;


static void fill_row(fill_row_t *row, long number, int own, int pass);


int
main(int argc, char **argv)
{
    int                 own, pass;
    long                i, n, names;
    fill_row_t          row;
    wgw_txn_t           t;
    wgw_store_t        *store;
    struct timespec     from, to;
    wgw_store_error_t   error;

    if (argc != 4) {
        fprintf(stderr, "usage: fill PATH NAMES 16|own|pass\n");
        return 2;
    }

    names = atol(argv[2]);
    own = strcmp(argv[3], "own") == 0;
    pass = strcmp(argv[3], "pass") == 0;

    clock_gettime(CLOCK_MONOTONIC, &from);

    if (wgw_store_create(&wgw_rows_class, argv[1], geteuid(), getegid(),
                         &error)
        != WGW_STORE_OK)
    {
        fprintf(stderr, "%s: %s\n", argv[1], error.text);
        return 1;
    }

    store = wgw_store_open(&wgw_rows_class, argv[1], WGW_STORE_SYNC_OFF,
                           &error);

    for (n = 0; store && n < names; n += i) {

        wgw_txn_begin(&t, store);

        for (i = 0; i < FILL_GROUP && n + i < names; i++) {
            fill_row(&row, n + i, own, pass);
            (void) wgw_rows_write(&t, &row.write);
        }

        if (wgw_txn_end(&t, &error) != WGW_STORE_OK) {
            store = NULL;
        }
    }

    if (store == NULL) {
        fprintf(stderr, "%s: %s\n", argv[1], error.text);
        return 1;
    }

    wgw_store_close();

    clock_gettime(CLOCK_MONOTONIC, &to);

    printf("%.2f\n", (to.tv_sec - from.tv_sec)
                     + (to.tv_nsec - from.tv_nsec) / 1e9);
    return 0;
}


static void
fill_row(fill_row_t *row, long number, int own, int pass)
{
    wgw_addr_t  *backend;

    memset(row, 0, sizeof(fill_row_t));

    snprintf(row->name, FILL_NAME, "n%07ld.gw.test", number);

    backend = &row->record.backends[0];

    backend->family = 4;
    backend->port = FILL_PORT;
    backend->addr[0] = 127;
    backend->addr[3] = 1;

    if (own) {
        backend->addr[1] = 1 + number / 62500;
        backend->addr[2] = number / 250 % 250;
        backend->addr[3] = 1 + number % 250;

    } else {
        backend->port += number % FILL_BACKENDS;
    }

    row->record.nbackends = 1;
    row->record.verify = 1;
    row->record.passthrough = (pass != 0);

    row->write.name.data = row->name;
    row->write.name.len = strlen(row->name);
    row->write.record = &row->record;
}
