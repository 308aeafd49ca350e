
/*
 * wgw backup: the state of a gateway, while it runs, into a directory.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/conf.h"
#include "cli/manifest.h"
#include "cli/rowfile.h"
#include "cli/tree.h"
#include "cli/write.h"
#include "cli/zonefile.h"
#include "program/memory.h"


#define BACKUP_TEMP   "temp"            /* nginx's, as the package has it */
#define BACKUP_DEPTH  8                 /* of directories */
#define BACKUP_TRIES  5                 /* of a table */


typedef struct {
    const char      *state;
} backup_wish_t;


typedef struct {
    const cli_t     *cli;
    char            *from;              /* the state */
    char            *to;                /* DIR.new */
    cli_manifest_t   manifest;
    cli_progress_t   progress;
} backup_t;


static int backup_run(const cli_t *cli, const void *options, char **args,
    size_t n);
static int backup_all(backup_t *b, const char *target);
static int backup_directory(backup_t *b, const char *path, int depth);
static int backup_one(backup_t *b, const char *path, int depth);
static int backup_skipped(const char *path);
static int backup_link(backup_t *b, const char *path,
    const struct stat *st);
static int backup_file(backup_t *b, const char *path,
    const struct stat *st);
static int backup_open(const char *path);
static char *backup_into(backup_t *b, const char *path,
    const struct stat *st, int in);
static char *backup_copy(cli_entry_kind_t kind, int from, int to,
    const char *path);
static char *backup_zone(int from, int to);
static cli_entry_kind_t backup_kind(int fd, const char *path);
static void backup_owner(cli_entry_t *entry, const struct stat *st);
static void backup_done(const backup_t *b, const char *target);


static const cli_option_t  backup_options[] = {
    { "state", 's', CLI_VALUE, "DIR", offsetof(backup_wish_t, state),
      "where the state is (" CLI_STATE ")" },
};


static const cli_command_t  backup_commands[] = {
    { "backup", "DIR", "names, counters, zones, while it runs", 1, 1,
      backup_options, cli_count(backup_options), backup_run },
};


const cli_group_t  cli_backup_group = {
    backup_commands, cli_count(backup_commands)
};


static int
backup_run(const cli_t *cli, const void *options, char **args, size_t n)
{
    int                   rc;
    char                 *target;
    backup_t              b;
    cli_conf_t            conf;
    struct stat           st;
    const char           *state;
    const backup_wish_t  *wish = options;

    (void) n;

    target = cli_tree_bare(args[0]);

    if (lstat(target, &st) == 0) {
        rc = cli_fail(cli, CLI_CONFLICT, "%s is there already", target);
        free(target);
        return rc;
    }

    memset(&b, 0, sizeof(b));

    rc = cli_conf_open(&conf, cli);

    if (rc == CLI_OK) {
        state = wish->state ? wish->state
                            : cli_conf_get(&conf, "state", CLI_STATE);

        b.cli = cli;
        b.from = cli_tree_bare(state);
        b.to = wgw_format("%s.new", target);

        rc = backup_all(&b, target);
    }

    cli_conf_close(&conf);
    cli_manifest_free(&b.manifest);
    free(b.from);
    free(b.to);
    free(target);

    return rc;
}


/* It has its name when all of it is there and was read again. */

static int
backup_all(backup_t *b, const char *target)
{
    int        rc;
    char       made[32];
    time_t     now;
    struct tm  tm;

    now = time(NULL);
    (void) strftime(made, sizeof(made), "%Y-%m-%dT%H:%M:%SZ",
                    gmtime_r(&now, &tm));

    b->manifest.made = wgw_copy(made);
    b->manifest.state = wgw_copy(b->from);

    (void) cli_tree_remove(b->to);

    if (mkdir(b->to, 0700) != 0) {
        return cli_fail(b->cli, CLI_FAILED, "%s: %s", b->to,
                        strerror(errno));
    }

    cli_progress_begin(&b->progress, b->cli, "copying");
    rc = backup_directory(b, "", 0);
    cli_progress_end(&b->progress);

    if (rc == CLI_OK) {
        rc = cli_manifest_write(&b->manifest, b->cli, b->to);
    }

    if (rc == CLI_OK) {
        rc = cli_manifest_verify(&b->manifest, b->cli, b->to);
    }

    if (rc == CLI_OK && (cli_tree_sync(b->to) != 0
                         || rename(b->to, target) != 0))
    {
        rc = cli_fail(b->cli, CLI_FAILED, "%s: %s", target, strerror(errno));
    }

    if (rc != CLI_OK) {
        (void) cli_tree_remove(b->to);
        return rc;
    }

    backup_done(b, target);

    return CLI_OK;
}


