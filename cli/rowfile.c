
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/file.h"
#include "cli/rowfile.h"
#include "names/rows.h"
#include "program/memory.h"
#include "store/env.h"


#define ROWS_NAME  64                   /* of a database */


/* A look at a copy. */
typedef struct {
    wgw_env_t            env;
    MDB_txn             *txn;
    FILE                *lines;
    uint64_t             rows;
    wgw_store_error_t   *error;
} rows_look_t;


static int rows_become(const char *store, wgw_store_error_t *error);
static int rows_copy(const char *store, int to, wgw_store_error_t *error);
static int rows_errno(wgw_store_error_t *error, const char *what);
static int rows_all(rows_look_t *look);
static int rows_database(rows_look_t *look, const MDB_val *name);
static int rows_names(rows_look_t *look);
static int rows_walk(rows_look_t *look, MDB_dbi dbi,
    int (*each)(rows_look_t *look, const MDB_val *key, const MDB_val *value));
static int rows_record(rows_look_t *look, const MDB_val *key,
    const MDB_val *value);
static int rows_fail(rows_look_t *look, const char *what, int err);


int
cli_rows_copy(const char *store, int to, wgw_store_error_t *error)
{
    int      says[2], status;
    pid_t    pid;
    ssize_t  n;

    if (pipe2(says, O_CLOEXEC) != 0) {
        return rows_errno(error, "pipe()");
    }

    pid = fork();

    if (pid == 0) {
        status = rows_become(store, error) != 0
                 || rows_copy(store, to, error) != 0;

        if (status) {
            (void) cli_file_put(says[1], error, sizeof(*error));
        }

        _exit(status);
    }

    (void) close(says[1]);

    n = read(says[0], error, sizeof(*error));
    (void) close(says[0]);

    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        return rows_errno(error, "fork()");
    }

    if (status != 0 && n != sizeof(*error)) {
        (void) wgw_env_fail(error, "the process that copies it was killed");
    }

    return status == 0 ? 0 : -1;
}


/* Whose the directory is; of its group only, too. */

static int
rows_become(const char *store, wgw_store_error_t *error)
{
    struct stat  st;

    if (lstat(store, &st) != 0) {
        return rows_errno(error, "lstat()");
    }

    if (geteuid() != 0 || st.st_uid == 0) {
        return 0;
    }

    if (setgroups(0, NULL) != 0 || setgid(st.st_gid) != 0
        || setuid(st.st_uid) != 0)
    {
        return rows_errno(error, "setuid()");
    }

    return 0;
}


static int
rows_copy(const char *store, int to, wgw_store_error_t *error)
{
    int        err;
    wgw_env_t  env;

    env.class = &wgw_rows_class;

    if (wgw_env_open(&env, store, MDB_RDONLY, error) != WGW_STORE_OK) {
        return -1;
    }

    err = mdb_env_copyfd2(env.env, to, 0);

    wgw_env_close(&env);

    if (err) {
        (void) wgw_env_lmdb(error, "mdb_env_copyfd2()", err);
        return -1;
    }

    return 0;
}


static int
rows_errno(wgw_store_error_t *error, const char *what)
{
    (void) wgw_env_fail(error, "%s: %s", what, strerror(errno));

    return -1;
}


int
cli_rows_look(const char *store, int *names, uint64_t *rows, FILE *lines,
    wgw_store_error_t *error)
{
    int          rc;
    rows_look_t  look;

    memset(&look, 0, sizeof(look));

    look.env.class = &wgw_rows_class;
    look.lines = lines;
    look.error = error;

    if (wgw_env_open(&look.env, store, MDB_RDONLY|MDB_NOLOCK, error)
        != WGW_STORE_OK)
    {
        return -1;
    }

    rc = mdb_txn_begin(look.env.env, NULL, MDB_RDONLY, &look.txn);

    if (rc != 0) {
        rc = rows_fail(&look, "mdb_txn_begin()", rc);

    } else {
        *names = wgw_env_meta(&look.env, look.txn, 0) == 0;
        rc = rows_all(&look);

        if (rc == 0 && *names) {
            look.rows = 0;
            rc = rows_names(&look);
        }

        mdb_txn_abort(look.txn);
    }

    *rows = look.rows;
    wgw_env_close(&look.env);

    return rc;
}


