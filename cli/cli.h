
/*
 * cli: what all of the command `wgw` shares: what was said for any command,
 * the exit codes, and how a failure is told.
 *
 * A failure is one line on stderr, "wgw: ...", or with --json one object,
 * {"error":...,"field":...,"line":...,"status":...} with the members that
 * are known.  What was asked for is on stdout, and nothing else is.
 *
 * Functions that can fail return an exit code, CLI_OK being 0, and have told
 * why when it is another one.
 */

#ifndef WGW_CLI_H
#define WGW_CLI_H


#include <stddef.h>
#include <stdint.h>
#include <stdio.h>


#define CLI_OK        0
#define CLI_FAILED    1     /* refused, or it did not work */
#define CLI_USAGE     2     /* the command line is wrong */
#define CLI_AWAY      3     /* the gateway does not answer */
#define CLI_NONE      4     /* there is no such name, key or file */
#define CLI_CONFLICT  5     /* it is there already, or runs, or was changed */

#define CLI_STATE     "/var/lib/wgw"
#define CLI_CONFIG    "/etc/wgw/gateway.conf"
#define CLI_SOCKET    "unix:/run/wgw/admin.sock"


/* A member is NULL when it was not said; options without value are "". */
typedef struct {
    const char  *url;
    const char  *config;            /* another gateway.conf */
    const char  *cacert;
    const char  *password_file;
    const char  *json;
    const char  *quiet;
    const char  *help;
    const char  *version;
    const char  *silent;            /* of no option: failures are not told */
} cli_t;


/* Tells a failure, and returns its code. */
int cli_fail(const cli_t *cli, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same of a file, by errno: CLI_NONE where it is not there. */
int cli_fail_file(const cli_t *cli, const char *path);

/* What the gateway said of a request; `field`, `line`: "" and 0 for none. */
int cli_fail_field(const cli_t *cli, int code, const char *subject,
    const char *field, const char *error, uint64_t line, long status);

/* A remark on stderr, unless --quiet or --json. */
void cli_note(const cli_t *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What was written to stdout has arrived: CLI_OK, or a failure. */
int cli_flush(const cli_t *cli);


#endif /* WGW_CLI_H */