static int
backup_directory(backup_t *b, const char *path, int depth)
{
    int              rc, i, n;
    char            *whole, *below;
    struct dirent  **items;

    whole = wgw_format("%s%s%s", b->from, path[0] ? "/" : "", path);
    n = scandir(whole, &items, NULL, alphasort);

    if (n < 0) {
        rc = cli_fail_file(b->cli, whole);
        free(whole);
        return rc;
    }

    rc = CLI_OK;

    for (i = 0; i < n; i++) {
        below = wgw_format("%s%s%s", path, path[0] ? "/" : "",
                           items[i]->d_name);

        if (rc == CLI_OK && !backup_skipped(items[i]->d_name)
            && strcmp(below, BACKUP_TEMP) != 0)
        {
            rc = backup_one(b, below, depth);
        }

        free(below);
        free(items[i]);
    }

    free(items);
    free(whole);

    return rc;
}


/* What a start makes anew, is of requests only, or is half of something. */

static int
backup_skipped(const char *name)
{
    size_t              i, len, n;
    static const char  *ends[] = { ".tmp", ".new", ".lock" };

    len = strlen(name);

    for (i = 0; i < cli_count(ends); i++) {
        n = strlen(ends[i]);

        if (len > n && strcmp(name + len - n, ends[i]) == 0) {
            return 1;
        }
    }

    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0
           || strcmp(name, "lock.mdb") == 0
           || strcmp(name, CLI_MANIFEST) == 0
           || strncmp(name, CLI_TREE_OLD, strlen(CLI_TREE_OLD)) == 0
           || strncmp(name, CLI_TREE_NEW, strlen(CLI_TREE_NEW)) == 0;
}


static int
backup_one(backup_t *b, const char *path, int depth)
{
    int           rc;
    char         *from, *to;
    struct stat   st;

    from = wgw_format("%s/%s", b->from, path);
    to = wgw_format("%s/%s", b->to, path);
    rc = CLI_OK;

    if (lstat(from, &st) != 0) {

        /* gone since the list was read */

        if (errno != ENOENT) {
            rc = cli_fail(b->cli, CLI_FAILED, "%s: %s", from,
                          strerror(errno));
        }

    } else if (S_ISDIR(st.st_mode) && depth < BACKUP_DEPTH) {
        backup_owner(cli_manifest_add(&b->manifest, path,
                                      CLI_ENTRY_DIRECTORY), &st);

        rc = mkdir(to, 0700) == 0 ? backup_directory(b, path, depth + 1)
             : cli_fail(b->cli, CLI_FAILED, "%s: %s", to, strerror(errno));

    } else if (S_ISREG(st.st_mode)) {
        rc = backup_file(b, path, &st);

    } else if (!S_ISLNK(st.st_mode) || backup_link(b, path, &st) != 0) {
        cli_note(b->cli, "%s is no file, and is left out", from);
    }

    free(from);
    free(to);

    return rc;
}


/* One that leads to something beside it, as certificates have. */

static int
backup_link(backup_t *b, const char *path, const struct stat *st)
{
    int           rc;
    char         *from, *to, *target;
    cli_entry_t  *entry;

    from = wgw_format("%s/%s", b->from, path);
    to = wgw_format("%s/%s", b->to, path);

    target = cli_manifest_target(from);
    rc = target && cli_manifest_below(target) ? symlink(target, to) : -1;

    if (rc == 0) {
        entry = cli_manifest_add(&b->manifest, path, CLI_ENTRY_LINK);
        backup_owner(entry, st);
        entry->target = target;

    } else {
        free(target);
    }

    free(from);
    free(to);

    return rc;
}


static int
backup_file(backup_t *b, const char *path, const struct stat *st)
{
    int    in, rc;
    char  *from, *error;

    from = wgw_format("%s/%s", b->from, path);
    in = backup_open(from);

    if (in < 0) {
        rc = errno == ENOENT ? CLI_OK           /* gone since */
             : cli_fail(b->cli, CLI_FAILED, "%s: %s", from, strerror(errno));
        free(from);
        return rc;
    }

    error = backup_into(b, path, st, in);

    rc = error ? cli_fail(b->cli, CLI_FAILED, "%s: %s", from, error)
               : CLI_OK;

    (void) close(in);
    free(error);
    free(from);

    return rc;
}