/* Every page of every database. */

static int
rows_all(rows_look_t *look)
{
    int          err, rc;
    MDB_dbi      main;
    MDB_val      key, value;
    MDB_cursor  *cursor;

    err = mdb_dbi_open(look->txn, NULL, 0, &main);

    if (err == 0) {
        err = mdb_cursor_open(look->txn, main, &cursor);
    }

    if (err) {
        return rows_fail(look, "mdb_cursor_open()", err);
    }

    rc = 0;

    while (rc == 0
           && (err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
    {
        rc = rows_database(look, &key);
    }

    mdb_cursor_close(cursor);

    return rc ? rc : err == MDB_NOTFOUND ? 0
           : rows_fail(look, "mdb_cursor_get()", err);
}


static int
rows_database(rows_look_t *look, const MDB_val *name)
{
    int      err;
    char     text[ROWS_NAME];
    MDB_dbi  dbi;

    if (name->mv_size >= sizeof(text)) {
        return rows_fail(look, "a database's name", MDB_CORRUPTED);
    }

    memcpy(text, name->mv_data, name->mv_size);
    text[name->mv_size] = '\0';

    err = mdb_dbi_open(look->txn, text, 0, &dbi);

    return err ? rows_fail(look, "mdb_dbi_open()", err)
               : rows_walk(look, dbi, NULL);
}


static int
rows_names(rows_look_t *look)
{
    int       err;
    unsigned  current;

    err = wgw_env_databases(&look->env, look->txn, 0);

    if (err == 0) {
        err = wgw_env_current(&look->env, look->txn, &current);
    }

    if (err) {
        return rows_fail(look, "the databases of names", err);
    }

    return rows_walk(look, look->env.pair[current], rows_record);
}


static int
rows_walk(rows_look_t *look, MDB_dbi dbi,
    int (*each)(rows_look_t *look, const MDB_val *key, const MDB_val *value))
{
    int          err, rc;
    MDB_val      key, value;
    MDB_cursor  *cursor;

    err = mdb_cursor_open(look->txn, dbi, &cursor);

    if (err) {
        return rows_fail(look, "mdb_cursor_open()", err);
    }

    rc = 0;

    while (rc == 0
           && (err = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
    {
        look->rows++;
        rc = each ? each(look, &key, &value) : 0;
    }

    mdb_cursor_close(cursor);

    return rc ? rc : err == MDB_NOTFOUND ? 0
           : rows_fail(look, "mdb_cursor_get()", err);
}


static int
rows_record(rows_look_t *look, const MDB_val *key, const MDB_val *value)
{
    char           *json;
    wgw_out_t       out;
    wgw_record_t    record;

    if (wgw_record_unpack(&record, value->mv_data, value->mv_size) != 0) {
        return rows_fail(look, "a record", MDB_CORRUPTED);
    }

    if (look->lines == NULL) {
        return 0;
    }

    record.name.data = key->mv_data;
    record.name.len = key->mv_size;

    json = wgw_alloc(WGW_RECORD_JSON);
    wgw_out_init(&out, json, WGW_RECORD_JSON);
    wgw_record_json(&record, &out);

    (void) fwrite(json, 1, (size_t) (out.pos - out.start), look->lines);
    (void) fputc('\n', look->lines);

    free(json);

    return 0;
}


static int
rows_fail(rows_look_t *look, const char *what, int err)
{
    (void) wgw_env_lmdb(look->error, what, err);

    return -1;
}


/* Who has it open holds a lock of lock.mdb's first bytes. */

int
cli_rows_used(const char *store)
{
    int           fd, used;
    char         *path;
    struct flock  lock;

    path = wgw_format("%s/lock.mdb", store);
    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);
    free(path);

    if (fd < 0) {
        return 0;
    }

    memset(&lock, 0, sizeof(lock));
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;

    used = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

    close(fd);

    return used;
}
