
/*
 * wgw names import|export: all names as lines of JSON, in flat memory.
 */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/bulk.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/human.h"
#include "cli/session.h"
#include "cli/write.h"


typedef struct {
    const char      *replace;
} bulk_import_t;


/* An export. */
typedef struct {
    const cli_t     *cli;
    FILE            *file;
    uint64_t         n;
    cli_progress_t   progress;
} bulk_export_t;


static int bulk_import(const cli_t *cli, const void *options, char **args,
    size_t n);
static FILE *bulk_open(const cli_t *cli, const char *path, int64_t *size,
    int *rc);
static void bulk_imported(const cli_t *cli, yajl_val counts);
static int bulk_export(const cli_t *cli, const void *options, char **args,
    size_t n);
static int bulk_pages(const cli_t *cli, bulk_export_t *export);
static int bulk_page(void *data, yajl_val page);


static const cli_option_t  bulk_import_options[] = {
    { "replace", 'r', CLI_FLAG, NULL, offsetof(bulk_import_t, replace),
      "these names, and no others" },
};


static const cli_command_t  bulk_commands[] = {
    { "names import", "FILE|-", "many names at once, all or none", 1, 1,
      bulk_import_options, cli_count(bulk_import_options), bulk_import },
    { "names export", "[FILE]", "all names, for import", 0, 1,
      NULL, 0, bulk_export },
};


const cli_group_t  cli_bulk_group = {
    bulk_commands, cli_count(bulk_commands)
};


static int
bulk_import(const cli_t *cli, const void *options, char **args, size_t n)
{
    int                   rc;
    FILE                 *file;
    int64_t               size;
    const bulk_import_t  *import = options;

    (void) n;

    file = bulk_open(cli, args[0], &size, &rc);

    if (file == NULL) {
        return rc;
    }

    rc = cli_bulk_post(cli, file, size, import->replace != NULL);

    if (file != stdin) {
        fclose(file);
    }

    return rc;
}


/* The size of a file tells the gateway, and who waits, how much will come. */

static FILE *
bulk_open(const cli_t *cli, const char *path, int64_t *size, int *rc)
{
    FILE         *file;
    struct stat   st;

    file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");

    if (file == NULL || fstat(fileno(file), &st) != 0) {
        *rc = cli_fail_file(cli, path);

        if (file && file != stdin) {
            fclose(file);
        }

        return NULL;
    }

    if (S_ISDIR(st.st_mode)) {
        fclose(file);
        *rc = cli_fail(cli, CLI_FAILED, "%s is a directory", path);
        return NULL;
    }

    *size = S_ISREG(st.st_mode) && file != stdin ? st.st_size : -1;

    return file;
}


int
cli_bulk_post(const cli_t *cli, FILE *file, int64_t size, int replace)
{
    int             rc;
    yajl_val        counts;
    cli_call_t      call;
    cli_session_t   s;
    cli_progress_t  progress;

    memset(&call, 0, sizeof(call));

    call.type = "application/x-ndjson";
    call.file = file;
    call.size = size;
    call.progress = &progress;

    cli_progress_begin(&progress, cli, "importing");

    rc = cli_session_open(&s, cli);

    if (rc == CLI_OK) {
        rc = cli_client_call(&s.client, &call, replace
                             ? "/v1/names?replace=true" : "/v1/names");
    }

    cli_progress_end(&progress);

    if (rc == CLI_OK && s.client.status >= 300) {
        rc = cli_client_refused(&s.client, "nothing was imported");

    } else if (rc == CLI_OK) {
        counts = s.client.fetch.len
                 ? wgw_doc_read(s.client.fetch.data, s.client.fetch.len)
                 : NULL;
        bulk_imported(cli, counts);
        yajl_tree_free(counts);
    }

    cli_session_close(&s);

    return rc;
}


static void
bulk_imported(const cli_t *cli, yajl_val counts)
{
    char  added[CLI_HUMAN], changed[CLI_HUMAN], deleted[CLI_HUMAN];

    if (cli->json) {
        cli_write_value(stdout, counts);
        fputc('\n', stdout);
        return;
    }

    printf("%s added, %s changed, %s deleted\n",
           cli_human_count(added, wgw_doc_number(counts, "added")),
           cli_human_count(changed, wgw_doc_number(counts, "changed")),
           cli_human_count(deleted, wgw_doc_number(counts, "deleted")));
}


static int
bulk_export(const cli_t *cli, const void *options, char **args, size_t n)
{
    int            rc;
    char           count[CLI_HUMAN];
    bulk_export_t  export;

    (void) options;

    memset(&export, 0, sizeof(export));

    export.cli = cli;
    export.file = n ? cli_file_create(args[0], 0644) : stdout;

    if (export.file == NULL) {
        return cli_fail(cli, CLI_FAILED, "%s: %s", args[0], strerror(errno));
    }

    rc = bulk_pages(cli, &export);

    if (n && rc != CLI_OK) {
        cli_file_drop(export.file, args[0]);

    } else if (n && cli_file_commit(export.file, args[0]) != 0) {
        return cli_fail(cli, CLI_FAILED, "%s: %s", args[0], strerror(errno));
    }

    if (rc == CLI_OK && n) {
        cli_note(cli, "%s names in %s", cli_human_count(count, export.n),
                 args[0]);
    }

    return rc;
}


static int
bulk_pages(const cli_t *cli, bulk_export_t *export)
{
    int            rc;
    cli_session_t  s;

    cli_progress_begin(&export->progress, cli, "exporting");

    rc = cli_session_open(&s, cli);

    if (rc == CLI_OK) {
        rc = cli_session_pages(&s, "/v1/names?limit=1000", "names",
                               bulk_page, export);
    }

    cli_progress_end(&export->progress);
    cli_session_close(&s);

    return rc;
}


static int
bulk_page(void *data, yajl_val page)
{
    size_t          i;
    bulk_export_t  *export = data;

    for (i = 0; i < wgw_doc_count(page, "names"); i++) {
        cli_write_value(export->file, wgw_doc_at(page, "names", i));
        fputc('\n', export->file);
        export->n++;
    }

    if (ferror(export->file)) {
        return cli_fail(export->cli, CLI_FAILED, "writing: %s",
                        strerror(errno));
    }

    cli_progress_count(&export->progress, export->n, 0);

    return CLI_OK;
}
