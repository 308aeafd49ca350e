
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/columns.h"
#include "format/doc.h"
#include "cli/human.h"
#include "cli/manifest.h"
#include "cli/rowfile.h"
#include "cli/write.h"
#include "cli/zonefile.h"
#include "core/version.h"
#include "program/memory.h"


#define MANIFEST_FORMAT  1
#define MANIFEST_TARGET  4096


static void manifest_entry(FILE *file, const cli_entry_t *entry);
static int manifest_parse(cli_manifest_t *m, yajl_val doc);
static int manifest_kind(cli_entry_t *entry, const char *text);
static char *manifest_link(const cli_entry_t *entry, const char *file);
static int manifest_check(const cli_t *cli, const cli_entry_t *entry,
    const char *backup);
static char *manifest_store(cli_entry_t *entry, const char *file);
static char *manifest_zone(cli_entry_t *entry, int fd);


static const char  *const manifest_kinds[] = {
    "directory", "names", "store", "counters", "notes", "file", "link"
};


const char *
cli_manifest_kind(cli_entry_kind_t kind)
{
    return manifest_kinds[kind];
}


cli_entry_t *
cli_manifest_add(cli_manifest_t *m, const char *path, cli_entry_kind_t kind)
{
    cli_entry_t  *entry;

    if (m->n == m->room) {
        m->room = m->room ? m->room * 2 : 64;
        m->entries = wgw_grow(m->entries, m->room * sizeof(cli_entry_t));
    }

    entry = &m->entries[m->n++];
    memset(entry, 0, sizeof(cli_entry_t));

    entry->path = wgw_copy(path);
    entry->kind = kind;

    return entry;
}


void
cli_manifest_free(cli_manifest_t *m)
{
    size_t  i;

    for (i = 0; i < m->n; i++) {
        free(m->entries[i].path);
        free(m->entries[i].user);
        free(m->entries[i].group);
        free(m->entries[i].target);
    }

    free(m->entries);
    free(m->state);
    free(m->made);
    memset(m, 0, sizeof(cli_manifest_t));
}


int
cli_manifest_write(const cli_manifest_t *m, const cli_t *cli,
    const char *backup)
{
    int     rc;
    char   *path;
    FILE   *file;
    size_t  i;

    path = wgw_format("%s/" CLI_MANIFEST, backup);
    file = cli_file_create(path, 0600);

    if (file) {
        fprintf(file, "{\"wgw_backup\":%d", MANIFEST_FORMAT);
        cli_write_member(file, 0, "version", WGW_VERSION);
        cli_write_member(file, 0, "made", m->made);
        cli_write_member(file, 0, "state", m->state);
        fputs(",\"entries\":[", file);

        for (i = 0; i < m->n; i++) {
            fputs(i ? ",\n " : "\n ", file);
            manifest_entry(file, &m->entries[i]);
        }

        fputs("\n]}\n", file);
    }

    rc = file && cli_file_commit(file, path) == 0 ? CLI_OK
         : cli_fail(cli, CLI_FAILED, "%s: %s", path, strerror(errno));

    free(path);

    return rc;
}


static void
manifest_entry(FILE *file, const cli_entry_t *entry)
{
    char  mode[16];

    (void) snprintf(mode, sizeof(mode), "%04o", entry->mode);

    fputc('{', file);
    cli_write_member(file, 1, "path", entry->path);
    cli_write_member(file, 0, "kind", manifest_kinds[entry->kind]);
    cli_write_member(file, 0, "mode", mode);
    cli_write_member(file, 0, "user", entry->user);
    cli_write_member(file, 0, "group", entry->group);

    if (entry->kind == CLI_ENTRY_LINK) {
        cli_write_member(file, 0, "target", entry->target);

    } else if (entry->kind != CLI_ENTRY_DIRECTORY) {
        cli_write_number(file, 0, "size", entry->size);
        cli_write_member(file, 0, "sha256", entry->sha);
        cli_write_number(file, 0, "rows", entry->rows);
    }

    if (entry->kind == CLI_ENTRY_COUNTERS) {
        cli_write_number(file, 0, "sent", entry->sent);
        cli_write_number(file, 0, "received", entry->received);
        cli_write_number(file, 0, "requests", entry->requests);
    }

    fputc('}', file);
}