/* It may be another one by now, and a pipe would be waited for. */

static int
backup_open(const char *path)
{
    int          fd;
    struct stat  st;

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);

    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        (void) close(fd);
        errno = EINVAL;
        return -1;
    }

    return fd;
}


static char *
backup_into(backup_t *b, const char *path, const struct stat *st, int in)
{
    int                out;
    char              *from, *to, *error;
    cli_entry_t       *entry;
    cli_entry_kind_t   kind;

    from = wgw_format("%s/%s", b->from, path);
    to = wgw_format("%s/%s", b->to, path);

    out = open(to, O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600);

    if (out < 0) {
        error = wgw_format("%s: %s", to, strerror(errno));

    } else {
        kind = backup_kind(in, path);
        entry = cli_manifest_add(&b->manifest, path, kind);
        backup_owner(entry, st);

        cli_progress_count(&b->progress, b->manifest.n, 0);

        error = backup_copy(kind, in, out, from);

        if (error == NULL) {
            error = cli_manifest_facts(entry, to);
        }

        (void) close(out);
    }

    free(from);
    free(to);

    return error;
}


static cli_entry_kind_t
backup_kind(int fd, const char *path)
{
    const char  *name;

    name = strrchr(path, '/');

    if (name && strcmp(name, "/data.mdb") == 0) {
        return CLI_ENTRY_STORE;
    }

    switch (cli_zone_kind(fd)) {

    case CLI_ZONE_COUNTERS:
        return CLI_ENTRY_COUNTERS;

    case CLI_ZONE_NOTES:
        return CLI_ENTRY_NOTES;

    default:
        return CLI_ENTRY_FILE;
    }
}


static char *
backup_copy(cli_entry_kind_t kind, int from, int to, const char *path)
{
    int                 rc;
    char               *store;
    wgw_store_error_t   error;

    switch (kind) {

    case CLI_ENTRY_COUNTERS:
    case CLI_ENTRY_NOTES:
        return backup_zone(from, to);

    case CLI_ENTRY_STORE:
        store = wgw_copy_bytes(path, strlen(path) - strlen("/data.mdb"));
        rc = cli_rows_copy(store, to, &error);
        free(store);

        return rc ? wgw_copy(error.text) : NULL;

    default:
        return cli_file_copy(from, to, 1) == 0 ? NULL
               : wgw_copy(strerror(errno));
    }
}


/*
 * The copy is right when it is whole, and what it has counted lies between
 * what was there before and after it was made.
 */

static char *
backup_zone(int from, int to)
{
    int                i;
    const char        *error;
    cli_zone_facts_t   before, copy, after;

    for (i = 0; i < BACKUP_TRIES; i++) {

        if (cli_zone_look(from, 0, &before, &error) != 0
            || cli_zone_copy(from, to, &error) != 0
            || cli_zone_look(to, 1, &copy, &error) != 0
            || cli_zone_look(from, 0, &after, &error) != 0)
        {
            return wgw_copy(error);
        }

        if (copy.lost == 0
            && (cli_zone_kind(from) == CLI_ZONE_NOTES
                || (copy.keys >= before.keys
                    && copy.sent >= before.sent && copy.sent <= after.sent
                    && copy.received >= before.received
                    && copy.received <= after.received
                    && copy.requests >= before.requests
                    && copy.requests <= after.requests)))
        {
            return NULL;
        }
    }

    return wgw_copy("no copy of it is right");
}


static void
backup_owner(cli_entry_t *entry, const struct stat *st)
{
    struct group   *group;
    struct passwd  *user;

    user = getpwuid(st->st_uid);
    group = getgrgid(st->st_gid);

    entry->mode = st->st_mode & 0777;
    entry->user = user ? wgw_copy(user->pw_name)
                       : wgw_format("%u", (unsigned) st->st_uid);
    entry->group = group ? wgw_copy(group->gr_name)
                         : wgw_format("%u", (unsigned) st->st_gid);
}


static void
backup_done(const backup_t *b, const char *target)
{
    if (b->cli->json) {
        fputc('{', stdout);
        cli_write_member(stdout, 1, "backup", target);
        fputc(',', stdout);
        cli_manifest_print(&b->manifest, b->cli);
        fputs("}\n", stdout);
        return;
    }

    cli_manifest_print(&b->manifest, b->cli);
    cli_note(b->cli, "%s is whole, and was read again", target);
}
