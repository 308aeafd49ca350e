
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grid/ledger.h"
#include "grid/out.h"
#include "grid/self.h"
#include "grid/status.h"
#include "program/memory.h"


#define STATUS_STATES  8                /* of workloads */


/* All that is shown. */
typedef struct {
    grid_self_t    self;
    grid_ledger_t  month;
    grid_ledger_t  all;
    uint64_t       contracts;           /* that have workloads */
    uint64_t       names;               /* that are served */

    struct {
        char       name[16];
        uint64_t   n;
    } states[STATUS_STATES];
    size_t         nstates;

    char           since[GRID_LEDGER_TIME];     /* the month's first second */
    char           last[GRID_LEDGER_TIME];      /* hour that is final, or "" */
    char           kept[GRID_LEDGER_TIME];      /* when all that was known */
} status_t;


static void status_read(status_t *s, grid_state_t *state);
static void status_workloads(status_t *s, grid_state_t *state);
static void status_text(const status_t *s);
static void status_text_money(const status_t *s);
static void status_text_age(const status_t *s);
static void status_json(grid_out_t *out, const status_t *s);
static void status_json_missing(grid_out_t *out, const grid_self_t *self);
static void status_json_text(grid_out_t *out, const char *name,
    const char *text);
static void status_json_ledger(grid_out_t *out, const char *name,
    const grid_ledger_t *ledger);
static void status_metrics(const status_t *s);
static void status_metric(const char *name, const char *type,
    const char *help);


int
grid_status(const grid_options_t *options)
{
    int           failed;
    status_t     *s;
    grid_out_t    out;
    grid_state_t  state;

    if (grid_state_open(&state, options->state, 1) != GRID_OK) {
        return GRID_FAILED;
    }

    s = wgw_alloc(sizeof(status_t));
    status_read(s, &state);

    failed = state.failed;
    grid_state_close(&state);

    if (!failed) {
        if (options->json) {
            memset(&out, 0, sizeof(grid_out_t));
            status_json(&out, s);
            puts(out.data);
            grid_out_free(&out);

        } else if (options->metrics) {
            status_metrics(s);

        } else {
            status_text(s);
        }
    }

    free(s);

    return failed || fflush(stdout) != 0 ? GRID_FAILED : GRID_OK;
}


int
grid_status_show(grid_state_t *state, grid_gateway_t *gateway)
{
    int          rc;
    long         status;
    status_t    *s;
    grid_out_t   out;

    memset(&out, 0, sizeof(grid_out_t));

    s = wgw_alloc(sizeof(status_t));
    status_read(s, state);
    status_json(&out, s);
    free(s);

    rc = grid_gateway_call(gateway, "PUT", "/v1/grid", out.data, &status,
                           NULL);
    grid_out_free(&out);

    return rc == GRID_OK && status < 300 ? GRID_OK : GRID_AWAY;
}


static void
status_read(status_t *s, grid_state_t *state)
{
    char       month[16];
    time_t     now;
    int64_t    from, to;
    struct tm  tm;

    grid_self_read(&s->self, state);

    now = time(NULL);
    (void) gmtime_r(&now, &tm);
    (void) strftime(month, sizeof(month), "%Y-%m", &tm);

    if (grid_ledger_month(month, &from, &to) == 0) {
        grid_ledger_sum(state, from, to, &s->month);
        grid_ledger_time(s->since, from);
    }

    grid_ledger_sum(state, 0, INT64_MAX, &s->all);

    if (s->all.last) {
        grid_ledger_time(s->last, s->all.last);
    }

    grid_ledger_time(s->kept, s->self.kept);

    status_workloads(s, state);
}


static void
status_workloads(status_t *s, grid_state_t *state)
{
    sqlite3_stmt  *query;

    query = grid_state_query(state, "select state, count(*) from workloads "
                             "where gone = 0 group by state order by state",
                             "");

    while (grid_state_row(state, query) && s->nstates < STATUS_STATES) {
        grid_put(s->states[s->nstates].name,
                 sizeof(s->states[s->nstates].name), "%s",
                 grid_state_text(query, 0));
        s->states[s->nstates++].n = (uint64_t) sqlite3_column_int64(query, 1);
    }

    grid_state_done(query);

    s->contracts = (uint64_t) grid_state_number(state, 0, "select "
        "count(distinct contract) from workloads where gone = 0 and state "
        "<> 'deleted'", "");
    s->names = (uint64_t) grid_state_number(state, 0, "select count(*) from "
        "workloads where host is not null", "");
}