int
cli_manifest_read(cli_manifest_t *m, const cli_t *cli, const char *backup)
{
    int        rc;
    char      *path, *text;
    size_t     len;
    yajl_val   doc;

    memset(m, 0, sizeof(cli_manifest_t));

    path = wgw_format("%s/" CLI_MANIFEST, backup);
    text = cli_file_read(path, CLI_MANIFEST_MAX, &len);

    if (text == NULL) {
        rc = cli_fail_file(cli, path);
        free(path);
        return rc;
    }

    doc = wgw_doc_read(text, len);
    free(text);

    rc = CLI_OK;

    if (wgw_doc_number(doc, "wgw_backup") > MANIFEST_FORMAT) {
        rc = cli_fail(cli, CLI_FAILED, "%s was made by wgw %s, a newer one",
                      path, wgw_doc_text(doc, "version"));

    } else if (wgw_doc_number(doc, "wgw_backup") == 0
               || manifest_parse(m, doc) != 0)
    {
        rc = cli_fail(cli, CLI_FAILED, "%s is damaged, or none of a backup",
                      path);
    }

    yajl_tree_free(doc);
    free(path);

    return rc;
}


static int
manifest_parse(cli_manifest_t *m, yajl_val doc)
{
    size_t        i;
    yajl_val      item;
    cli_entry_t  *entry;

    m->state = wgw_copy(wgw_doc_text(doc, "state"));
    m->made = wgw_copy(wgw_doc_text(doc, "made"));

    for (i = 0; i < wgw_doc_count(doc, "entries"); i++) {
        item = wgw_doc_at(doc, "entries", i);

        if (!cli_manifest_below(wgw_doc_text(item, "path"))) {
            return -1;
        }

        entry = cli_manifest_add(m, wgw_doc_text(item, "path"),
                                 CLI_ENTRY_FILE);

        if (manifest_kind(entry, wgw_doc_text(item, "kind")) != 0) {
            return -1;
        }

        entry->mode = (unsigned) strtoul(wgw_doc_text(item, "mode"), NULL, 8)
                      & 0777;
        entry->user = wgw_copy(wgw_doc_text(item, "user"));
        entry->group = wgw_copy(wgw_doc_text(item, "group"));
        entry->target = wgw_copy(wgw_doc_text(item, "target"));

        if (entry->kind == CLI_ENTRY_LINK
            && !cli_manifest_below(entry->target))
        {
            return -1;
        }

        entry->size = wgw_doc_number(item, "size");
        entry->rows = wgw_doc_number(item, "rows");
        entry->sent = wgw_doc_number(item, "sent");
        entry->received = wgw_doc_number(item, "received");
        entry->requests = wgw_doc_number(item, "requests");

        (void) snprintf(entry->sha, sizeof(entry->sha), "%s",
                        wgw_doc_text(item, "sha256"));
    }

    return 0;
}


static int
manifest_kind(cli_entry_t *entry, const char *text)
{
    size_t  i;

    for (i = 0; i < sizeof(manifest_kinds) / sizeof(manifest_kinds[0]); i++) {
        if (strcmp(text, manifest_kinds[i]) == 0) {
            entry->kind = (cli_entry_kind_t) i;
            return 0;
        }
    }

    return -1;
}


int
cli_manifest_below(const char *path)
{
    size_t       n;
    const char  *p;

    for (p = path; ; p += n + 1) {
        n = strcspn(p, "/");

        if (n == 0 || (n == 1 && p[0] == '.')
            || (n == 2 && p[0] == '.' && p[1] == '.'))
        {
            return 0;
        }

        if (p[n] == '\0') {
            return 1;
        }
    }
}


int
cli_manifest_verify(const cli_manifest_t *m, const cli_t *cli,
    const char *backup)
{
    int             rc;
    size_t          i;
    cli_progress_t  progress;

    cli_progress_begin(&progress, cli, "verifying");
    rc = CLI_OK;

    for (i = 0; i < m->n && rc == CLI_OK; i++) {
        cli_progress_count(&progress, i, m->n);
        rc = manifest_check(cli, &m->entries[i], backup);
    }

    cli_progress_end(&progress);

    return rc;
}


static int
manifest_check(const cli_t *cli, const cli_entry_t *entry,
    const char *backup)
{
    int           rc;
    char         *file, *error;
    cli_entry_t   found;
    struct stat   st;

    file = wgw_format("%s/%s", backup, entry->path);
    found = *entry;
    error = NULL;

    if (lstat(file, &st) != 0) {
        error = wgw_copy(strerror(errno));

    } else if (entry->kind == CLI_ENTRY_DIRECTORY) {
        error = S_ISDIR(st.st_mode) ? NULL : wgw_copy("is no directory");

    } else if (entry->kind == CLI_ENTRY_LINK) {
        error = manifest_link(entry, file);

    } else if (!S_ISREG(st.st_mode)) {
        error = wgw_copy("is no file");

    } else {
        error = cli_manifest_facts(&found, file);
    }

    if (error == NULL && entry->kind != CLI_ENTRY_DIRECTORY
        && entry->kind != CLI_ENTRY_LINK
        && (found.size != entry->size || strcmp(found.sha, entry->sha) != 0
            || found.rows != entry->rows || found.sent != entry->sent
            || found.received != entry->received
            || found.requests != entry->requests))
    {
        error = wgw_copy("is not what was written then");
    }

    rc = error ? cli_fail(cli, CLI_FAILED, "%s: %s", file, error) : CLI_OK;

    free(error);
    free(file);

    return rc;
}


