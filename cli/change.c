
/*
 * wgw cap|pause|resume: one member of names that are there.
 */

#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/names.h"


typedef struct {
    const char  *patch;
    const char  *said;                  /* of a name, when it is done */
} change_t;


static int change_cap(const cli_t *cli, const void *options, char **args,
    size_t n);
static int change_pause(const cli_t *cli, const void *options, char **args,
    size_t n);
static int change_resume(const cli_t *cli, const void *options, char **args,
    size_t n);
static int change_all(const cli_t *cli, char **names, size_t n,
    const char *patch, const char *said);
static int change_one(cli_session_t *s, const char *name, const void *data);


static const cli_command_t  change_commands[] = {
    { "cap", "NAME SIZE|none", "how much a name may use a month", 2, 2,
      NULL, 0, change_cap },
    { "pause", "NAME ...", "answer 503 for these", 1, CLI_MANY,
      NULL, 0, change_pause },
    { "resume", "NAME ...", "serve them again", 1, CLI_MANY,
      NULL, 0, change_resume },
};


const cli_group_t  cli_change_group = {
    change_commands, cli_count(change_commands)
};


static int
change_cap(const cli_t *cli, const void *options, char **args, size_t n)
{
    int       rc;
    char      patch[64], said[CLI_HUMAN + 16], bytes[CLI_HUMAN];
    uint64_t  cap;

    (void) options;
    (void) n;

    rc = cli_names_size(cli, "cap", args[1], &cap);

    if (rc != CLI_OK) {
        return rc;
    }

    (void) snprintf(patch, sizeof(patch), "{\"cap_bytes\":%llu}",
                    (unsigned long long) cap);
    (void) snprintf(said, sizeof(said), cap ? "has a cap of %s"
                                            : "has no cap",
                    cli_human_bytes(bytes, cap));

    return change_all(cli, args, 1, patch, said);
}


static int
change_pause(const cli_t *cli, const void *options, char **args, size_t n)
{
    (void) options;

    return change_all(cli, args, n, "{\"state\":\"paused\"}", "is paused");
}


static int
change_resume(const cli_t *cli, const void *options, char **args, size_t n)
{
    (void) options;

    return change_all(cli, args, n, "{\"state\":\"ok\"}", "is served");
}


static int
change_all(const cli_t *cli, char **names, size_t n, const char *patch,
    const char *said)
{
    change_t  change = { patch, said };

    return cli_session_each(cli, names, n, change_one, &change);
}


static int
change_one(cli_session_t *s, const char *name, const void *data)
{
    int              rc;
    char             path[CLI_PATH];
    yajl_val         record;
    cli_call_t       call;
    const cli_t     *cli = s->client.cli;
    const change_t  *change = data;

    memset(&call, 0, sizeof(call));

    call.method = "PATCH";
    call.type = "application/merge-patch+json";
    call.body = change->patch;
    call.len = strlen(change->patch);

    cli_names_path(path, name);

    rc = cli_client_call(&s->client, &call, path);

    if (rc == CLI_OK && s->client.status == 404) {
        return cli_fail_field(cli, CLI_NONE, name, "",
                              "there is no such name", 0, 404);
    }

    if (rc == CLI_OK && s->client.status >= 300) {
        return cli_client_refused(&s->client, name);
    }

    if (rc != CLI_OK || cli->json) {
        return rc == CLI_OK ? cli_names_shown(s, cli) : rc;
    }

    record = wgw_doc_read(s->client.fetch.data, s->client.fetch.len);
    cli_note(cli, "%s %s", wgw_doc_text(record, "name"), change->said);
    yajl_tree_free(record);

    return CLI_OK;
}
