
/*
 * wgw restore: a backup becomes the state, when all of it was looked at and
 * no gateway runs; or its names become those of one that does.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/bulk.h"
#include "cli/commands.h"
#include "cli/conf.h"
#include "cli/manifest.h"
#include "cli/rowfile.h"
#include "cli/tree.h"
#include "cli/write.h"
#include "cli/zonefile.h"
#include "program/memory.h"


typedef struct {
    const char            *state;
    const char            *names;
    const char            *check;
} restore_wish_t;


typedef struct {
    const cli_t           *cli;
    const char            *from;
    char                  *state;
    char                  *fresh;       /* copies, in the state */
    char                  *aside;       /* what was there, in the state */
    cli_manifest_t         manifest;
} restore_t;


static int restore_run(const cli_t *cli, const void *options, char **args,
    size_t n);
static int restore_wish(restore_t *r, const restore_wish_t *wish);
static int restore_names(restore_t *r);
static int restore_idle(restore_t *r);
static int restore_used(const cli_entry_t *entry, const char *path);
static int restore_copy(restore_t *r);
static int restore_entry(restore_t *r, const cli_entry_t *entry);
static int restore_file(const cli_entry_t *entry, const char *from,
    const char *to);
static int restore_owner(const cli_entry_t *entry, const char *path);
static int restore_swap(restore_t *r);
static int restore_aside(restore_t *r, const cli_entry_t *entry);
static void restore_back(restore_t *r, size_t n);
static int restore_move(const char *from_dir, const char *to_dir,
    const char *name);
static void restore_done(restore_t *r);


static const cli_option_t  restore_options[] = {
    { "state", 's', CLI_VALUE, "DIR", offsetof(restore_wish_t, state),
      "where the state is to be (" CLI_STATE ")" },
    { "check", 0, CLI_FLAG, NULL, offsetof(restore_wish_t, check),
      "only look at the backup" },
    { "names", 0, CLI_FLAG, NULL, offsetof(restore_wish_t, names),
      "only its names, into a gateway that runs" },
};


static const cli_command_t  restore_commands[] = {
    { "restore", "DIR", "a backup, verified, becomes the state", 1, 1,
      restore_options, cli_count(restore_options), restore_run },
};


const cli_group_t  cli_restore_group = {
    restore_commands, cli_count(restore_commands)
};


static int
restore_run(const cli_t *cli, const void *options, char **args, size_t n)
{
    int                    rc;
    restore_t              r;
    cli_conf_t             conf;
    const restore_wish_t  *wish = options;

    (void) n;

    memset(&r, 0, sizeof(r));

    r.cli = cli;
    r.from = args[0];

    rc = cli_conf_open(&conf, cli);

    if (rc == CLI_OK) {
        r.state = cli_tree_bare(wish->state ? wish->state
                                : cli_conf_get(&conf, "state", CLI_STATE));

        rc = cli_manifest_read(&r.manifest, cli, r.from);
    }

    if (rc == CLI_OK) {
        rc = cli_manifest_verify(&r.manifest, cli, r.from);
    }

    if (rc == CLI_OK) {
        rc = restore_wish(&r, wish);
    }

    cli_conf_close(&conf);
    cli_manifest_free(&r.manifest);
    free(r.state);
    free(r.fresh);
    free(r.aside);

    return rc;
}


static int
restore_wish(restore_t *r, const restore_wish_t *wish)
{
    int  rc;

    if (wish->check) {
        restore_done(r);
        return CLI_OK;
    }

    if (wish->names) {
        return restore_names(r);
    }

    rc = restore_idle(r);

    if (rc == CLI_OK) {
        rc = restore_copy(r);
    }

    if (rc == CLI_OK) {
        rc = restore_swap(r);
    }

    if (r->fresh) {
        (void) cli_tree_remove(r->fresh);
    }

    if (rc == CLI_OK) {
        restore_done(r);
    }

    return rc;
}


/* As an import, which replaces all of them in one step. */

