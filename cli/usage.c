
/*
 * wgw usage: what was counted.
 */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/session.h"
#include "cli/write.h"


#define USAGE_TITLE  40


typedef struct {
    const char     *month;              /* "": this one */
    const char     *zone;
    const char     *top;
    const char     *by;
} usage_wish_t;


/* A list that is being printed. */
typedef struct {
    const cli_t    *cli;
    unsigned        past;               /* lines of an archive */
    unsigned        month;              /* one window, all of it */
    unsigned        zones;              /* several: which one is said */
    char            zone[65];
    char            since[USAGE_TITLE];
    cli_column_t    titles[CLI_COLUMNS];
    cli_columns_t   columns;
    char           *tail;               /* JSON: what the zones are */
    uint64_t        n;
} usage_list_t;


static int usage_run(const cli_t *cli, const void *options, char **args,
    size_t n);
static int usage_path(const cli_t *cli, char path[CLI_PATH],
    const usage_wish_t *wish, const char *name);
static int usage_is_window(const char *text);
static int usage_page(void *data, yajl_val page);
static void usage_tail(usage_list_t *list, yajl_val page);
static void usage_begin(usage_list_t *list, yajl_val page);
static void usage_titles(usage_list_t *list);
static void usage_row(usage_list_t *list, yajl_val key);
static const char *usage_key(yajl_val key, char text[CLI_PATH]);
static void usage_both(usage_list_t *list, yajl_val figures);
static void usage_classes(usage_list_t *list, yajl_val page);


static const cli_option_t  usage_options[] = {
    { "month", 'm', CLI_MAYBE, "YYYY-MM", offsetof(usage_wish_t, month),
      "this window, or an earlier one of the archive" },
    { "zone", 'z', CLI_VALUE, "NAME", offsetof(usage_wish_t, zone),
      "of this wgw_meter_zone" },
    { "top", 't', CLI_VALUE, "N", offsetof(usage_wish_t, top),
      "the N that have most, ever" },
    { "by", 0, CLI_VALUE, "WHAT", offsetof(usage_wish_t, by),
      "with --top: sent, received or requests" },
};


static const cli_command_t  usage_commands[] = {
    { "usage", "[NAME]", "what was counted", 0, 1,
      usage_options, cli_count(usage_options), usage_run },
};


const cli_group_t  cli_usage_group = {
    usage_commands, cli_count(usage_commands)
};


static int
usage_run(const cli_t *cli, const void *options, char **args, size_t n)
{
    int                  rc;
    char                 path[CLI_PATH];
    usage_list_t         list;
    cli_session_t        s;
    const usage_wish_t  *wish = options;

    memset(&list, 0, sizeof(list));

    list.cli = cli;
    list.month = wish->month != NULL;
    list.past = wish->month && wish->month[0];

    rc = usage_path(cli, path, wish, n ? args[0] : NULL);

    if (rc != CLI_OK) {
        return rc;
    }

    rc = cli_session_open(&s, cli);

    if (rc == CLI_OK) {
        rc = cli_session_pages(&s, path, n ? args[0] : "usage", usage_page,
                               &list);
    }

    if (rc == CLI_OK && cli->json) {
        printf("%s]%s}\n", list.n ? "" : "{\"keys\":[",
               list.tail ? list.tail : "");
    }

    free(list.tail);

    if (list.columns.n) {
        cli_columns_end(&list.columns);
    }

    cli_session_close(&s);

    return rc;
}


static int
usage_path(const cli_t *cli, char path[CLI_PATH], const usage_wish_t *wish,
    const char *name)
{
    size_t       i;
    const char  *values[3][2] = {
        { "zone", wish->zone }, { "top", wish->top }, { "by", wish->by }
    };

    (void) snprintf(path, CLI_PATH, "/v1/usage");

    if (name) {
        strcat(path, "/");
        cli_client_escape(path, name);
    }

    /* one key is one answer; what is asked for twice is refused there */

    (void) snprintf(path + strlen(path), CLI_PATH - strlen(path), "%s",
                    name || wish->top ? "?" : "?limit=1000&");

    if (wish->month && wish->month[0]) {
        if (!usage_is_window(wish->month)) {
            return cli_fail(cli, CLI_USAGE, "--month \"%s\" is not YYYY-MM",
                            wish->month);
        }

        (void) snprintf(path + strlen(path), CLI_PATH - strlen(path),
                        "window=%s&", wish->month);
    }

    for (i = 0; i < 3; i++) {
        if (values[i][1]) {
            (void) snprintf(path + strlen(path), CLI_PATH - strlen(path),
                            "%s=", values[i][0]);
            cli_client_escape(path, values[i][1]);
            strncat(path, "&", CLI_PATH - strlen(path) - 1);
        }
    }

    /* neither "&" nor "?" at the end */
    path[strlen(path) - 1] = '\0';

    return CLI_OK;
}


