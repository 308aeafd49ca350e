
/*
 * wgw: the gateway from a terminal.  What it can do is in the tables of
 * commands.h, and described in docs/cli.md.
 */

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "core/version.h"


#define WGW_WORDS  2                    /* of a command's name */


static int wgw_main(cli_t *cli, size_t argc, char **argv);
static int wgw_run(cli_t *cli, const cli_command_t *command, size_t argc,
    char **argv);
static const cli_command_t *wgw_find(char **words, size_t n, size_t *used);
static int wgw_unknown(const cli_t *cli, char **words, size_t n);
static int wgw_help(const cli_t *cli, char **words, size_t n);
static int wgw_complete(char **words, size_t n);
static void wgw_complete_options(const cli_option_t *options, size_t n);
static void wgw_complete_commands(char **words, size_t n);
static void wgw_complete_names(const char *begun);


static const cli_group_t  *const wgw_groups[] = {
    &cli_names_group,
    &cli_bulk_group,
    &cli_change_group,
    &cli_usage_group,
    &cli_top_group,
    &cli_tokens_group,
    &cli_backup_group,
    &cli_restore_group,
    &cli_check_group,
};


int
main(int argc, char **argv)
{
    int    rc;
    cli_t  cli;

    (void) setlocale(LC_CTYPE, "C");
    (void) signal(SIGPIPE, SIG_IGN);

    memset(&cli, 0, sizeof(cli));
    curl_global_init(CURL_GLOBAL_DEFAULT);

    rc = wgw_main(&cli, (size_t) argc - (argc > 0), argv + (argc > 0));

    if (rc == CLI_OK) {
        rc = cli_flush(&cli);
    }

    curl_global_cleanup();

    return rc;
}


static int
wgw_main(cli_t *cli, size_t argc, char **argv)
{
    int                   rc;
    size_t                n, used;
    const cli_command_t  *command;

    if (argc && strcmp(argv[0], "complete") == 0) {
        return wgw_complete(argv + 1, argc - 1);
    }

    rc = cli_args_global(cli, argv, argc, &n);
    if (rc != CLI_OK) {
        return rc;
    }

    argv += n;
    argc -= n;

    if (cli->version) {
        puts("wgw " WGW_VERSION);
        return CLI_OK;
    }

    if (cli->help) {
        return wgw_help(cli, argv, argc);
    }

    if (argc && strcmp(argv[0], "help") == 0) {
        return wgw_help(cli, argv + 1, argc - 1);
    }

    command = wgw_find(argv, argc, &used);

    if (command == NULL) {
        return wgw_unknown(cli, argv, argc);
    }

    return wgw_run(cli, command, argc - used, argv + used);
}


static int
wgw_run(cli_t *cli, const cli_command_t *command, size_t argc, char **argv)
{
    int     rc;
    size_t  n;

    /* aligned for what is in it: pointers and sizes */
    void   *options[CLI_OPTIONS_MAX / sizeof(void *)];

    memset(options, 0, sizeof(options));

    rc = cli_args_read(cli, command, options, argv, argc, &n);

    if (rc != CLI_OK) {
        return rc;
    }

    if (cli->version) {
        puts("wgw " WGW_VERSION);
        return CLI_OK;
    }

    if (cli->help) {
        cli_args_help(stdout, command);
        return CLI_OK;
    }

    return command->run(cli, options, argv, n);
}


/* The longest name wins: "names" alone is none. */

static const cli_command_t *
wgw_find(char **words, size_t n, size_t *used)
{
    size_t                i, j;
    char                  name[128];
    const cli_command_t  *command;

    for (*used = n < WGW_WORDS ? n : WGW_WORDS; *used; (*used)--) {
        (void) snprintf(name, sizeof(name), "%s%s%s", words[0],
                        *used > 1 ? " " : "", *used > 1 ? words[1] : "");

        for (i = 0; i < cli_count(wgw_groups); i++) {
            for (j = 0; j < wgw_groups[i]->n; j++) {
                command = &wgw_groups[i]->commands[j];

                if (strcmp(command->name, name) == 0) {
                    return command;
                }
            }
        }
    }

    return NULL;
}