static char *
manifest_link(const cli_entry_t *entry, const char *file)
{
    int    same;
    char  *target;

    target = cli_manifest_target(file);
    same = target && strcmp(target, entry->target) == 0;

    free(target);

    return same ? NULL : wgw_copy("is not the link it was");
}


char *
cli_manifest_target(const char *path)
{
    char     target[MANIFEST_TARGET];
    ssize_t  n;

    n = readlink(path, target, sizeof(target));

    return n < 0 || n == sizeof(target) ? NULL
           : wgw_copy_bytes(target, (size_t) n);
}


/* How many notes are live changes with the time: those are not compared. */

char *
cli_manifest_facts(cli_entry_t *entry, const char *file)
{
    int    fd, rc;
    char  *error;

    fd = open(file, O_RDONLY|O_CLOEXEC|O_NOFOLLOW);

    if (fd < 0) {
        return wgw_copy(strerror(errno));
    }

    rc = cli_file_sha(fd, entry->sha, &entry->size);
    error = rc ? wgw_copy(strerror(errno)) : NULL;

    if (error == NULL && (entry->kind == CLI_ENTRY_COUNTERS
                          || entry->kind == CLI_ENTRY_NOTES))
    {
        error = manifest_zone(entry, fd);
    }

    close(fd);

    if (error == NULL && (entry->kind == CLI_ENTRY_NAMES
                          || entry->kind == CLI_ENTRY_STORE))
    {
        error = manifest_store(entry, file);
    }

    return error;
}


static char *
manifest_zone(cli_entry_t *entry, int fd)
{
    const char        *error;
    cli_zone_facts_t   facts;

    if (cli_zone_look(fd, 1, &facts, &error) != 0) {
        return wgw_copy(error);
    }

    if (facts.lost) {
        return wgw_format("has %llu records that are not whole",
                          (unsigned long long) facts.lost);
    }

    if (entry->kind == CLI_ENTRY_COUNTERS) {
        entry->rows = facts.keys;
        entry->sent = facts.sent;
        entry->received = facts.received;
        entry->requests = facts.requests;
    }

    return NULL;
}


static char *
manifest_store(cli_entry_t *entry, const char *file)
{
    int                 rc, names;
    char               *store;
    wgw_store_error_t   error;

    store = wgw_copy_bytes(file, strlen(file) - strlen("/data.mdb"));

    rc = cli_rows_look(store, &names, &entry->rows, NULL, &error);

    free(store);

    if (rc != 0) {
        return wgw_copy(error.text);
    }

    if (names) {
        entry->kind = CLI_ENTRY_NAMES;
    }

    return NULL;
}


void
cli_manifest_print(const cli_manifest_t *m, const cli_t *cli)
{
    char                       text[CLI_HUMAN];
    size_t                     i;
    const cli_entry_t         *entry;
    cli_columns_t              columns;
    static const cli_column_t  titles[] = {
        { "WHAT", 0 }, { "PATH", 0 }, { "SIZE", 1 }, { "ROWS", 1 }
    };

    if (cli->json) {
        cli_write_member(stdout, 1, "made", m->made);
        fputs(",\"entries\":[", stdout);
    }

    cli_columns_begin(&columns, stdout, titles, cli_count(titles));

    for (i = 0; i < m->n; i++) {
        entry = &m->entries[i];

        if (cli->json) {
            fputs(i ? "," : "", stdout);
            manifest_entry(stdout, entry);

        } else if (entry->kind != CLI_ENTRY_DIRECTORY
                   && entry->kind != CLI_ENTRY_LINK)
        {
            cli_columns_add(&columns, manifest_kinds[entry->kind]);
            cli_columns_add(&columns, entry->path);
            cli_columns_add(&columns, cli_human_bytes(text, entry->size));
            cli_columns_add(&columns, entry->kind == CLI_ENTRY_FILE
                                      || entry->kind == CLI_ENTRY_NOTES ? "-"
                            : cli_human_count(text, entry->rows));
        }
    }

    cli_columns_end(&columns);

    if (cli->json) {
        fputc(']', stdout);
    }
}