/* 2026-10, or, for shorter windows, with day, hour and minute. */

static int
usage_is_window(const char *text)
{
    size_t       i;
    const char  *shape = "0000-00-00T00:00";

    for (i = 0; i < strlen(shape) && text[i]; i++) {
        if (shape[i] == '0' ? !isdigit((unsigned char) text[i])
                            : text[i] != shape[i])
        {
            return 0;
        }
    }

    return text[i] == '\0' && (i == 7 || i == 10 || i == 13 || i == 16);
}


static int
usage_page(void *data, yajl_val page)
{
    size_t         i;
    yajl_val       key;
    usage_list_t  *list = data;

    if (list->columns.n == 0) {
        usage_begin(list, page);
    }

    for (i = 0; i < wgw_doc_count(page, "keys"); i++) {
        key = wgw_doc_at(page, "keys", i);

        if (list->cli->json) {
            fputs(list->n ? "," : "{\"keys\":[", stdout);
            cli_write_value(stdout, key);

        } else {
            usage_row(list, key);
        }

        list->n++;
    }

    if (list->cli->json) {
        usage_tail(list, page);
    }

    if (!list->cli->json && !YAJL_IS_STRING(wgw_doc_get(page, "next"))
        && !YAJL_IS_NUMBER(wgw_doc_get(page, "next")))
    {
        usage_classes(list, page);
    }

    cli_columns_flush(&list->columns);

    return CLI_OK;
}


/* The last page's is kept: each has it. */

static void
usage_tail(usage_list_t *list, yajl_val page)
{
    FILE    *file;
    size_t   len;

    if (wgw_doc_count(page, "zones") == 0) {
        return;
    }

    free(list->tail);
    list->tail = NULL;

    file = open_memstream(&list->tail, &len);

    if (file) {
        fputs(",\"zones\":", file);
        cli_write_value(file, wgw_doc_get(page, "zones"));
        fclose(file);
    }
}


/* When the window began stands above its figures. */

static void
usage_begin(usage_list_t *list, yajl_val page)
{
    size_t       i;
    yajl_val     key;
    const char  *start, *zone;

    (void) snprintf(list->since, sizeof(list->since), "WINDOW");

    for (i = 0; i < wgw_doc_count(page, "keys"); i++) {
        key = wgw_doc_at(page, "keys", i);

        start = list->past ? wgw_doc_text(key, "start")
                : wgw_doc_text(wgw_doc_get(key, "window"), "start");
        zone = wgw_doc_text(key, "zone");

        if (i == 0) {
            (void) snprintf(list->zone, sizeof(list->zone), "%s", zone);
        }

        list->zones = list->zones || strcmp(list->zone, zone) != 0;

        if (start[0]) {
            (void) snprintf(list->since, sizeof(list->since),
                            strstr(start, "T00:00:00Z") ? "SINCE %.10s"
                                                        : "SINCE %.16sZ",
                            start);
        }
    }

    list->zones = list->zones || wgw_doc_count(page, "zones") > 1;

    usage_titles(list);
}


static void
usage_titles(usage_list_t *list)
{
    size_t               n;
    static const char   *all[] = { "CAP", "USED", "BEFORE THAT", "EVER",
                                   "REQUESTS", "REFUSED", NULL };
    static const char   *month[] = { "SENT", "RECEIVED", "CAP", "LEFT", NULL };
    static const char   *past[] = { "SENT", "RECEIVED", NULL };
    const char         **rest;

    n = 0;

    list->titles[n++].title = "NAME";

    if (list->zones) {
        list->titles[n++].title = "ZONE";
    }

    list->titles[n].right = 1;
    list->titles[n++].title = list->since;

    for (rest = list->past ? past : list->month ? month : all; *rest; rest++)
    {
        list->titles[n].right = 1;
        list->titles[n++].title = *rest;
    }

    cli_columns_begin(&list->columns, stdout, list->titles, n);
}


