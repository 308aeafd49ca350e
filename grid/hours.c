
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/doc.h"
#include "format/text.h"
#include "grid/hours.h"
#include "program/memory.h"


#define HOURS_RECENT  3                 /* asked for each time */
#define HOURS_DOWN    (400 * 24)        /* ... after a long time, at most */
#define HOURS_PAGE    1000              /* lines a request */


static const char  *const hours_steps[] = {
    "create table hours (start integer primary key, taken integer not null)",

    "create table lines (hour integer not null references hours, "
        "key text not null, class text not null, twin integer not null, "
        "contract integer not null, sent integer not null, "
        "received integer not null)",
    "create index lines_hour on lines (hour)",

    "create table reports (id integer primary key, hour integer not null "
        "references hours, contract integer not null, twin integer not null, "
        "bytes integer not null, time integer not null, "
        "state integer not null default 0, batch integer, "
        "tries integer not null default 0, why text, "
        "unique (hour, contract))",
    "create index reports_state on reports (state, time)",
    "create index reports_contract on reports (contract, time)",
    "create index reports_batch on reports (batch)",

    "create table begun (hour integer not null)",

    /* a report that the chain did not take is not sent sooner than this */
    "alter table reports add column after integer not null default 0",
    NULL
};

const grid_schema_t  grid_hours_schema = { "hours", hours_steps };


static int64_t hours_from(grid_state_t *state, int64_t last, int all);
static int hours_first(grid_state_t *state, int64_t now, int64_t *first);
static int hours_one(grid_state_t *state, grid_gateway_t *gateway,
    const char *zone, int64_t hour, int64_t now);
static int hours_page(grid_gateway_t *gateway, const char *zone,
    int64_t hour, uint64_t *next, yajl_val *reply);
static void hours_line(grid_state_t *state, int64_t hour, yajl_val line);
static void hours_label(const char *label, uint64_t *twin,
    uint64_t *contract);
static void hours_report(grid_state_t *state, int64_t hour);


int
grid_hours_take(grid_state_t *state, grid_gateway_t *gateway,
    const char *zone, int64_t now, int all)
{
    int      rc;
    int64_t  hour, first, last;

    if (hours_first(state, now, &first) != GRID_OK) {
        return GRID_FAILED;
    }

    last = now / GRID_HOUR * GRID_HOUR - GRID_HOUR;
    hour = hours_from(state, last, all);

    if (hour < first) {
        hour = first;
    }

    for ( /* void */ ; hour <= last; hour += GRID_HOUR) {

        if (grid_state_number(state, 0, "select 1 from hours where start = ?",
                              "i", hour))
        {
            continue;
        }

        rc = hours_one(state, gateway, zone, hour, now);

        if (rc != GRID_OK && rc != GRID_NONE) {
            return rc;
        }
    }

    return GRID_OK;
}


/*
 * Where to begin.  A gateway that was down for months has hours from before
 * that, behind the last one that was taken.
 */

static int64_t
hours_from(grid_state_t *state, int64_t last, int all)
{
    int64_t  from, taken;

    from = last - (all ? GRID_HOURS_BACK : HOURS_RECENT) * GRID_HOUR;

    if (all) {
        taken = grid_state_number(state, from, "select max(start) from hours "
                                  "where start < ?", "i", last);

        if (taken < from) {
            from = taken > last - HOURS_DOWN * GRID_HOUR
                   ? taken : last - HOURS_DOWN * GRID_HOUR;
        }
    }

    return from;
}


/* The hour of the first start of all: earlier ones were not this daemon's. */

static int
hours_first(grid_state_t *state, int64_t now, int64_t *first)
{
    *first = grid_state_number(state, -1, "select hour from begun", "");

    if (*first >= 0 && *first <= now) {
        return GRID_OK;
    }

    /* one in the future was told by a clock that was wrong */

    *first = now / GRID_HOUR * GRID_HOUR;

    grid_state_begin(state);
    (void) grid_state_run(state, "delete from begun", "");
    (void) grid_state_run(state, "insert into begun values (?)", "i", *first);

    return grid_state_commit(state);
}


/* All pages first, then the step: nothing waits inside of it. */

