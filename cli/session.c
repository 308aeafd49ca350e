
#include <string.h>

#include "cli/session.h"


static int session_next(char path[CLI_PATH], const char *first,
    yajl_val page);


int
cli_session_open(cli_session_t *s, const cli_t *cli)
{
    int  rc;

    memset(s, 0, sizeof(cli_session_t));

    rc = cli_conf_open(&s->conf, cli);

    return rc == CLI_OK ? cli_client_open(&s->client, cli, &s->conf) : rc;
}


void
cli_session_close(cli_session_t *s)
{
    cli_client_close(&s->client);
    cli_conf_close(&s->conf);
}


int
cli_session_pages(cli_session_t *s, const char *first, const char *subject,
    cli_page_pt each, void *data)
{
    int       rc, more;
    char      path[CLI_PATH];
    yajl_val  page;

    (void) snprintf(path, sizeof(path), "%s", first);

    do {
        page = cli_client_get(&s->client, path, subject, &rc);

        if (page == NULL) {
            return rc;
        }

        rc = each(data, page);
        more = rc == CLI_OK && session_next(path, first, page);

        yajl_tree_free(page);

    } while (more);

    return rc;
}


/* `next` is a name or, of keys, a number. */

static int
session_next(char path[CLI_PATH], const char *first, yajl_val page)
{
    yajl_val  next;

    next = wgw_doc_get(page, "next");

    if (!YAJL_IS_STRING(next) && !YAJL_IS_NUMBER(next)) {
        return 0;
    }

    (void) snprintf(path, CLI_PATH, "%s&after=", first);
    cli_client_escape(path, YAJL_IS_STRING(next) ? YAJL_GET_STRING(next)
                                                 : YAJL_GET_NUMBER(next));

    return 1;
}


int
cli_session_each(const cli_t *cli, char **args, size_t n, cli_each_pt each,
    const void *data)
{
    int            rc, failed;
    size_t         i;
    cli_session_t  s;

    rc = cli_session_open(&s, cli);

    if (rc != CLI_OK) {
        n = 0;
    }

    for (i = 0; i < n && rc != CLI_AWAY; i++) {
        failed = each(&s, args[i], data);
        rc = rc == CLI_OK || failed == CLI_AWAY ? failed : rc;
    }

    cli_session_close(&s);

    return rc;
}