static void
usage_row(usage_list_t *list, yajl_val key)
{
    char      text[CLI_HUMAN], name[CLI_PATH];
    uint64_t  cap, used;
    yajl_val  window;

    window = list->past ? key : wgw_doc_get(key, "window");
    cap = wgw_doc_number(key, "cap");
    used = wgw_doc_number(window, "sent") + wgw_doc_number(window, "received");

    cli_columns_add(&list->columns, usage_key(key, name));

    if (list->zones) {
        cli_columns_add(&list->columns, wgw_doc_text(key, "zone"));
    }

    cli_columns_add(&list->columns, cli_human_bytes(text, used));

    if (list->month) {
        usage_both(list, window);
    }

    if (list->past) {
        return;
    }

    cli_columns_add(&list->columns, cap ? cli_human_bytes(text, cap) : "-");

    if (list->month) {
        cli_columns_add(&list->columns, cap == 0 ? "-" :
                        cli_human_bytes(text, cap > used ? cap - used : 0));
        return;
    }

    cli_columns_add(&list->columns, cli_human_percent(text, used, cap));

    window = wgw_doc_get(key, "last");
    cli_columns_add(&list->columns,
                    cli_human_bytes(text, wgw_doc_number(window, "sent")
                                        + wgw_doc_number(window,
                                                         "received")));
    cli_columns_add(&list->columns,
                    cli_human_bytes(text, wgw_doc_number(key, "sent")
                                        + wgw_doc_number(key, "received")));
    cli_columns_add(&list->columns,
                    cli_human_count(text, wgw_doc_number(key, "requests")));
    cli_columns_add(&list->columns,
                    cli_human_count(text, wgw_doc_number(key, "refused")));
}


static void
usage_both(usage_list_t *list, yajl_val figures)
{
    char  text[CLI_HUMAN];

    cli_columns_add(&list->columns,
                    cli_human_bytes(text, wgw_doc_number(figures, "sent")));
    cli_columns_add(&list->columns,
                    cli_human_bytes(text, wgw_doc_number(figures,
                                                         "received")));
}


/* A life that has ended is a row of its own; so are the classes. */

static const char *
usage_key(yajl_val key, char text[CLI_PATH])
{
    if (wgw_doc_text(key, "class")[0]) {
        (void) snprintf(text, CLI_PATH, "(%s)", wgw_doc_text(key, "class"));

    } else if (YAJL_IS_NUMBER(wgw_doc_get(key, "life"))) {
        (void) snprintf(text, CLI_PATH, "%s (before)",
                        wgw_doc_text(key, "key"));

    } else {
        return wgw_doc_text(key, "key");
    }

    return text;
}


/* What belongs to no name, when there is any. */

static void
usage_classes(usage_list_t *list, yajl_val page)
{
    char                text[CLI_HUMAN], name[CLI_HUMAN];
    size_t              i, j, k;
    yajl_val            zone, class;
    static const char  *classes[] = { "unknown", "other", "denied" };

    for (i = 0; i < wgw_doc_count(page, "zones") && !list->month; i++) {
        zone = wgw_doc_at(page, "zones", i);

        for (j = 0; j < 3; j++) {
            class = wgw_doc_get(zone, classes[j]);

            if (wgw_doc_number(class, "sent") == 0
                && wgw_doc_number(class, "requests") == 0)
            {
                continue;
            }

            (void) snprintf(name, sizeof(name), "(%s)", classes[j]);
            cli_columns_add(&list->columns, name);

            if (list->zones) {
                cli_columns_add(&list->columns, wgw_doc_text(zone, "zone"));
            }

            for (k = 0; k < 4; k++) {
                cli_columns_add(&list->columns, "");
            }

            cli_columns_add(&list->columns, cli_human_bytes(text,
                            wgw_doc_number(class, "sent")
                            + wgw_doc_number(class, "received")));
            cli_columns_add(&list->columns, cli_human_count(text,
                            wgw_doc_number(class, "requests")));
            cli_columns_add(&list->columns, "");
        }
    }
}
