
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grid/state.h"
#include "program/memory.h"


#define STATE_WAIT  30000               /* ms for another thread's step */


static int state_directory(const char *dir);
static int state_lock(grid_state_t *state, const char *dir);
static int state_connect(grid_state_t *state, const char *dir, int flags);
static int state_sound(grid_state_t *state, const char *dir);
static int state_schema(grid_state_t *state, const char *dir,
    const grid_schema_t *schema);
static sqlite3_stmt *state_bind(grid_state_t *state, const char *sql,
    const char *types, va_list args);
static void state_fault(grid_state_t *state, const char *sql);


int
grid_state_create(grid_state_t *state, const char *dir,
    const grid_schema_t *const *schemas)
{
    state->db = NULL;
    state->lock = -1;

    if (state_directory(dir) != GRID_OK
        || state_lock(state, dir) != GRID_OK
        || state_connect(state, dir,
                         SQLITE_OPEN_READWRITE|SQLITE_OPEN_CREATE)
           != GRID_OK
        || state_sound(state, dir) != GRID_OK)
    {
        grid_state_close(state);
        return GRID_FAILED;
    }

    for ( /* void */ ; *schemas; schemas++) {
        if (state_schema(state, dir, *schemas) != GRID_OK) {
            grid_state_close(state);
            return GRID_FAILED;
        }
    }

    return GRID_OK;
}


int
grid_state_open(grid_state_t *state, const char *dir, int readonly)
{
    state->lock = -1;

    return state_connect(state, dir, readonly ? SQLITE_OPEN_READONLY
                                              : SQLITE_OPEN_READWRITE);
}


static int
state_directory(const char *dir)
{
    struct stat  st;

    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return grid_fail(GRID_FAILED, "%s cannot be made: %s", dir,
                         strerror(errno));
    }

    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return grid_fail(GRID_FAILED, "%s is no directory", dir);
    }

    return GRID_OK;
}


static int
state_lock(grid_state_t *state, const char *dir)
{
    char  *path;

    path = wgw_format("%s/lock", dir);
    state->lock = open(path, O_RDWR|O_CREAT|O_CLOEXEC, 0600);

    if (state->lock < 0) {
        (void) grid_fail(GRID_FAILED, "%s: %s", path, strerror(errno));
        free(path);
        return GRID_FAILED;
    }

    free(path);

    if (flock(state->lock, LOCK_EX|LOCK_NB) != 0) {
        return grid_fail(GRID_FAILED, "another wgw-grid works in %s", dir);
    }

    return GRID_OK;
}


static int
state_connect(grid_state_t *state, const char *dir, int flags)
{
    int    rc;
    char  *path;

    state->failed = 0;

    path = wgw_format("%s/grid.db", dir);
    rc = sqlite3_open_v2(path, &state->db, flags|SQLITE_OPEN_NOMUTEX, NULL);

    if (rc == SQLITE_OK) {
        (void) sqlite3_busy_timeout(state->db, STATE_WAIT);

        rc = sqlite3_exec(state->db, flags & SQLITE_OPEN_READONLY
                          ? "pragma query_only = 1"
                          : "pragma journal_mode = wal;"
                            "pragma synchronous = full;"
                            "pragma foreign_keys = on", NULL, NULL, NULL);
    }

    if (rc != SQLITE_OK) {
        (void) grid_fail(GRID_FAILED, "%s: %s", path, state->db
                         ? sqlite3_errmsg(state->db) : sqlite3_errstr(rc));
        grid_state_close(state);
        rc = GRID_FAILED;
    }

    free(path);

    return rc;
}


/* A file that is damaged is served in no part. */

static int
state_sound(grid_state_t *state, const char *dir)
{
    int            sound;
    sqlite3_stmt  *query;

    query = grid_state_query(state, "pragma quick_check(1)", "");
    sound = grid_state_row(state, query)
            && strcmp(grid_state_text(query, 0), "ok") == 0;
    grid_state_done(query);

    if (!sound || state->failed) {
        return grid_fail(GRID_FAILED, "%s/grid.db is damaged: put a copy of "
                         "it back, or move it away, and deployments are to "
                         "be sent anew", dir);
    }

    return GRID_OK;
}


/* Each step with its number, in one transaction. */

static int
state_schema(grid_state_t *state, const char *dir,
    const grid_schema_t *schema)
{
    int64_t  done, i, n;

    for (n = 0; schema->steps[n]; n++) { /* void */ }

    grid_state_begin(state);

    (void) grid_state_run(state, "create table if not exists steps (noun text "
                          "primary key, done integer not null)", "");
    done = grid_state_number(state, 0, "select done from steps where "
                             "noun = ?", "t", schema->noun);

    if (done > n) {
        grid_state_rollback(state);
        return grid_fail(GRID_FAILED, "%s/grid.db was written by a newer "
                         "wgw-grid: install that one, or move the file away",
                         dir);
    }

    for (i = done; i < n; i++) {
        (void) grid_state_run(state, schema->steps[i], "");
    }

    (void) grid_state_run(state, "insert or replace into steps values (?, ?)",
                          "ti", schema->noun, n);

    return grid_state_commit(state);
}


