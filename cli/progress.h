
/*
 * progress: one line on stderr for what takes long, gone when it has ended;
 * for who watches only: on a terminal, without --quiet and --json.
 */

#ifndef WGW_CLI_PROGRESS_H
#define WGW_CLI_PROGRESS_H


#include "cli/cli.h"


typedef struct {
    const char  *what;
    int          on;
    int          shown;
    double       begun;
    double       last;
} cli_progress_t;


void cli_progress_begin(cli_progress_t *p, const cli_t *cli,
    const char *what);

/* Some ten times a second, whoever calls how often; `total` 0: not known. */
void cli_progress_bytes(cli_progress_t *p, uint64_t done, uint64_t total);
void cli_progress_count(cli_progress_t *p, uint64_t done, uint64_t total);

void cli_progress_end(cli_progress_t *p);

/* Seconds of the steady clock. */
double cli_progress_clock(void);


#endif /* WGW_CLI_PROGRESS_H */