static int
restore_names(restore_t *r)
{
    int                  rc, names;
    char                *store;
    FILE                *lines;
    size_t               i;
    uint64_t             rows;
    wgw_store_error_t    error;

    lines = tmpfile();

    if (lines == NULL) {
        return cli_fail(r->cli, CLI_FAILED, "a temporary file: %s",
                        strerror(errno));
    }

    rc = CLI_OK;

    for (i = 0; i < r->manifest.n; i++) {
        if (r->manifest.entries[i].kind != CLI_ENTRY_NAMES) {
            continue;
        }

        store = wgw_format("%s/%s", r->from, r->manifest.entries[i].path);
        *strrchr(store, '/') = '\0';

        rc = cli_rows_look(store, &names, &rows, lines, &error) == 0
             ? CLI_OK : cli_fail(r->cli, CLI_FAILED, "%s: %s", store,
                                 error.text);
        free(store);
        break;
    }

    if (i == r->manifest.n) {
        rc = cli_fail(r->cli, CLI_NONE, "%s has no names", r->from);
    }

    if (rc == CLI_OK) {
        rewind(lines);
        rc = cli_bulk_post(r->cli, lines, -1, 1);
    }

    fclose(lines);

    return rc;
}


/* Neither what would be replaced, nor anything beside it of the same. */

static int
restore_idle(restore_t *r)
{
    int          rc;
    char        *path;
    size_t       i;
    struct stat  st;

    if (stat(r->state, &st) != 0 && mkdir(r->state, 0755) != 0) {
        return cli_fail(r->cli, CLI_FAILED, "%s: %s", r->state,
                        strerror(errno));
    }

    rc = CLI_OK;

    for (i = 0; i < r->manifest.n && rc == CLI_OK; i++) {
        path = wgw_format("%s/%s", r->state, r->manifest.entries[i].path);

        if (restore_used(&r->manifest.entries[i], path)) {
            rc = cli_fail(r->cli, CLI_CONFLICT, "a gateway uses %s: stop it "
                          "first (systemctl stop wgw); --names puts back the "
                          "names of one that runs", path);
        }

        free(path);
    }

    return rc;
}


static int
restore_used(const cli_entry_t *entry, const char *path)
{
    int    used;
    char  *store;

    if (entry->kind == CLI_ENTRY_COUNTERS || entry->kind == CLI_ENTRY_NOTES) {
        return cli_zone_used(path);
    }

    if (entry->kind != CLI_ENTRY_NAMES && entry->kind != CLI_ENTRY_STORE) {
        return 0;
    }

    store = wgw_copy_bytes(path, strlen(path) - strlen("/data.mdb"));
    used = cli_rows_used(store);
    free(store);

    return used;
}


/* Beside what is there, on the same file system. */

static int
restore_copy(restore_t *r)
{
    int              rc;
    char             stamp[32];
    size_t           i;
    time_t           now;
    struct tm        tm;
    cli_progress_t   progress;

    now = time(NULL);
    (void) strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ",
                    gmtime_r(&now, &tm));

    r->fresh = wgw_format("%s/" CLI_TREE_NEW "%s", r->state, stamp);
    r->aside = wgw_format("%s/" CLI_TREE_OLD "%s", r->state, stamp);

    (void) cli_tree_remove(r->fresh);

    if (mkdir(r->fresh, 0700) != 0 || mkdir(r->aside, 0700) != 0) {
        return cli_fail(r->cli, CLI_FAILED, "%s: %s", r->state,
                        strerror(errno));
    }

    cli_progress_begin(&progress, r->cli, "restoring");
    rc = CLI_OK;

    for (i = 0; i < r->manifest.n && rc == CLI_OK; i++) {
        cli_progress_count(&progress, i, r->manifest.n);
        rc = restore_entry(r, &r->manifest.entries[i]);
    }

    cli_progress_end(&progress);

    if (rc == CLI_OK && cli_tree_sync(r->fresh) != 0) {
        rc = cli_fail(r->cli, CLI_FAILED, "%s: %s", r->fresh,
                      strerror(errno));
    }

    if (rc != CLI_OK) {
        (void) rmdir(r->aside);
    }

    return rc;
}


static int
restore_entry(restore_t *r, const cli_entry_t *entry)
{
    int    rc;
    char  *from, *to;

    from = wgw_format("%s/%s", r->from, entry->path);
    to = wgw_format("%s/%s", r->fresh, entry->path);

    rc = entry->kind == CLI_ENTRY_DIRECTORY ? mkdir(to, 0700)
         : entry->kind == CLI_ENTRY_LINK ? symlink(entry->target, to)
         : restore_file(entry, from, to);

    if (rc == 0) {
        rc = restore_owner(entry, to);
    }

    rc = rc == 0 ? CLI_OK : cli_fail(r->cli, CLI_FAILED, "%s: %s", to,
                                     strerror(errno));
    free(from);
    free(to);

    return rc;
}


