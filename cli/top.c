
/*
 * wgw top: who moves how much, live.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/human.h"
#include "cli/rates.h"
#include "cli/screen.h"
#include "cli/session.h"
#include "cli/write.h"
#include "format/text.h"
#include "program/memory.h"


#define TOP_PAGES  20                   /* of 5000 keys, at most */
#define TOP_FIRST  "/v1/usage?limit=5000"


typedef struct {
    const char     *every;
    const char     *count;
    const char     *by;
} top_wish_t;


typedef enum {
    TOP_RATE = 0,
    TOP_USED,
    TOP_NAME
} top_by_t;


typedef struct {
    const cli_t    *cli;
    cli_t           own;                /* of the session */
    cli_session_t   session;
    cli_rates_t     rates;
    top_by_t        by;
    uint64_t        every;              /* seconds */
    uint64_t        count;              /* 0: until the end */
    double          looked;             /* when, 0: never */
    double          passed;             /* seconds, between two looks */
    unsigned        pages;
    int             rc;
} top_t;


static int top_run(const cli_t *cli, const void *options, char **args,
    size_t n);
static int top_wish(top_t *top, const top_wish_t *wish);
static int top_number(const cli_t *cli, const char *name, const char *text,
    uint64_t *number);
static int top_live(top_t *top);
static int top_lines(top_t *top);
static int top_look(top_t *top);
static int top_page(void *data, yajl_val page);
static void top_json(top_t *top);
static char *top_text(top_t *top, int rows);
static void top_head(top_t *top, FILE *file);
static void top_rows(top_t *top, FILE *file, size_t rows);
static void top_sort(top_t *top);
static int top_by_rate(const void *one, const void *two);
static int top_by_used(const void *one, const void *two);
static int top_by_name(const void *one, const void *two);


static const cli_option_t  top_options[] = {
    { "every", 'e', CLI_VALUE, "SECONDS", offsetof(top_wish_t, every),
      "between two looks (1)" },
    { "count", 'n', CLI_VALUE, "N", offsetof(top_wish_t, count),
      "end after N looks" },
    { "by", 0, CLI_VALUE, "WHAT", offsetof(top_wish_t, by),
      "rate, used or name stands first" },
};


static const cli_command_t  top_commands[] = {
    { "top", "", "who moves how much, live", 0, 0,
      top_options, cli_count(top_options), top_run },
};


const cli_group_t  cli_top_group = {
    top_commands, cli_count(top_commands)
};


static int
top_run(const cli_t *cli, const void *options, char **args, size_t n)
{
    int    rc;
    top_t  top;

    (void) args;
    (void) n;

    memset(&top, 0, sizeof(top));
    top.cli = cli;
    top.own = *cli;

    rc = top_wish(&top, options);

    if (rc != CLI_OK) {
        return rc;
    }

    rc = cli_session_open(&top.session, &top.own);

    if (rc == CLI_OK) {
        rc = top_look(&top);
    }

    if (rc == CLI_OK) {
        rc = cli->json ? top_lines(&top) : top_live(&top);
    }

    cli_rates_free(&top.rates);
    cli_session_close(&top.session);

    return rc;
}


static int
top_wish(top_t *top, const top_wish_t *wish)
{
    int          rc;
    size_t       i;
    const char  *by[] = { "rate", "used", "name" };

    top->every = 1;

    rc = top_number(top->cli, "--every", wish->every, &top->every);

    if (rc == CLI_OK) {
        rc = top_number(top->cli, "--count", wish->count, &top->count);
    }

    if (rc != CLI_OK || wish->by == NULL) {
        return rc;
    }

    for (i = 0; i < cli_count(by); i++) {
        if (strcmp(wish->by, by[i]) == 0) {
            top->by = (top_by_t) i;
            return CLI_OK;
        }
    }

    return cli_fail(top->cli, CLI_USAGE, "--by \"%s\" is neither rate nor "
                    "used nor name", wish->by);
}


static int
top_number(const cli_t *cli, const char *name, const char *text,
    uint64_t *number)
{
    if (text == NULL) {
        return CLI_OK;
    }

    if (wgw_text_uint((wgw_text_t) { text, strlen(text) }, 86400, number)
        || *number == 0)
    {
        return cli_fail(cli, CLI_USAGE, "%s \"%s\" is not 1 to 86400", name,
                        text);
    }

    return CLI_OK;
}


/* For programs: a line of those that moved something, for each look. */

static int
top_lines(top_t *top)
{
    int       rc;
    uint64_t  n;

    rc = CLI_OK;

    for (n = 0; rc == CLI_OK && (top->count == 0 || n < top->count); n++) {
        (void) sleep((unsigned) top->every);

        rc = top_look(top);

        if (rc == CLI_OK) {
            top_json(top);
            rc = cli_flush(top->cli);
        }
    }

    return rc;
}


/* What fails is told when the terminal is as it was. */

static int
top_live(top_t *top)
{
    int            key;
    char          *text;
    uint64_t       n;
    cli_screen_t   screen;

    if (cli_screen_begin(&screen) != 0) {
        return cli_fail(top->cli, CLI_USAGE, "this is no terminal: wgw usage,"
                        " or wgw top --json");
    }

    /* an error would be drawn over: it is told at the end */

    top->own.silent = "";
    key = CLI_SCREEN_DRAW;

    for (n = 0; key != 'q' && key != CLI_SCREEN_END
                && (top->count == 0 || n < top->count); /* void */ )
    {
        top->by = key == 'r' ? TOP_RATE : key == 'u' ? TOP_USED
                  : key == 'n' ? TOP_NAME : top->by;

        text = top_text(top, screen.rows);
        cli_screen_draw(&screen, text);
        free(text);

        key = cli_screen_wait(&screen, top->looked + (double) top->every
                                       - cli_progress_clock());

        if (key != CLI_SCREEN_TIME) {
            continue;
        }

        n++;

        if (top_look(top) != CLI_OK) {
            break;
        }
    }

    cli_screen_end(&screen);

    return top->rc == CLI_OK ? CLI_OK
           : cli_fail(top->cli, top->rc, "the gateway at %s does not answer "
                      "any more", top->session.client.where);
}


