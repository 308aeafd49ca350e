
/*
 * wgw names add|rm|show|list, see docs/cli.md.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/human.h"
#include "cli/names.h"
#include "cli/write.h"


#define NAMES_PAGE     "1000"
#define NAMES_CA       32768
#define NAMES_CAP      9007199254740992         /* 2^53, as the gateway has */
#define NAMES_TEXT     1024


typedef struct {
    const char     *cap;
    const char     *passthrough;
    const char     *owner;
    const char     *workload;
    cli_list_t      addresses;
    cli_list_t      gateways;
    const char     *tls_name;
    const char     *tls_ca;
    const char     *no_verify;
    const char     *proxy_protocol;
    const char     *paused;
    const char     *force;
} names_add_t;


typedef struct {
    const char     *close;
} names_rm_t;


/* A list that is being printed. */
typedef struct {
    const cli_t    *cli;
    cli_columns_t   columns;
    uint64_t        n;
} names_list_t;


static int names_add(const cli_t *cli, const void *options, char **args,
    size_t n);
static char *names_record(const cli_t *cli, const names_add_t *add,
    char **backends, size_t n, size_t *len, int *rc);
static void names_members(FILE *file, const names_add_t *add, uint64_t cap,
    const char *ca);
static void names_strings(FILE *file, const char *name,
    const char *const *items, size_t n);
static int names_rm(const cli_t *cli, const void *options, char **args,
    size_t n);
static int names_rm_one(cli_session_t *s, const char *name,
    const void *options);
static int names_show(const cli_t *cli, const void *options, char **args,
    size_t n);
static void names_print(yajl_val record);
static void names_line(const char *name, const char *text);
static void names_join(char text[NAMES_TEXT], yajl_val record,
    const char *member);
static int names_list(const cli_t *cli, const void *options, char **args,
    size_t n);
static int names_page(void *data, yajl_val page);
static void names_row(names_list_t *list, yajl_val record);


static const cli_option_t  names_add_options[] = {
    { "cap", 'c', CLI_VALUE, "SIZE", offsetof(names_add_t, cap),
      "bytes a month, both ways: 100GB" },
    { "passthrough", 'p', CLI_FLAG, NULL, offsetof(names_add_t, passthrough),
      "the backend ends TLS itself; backends are IP:PORT" },
    { "owner", 'o', CLI_VALUE, "TEXT", offsetof(names_add_t, owner),
      "whose it is" },
    { "workload", 'w', CLI_VALUE, "TEXT", offsetof(names_add_t, workload),
      "what it belongs to" },
    { "address", 'a', CLI_VALUES, "IP", offsetof(names_add_t, addresses),
      "the gateway's address that it answers on; several" },
    { "gateway", 'g', CLI_VALUES, "NODE", offsetof(names_add_t, gateways),
      "a gateway that serves it, of a fleet; several" },
    { "tls-name", 0, CLI_VALUE, "NAME", offsetof(names_add_t, tls_name),
      "SNI and name in the certificate of https backends" },
    { "tls-ca", 0, CLI_VALUE, "FILE", offsetof(names_add_t, tls_ca),
      "PEM: who may sign the certificate of https backends" },
    { "no-verify", 0, CLI_FLAG, NULL, offsetof(names_add_t, no_verify),
      "https backends without a look at their certificate" },
    { "proxy-protocol", 0, CLI_FLAG, NULL,
      offsetof(names_add_t, proxy_protocol),
      "with --passthrough: tell the backend who asks" },
    { "paused", 0, CLI_FLAG, NULL, offsetof(names_add_t, paused),
      "not served yet" },
    { "force", 'f', CLI_FLAG, NULL, offsetof(names_add_t, force),
      "replace a name that is there" },
};


static const cli_option_t  names_rm_options[] = {
    { "close", 0, CLI_FLAG, NULL, offsetof(names_rm_t, close),
      "end its open connections as well" },
};


