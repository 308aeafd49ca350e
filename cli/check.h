
/*
 * check: whether this machine is a gateway that works, finding by finding,
 * each with its cure.
 */

#ifndef WGW_CLI_CHECK_H
#define WGW_CLI_CHECK_H


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

/* check_net.c: DNS, ports, certificate. */
void cli_check_dns(cli_check_t *check);
void cli_check_ports(cli_check_t *check);
void cli_check_certificate(cli_check_t *check);

/* check_host.c: clock, disk, the kernel's limits. */
void cli_check_clock(cli_check_t *check);
void cli_check_disk(cli_check_t *check);
void cli_check_limits(cli_check_t *check);

/* A connection to this machine's port, or -1. */
int cli_check_connect(int family, const char *port);


#endif /* WGW_CLI_CHECK_H */
