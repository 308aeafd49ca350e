
/*
 * session: what a command needs that talks to the gateway: gateway.conf and a
 * client, opened and closed as one.
 */

#ifndef WGW_CLI_SESSION_H
#define WGW_CLI_SESSION_H


#include "cli/client.h"


typedef struct {
    cli_conf_t    conf;
    cli_client_t  client;
} cli_session_t;


/* To be closed even when it could not be opened. */
int cli_session_open(cli_session_t *s, const cli_t *cli);
void cli_session_close(cli_session_t *s);

/*
 * Pages of a list: asks for `first`, then, as long as a page has a `next`,
 * for `first` with "&after=" and that, and calls `each` with every page.
 * `each` returns CLI_OK to go on.
 */
typedef int (*cli_page_pt)(void *data, yajl_val page);

int cli_session_pages(cli_session_t *s, const char *first,
    const char *subject, cli_page_pt each, void *data);

/*
 * A session in which `each` is called with each of the arguments, until the
 * gateway is away: all are tried, the first failure is the exit code.
 */
typedef int (*cli_each_pt)(cli_session_t *s, const char *arg,
    const void *data);

int cli_session_each(const cli_t *cli, char **args, size_t n,
    cli_each_pt each, const void *data);


#endif /* WGW_CLI_SESSION_H */