void
grid_state_close(grid_state_t *state)
{
    if (state->db) {
        (void) sqlite3_close_v2(state->db);
        state->db = NULL;
    }

    if (state->lock >= 0) {
        (void) close(state->lock);
        state->lock = -1;
    }
}


void
grid_state_begin(grid_state_t *state)
{
    state->failed = 0;

    if (sqlite3_exec(state->db, "begin immediate", NULL, NULL, NULL)
        != SQLITE_OK)
    {
        state_fault(state, "begin");
    }
}


int
grid_state_commit(grid_state_t *state)
{
    if (!state->failed
        && sqlite3_exec(state->db, "commit", NULL, NULL, NULL) != SQLITE_OK)
    {
        state_fault(state, "commit");
    }

    if (state->failed) {
        grid_state_rollback(state);
        return GRID_FAILED;
    }

    return GRID_OK;
}


void
grid_state_rollback(grid_state_t *state)
{
    if (!sqlite3_get_autocommit(state->db)) {
        (void) sqlite3_exec(state->db, "rollback", NULL, NULL, NULL);
    }

    state->failed = 0;
}


int
grid_state_run(grid_state_t *state, const char *sql, const char *types, ...)
{
    int            rc;
    va_list        args;
    sqlite3_stmt  *query;

    va_start(args, types);
    query = state_bind(state, sql, types, args);
    va_end(args);

    while ((rc = sqlite3_step(query)) == SQLITE_ROW) { /* void */ }

    if (rc != SQLITE_DONE) {
        state_fault(state, sql);
    }

    (void) sqlite3_finalize(query);

    return rc == SQLITE_DONE ? GRID_OK : GRID_FAILED;
}


sqlite3_stmt *
grid_state_query(grid_state_t *state, const char *sql, const char *types, ...)
{
    va_list        args;
    sqlite3_stmt  *query;

    va_start(args, types);
    query = state_bind(state, sql, types, args);
    va_end(args);

    return query;
}


/* NULL, which SQLite takes for a statement without rows, and it was told. */

static sqlite3_stmt *
state_bind(grid_state_t *state, const char *sql, const char *types,
    va_list args)
{
    int            i, rc;
    size_t         len;
    const char    *text;
    const void    *blob;
    sqlite3_stmt  *query;

    if (sqlite3_prepare_v2(state->db, sql, -1, &query, NULL) != SQLITE_OK) {
        state_fault(state, sql);
        return NULL;
    }

    for (i = 1; *types; types++, i++) {

        switch (*types) {

        case 'i':
            rc = sqlite3_bind_int64(query, i, va_arg(args, int64_t));
            break;

        case 't':
            text = va_arg(args, const char *);
            rc = sqlite3_bind_text(query, i, text, -1, SQLITE_TRANSIENT);
            break;

        default: /* 'b' */
            blob = va_arg(args, const void *);
            len = va_arg(args, size_t);
            rc = sqlite3_bind_blob64(query, i, blob, len, SQLITE_TRANSIENT);
        }

        if (rc != SQLITE_OK) {
            state_fault(state, sql);
        }
    }

    return query;
}


int
grid_state_row(grid_state_t *state, sqlite3_stmt *query)
{
    int  rc;

    if (query == NULL) {
        return 0;
    }

    rc = sqlite3_step(query);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        state_fault(state, sqlite3_sql(query));
    }

    return rc == SQLITE_ROW;
}


void
grid_state_done(sqlite3_stmt *query)
{
    (void) sqlite3_finalize(query);
}


int64_t
grid_state_number(grid_state_t *state, int64_t missing, const char *sql,
    const char *types, ...)
{
    va_list        args;
    sqlite3_stmt  *query;

    va_start(args, types);
    query = state_bind(state, sql, types, args);
    va_end(args);

    if (grid_state_row(state, query)
        && sqlite3_column_type(query, 0) != SQLITE_NULL)
    {
        missing = sqlite3_column_int64(query, 0);
    }

    grid_state_done(query);

    return missing;
}


int
grid_state_changed(const grid_state_t *state)
{
    return sqlite3_changes(state->db);
}


const char *
grid_state_text(sqlite3_stmt *query, int column)
{
    const char  *text;

    text = (const char *) sqlite3_column_text(query, column);

    return text ? text : "";
}


static void
state_fault(grid_state_t *state, const char *sql)
{
    state->failed = 1;

    grid_log(GRID_ERR, "state: %s: %s", sqlite3_errmsg(state->db), sql);
}