static int
wgw_unknown(const cli_t *cli, char **words, size_t n)
{
    if (n == 0) {
        if (!cli->json) {
            (void) wgw_help(cli, words, 0);
        }

        return cli_fail(cli, CLI_USAGE, "no command");
    }

    return cli_fail(cli, CLI_USAGE, "no command \"%s%s%s\": see wgw help",
                    words[0], n > 1 ? " " : "", n > 1 ? words[1] : "");
}


static int
wgw_help(const cli_t *cli, char **words, size_t n)
{
    size_t                i, j, used;
    char                  text[128];
    const cli_command_t  *command;

    if (n) {
        command = wgw_find(words, n, &used);

        if (command == NULL) {
            return wgw_unknown(cli, words, n);
        }

        cli_args_help(stdout, command);
        return CLI_OK;
    }

    puts("wgw [OPTION ...] COMMAND [OPTION ...] [ARGUMENT ...]\n");

    for (i = 0; i < cli_count(wgw_groups); i++) {
        for (j = 0; j < wgw_groups[i]->n; j++) {
            command = &wgw_groups[i]->commands[j];

            (void) snprintf(text, sizeof(text), "%s %s", command->name,
                            command->args);
            printf("    %-34s %s\n", text, command->help);
        }
    }

    puts("\nwgw COMMAND --help has a command's options; wgw(8) all of it.\n\n"
         "options of every command:");
    cli_args_options(stdout, cli_options, cli_noptions);

    return CLI_OK;
}


/* For the shell: what may stand where the last of these words is begun. */

static int
wgw_complete(char **words, size_t n)
{
    size_t                used;
    const cli_command_t  *command;

    if (n == 0) {
        return CLI_USAGE;
    }

    command = wgw_find(words, n - 1, &used);

    if (command && strncmp(words[n - 1], "-", 1) == 0) {
        wgw_complete_options(command->options, command->noptions);
    }

    if (strncmp(words[n - 1], "-", 1) == 0) {
        wgw_complete_options(cli_options, cli_noptions);

    } else if (command == NULL) {
        wgw_complete_commands(words, n);

    } else if (strstr(command->args, "NAME")
               && strcmp(command->name, "names add") != 0)
    {
        wgw_complete_names(words[n - 1]);
    }

    return CLI_OK;
}


static void
wgw_complete_options(const cli_option_t *options, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        printf("--%s\n", options[i].name);
    }
}


static void
wgw_complete_commands(char **words, size_t n)
{
    size_t                i, j, first;
    const char           *name;

    for (i = 0; i < cli_count(wgw_groups); i++) {
        for (j = 0; j < wgw_groups[i]->n; j++) {
            name = wgw_groups[i]->commands[j].name;
            first = strcspn(name, " ");

            if (n == 1) {
                printf("%.*s\n", (int) first, name);

            } else if (n == 2 && strlen(words[0]) == first && name[first]
                       && strncmp(words[0], name, first) == 0)
            {
                puts(name + first + 1);
            }
        }
    }
}


/* Those that the gateway has from there on, when it answers. */

static void
wgw_complete_names(const char *begun)
{
    int            rc;
    cli_t          cli;
    char           path[CLI_PATH];
    size_t         i;
    yajl_val       page;
    cli_session_t  s;

    memset(&cli, 0, sizeof(cli));
    cli.silent = "";
    page = NULL;

    (void) snprintf(path, sizeof(path), "/v1/names?limit=100%s",
                    begun[0] ? "&after=" : "");
    cli_client_escape(path, begun);

    rc = cli_session_open(&s, &cli);

    if (rc == CLI_OK) {
        page = cli_client_get(&s.client, path, "", &rc);
    }

    for (i = 0; i < wgw_doc_count(page, "names"); i++) {
        puts(wgw_doc_text(wgw_doc_at(page, "names", i), "name"));
    }

    yajl_tree_free(page);
    cli_session_close(&s);
}