static int
hours_one(grid_state_t *state, grid_gateway_t *gateway, const char *zone,
    int64_t hour, int64_t now)
{
    int        rc;
    size_t     i, k, n, lines;
    uint64_t   next;
    yajl_val  *pages;

    n = 0;
    next = 0;
    pages = NULL;

    do {
        pages = wgw_grow(pages, (n + 1) * sizeof(yajl_val));
        rc = hours_page(gateway, zone, hour, &next, &pages[n]);
        n += rc == GRID_OK;

    } while (rc == GRID_OK && next);

    if (rc == GRID_OK) {
        grid_state_begin(state);

        (void) grid_state_run(state, "insert into hours values (?, ?)", "ii",
                              hour, now);

        for (i = 0; i < n; i++) {
            lines = wgw_doc_count(pages[i], "keys");

            for (k = 0; k < lines; k++) {
                hours_line(state, hour, wgw_doc_at(pages[i], "keys", k));
            }
        }

        hours_report(state, hour);
        rc = grid_state_commit(state);
    }

    while (n) {
        yajl_tree_free(pages[--n]);
    }

    free(pages);

    return rc;
}


/* GRID_NONE: the archive has no such hour. */

static int
hours_page(grid_gateway_t *gateway, const char *zone, int64_t hour,
    uint64_t *next, yajl_val *reply)
{
    int         rc;
    char        path[GRID_GATEWAY_PATH], when[16], after[32];
    long        status;
    time_t      start;
    struct tm   tm;

    start = (time_t) hour;
    (void) gmtime_r(&start, &tm);
    (void) strftime(when, sizeof(when), "%Y-%m-%dT%H", &tm);

    after[0] = '\0';

    if (*next) {
        grid_put(after, sizeof(after), "&after=%llu",
                 (unsigned long long) *next);
    }

    grid_put(path, sizeof(path), "/v1/usage?window=%s&limit=%d%s&zone=", when,
             HOURS_PAGE, after);
    grid_gateway_escape(path, zone);

    rc = grid_gateway_call(gateway, "GET", path, NULL, &status, reply);

    if (rc == GRID_OK) {
        rc = status == 404 ? GRID_NONE
             : status == 200 && YAJL_IS_OBJECT(*reply) ? GRID_OK : GRID_AWAY;
    }

    if (rc != GRID_OK) {
        yajl_tree_free(*reply);
        *reply = NULL;
        return rc;
    }

    *next = wgw_doc_number(*reply, "next");

    return GRID_OK;
}


static void
hours_line(grid_state_t *state, int64_t hour, yajl_val line)
{
    uint64_t  twin, contract;

    hours_label(wgw_doc_text(line, "workload"), &twin, &contract);

    (void) grid_state_run(state, "insert into lines values (?, ?, ?, ?, ?, ?, "
                          "?)", "ittiiii", hour, wgw_doc_text(line, "key"),
                          wgw_doc_text(line, "class"), (int64_t) twin,
                          (int64_t) contract,
                          (int64_t) wgw_doc_number(line, "sent"),
                          (int64_t) wgw_doc_number(line, "received"));
}


/* "7341-1234-mysite"; what is none is nobody's. */

static void
hours_label(const char *label, uint64_t *twin, uint64_t *contract)
{
    size_t      one, two;
    wgw_text_t  first, second;

    one = strcspn(label, "-");
    two = label[one] ? strcspn(label + one + 1, "-") : 0;

    first = (wgw_text_t) { label, one };
    second = (wgw_text_t) { label + one + (label[one] != '\0'), two };

    if (second.data[two] != '-' || second.data[two + 1] == '\0'
        || wgw_text_uint(first, UINT32_MAX, twin) != 0
        || wgw_text_uint(second, INT64_MAX, contract) != 0)
    {
        *twin = 0;
        *contract = 0;
    }
}


static void
hours_report(grid_state_t *state, int64_t hour)
{
    (void) grid_state_run(state,
        "insert into reports (hour, contract, twin, bytes, time, state) "
        "select hour, contract, twin, sum(sent + received), max(hour + ?2, "
        "coalesce((select max(r.time) + 1 from reports r where r.contract = "
        "lines.contract), 0)), case when exists (select 1 from services s "
        "where s.twin = lines.twin and s.active = 1) then ?3 else 0 end "
        "from lines where hour = ?1 and contract > 0 group by contract "
        "having sum(sent + received) > 0", "iii", hour,
        (int64_t) GRID_HOUR, (int64_t) GRID_REPORT_SERVICE);
}