static void
status_text(const status_t *s)
{
    char                text[WGW_ADDR_TEXT + 1];
    size_t              i;
    const grid_self_t  *self = &s->self;

    printf("account      %s (%s)\n", self->address,
           grid_kind_name(self->kind));
    printf("balance      %.7f TFT\n", (double) self->balance / 1e7);
    printf("farm         %u\n", (unsigned) self->farm);
    printf("twin         %u\n", (unsigned) self->twin);
    printf("node         %u\n", (unsigned) self->node);
    printf("domain       %s\n", self->domain[0] ? self->domain : "-");

    for (i = 0; i < self->naddresses; i++) {
        *wgw_addr_write(&self->addresses[i], text) = '\0';
        printf("%-12s %s\n", i ? "" : "addresses", text);
    }

    printf("contracts    %llu\n", (unsigned long long) s->contracts);
    printf("names        %llu\n", (unsigned long long) s->names);

    for (i = 0; i < s->nstates; i++) {
        printf("%-12s %s %llu\n", i ? "" : "workloads", s->states[i].name,
               (unsigned long long) s->states[i].n);
    }

    status_text_money(s);
    status_text_age(s);

    for (i = 0; i < self->nmissing; i++) {
        printf("%-12s %s\n", i ? "" : "missing", self->missing[i].what);

        if (self->missing[i].cure[0]) {
            printf("             cure: %s\n", self->missing[i].cure);
        }
    }

    if (self->nmissing == 0) {
        puts("missing      nothing");
    }
}


static void
status_text_money(const status_t *s)
{
    printf("last report  %s\n", s->last[0] ? s->last : "-");
    printf("this month   %.3f GB reported, %llu mUSD billed\n",
           (double) s->month.bytes / 1e9,
           (unsigned long long) s->month.billed);

    if (s->all.waiting) {
        printf("waiting      %llu reports, %.3f GB\n",
               (unsigned long long) s->all.waiting,
               (double) s->all.waiting_bytes / 1e9);
    }

    if (s->month.lost || s->month.nobody_bytes) {
        printf("unpaid       %.3f GB of contracts that are gone, %.3f GB of "
               "nobody, this month\n", (double) s->month.lost_bytes / 1e9,
               (double) s->month.nobody_bytes / 1e9);
    }
}


/* A daemon that runs looks at all of it each minute. */

static void
status_text_age(const status_t *s)
{
    long long  age;

    age = (long long) time(NULL) - s->self.kept;

    printf("as of        %s%s\n", s->kept, age > GRID_STATUS_STALE || age < 0
           ? ", stale: does wgw-grid run (systemctl status wgw-grid)?" : "");
}


static void
status_json(grid_out_t *out, const status_t *s)
{
    char                text[WGW_ADDR_TEXT + 1];
    size_t              i;
    const grid_self_t  *self = &s->self;

    status_json_text(out, "{\"as_of\":", s->kept);
    status_json_text(out, ",\"account\":", self->address);
    grid_out_format(out, ",\"kind\":\"%s\",\"balance\":%llu,\"farm_id\":%u,"
                    "\"twin_id\":%u,\"node_id\":%u",
                    grid_kind_name(self->kind),
                    (unsigned long long) self->balance,
                    (unsigned) self->farm, (unsigned) self->twin,
                    (unsigned) self->node);
    status_json_text(out, ",\"domain\":", self->domain);
    grid_out_text(out, ",\"addresses\":[");

    for (i = 0; i < self->naddresses; i++) {
        *wgw_addr_write(&self->addresses[i], text) = '\0';
        status_json_text(out, i ? "," : "", text);
    }

    grid_out_format(out, "],\"contracts\":%llu,\"names\":%llu,"
                    "\"workloads\":{", (unsigned long long) s->contracts,
                    (unsigned long long) s->names);

    for (i = 0; i < s->nstates; i++) {
        grid_out_format(out, "%s\"%s\":%llu", i ? "," : "",
                        s->states[i].name,
                        (unsigned long long) s->states[i].n);
    }

    status_json_text(out, "},\"last_report\":", s->last);
    status_json_text(out, ",\"month\":", s->since);
    status_json_ledger(out, "this_month", &s->month);
    status_json_ledger(out, "all", &s->all);
    status_json_missing(out, self);
}