static const cli_command_t  names_commands[] = {
    { "names add", "NAME BACKEND ...", "serve a name", 2, CLI_MANY,
      names_add_options, cli_count(names_add_options), names_add },
    { "names rm", "NAME ...", "serve it no more", 1, CLI_MANY,
      names_rm_options, cli_count(names_rm_options), names_rm },
    { "names show", "NAME", "all that is said of a name", 1, 1,
      NULL, 0, names_show },
    { "names list", "", "all names", 0, 0, NULL, 0, names_list },
};


const cli_group_t  cli_names_group = {
    names_commands, cli_count(names_commands)
};


static int
names_add(const cli_t *cli, const void *options, char **args, size_t n)
{
    int                 rc;
    char                path[CLI_PATH], *body;
    cli_call_t          call;
    cli_session_t       s;
    const names_add_t  *add = options;

    rc = 0;
    memset(&call, 0, sizeof(call));

    body = names_record(cli, add, args + 1, n - 1, &call.len, &rc);

    if (body == NULL) {
        return rc;
    }

    call.method = "PUT";
    call.type = "application/json";
    call.body = body;
    call.condition = add->force ? NULL : "If-None-Match: *";

    cli_names_path(path, args[0]);

    rc = cli_session_open(&s, cli);

    if (rc == CLI_OK) {
        rc = cli_client_call(&s.client, &call, path);
    }

    if (rc == CLI_OK && s.client.status == 412) {
        rc = cli_fail_field(cli, CLI_CONFLICT, args[0], "",
                            "is there already; --force replaces it", 0, 412);

    } else if (rc == CLI_OK) {
        rc = s.client.status < 300 ? cli_names_shown(&s, cli)
                                   : cli_client_refused(&s.client, args[0]);
    }

    cli_session_close(&s);
    free(body);

    return rc;
}


void
cli_names_path(char path[CLI_PATH], const char *name)
{
    (void) snprintf(path, CLI_PATH, "/v1/names/");
    cli_client_escape(path, name);
}


int
cli_names_size(const cli_t *cli, const char *of, const char *text,
    uint64_t *bytes)
{
    if (strcmp(text, "none") == 0) {
        *bytes = 0;
        return CLI_OK;
    }

    if (wgw_size_parse((wgw_text_t) { text, strlen(text) }, NAMES_CAP, bytes)
        != 0)
    {
        return cli_fail(cli, CLI_USAGE, "%s \"%s\" is no size, which is a "
                        "number and nothing or one of " WGW_SIZE_UNITS, of,
                        text);
    }

    return CLI_OK;
}


static char *
names_record(const cli_t *cli, const names_add_t *add, char **backends,
    size_t n, size_t *len, int *rc)
{
    char      *ca, *text;
    FILE      *file;
    size_t     size;
    uint64_t   cap;

    ca = NULL;
    cap = 0;

    if (add->cap) {
        *rc = cli_names_size(cli, "--cap", add->cap, &cap);

        if (*rc != CLI_OK) {
            return NULL;
        }
    }

    if (add->tls_ca) {
        ca = cli_file_read(add->tls_ca, NAMES_CA, &size);

        if (ca == NULL) {
            *rc = cli_fail_file(cli, add->tls_ca);
            return NULL;
        }
    }

    file = open_memstream(&text, len);

    if (file == NULL) {
        free(ca);
        *rc = cli_fail(cli, CLI_FAILED, "no memory");
        return NULL;
    }

    fputc('{', file);
    names_strings(file, "backends", (const char *const *) backends, n);
    names_members(file, add, cap, ca);
    fputc('}', file);
    fclose(file);

    free(ca);

    return text;
}


/* Only what was said: the gateway's defaults are its own. */

