
/*
 * names: what several commands need of a name: its path, and its record for
 * people.
 */

#ifndef WGW_CLI_NAMES_H
#define WGW_CLI_NAMES_H


#include "cli/session.h"
#include "format/size.h"


/* /v1/names/NAME in a path, with its escapes. */
void cli_names_path(char path[CLI_PATH], const char *name);

/* A size as people write it, "none" being 0; `of` says whose it is. */
int cli_names_size(const cli_t *cli, const char *of, const char *text,
    uint64_t *bytes);

/* The reply as it came, with --json, or the record for people. */
int cli_names_shown(cli_session_t *s, const cli_t *cli);


#endif /* WGW_CLI_NAMES_H */
