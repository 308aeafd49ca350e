
/*
 * finding: what `wgw check` looks into, and what it finds there, printed as it
 * is found.
 */

#ifndef WGW_CLI_FINDING_H
#define WGW_CLI_FINDING_H


#include "cli/conf.h"


typedef enum {
    CLI_FINE = 0,
    CLI_DOUBT,                          /* may be meant so */
    CLI_WRONG
} cli_finding_t;


typedef struct {
    const cli_t   *cli;
    cli_conf_t     conf;

    const char    *domain;              /* or NULL */
    const char    *state;
    const char    *http_port;
    const char    *tls_port;

    unsigned       n;
    unsigned       doubts;
    unsigned       wrongs;
} cli_check_t;


/*
 * One more finding about `what`, a word; `cure` is "" for none, which is
 * what a fine one has.
 */
void cli_check_found(cli_check_t *check, cli_finding_t finding,
    const char *what, const char *cure, const char *format, ...)
    __attribute__((format(printf, 5, 6)));


#endif /* WGW_CLI_FINDING_H */