static void
names_members(FILE *file, const names_add_t *add, uint64_t cap,
    const char *ca)
{
    if (add->cap) {
        cli_write_number(file, 0, "cap_bytes", cap);
    }

    if (add->passthrough) {
        fputs(",\"tls_passthrough\":true", file);
    }

    if (add->no_verify) {
        fputs(",\"tls_verify\":false", file);
    }

    if (add->proxy_protocol) {
        fputs(",\"proxy_protocol\":true", file);
    }

    if (add->paused) {
        fputs(",\"state\":\"paused\"", file);
    }

    if (add->owner) {
        cli_write_member(file, 0, "owner", add->owner);
    }

    if (add->workload) {
        cli_write_member(file, 0, "workload", add->workload);
    }

    if (add->tls_name) {
        cli_write_member(file, 0, "tls_name", add->tls_name);
    }

    if (ca) {
        cli_write_member(file, 0, "tls_ca", ca);
    }

    if (add->addresses.n) {
        fputc(',', file);
        names_strings(file, "addresses", add->addresses.items,
                      add->addresses.n);
    }

    if (add->gateways.n) {
        fputc(',', file);
        names_strings(file, "gateways", add->gateways.items,
                      add->gateways.n);
    }
}


static void
names_strings(FILE *file, const char *name, const char *const *items,
    size_t n)
{
    size_t  i;

    fprintf(file, "\"%s\":[", name);

    for (i = 0; i < n; i++) {
        fputs(i ? "," : "", file);
        cli_write_string(file, items[i]);
    }

    fputc(']', file);
}


static int
names_rm(const cli_t *cli, const void *options, char **args, size_t n)
{
    return cli_session_each(cli, args, n, names_rm_one, options);
}


static int
names_rm_one(cli_session_t *s, const char *name, const void *options)
{
    int                rc;
    char               path[CLI_PATH];
    cli_call_t         call;
    const names_rm_t  *rm = options;

    memset(&call, 0, sizeof(call));
    call.method = "DELETE";

    cli_names_path(path, name);

    if (rm->close) {
        strncat(path, "?close=true", CLI_PATH - strlen(path) - 1);
    }

    rc = cli_client_call(&s->client, &call, path);

    if (rc == CLI_OK && s->client.status == 404) {
        return cli_fail_field(s->client.cli, CLI_NONE, name, "",
                              "there is no such name", 0, 404);
    }

    return rc == CLI_OK && s->client.status >= 300
           ? cli_client_refused(&s->client, name) : rc;
}


static int
names_show(const cli_t *cli, const void *options, char **args, size_t n)
{
    int            rc;
    char           path[CLI_PATH];
    cli_call_t     call;
    cli_session_t  s;

    (void) options;
    (void) n;

    memset(&call, 0, sizeof(call));
    cli_names_path(path, args[0]);

    rc = cli_session_open(&s, cli);

    if (rc == CLI_OK) {
        rc = cli_client_call(&s.client, &call, path);
    }

    if (rc == CLI_OK && s.client.status == 404) {
        rc = cli_fail_field(cli, CLI_NONE, args[0], "",
                            "there is no such name", 0, 404);

    } else if (rc == CLI_OK) {
        rc = s.client.status < 300 ? cli_names_shown(&s, cli)
                                   : cli_client_refused(&s.client, args[0]);
    }

    cli_session_close(&s);

    return rc;
}


int
cli_names_shown(cli_session_t *s, const cli_t *cli)
{
    yajl_val  record;

    record = s->client.fetch.len
             ? wgw_doc_read(s->client.fetch.data, s->client.fetch.len)
             : NULL;

    if (!YAJL_IS_OBJECT(record)) {
        yajl_tree_free(record);
        return cli_fail(cli, CLI_FAILED, "what answers at %s is not the "
                        "gateway's administration", s->client.where);
    }

    if (cli->json) {
        cli_write_value(stdout, record);
        fputc('\n', stdout);

    } else {
        names_print(record);
    }

    yajl_tree_free(record);

    return CLI_OK;
}


