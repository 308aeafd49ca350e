
/*
 * database: PostgreSQL, by libpq: a connection that comes back when it was
 * lost, and the schema.
 *
 * All that is kept is in the schema "wgw"; what a version of it has is in
 * ledger/schema/, applied in order, each in one transaction.
 */

#ifndef WGW_LEDGER_DATABASE_H
#define WGW_LEDGER_DATABASE_H


#include <libpq-fe.h>

#include "ledger/ledger.h"


typedef struct {
    const char  *info;
    PGconn      *conn;
    uint64_t     serial;            /* of it: 1 and more */
    int          told;              /* that it is away */
    void       (*away)(void *data); /* now and then, while it is; or NULL */
    void        *data;
} database_t;


/* LEDGER_OK, or LEDGER_AWAY; with `wait` until it answers or we shall stop. */
int database_open(database_t *db, const char *info, int wait);
void database_close(database_t *db);

/* 1 when an error is of the connection, or is to be tried again. */
int database_again(database_t *db, const PGresult *result);

/*
 * One statement with parameters as text; NULL for NULL.  Its result, which is
 * the caller's, or NULL when it failed and was told.
 */
PGresult *database_query(database_t *db, const char *sql,
    const char *const *values, int n);

/* The same where the result says nothing: LEDGER_OK or a failure. */
int database_run(database_t *db, const char *sql, const char *const *values,
    int n);

/* Makes the schema, or brings it up to this version. */
int database_migrate(database_t *db);


#endif /* WGW_LEDGER_DATABASE_H */