static void
status_json_missing(grid_out_t *out, const grid_self_t *self)
{
    size_t  i;

    grid_out_text(out, ",\"missing\":[");

    for (i = 0; i < self->nmissing; i++) {
        status_json_text(out, i ? ",{\"topic\":" : "{\"topic\":",
                         self->missing[i].topic);
        status_json_text(out, ",\"what\":", self->missing[i].what);
        status_json_text(out, ",\"cure\":", self->missing[i].cure);
        grid_out_text(out, "}");
    }

    grid_out_text(out, "]}");
}


static void
status_json_text(grid_out_t *out, const char *name, const char *text)
{
    grid_out_text(out, name);
    grid_out_json(out, text);
}


static void
status_json_ledger(grid_out_t *out, const char *name,
    const grid_ledger_t *l)
{
    grid_out_format(out, ",\"%s\":{\"reports\":%llu,\"bytes\":%llu,"
                    "\"waiting\":%llu,\"waiting_bytes\":%llu,"
                    "\"void\":%llu,\"void_bytes\":%llu,"
                    "\"nobody_bytes\":%llu,\"billed_musd\":%llu}", name,
                    (unsigned long long) l->reports,
                    (unsigned long long) l->bytes,
                    (unsigned long long) l->waiting,
                    (unsigned long long) l->waiting_bytes,
                    (unsigned long long) l->lost,
                    (unsigned long long) l->lost_bytes,
                    (unsigned long long) l->nobody_bytes,
                    (unsigned long long) l->billed);
}


static void
status_metrics(const status_t *s)
{
    size_t  i;

    const struct {
        const char  *name;
        const char  *type;
        const char  *help;
        uint64_t     value;
    } all[] = {
        { "wgw_grid_contracts", "gauge", "contracts with workloads",
          s->contracts },
        { "wgw_grid_names", "gauge", "names that are served", s->names },
        { "wgw_grid_reported_bytes_total", "counter", "bytes that the chain "
          "has, finally", s->all.bytes },
        { "wgw_grid_billed_musd_total", "counter", "mUSD that service "
          "contracts paid", s->all.billed },
        { "wgw_grid_nobody_bytes_total", "counter", "bytes of no contract",
          s->all.nobody_bytes },
        { "wgw_grid_waiting_reports", "gauge", "reports that are not final",
          s->all.waiting },
        { "wgw_grid_last_report_timestamp_seconds", "gauge", "the newest "
          "hour that is final", (uint64_t) s->all.last },
        { "wgw_grid_balance", "gauge", "the account's, in 10^-7 TFT",
          s->self.balance },
        { "wgw_grid_as_of_timestamp_seconds", "gauge", "when the daemon saw "
          "all that", (uint64_t) s->self.kept },
    };

    for (i = 0; i < grid_count(all); i++) {
        status_metric(all[i].name, all[i].type, all[i].help);
        printf("%s %llu\n", all[i].name, (unsigned long long) all[i].value);
    }

    status_metric("wgw_grid_workloads", "gauge", "by state");

    for (i = 0; i < s->nstates; i++) {
        printf("wgw_grid_workloads{state=\"%s\"} %llu\n", s->states[i].name,
               (unsigned long long) s->states[i].n);
    }

    status_metric("wgw_grid_missing", "gauge", "1 of each topic that "
                  "something is missing of");

    for (i = 0; i < s->self.nmissing; i++) {
        printf("wgw_grid_missing{topic=\"%s\"} 1\n",
               s->self.missing[i].topic);
    }
}


static void
status_metric(const char *name, const char *type, const char *help)
{
    printf("# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}
