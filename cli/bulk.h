
/*
 * bulk: many names at once, as lines of JSON, of which the gateway takes all
 * or none.
 */

#ifndef WGW_CLI_BULK_H
#define WGW_CLI_BULK_H


#include "cli/cli.h"


/*
 * Sends a file, to its end, and prints what came of it.  `size` is -1 when it
 * is not known; with `replace` these become all names there are.
 */
int cli_bulk_post(const cli_t *cli, FILE *file, int64_t size, int replace);


#endif /* WGW_CLI_BULK_H */
