
/*
 * wgw tokens: api keys that are out, and who has them.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/session.h"
#include "cli/write.h"


#define TOKENS_PATH  "/v1/auth"


/* A list that is being printed. */
typedef struct {
    const cli_t    *cli;
    const char     *what;               /* "tokens", "addresses" */
    void          (*row)(cli_columns_t *columns, yajl_val item);
    cli_columns_t   columns;
    uint64_t        n;
} tokens_list_t;


static int tokens_tokens(const cli_t *cli, const void *options, char **args,
    size_t n);
static int tokens_addresses(const cli_t *cli, const void *options,
    char **args, size_t n);
static int tokens_list(const cli_t *cli, tokens_list_t *list,
    const cli_column_t *columns, size_t n);
static int tokens_page(void *data, yajl_val page);
static void tokens_token(cli_columns_t *columns, yajl_val token);
static void tokens_address(cli_columns_t *columns, yajl_val address);
static int tokens_revoke(const cli_t *cli, const void *options, char **args,
    size_t n);
static int tokens_revoke_one(cli_session_t *s, const char *text,
    const void *data);


static const cli_command_t  tokens_commands[] = {
    { "tokens", "", "api keys that are out", 0, 0, NULL, 0, tokens_tokens },
    { "tokens addresses", "", "the wallets that have some", 0, 0,
      NULL, 0, tokens_addresses },
    { "tokens revoke", "ID|0xADDRESS ...", "end a key, or all of a wallet's",
      1, CLI_MANY, NULL, 0, tokens_revoke },
};


const cli_group_t  cli_tokens_group = {
    tokens_commands, cli_count(tokens_commands)
};


static int
tokens_tokens(const cli_t *cli, const void *options, char **args, size_t n)
{
    tokens_list_t              list;
    static const cli_column_t  columns[] = {
        { "ID", 0 }, { "ADDRESS", 0 }, { "ENDS IN", 1 }, { "SERVICES", 0 }
    };

    (void) options;
    (void) args;
    (void) n;

    memset(&list, 0, sizeof(list));
    list.what = "tokens";
    list.row = tokens_token;

    return tokens_list(cli, &list, columns, cli_count(columns));
}


static int
tokens_addresses(const cli_t *cli, const void *options, char **args, size_t n)
{
    tokens_list_t              list;
    static const cli_column_t  columns[] = {
        { "ADDRESS", 0 }, { "KEYS", 1 }
    };

    (void) options;
    (void) args;
    (void) n;

    memset(&list, 0, sizeof(list));
    list.what = "addresses";
    list.row = tokens_address;

    return tokens_list(cli, &list, columns, cli_count(columns));
}


static int
tokens_list(const cli_t *cli, tokens_list_t *list,
    const cli_column_t *columns, size_t n)
{
    int            rc;
    char           path[CLI_PATH];
    cli_session_t  s;

    list->cli = cli;
    cli_columns_begin(&list->columns, stdout, columns, n);

    (void) snprintf(path, sizeof(path), TOKENS_PATH "/%s?limit=1000",
                    list->what);

    rc = cli_session_open(&s, cli);

    if (rc == CLI_OK) {
        rc = cli_session_pages(&s, path, list->what, tokens_page, list);
    }

    cli_columns_end(&list->columns);

    if (cli->json && rc == CLI_OK) {
        if (list->n == 0) {
            printf("{\"%s\":[", list->what);
        }

        puts("]}");
    }

    cli_session_close(&s);

    return rc;
}


static int
tokens_page(void *data, yajl_val page)
{
    size_t          i;
    yajl_val        item;
    tokens_list_t  *list = data;

    for (i = 0; i < wgw_doc_count(page, list->what); i++) {
        item = wgw_doc_at(page, list->what, i);

        if (!list->cli->json) {
            list->row(&list->columns, item);

        } else {
            if (list->n) {
                fputc(',', stdout);
            } else {
                printf("{\"%s\":[", list->what);
            }

            cli_write_value(stdout, item);
        }

        list->n++;
    }

    cli_columns_flush(&list->columns);

    return CLI_OK;
}


static void
tokens_token(cli_columns_t *columns, yajl_val token)
{
    char      span[CLI_HUMAN], *services;
    FILE     *memory;
    size_t    i, len;
    yajl_val  service;

    cli_columns_add(columns, wgw_doc_text(token, "id"));
    cli_columns_add(columns, wgw_doc_text(token, "address"));
    cli_columns_add(columns, cli_human_span(span,
                    (int64_t) wgw_doc_number(token, "exp")
                    - (int64_t) time(NULL)));

    memory = open_memstream(&services, &len);

    if (memory == NULL) {
        cli_columns_add(columns, "-");
        return;
    }

    for (i = 0; i < wgw_doc_count(token, "services"); i++) {
        service = wgw_doc_at(token, "services", i);

        if (YAJL_IS_STRING(service)) {
            fprintf(memory, "%s%s", i ? " " : "", YAJL_GET_STRING(service));
        }
    }

    fclose(memory);
    cli_columns_add(columns, services[0] ? services : "all");
    free(services);
}


static void
tokens_address(cli_columns_t *columns, yajl_val address)
{
    char  count[CLI_HUMAN];

    cli_columns_add(columns, wgw_doc_text(address, "address"));
    cli_columns_add(columns, cli_human_count(count,
                                             wgw_doc_number(address,
                                                            "tokens")));
}


static int
tokens_revoke(const cli_t *cli, const void *options, char **args, size_t n)
{
    (void) options;

    return cli_session_each(cli, args, n, tokens_revoke_one, NULL);
}


static int
tokens_revoke_one(cli_session_t *s, const char *text, const void *data)
{
    int         rc;
    char        path[CLI_PATH];
    cli_call_t  call;

    (void) data;

    memset(&call, 0, sizeof(call));
    call.method = "DELETE";

    (void) snprintf(path, sizeof(path), TOKENS_PATH "/%s/",
                    strncmp(text, "0x", 2) == 0 ? "addresses" : "tokens");
    cli_client_escape(path, text);

    rc = cli_client_ask(&s->client, &call, path, text);

    if (rc == CLI_OK) {
        cli_note(s->client.cli, "%s is revoked", text);
    }

    return rc;
}