static int
top_look(top_t *top)
{
    double  now;

    now = cli_progress_clock();
    top->passed = top->looked ? now - top->looked : 0;
    top->looked = now;
    top->pages = 0;

    cli_rates_begin(&top->rates);

    top->rc = cli_session_pages(&top->session, TOP_FIRST, "usage", top_page,
                                top);

    return top->rc;
}


static int
top_page(void *data, yajl_val page)
{
    top_t  *top = data;

    cli_rates_look(&top->rates, page, top->passed);

    return ++top->pages < TOP_PAGES ? CLI_OK
           : cli_fail(&top->own, CLI_FAILED, "more than 100,000 keys: wgw "
                      "usage --top 100");
}


static void
top_json(top_t *top)
{
    int          first;
    size_t       i;
    cli_rate_t  *rate;

    top_sort(top);
    first = 1;

    printf("{\"seconds\":%.3f,\"keys\":[", top->passed);

    for (i = 0; i < top->rates.n; i++) {
        rate = top->rates.keys[i];

        if (rate->out <= 0 && rate->in <= 0 && rate->rate <= 0) {
            continue;
        }

        fputs(first ? "{" : ",{", stdout);
        first = 0;

        cli_write_member(stdout, 1, "zone", rate->zone);
        cli_write_member(stdout, 0, "key", rate->key);
        printf(",\"sent_rate\":%.1f,\"received_rate\":%.1f"
               ",\"request_rate\":%.2f", rate->out, rate->in, rate->rate);
        cli_write_number(stdout, 0, "used", rate->used);
        cli_write_number(stdout, 0, "cap", rate->cap);
        fputc('}', stdout);
    }

    puts("]}");
}


static char *
top_text(top_t *top, int rows)
{
    char    *text;
    FILE    *file;
    size_t   len;

    file = open_memstream(&text, &len);

    if (file == NULL) {
        return wgw_copy("no memory");
    }

    top_sort(top);
    top_head(top, file);
    top_rows(top, file, rows > 4 ? (size_t) rows - 4 : 0);

    fclose(file);

    return text;
}


static void
top_head(top_t *top, FILE *file)
{
    char    out[CLI_HUMAN], in[CLI_HUMAN], count[CLI_HUMAN];
    double  sums[3] = { 0, 0, 0 };
    size_t  i;

    for (i = 0; i < top->rates.n; i++) {
        sums[0] += top->rates.keys[i]->out;
        sums[1] += top->rates.keys[i]->in;
        sums[2] += top->rates.keys[i]->rate;
    }

    fprintf(file, "%s   %s keys   out %s   in %s   %.1f requests/s\n",
            top->session.client.where,
            cli_human_count(count, top->rates.n),
            cli_human_rate(out, sums[0]), cli_human_rate(in, sums[1]),
            sums[2]);
    fprintf(file, "q quit   by: %sr rate   %su used   %sn name\n\n",
            top->by == TOP_RATE ? "*" : "", top->by == TOP_USED ? "*" : "",
            top->by == TOP_NAME ? "*" : "");
}


static void
top_rows(top_t *top, FILE *file, size_t rows)
{
    char                       text[CLI_HUMAN];
    size_t                     i;
    cli_rate_t                *rate;
    cli_columns_t              columns;
    static const cli_column_t  titles[] = {
        { "OUT", 1 }, { "IN", 1 }, { "REQUESTS/S", 1 }, { "WINDOW", 1 },
        { "OF CAP", 1 }, { "NAME", 0 }
    };

    cli_columns_begin(&columns, file, titles, cli_count(titles));

    for (i = 0; i < top->rates.n && i < rows; i++) {
        rate = top->rates.keys[i];

        cli_columns_add(&columns, cli_human_rate(text, rate->out));
        cli_columns_add(&columns, cli_human_rate(text, rate->in));

        (void) snprintf(text, sizeof(text), "%.1f", rate->rate);
        cli_columns_add(&columns, text);

        cli_columns_add(&columns, cli_human_bytes(text, rate->used));
        cli_columns_add(&columns, cli_human_percent(text, rate->used,
                                                    rate->cap));
        cli_columns_add(&columns, rate->key);
    }

    cli_columns_end(&columns);
}


static void
top_sort(top_t *top)
{
    static int  (*const by[])(const void *one, const void *two) = {
        top_by_rate, top_by_used, top_by_name
    };

    cli_rates_sort(&top->rates, by[top->by]);
}


static int
top_by_rate(const void *one, const void *two)
{
    double             a, b;
    const cli_rate_t  *x = *(cli_rate_t *const *) one;
    const cli_rate_t  *y = *(cli_rate_t *const *) two;

    a = x->out + x->in;
    b = y->out + y->in;

    return a > b ? -1 : a < b ? 1 : top_by_used(one, two);
}


static int
top_by_used(const void *one, const void *two)
{
    const cli_rate_t  *x = *(cli_rate_t *const *) one;
    const cli_rate_t  *y = *(cli_rate_t *const *) two;

    return x->used > y->used ? -1 : x->used < y->used ? 1
           : top_by_name(one, two);
}


static int
top_by_name(const void *one, const void *two)
{
    const cli_rate_t  *x = *(cli_rate_t *const *) one;
    const cli_rate_t  *y = *(cli_rate_t *const *) two;

    return strcmp(x->id, y->id);
}
