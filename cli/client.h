
/*
 * client: requests to the gateway's administration, over a unix socket or
 * a URL, one after another on a kept connection.
 *
 *     unix:/run/wgw/admin.sock
 *     http://127.0.0.1:8642   https://admin.example/gw   below which is /v1
 *
 * Which one is asked is said by --url, by the environment's WGW_URL, or by
 * `url` of gateway.conf, in that order; it is the package's socket otherwise.
 * A user and password are never part of it, since `ps` shows them: they are
 * in a file, user:password, of its owner alone (--password-file).
 */

#ifndef WGW_CLI_CLIENT_H
#define WGW_CLI_CLIENT_H


#include "cli/conf.h"
#include "cli/progress.h"
#include "format/doc.h"
#include "program/fetch.h"


#define CLI_REPLY_MAX  ((size_t) 256 << 20)     /* bytes */
#define CLI_PATH       2048


typedef struct {
    const cli_t     *cli;
    wgw_fetch_t      fetch;             /* with the body of the last reply */
    char            *where;             /* as it was said */
    char            *password;
    long             status;            /* of the last reply */
} cli_client_t;


/* A request; what is NULL or 0 is not there. */
typedef struct {
    const char      *method;            /* GET unless said */
    const char      *type;
    const char      *condition;         /* a header line */
    const char      *body;
    size_t           len;
    FILE            *file;              /* the body instead, to its end */
    int64_t          size;              /* of it; -1: not known */
    cli_progress_t  *progress;
} cli_call_t;


int cli_client_open(cli_client_t *c, const cli_t *cli,
    const cli_conf_t *conf);
void cli_client_close(cli_client_t *c);

/* `path` begins with /v1.  CLI_OK: there is a reply, with whatever status. */
int cli_client_call(cli_client_t *c, const cli_call_t *call,
    const char *path);

/*
 * The same, where only a status below 300 will do: others are told, as being
 * of `subject`, and give an exit code.
 */
int cli_client_ask(cli_client_t *c, const cli_call_t *call, const char *path,
    const char *subject);

/* Tells what the last reply refused. */
int cli_client_refused(cli_client_t *c, const char *subject);

/* A page of JSON; it is the caller's.  NULL and `*rc`: it was told. */
yajl_val cli_client_get(cli_client_t *c, const char *path,
    const char *subject, int *rc);

/* Appends a part of a path, or a value of a query, with its escapes. */
void cli_client_escape(char path[CLI_PATH], const char *text);


#endif /* WGW_CLI_CLIENT_H */
