
/*
 * conf: gateway.conf, what the package was told and what the command goes by.
 *
 *     # comment
 *     name=value
 *     name="value with blanks"
 *
 * A shell can read it.  Names are in any case, and may begin with "wgw_".
 * One that is there twice is as it is there last.
 */

#ifndef WGW_CLI_CONF_H
#define WGW_CLI_CONF_H


#include "cli/cli.h"


#define CLI_CONF_MAX  65536             /* bytes of the file */


typedef struct {
    char  *text;                        /* lines that were read, or NULL */
    char  *path;
} cli_conf_t;


/*
 * Reads cli->config, or CLI_CONFIG if it is there; that it is not there is a
 * failure only when it was asked for.
 */
int cli_conf_open(cli_conf_t *conf, const cli_t *cli);
void cli_conf_close(cli_conf_t *conf);

/* A value, valid until the close, or `missing`. */
const char *cli_conf_get(const cli_conf_t *conf, const char *name,
    const char *missing);


#endif /* WGW_CLI_CONF_H */