static void
names_print(yajl_val record)
{
    int       passthrough;
    char      text[NAMES_TEXT], bytes[CLI_HUMAN];
    uint64_t  cap;

    passthrough = wgw_doc_true(record, "tls_passthrough");
    cap = wgw_doc_number(record, "cap_bytes");

    names_line("name", wgw_doc_text(record, "name"));
    names_line("state", wgw_doc_text(record, "state"));

    names_join(text, record, "backends");
    names_line("backends", text);
    names_line("tls", passthrough ? "passed through" : "ended here");
    names_line("cap", cap ? cli_human_bytes(bytes, cap) : "none");

    names_join(text, record, "addresses");
    names_line("addresses", text[0] ? text : "all");

    names_join(text, record, "gateways");
    names_line("gateways", text[0] ? text : "all");

    names_line("tls name", wgw_doc_text(record, "tls_name"));
    names_line("tls ca", wgw_doc_text(record, "tls_ca")[0] ? "its own" : "");

    if (!wgw_doc_true(record, "tls_verify")) {
        names_line("verified", "no");
    }

    if (wgw_doc_true(record, "proxy_protocol")) {
        names_line("proxy protocol", "yes");
    }

    names_line("owner", wgw_doc_text(record, "owner"));
    names_line("workload", wgw_doc_text(record, "workload"));
}


static void
names_line(const char *name, const char *text)
{
    if (text[0]) {
        printf("%-15s ", name);
        cli_write_visible(stdout, text);
        fputc('\n', stdout);
    }
}


static void
names_join(char text[NAMES_TEXT], yajl_val record, const char *member)
{
    size_t    i, len;
    yajl_val  item;

    text[0] = '\0';
    len = 0;

    for (i = 0; i < wgw_doc_count(record, member); i++) {
        item = wgw_doc_at(record, member, i);

        if (YAJL_IS_STRING(item)) {
            (void) snprintf(text + len, NAMES_TEXT - len, "%s%s",
                            i ? " " : "", YAJL_GET_STRING(item));
            len = strlen(text);
        }
    }
}


static int
names_list(const cli_t *cli, const void *options, char **args, size_t n)
{
    int                        rc;
    names_list_t               list;
    cli_session_t              s;
    static const cli_column_t  columns[] = {
        { "NAME", 0 }, { "STATE", 0 }, { "TLS", 0 }, { "CAP", 1 },
        { "OWNER", 0 }, { "BACKENDS", 0 }
    };

    (void) options;
    (void) args;
    (void) n;

    memset(&list, 0, sizeof(list));
    list.cli = cli;

    cli_columns_begin(&list.columns, stdout, columns, cli_count(columns));

    rc = cli_session_open(&s, cli);

    if (rc == CLI_OK) {
        rc = cli_session_pages(&s, "/v1/names?limit=" NAMES_PAGE, "names",
                               names_page, &list);
    }

    cli_columns_end(&list.columns);

    if (cli->json && rc == CLI_OK) {
        fputs(list.n ? "]}\n" : "{\"names\":[]}\n", stdout);
    }

    cli_session_close(&s);

    return rc;
}


static int
names_page(void *data, yajl_val page)
{
    size_t         i;
    yajl_val       record;
    names_list_t  *list = data;

    for (i = 0; i < wgw_doc_count(page, "names"); i++) {
        record = wgw_doc_at(page, "names", i);

        if (list->cli->json) {
            fputs(list->n ? "," : "{\"names\":[", stdout);
            cli_write_value(stdout, record);

        } else {
            names_row(list, record);
        }

        list->n++;
    }

    cli_columns_flush(&list->columns);

    return ferror(stdout) ? cli_flush(list->cli) : CLI_OK;
}


static void
names_row(names_list_t *list, yajl_val record)
{
    char      text[NAMES_TEXT], bytes[CLI_HUMAN];
    uint64_t  cap;

    cap = wgw_doc_number(record, "cap_bytes");

    cli_columns_add(&list->columns, wgw_doc_text(record, "name"));
    cli_columns_add(&list->columns, wgw_doc_text(record, "state"));
    cli_columns_add(&list->columns, wgw_doc_true(record, "tls_passthrough")
                                    ? "passed" : "ended");
    cli_columns_add(&list->columns, cap ? cli_human_bytes(bytes, cap) : "-");
    cli_columns_add(&list->columns, wgw_doc_text(record, "owner")[0]
                                    ? wgw_doc_text(record, "owner") : "-");

    names_join(text, record, "backends");
    cli_columns_add(&list->columns, text);
}
