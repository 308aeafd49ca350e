
#include <stdlib.h>
#include <string.h>

#include "ledger/database.h"
#include "ledger/schema.h"
#include "program/memory.h"


#define DATABASE_LOCK    "7721830664218"    /* of who migrates */
#define DATABASE_WAIT    500                /* ms */


static int database_try(database_t *db);
static int database_version(database_t *db, int *version);
static int database_step(database_t *db, int version);
static int database_do(database_t *db, const char *sql);


int
database_open(database_t *db, const char *info, int wait)
{
    db->info = info;

    for ( ;; ) {
        if (database_try(db) == LEDGER_OK) {

            if (db->told) {
                ledger_log("the database answers again");
                db->told = 0;
            }

            return LEDGER_OK;
        }

        if (!wait) {
            return ledger_fail(LEDGER_AWAY, "%s",
                               PQerrorMessage(db->conn));
        }

        if (!db->told) {
            ledger_log("the database is away: %s", PQerrorMessage(db->conn));
            db->told = 1;
        }

        if (ledger_stop) {
            return LEDGER_AWAY;
        }

        if (db->away) {
            db->away(db->data);
        }

        ledger_nap(DATABASE_WAIT);
    }
}


static int
database_try(database_t *db)
{
    /* what comes last has more weight: what the user said */

    static const char  *const keys[] = {
        "connect_timeout", "keepalives_idle", "tcp_user_timeout",
        "fallback_application_name", "dbname", NULL
    };

    const char  *values[] = { "5", "10", "15000", "wgw-ledger", db->info,
                              NULL };

    database_close(db);

    db->conn = PQconnectdbParams(keys, values, 1);
    db->serial++;

    if (PQstatus(db->conn) != CONNECTION_OK) {
        return LEDGER_AWAY;
    }

    return database_do(db, "SET client_min_messages = warning;"
                           "SET synchronous_commit = on;"
                           "SET lock_timeout = '10s';"
                           "SET timezone = 'UTC'");
}


void
database_close(database_t *db)
{
    PQfinish(db->conn);
    db->conn = NULL;
}


int
database_again(database_t *db, const PGresult *result)
{
    const char  *state;

    if (PQstatus(db->conn) != CONNECTION_OK) {
        return 1;
    }

    state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    /* serialization, deadlock, lock; it stops or starts; no connection */

    return state == NULL || strcmp(state, "40001") == 0
           || strcmp(state, "40P01") == 0 || strcmp(state, "55P03") == 0
           || strncmp(state, "57P", 3) == 0 || strncmp(state, "08", 2) == 0;
}


PGresult *
database_query(database_t *db, const char *sql, const char *const *values,
    int n)
{
    PGresult        *result;
    ExecStatusType   status;

    result = PQexecParams(db->conn, sql, n, NULL, values, NULL, NULL, 0);
    status = PQresultStatus(result);

    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        return result;
    }

    (void) ledger_fail(LEDGER_FAILED, "%s", PQerrorMessage(db->conn));
    PQclear(result);

    return NULL;
}


int
database_run(database_t *db, const char *sql, const char *const *values,
    int n)
{
    PGresult  *result;

    result = database_query(db, sql, values, n);

    if (result == NULL) {
        return LEDGER_FAILED;
    }

    PQclear(result);

    return LEDGER_OK;
}


int
database_migrate(database_t *db)
{
    int  rc, version;

    version = 0;

    rc = database_do(db, "SELECT pg_advisory_lock(" DATABASE_LOCK ");"
                         "CREATE SCHEMA IF NOT EXISTS wgw;"
                         "CREATE TABLE IF NOT EXISTS wgw.migration ("
                         " version integer PRIMARY KEY,"
                         " at timestamptz NOT NULL DEFAULT now())");

    if (rc == LEDGER_OK) {
        rc = database_version(db, &version);
    }

    if (rc == LEDGER_OK && version > schema_steps) {
        rc = ledger_fail(LEDGER_FAILED, "the database has version %d of the "
                         "schema, newer than %d: another wgw-ledger is "
                         "needed", version, schema_steps);
    }

    while (rc == LEDGER_OK && version < schema_steps) {
        rc = database_step(db, ++version);
    }

    if (PQstatus(db->conn) == CONNECTION_OK) {
        (void) database_do(db, "SELECT pg_advisory_unlock(" DATABASE_LOCK
                               ")");
    }

    return rc;
}


static int
database_version(database_t *db, int *version)
{
    PGresult  *result;

    result = database_query(db, "SELECT coalesce(max(version), 0) "
                                "FROM wgw.migration", NULL, 0);
    if (result == NULL) {
        return LEDGER_FAILED;
    }

    *version = atoi(PQgetvalue(result, 0, 0));
    PQclear(result);

    return LEDGER_OK;
}


/* Several statements without parameters are one transaction. */

static int
database_step(database_t *db, int version)
{
    int    rc;
    char  *sql;

    sql = wgw_format("BEGIN;%.*s"
                     "INSERT INTO wgw.migration (version) VALUES (%d);"
                     "COMMIT", (int) schema_step[version - 1].len,
                     schema_step[version - 1].text, version);

    rc = database_do(db, sql);
    free(sql);

    if (rc != LEDGER_OK) {
        (void) database_do(db, "ROLLBACK");
    }

    return rc;
}


static int
database_do(database_t *db, const char *sql)
{
    int        rc;
    PGresult  *result;

    result = PQexec(db->conn, sql);
    rc = LEDGER_OK;

    if (PQresultStatus(result) != PGRES_COMMAND_OK
        && PQresultStatus(result) != PGRES_TUPLES_OK)
    {
        rc = ledger_fail(LEDGER_FAILED, "%s", PQerrorMessage(db->conn));
    }

    PQclear(result);

    return rc;
}
