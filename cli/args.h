
/*
 * args: commands and their options, as tables, of which the command line is
 * read, and --help and the shell's completion are made.
 *
 *     wgw [OPTION ...] COMMAND [OPTION ...] [ARGUMENT ...]
 *
 * Options stand anywhere: --name VALUE, --name=VALUE, -n VALUE; what follows
 * "--" is none.  A value that may be left out is given by "=" only.
 */

#ifndef WGW_CLI_ARGS_H
#define WGW_CLI_ARGS_H


#include "cli/cli.h"


#define CLI_LIST   16
#define CLI_MANY   ((size_t) -1)


/* An option that may be there several times. */
typedef struct {
    const char            *items[CLI_LIST];
    size_t                 n;
} cli_list_t;


typedef enum {
    CLI_FLAG = 0,                       /* const char *: "" */
    CLI_VALUE,                          /* const char * */
    CLI_MAYBE,                          /* const char *: "" without a value */
    CLI_VALUES                          /* cli_list_t */
} cli_kind_t;


typedef struct {
    const char            *name;
    char                   letter;      /* or 0 */
    cli_kind_t             kind;
    const char            *value;       /* what it is called */
    size_t                 offset;      /* in the command's options */
    const char            *help;
} cli_option_t;


typedef struct {
    const char            *name;        /* "names add" */
    const char            *args;        /* "NAME BACKEND ..." */
    const char            *help;
    size_t                 min;         /* of arguments */
    size_t                 max;         /* or CLI_MANY */
    const cli_option_t    *options;
    size_t                 noptions;
    int                  (*run)(const cli_t *cli, const void *options,
                                char **args, size_t n);
} cli_command_t;


#define CLI_OPTIONS_MAX  512            /* bytes of a command's options */

#define cli_count(array)  (sizeof(array) / sizeof((array)[0]))


/* Options of every command, in a cli_t. */
extern const cli_option_t  cli_options[];
extern const size_t        cli_noptions;

/*
 * Reads what follows a command's name: options into `cli` and `options`
 * (zeroed), and arguments, which are moved to the front of `argv`.
 */
int cli_args_read(cli_t *cli, const cli_command_t *command, void *options,
    char **argv, size_t argc, size_t *n);

/* Only the options that come before the command; `*n` is where it is. */
int cli_args_global(cli_t *cli, char **argv, size_t argc, size_t *n);

void cli_args_help(FILE *file, const cli_command_t *command);
void cli_args_options(FILE *file, const cli_option_t *options, size_t n);


#endif /* WGW_CLI_ARGS_H */
