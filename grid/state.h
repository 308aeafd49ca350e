
/*
 * state: what the daemon remembers, in SQLite: DIR/grid.db.
 *
 * Each step is a transaction, durable when it returns (WAL, synchronous), so
 * that kill -9 at any point leaves all of a step or nothing.  A handle is of
 * one thread; nothing waits for others inside a transaction.
 *
 *     grid_state_begin(state);
 *     grid_state_run(state, "update t set a = ? where b = ?", "ti", a, b);
 *     if (grid_state_commit(state) != GRID_OK) ...
 *
 * A run that fails makes the commit fail, which then rolls back.  A nested
 * begin is a fault of the program.
 *
 * A noun has tables of its own, made by its steps, of which each is done once
 * and for ever: a new version of wgw adds steps, and never changes one.  What
 * was written by a newer version is refused, as is a file that is damaged.
 *
 * One daemon at a time: the open for writing holds DIR/lock.
 */

#ifndef WGW_GRID_STATE_H
#define WGW_GRID_STATE_H


#include <sqlite3.h>

#include "grid/grid.h"


typedef struct {
    const char         *noun;
    const char *const  *steps;          /* of SQL; ends with NULL */
} grid_schema_t;


typedef struct {
    sqlite3            *db;
    int                 failed;         /* in this transaction */
    int                 lock;           /* or -1 */
} grid_state_t;


/*
 * The daemon's first: makes DIR and what is missing of the schemas, whose list
 * ends with NULL, looks through the file, takes the lock.  GRID_OK, or it was
 * told.
 */
int grid_state_create(grid_state_t *state, const char *dir,
    const grid_schema_t *const *schemas);

/* Of another thread, or process (`readonly`), after that. */
int grid_state_open(grid_state_t *state, const char *dir, int readonly);
void grid_state_close(grid_state_t *state);

void grid_state_begin(grid_state_t *state);
int grid_state_commit(grid_state_t *state);
void grid_state_rollback(grid_state_t *state);

/*
 * A statement with its values, one letter each: i int64_t (pass
 * (int64_t)), t const char * (NULL is null), b const void * and size_t.
 * grid_state_run() executes it; GRID_OK or GRID_FAILED, which was told.
 * grid_state_query() is for rows: while (grid_state_row(state, q)) with
 * sqlite3_column_*(), then grid_state_done(q).  It is never NULL: one that
 * failed has no rows and makes the transaction fail.
 */
int grid_state_run(grid_state_t *state, const char *sql, const char *types,
    ...);
sqlite3_stmt *grid_state_query(grid_state_t *state, const char *sql,
    const char *types, ...);
int grid_state_row(grid_state_t *state, sqlite3_stmt *query);
void grid_state_done(sqlite3_stmt *query);

/* Of one row and column; `missing` where there is none. */
int64_t grid_state_number(grid_state_t *state, int64_t missing,
    const char *sql, const char *types, ...);

/* Rows that the last run changed. */
int grid_state_changed(const grid_state_t *state);

/* "" for a null. */
const char *grid_state_text(sqlite3_stmt *query, int column);


#endif /* WGW_GRID_STATE_H */
