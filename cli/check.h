
/*
 * check: whether this machine is a gateway that works, finding by finding,
 * each with its cure.
 */

#ifndef WGW_CLI_CHECK_H
#define WGW_CLI_CHECK_H


#include "cli/finding.h"


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