/* Zones have no holes: a full disk is an error now, and no signal later. */

static int
restore_file(const cli_entry_t *entry, const char *from, const char *to)
{
    int       in, out, rc;
    char      sha[CLI_FILE_SHA];
    uint64_t  size;

    in = open(from, O_RDONLY|O_CLOEXEC|O_NOFOLLOW);
    out = in < 0 ? -1 : open(to, O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600);

    rc = out < 0 ? -1 : cli_file_copy(in, out, 0);

    /* it was looked at under its name: this is what was */

    if (rc == 0 && (cli_file_sha(out, sha, &size) != 0
                    || strcmp(sha, entry->sha) != 0))
    {
        errno = ESTALE;
        rc = -1;
    }

    (void) close(in);
    (void) close(out);

    return rc;
}


/* Users by name, as another machine may number them otherwise. */

static int
restore_owner(const cli_entry_t *entry, const char *path)
{
    struct group   *group;
    struct passwd  *user;

    if (geteuid() == 0) {
        user = getpwnam(entry->user);
        group = getgrnam(entry->group);

        if (lchown(path, user ? user->pw_uid
                              : (uid_t) strtoul(entry->user, NULL, 10),
                   group ? group->gr_gid
                         : (gid_t) strtoul(entry->group, NULL, 10))
            != 0)
        {
            return -1;
        }
    }

    return entry->kind == CLI_ENTRY_LINK ? 0 : chmod(path, entry->mode);
}


/* What was there goes aside, all of it or, after a failure, nothing. */

static int
restore_swap(restore_t *r)
{
    size_t              i;
    const cli_entry_t  *entry;

    for (i = 0; i < r->manifest.n; i++) {
        entry = &r->manifest.entries[i];

        if (strchr(entry->path, '/')) {
            continue;
        }

        if (restore_aside(r, entry) != 0
            || restore_move(r->fresh, r->state, entry->path) != 0)
        {
            (void) cli_fail(r->cli, CLI_FAILED, "%s/%s: %s; all is as it was",
                            r->state, entry->path, strerror(errno));
            restore_back(r, i + 1);
            return CLI_FAILED;
        }
    }

    (void) cli_file_sync(r->aside);
    (void) cli_file_sync(r->state);

    return CLI_OK;
}


static int
restore_aside(restore_t *r, const cli_entry_t *entry)
{
    return restore_move(r->state, r->aside, entry->path) == 0
           || errno == ENOENT ? 0 : -1;
}


/*
 * The first n entries: what was put aside comes back.  Of the last one only
 * that may have happened, so that what is in the state is the old one.
 */

static void
restore_back(restore_t *r, size_t n)
{
    char               *fresh;
    const cli_entry_t  *entry;

    while (n--) {
        entry = &r->manifest.entries[n];

        if (strchr(entry->path, '/')) {
            continue;
        }

        fresh = wgw_format("%s/%s", r->fresh, entry->path);

        if (faccessat(AT_FDCWD, fresh, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
            (void) restore_move(r->state, r->fresh, entry->path);
        }

        free(fresh);

        (void) restore_move(r->aside, r->state, entry->path);
    }

    (void) rmdir(r->aside);
}


static int
restore_move(const char *from_dir, const char *to_dir, const char *name)
{
    int    rc, err;
    char  *from, *to;

    from = wgw_format("%s/%s", from_dir, name);
    to = wgw_format("%s/%s", to_dir, name);

    rc = rename(from, to);
    err = errno;

    free(from);
    free(to);
    errno = err;

    return rc;
}


static void
restore_done(restore_t *r)
{
    if (r->cli->json) {
        fputc('{', stdout);
        cli_manifest_print(&r->manifest, r->cli);

        if (r->aside) {
            cli_write_member(stdout, 0, "aside", r->aside);
        }

        fputs("}\n", stdout);
        return;
    }

    cli_manifest_print(&r->manifest, r->cli);

    if (r->aside == NULL) {
        cli_note(r->cli, "%s is whole", r->from);
        return;
    }

    /* empty when nothing was there */

    if (rmdir(r->aside) == 0) {
        cli_note(r->cli, "restored");

    } else {
        cli_note(r->cli, "restored; what was there is in %s", r->aside);
    }
}
