
/*
 * commands: all there are, a table of each file that has some.
 */

#ifndef WGW_CLI_COMMANDS_H
#define WGW_CLI_COMMANDS_H


#include "cli/args.h"


typedef struct {
    const cli_command_t  *commands;
    size_t                n;
} cli_group_t;


extern const cli_group_t  cli_names_group;      /* names.c */
extern const cli_group_t  cli_bulk_group;       /* bulk.c */
extern const cli_group_t  cli_change_group;     /* change.c */
extern const cli_group_t  cli_usage_group;      /* usage.c */
extern const cli_group_t  cli_top_group;        /* top.c */
extern const cli_group_t  cli_tokens_group;     /* tokens.c */
extern const cli_group_t  cli_backup_group;     /* backup.c */
extern const cli_group_t  cli_restore_group;    /* restore.c */
extern const cli_group_t  cli_check_group;      /* check.c */


#endif /* WGW_CLI_COMMANDS_H */
