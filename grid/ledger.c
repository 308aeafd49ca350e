
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format/rfc3339.h"
#include "grid/hours.h"
#include "grid/ledger.h"
#include "grid/out.h"


static void ledger_row(sqlite3_stmt *query, int json, int first);
static const char *ledger_state(sqlite3_stmt *query, int column);


/* Of reports and of bills by service contracts, in one order. */

static const char  ledger_sql[] =
    "select hour, contract, twin, bytes, state, time, why, 0 as amount, "
        "'report' as kind from reports where hour >= ?1 and hour < ?2 "
    "union all select made, service, twin, 0, state, made, why, amount, "
        "'bill' from services_bills where made >= ?1 and made < ?2 "
    "order by 1, 9, 2";


int
grid_ledger_list(const grid_options_t *options)
{
    int            n;
    int64_t        from, to;
    grid_state_t   state;
    sqlite3_stmt  *query;

    from = 0;
    to = INT64_MAX;

    if (options->month && grid_ledger_month(options->month, &from, &to) != 0)
    {
        return grid_fail(GRID_USAGE, "--month \"%s\" is no month, as 2026-11 "
                         "is", options->month);
    }

    if (grid_state_open(&state, options->state, 1) != GRID_OK) {
        return GRID_FAILED;
    }

    if (options->json) {
        fputs("{\"bills\":[", stdout);

    } else {
        printf("%-20s %-7s %9s %8s %13s %7s  %s\n", "HOUR", "KIND",
               "CONTRACT", "TWIN", "BYTES", "MUSD", "STATE");
    }

    query = grid_state_query(&state, ledger_sql, "ii", from, to);

    for (n = 0; grid_state_row(&state, query); n++) {
        ledger_row(query, options->json != NULL, n == 0);
    }

    grid_state_done(query);

    if (options->json) {
        fputs("]}\n", stdout);
    }

    n = state.failed;
    grid_state_close(&state);

    return n || fflush(stdout) != 0 ? GRID_FAILED : GRID_OK;
}


static void
ledger_row(sqlite3_stmt *query, int json, int first)
{
    char         hour[GRID_LEDGER_TIME], when[GRID_LEDGER_TIME];
    const char  *why;

    grid_ledger_time(hour, sqlite3_column_int64(query, 0));
    grid_ledger_time(when, sqlite3_column_int64(query, 5));
    why = grid_state_text(query, 6);

    if (!json) {
        printf("%-20s %-7s %9lld %8lld %13lld %7lld  %s%s%s\n", hour,
               grid_state_text(query, 8),
               (long long) sqlite3_column_int64(query, 1),
               (long long) sqlite3_column_int64(query, 2),
               (long long) sqlite3_column_int64(query, 3),
               (long long) sqlite3_column_int64(query, 7),
               ledger_state(query, 4), why[0] ? ": " : "", why);
        return;
    }

    printf("%s\n{\"kind\":\"%s\",\"hour\":\"%s\",\"contract_id\":%lld,"
           "\"twin_id\":%lld,\"bytes\":%lld,\"amount_musd\":%lld,"
           "\"time\":\"%s\",\"state\":\"%s\",\"why\":", first ? "" : ",",
           grid_state_text(query, 8), hour,
           (long long) sqlite3_column_int64(query, 1),
           (long long) sqlite3_column_int64(query, 2),
           (long long) sqlite3_column_int64(query, 3),
           (long long) sqlite3_column_int64(query, 7), when,
           ledger_state(query, 4));
    grid_out_print_json(stdout, why);
    putchar('}');
}


static const char *
ledger_state(sqlite3_stmt *query, int column)
{
    int64_t  state;

    static const char  *const states[] = {
        "waiting", "sent", "final", "void", "service"
    };

    state = sqlite3_column_int64(query, column);

    return state >= 0 && state < (int64_t) grid_count(states) ? states[state]
                                                              : "?";
}


void
grid_ledger_time(char text[GRID_LEDGER_TIME], int64_t seconds)
{
    wgw_out_t  out;

    wgw_out_init(&out, text, GRID_LEDGER_TIME - 1);
    wgw_out_rfc3339(&out, seconds);
    *out.pos = '\0';
}


void
grid_ledger_sum(grid_state_t *state, int64_t from, int64_t to,
    grid_ledger_t *ledger)
{
    uint64_t       n, bytes;
    sqlite3_stmt  *query;

    memset(ledger, 0, sizeof(grid_ledger_t));

    query = grid_state_query(state, "select state, count(*), sum(bytes), "
                             "max(hour) from reports where hour >= ? and hour "
                             "< ? group by state", "ii", from, to);

    while (grid_state_row(state, query)) {
        n = (uint64_t) sqlite3_column_int64(query, 1);
        bytes = (uint64_t) sqlite3_column_int64(query, 2);

        switch (sqlite3_column_int64(query, 0)) {

        case GRID_REPORT_FINAL:
            ledger->reports = n;
            ledger->bytes = bytes;
            ledger->last = sqlite3_column_int64(query, 3);
            break;

        case GRID_REPORT_VOID:
            ledger->lost = n;
            ledger->lost_bytes = bytes;
            break;

        case GRID_REPORT_SERVICE:
            break;

        default:
            ledger->waiting += n;
            ledger->waiting_bytes += bytes;
        }
    }

    grid_state_done(query);

    ledger->nobody_bytes = (uint64_t) grid_state_number(state, 0, "select "
        "sum(sent + received) from lines where contract = 0 and hour >= ? and "
        "hour < ?", "ii", from, to);
    ledger->billed = (uint64_t) grid_state_number(state, 0, "select "
        "sum(amount) from services_bills where state = 2 and made >= ? and "
        "made < ?", "ii", from, to);
}


int
grid_ledger_month(const char *month, int64_t *from, int64_t *to)
{
    int          y, m;
    char         text[32];
    wgw_text_t   time;

    if (strlen(month) != 7 || strspn(month, "0123456789") != 4
        || month[4] != '-' || strspn(month + 5, "0123456789") != 2
        || sscanf(month, "%4d-%2d", &y, &m) != 2 || m < 1)
    {
        return -1;
    }

    grid_put(text, sizeof(text), "%04d-%02d-01T00:00:00Z", y, m);
    time = (wgw_text_t) { text, strlen(text) };

    if (wgw_rfc3339_parse(from, time) != 0) {
        return -1;
    }

    y += m == 12;
    m = m % 12 + 1;

    grid_put(text, sizeof(text), "%04d-%02d-01T00:00:00Z", y, m);
    time = (wgw_text_t) { text, strlen(text) };

    return wgw_rfc3339_parse(to, time) == 0 ? 0 : -1;
}
