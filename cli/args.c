
#include <string.h>

#include "cli/args.h"


/* What is being read. */
typedef struct {
    cli_t                *cli;
    const cli_command_t  *command;
    char                 *options;
    char                **argv;
    size_t                argc;
    size_t                at;
} args_t;


static int args_option(args_t *a);
static const cli_option_t *args_find(args_t *a, const char *text, size_t len,
    char **data);
static const cli_option_t *args_among(const cli_option_t *options, size_t n,
    const char *text, size_t len);
static int args_set(args_t *a, const cli_option_t *option, char *data,
    const char *value);
static int args_list(args_t *a, const cli_option_t *option,
    cli_list_t *list, const char *value);
static const char *args_of(const args_t *a);


const cli_option_t  cli_options[] = {
    { "url", 'u', CLI_VALUE, "URL", offsetof(cli_t, url),
      "the gateway: unix:/PATH, http://... or https://..." },
    { "json", 'j', CLI_FLAG, NULL, offsetof(cli_t, json),
      "for programs: JSON, errors too" },
    { "quiet", 'q', CLI_FLAG, NULL, offsetof(cli_t, quiet),
      "no remarks, no progress" },
    { "config", 0, CLI_VALUE, "FILE", offsetof(cli_t, config),
      "instead of " CLI_CONFIG },
    { "cacert", 0, CLI_VALUE, "FILE", offsetof(cli_t, cacert),
      "the authorities of an https URL" },
    { "password-file", 0, CLI_VALUE, "FILE", offsetof(cli_t, password_file),
      "user:password, for a proxy in front" },
    { "help", 'h', CLI_FLAG, NULL, offsetof(cli_t, help), "this text" },
    { "version", 'V', CLI_FLAG, NULL, offsetof(cli_t, version),
      "which wgw this is" },
};

const size_t  cli_noptions = cli_count(cli_options);


int
cli_args_read(cli_t *cli, const cli_command_t *command, void *options,
    char **argv, size_t argc, size_t *n)
{
    int     rc;
    args_t  a = { cli, command, options, argv, argc, 0 };

    *n = 0;

    for ( /* void */ ; a.at < argc; a.at++) {

        if (strcmp(argv[a.at], "--") == 0) {
            while (++a.at < argc) {
                argv[(*n)++] = argv[a.at];
            }

            break;
        }

        if (argv[a.at][0] != '-' || argv[a.at][1] == '\0') {
            argv[(*n)++] = argv[a.at];
            continue;
        }

        rc = args_option(&a);

        if (rc != CLI_OK) {
            return rc;
        }
    }

    if (cli->help || cli->version) {
        return CLI_OK;
    }

    if (*n < command->min || *n > command->max) {
        return cli_fail(cli, CLI_USAGE, "too %s arguments: wgw %s %s",
                        *n < command->min ? "few" : "many", command->name,
                        command->args);
    }

    return CLI_OK;
}


int
cli_args_global(cli_t *cli, char **argv, size_t argc, size_t *n)
{
    int     rc;
    args_t  a = { cli, NULL, NULL, argv, argc, 0 };

    while (a.at < argc && argv[a.at][0] == '-') {
        rc = args_option(&a);

        if (rc != CLI_OK) {
            return rc;
        }

        a.at++;
    }

    *n = a.at;

    return CLI_OK;
}


static int
args_option(args_t *a)
{
    char                *data;
    size_t               len;
    const char          *text, *value;
    const cli_option_t  *option;

    text = a->argv[a->at];
    len = strcspn(text, "=");
    value = text[1] == '-' && text[len] ? text + len + 1 : NULL;

    if (text[1] != '-') {
        len = strlen(text);
    }

    option = args_find(a, text, len, &data);

    if (option == NULL) {
        return cli_fail(a->cli, CLI_USAGE, "unknown option %.*s: see wgw%s "
                        "--help", (int) len, text, args_of(a));
    }

    if (option->kind == CLI_FLAG && value) {
        return cli_fail(a->cli, CLI_USAGE, "--%s takes no value",
                        option->name);
    }

    if (value == NULL
        && (option->kind == CLI_VALUE || option->kind == CLI_VALUES))
    {
        if (a->at + 1 == a->argc) {
            return cli_fail(a->cli, CLI_USAGE, "--%s needs a value, %s",
                            option->name, option->value);
        }

        value = a->argv[++a->at];
    }

    return args_set(a, option, data, value ? value : "");
}


static const char *
args_of(const args_t *a)
{
    static char  name[64];

    (void) snprintf(name, sizeof(name), " %s",
                    a->command ? a->command->name : "");

    return a->command ? name : "";
}


static const cli_option_t *
args_find(args_t *a, const char *text, size_t len, char **data)
{
    const cli_option_t  *option;

    option = NULL;
    *data = a->options;

    if (a->command) {
        option = args_among(a->command->options, a->command->noptions, text,
                            len);
    }

    if (option == NULL) {
        option = args_among(cli_options, cli_noptions, text, len);
        *data = (char *) a->cli;
    }

    return option;
}


static const cli_option_t *
args_among(const cli_option_t *options, size_t n, const char *text,
    size_t len)
{
    size_t  i;

    for (i = 0; i < n; i++) {

        if (text[1] == '-') {
            if (strlen(options[i].name) == len - 2
                && strncmp(options[i].name, text + 2, len - 2) == 0)
            {
                return &options[i];
            }

        } else if (len == 2 && text[1] == options[i].letter) {
            return &options[i];
        }
    }

    return NULL;
}


static int
args_set(args_t *a, const cli_option_t *option, char *data,
    const char *value)
{
    if (option->kind == CLI_VALUES) {
        return args_list(a, option, (cli_list_t *) (data + option->offset),
                         value);
    }

    *(const char **) (data + option->offset) = value;

    return CLI_OK;
}


static int
args_list(args_t *a, const cli_option_t *option, cli_list_t *list,
    const char *value)
{
    if (list->n == CLI_LIST) {
        return cli_fail(a->cli, CLI_USAGE, "--%s is there more than %d times",
                        option->name, CLI_LIST);
    }

    list->items[list->n++] = value;

    return CLI_OK;
}


void
cli_args_help(FILE *file, const cli_command_t *command)
{
    fprintf(file, "wgw %s %s\n    %s\n", command->name, command->args,
            command->help);

    if (command->noptions) {
        fputs("\noptions:\n", file);
        cli_args_options(file, command->options, command->noptions);
    }

    fputs("\noptions of every command:\n", file);
    cli_args_options(file, cli_options, cli_noptions);
}


void
cli_args_options(FILE *file, const cli_option_t *options, size_t n)
{
    char    text[64];
    size_t  i;

    for (i = 0; i < n; i++) {
        (void) snprintf(text, sizeof(text), "--%s%s%s%s", options[i].name,
                        options[i].kind == CLI_MAYBE ? "[=" :
                        options[i].value ? " " : "",
                        options[i].value ? options[i].value : "",
                        options[i].kind == CLI_MAYBE ? "]" : "");

        if (options[i].letter) {
            fprintf(file, "    -%c, ", options[i].letter);
        } else {
            fputs("        ", file);
        }

        fprintf(file, "%-22s %s\n", text, options[i].help);
    }
}
