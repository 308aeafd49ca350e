
/*
 * rowfile: the directory of a store (src/store/), copied while a gateway uses
 * it, and looked at.
 *
 * LMDB copies itself, as of one moment, by a process that opens it as the
 * workers do, lock.mdb and all (no process may do that beside an environment
 * of its own: this one has none).  The ids of transactions stay what they
 * were, so that nothing need be made anew.
 *
 * The directory belongs to the workers' user.  So that nothing which is put
 * there can have root write to another file, it is opened by a process that
 * has become that user.
 */

#ifndef WGW_CLI_ROWFILE_H
#define WGW_CLI_ROWFILE_H


#include <stdint.h>
#include <stdio.h>

#include "store/class.h"


/* Into an empty file.  0, or -1 and why not. */
int cli_rows_copy(const char *store, int to, wgw_store_error_t *error);

/*
 * Reads all of a store that nobody uses: `*names` is 1 when it is one of
 * names, of which `*rows` are in force and each is a record; else there are
 * so many rows in all.  With `lines` each name is written there as a line of
 * JSON.
 */
int cli_rows_look(const char *store, int *names, uint64_t *rows, FILE *lines,
    wgw_store_error_t *error);

/* 1 when a process has the store in this directory open. */
int cli_rows_used(const char *store);


#endif /* WGW_CLI_ROWFILE_H */
