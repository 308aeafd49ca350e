
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/text.h"
#include "ledger/apply.h"
#include "ledger/report.h"
#include "program/memory.h"


/* Two metrics of one query, the second a gauge; see report_family(). */
typedef struct {
    const char  *sql;
    const char  *label;
    const char  *first;
    const char  *type;
    const char  *second;
    int          ages;              /* the second is seconds, which pass */
    PGresult    *result;            /* the last that the database gave ... */
    int64_t      asked;             /* ... and when that was */
} report_family_t;


static int report_period(const ledger_t *ledger, char start[40]);
static void report_text(const PGresult *result, const char *period);
static void report_json(const PGresult *result, const char *period);
static void report_string(const char *text);
static int report_ask(database_t *db, report_family_t *family);
static void report_family(FILE *file, const report_family_t *family);


static report_family_t  report_nodes = {
    "SELECT name, seq, round(extract(epoch FROM now() - read_to)) "
    "FROM wgw.node WHERE read_to IS NOT NULL ORDER BY name",
    "node", "wgw_ledger_position", "gauge", "wgw_ledger_behind_seconds",
    1, NULL, 0
};

static report_family_t  report_events = {
    "SELECT what, count(*), count(*) FILTER (WHERE seen_at IS NULL) "
    "FROM wgw.event GROUP BY what ORDER BY what",
    "what", "wgw_ledger_events_total", "counter", "wgw_ledger_alarms",
    0, NULL, 0
};


/*
 * The price of a key of its own goes before that of its kind; of each the
 * last one that was good when the period began.
 */
static const char  report_sql[] =
    "WITH u AS ("
    " SELECT a.kind, CASE WHEN $4::text IS NULL THEN CASE a.class"
    "   WHEN 0 THEN a.key WHEN 1 THEN '(none)' WHEN 2 THEN '(other)'"
    "   ELSE '(denied)' END"
    "  ELSE coalesce(a.labels ->> $4, '') END AS key,"
    "  sum(t.sent) AS sent, sum(t.received) AS received,"
    "  sum(t.requests) AS requests, bool_and(a.class <> 0) AS nobody"
    " FROM wgw.%s t JOIN wgw.account a ON a.id = t.account"
    " WHERE t.start = $1::date AND ($2::text IS NULL OR a.kind = $2)"
    "  AND ($3::text IS NULL OR a.key = $3)"
    " GROUP BY 1, 2)"
    "SELECT u.kind, u.key, u.sent, u.received, u.requests,"
    " CASE WHEN p.kind IS NULL OR u.nobody THEN NULL ELSE"
    "  round((u.sent + u.received) * p.per_gb / 1000000000"
    "        + u.requests * p.per_million / 1000000, 6) END,"
    " coalesce(p.currency, '') "
    "FROM u LEFT JOIN LATERAL ("
    " SELECT * FROM wgw.price p WHERE p.kind = u.kind"
    "  AND p.key IN ('', u.key) AND p.since <= $1::date"
    " ORDER BY p.key = '' , p.since DESC LIMIT 1) p ON true "
    "ORDER BY u.kind, u.sent + u.received DESC, u.key";


int
report_print(database_t *db, const ledger_t *ledger)
{
    int          rc;
    char         start[40], *sql;
    PGresult    *result;
    const char  *values[4];

    rc = report_period(ledger, start);

    if (rc != LEDGER_OK) {
        return rc;
    }

    values[0] = start;
    values[1] = ledger->kind;
    values[2] = ledger->key;
    values[3] = ledger->by;

    sql = wgw_format(report_sql, ledger->day ? "day" : "month");
    result = database_query(db, sql, values, 4);
    free(sql);

    if (result == NULL) {
        return LEDGER_FAILED;
    }

    if (ledger->json) {
        report_json(result, ledger->day ? ledger->day : ledger->month);
    } else {
        report_text(result, ledger->day ? ledger->day : ledger->month);
    }

    PQclear(result);

    return fflush(stdout) == 0 && !ferror(stdout)
           ? LEDGER_OK : ledger_fail(LEDGER_FAILED, "cannot be written");
}


static int
report_period(const ledger_t *ledger, char start[40])
{
    int          year, month, day, end;
    const char  *text;

    day = 1;
    end = 0;
    text = ledger->day ? ledger->day : ledger->month;

    if (text == NULL || (ledger->day && ledger->month)) {
        return ledger_fail(LEDGER_USAGE, "--month YYYY-MM or --day "
                           "YYYY-MM-DD is needed");
    }

    if ((ledger->day
         ? sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3
         : sscanf(text, "%4d-%2d%n", &year, &month, &end) != 2)
        || text[end] != '\0' || strlen(text) != (ledger->day ? 10u : 7u)
        || year < 1970 || month < 1 || month > 12 || day < 1 || day > 31)
    {
        return ledger_fail(LEDGER_USAGE, "\"%s\" is no %s", text,
                           ledger->day ? "day" : "month");
    }

    (void) snprintf(start, 40, "%04d-%02d-%02d", year, month, day);

    return LEDGER_OK;
}


static void
report_text(const PGresult *result, const char *period)
{
    int          i, n;
    const char  *kind;

    n = PQntuples(result);
    kind = "";

    (void) printf("%s, UTC\n", period);

    if (n == 0) {
        (void) printf("\nnothing was counted\n");
    }

    for (i = 0; i < n; i++) {

        if (strcmp(kind, PQgetvalue(result, i, 0)) != 0) {
            kind = PQgetvalue(result, i, 0);
            (void) printf("\n%-36s %20s %20s %14s %18s\n", kind, "sent",
                          "received", "requests", "owes");
        }

        (void) printf("%-36s %20s %20s %14s %15s %s\n",
                      PQgetvalue(result, i, 1), PQgetvalue(result, i, 2),
                      PQgetvalue(result, i, 3), PQgetvalue(result, i, 4),
                      PQgetisnull(result, i, 5) ? "-"
                                                : PQgetvalue(result, i, 5),
                      PQgetvalue(result, i, 6));
    }
}


static void
report_json(const PGresult *result, const char *period)
{
    int  i, n;

    n = PQntuples(result);

    (void) printf("{\"period\":\"%s\",\"rows\":[", period);

    for (i = 0; i < n; i++) {
        (void) printf("%s\n{\"kind\":", i ? "," : "");
        report_string(PQgetvalue(result, i, 0));
        (void) printf(",\"key\":");
        report_string(PQgetvalue(result, i, 1));
        (void) printf(",\"sent\":%s,\"received\":%s,\"requests\":%s,"
                      "\"owes\":", PQgetvalue(result, i, 2),
                      PQgetvalue(result, i, 3), PQgetvalue(result, i, 4));

        if (PQgetisnull(result, i, 5)) {
            (void) printf("null}");

        } else {
            (void) printf("\"%s\",\"currency\":", PQgetvalue(result, i, 5));
            report_string(PQgetvalue(result, i, 6));
            (void) printf("}");
        }
    }

    (void) printf("]}\n");
}


static void
report_string(const char *text)
{
    size_t      size;
    char       *buffer;
    wgw_out_t   out;
    wgw_text_t  view;

    view.data = text;
    view.len = strlen(text);
    size = 6 * view.len + 16;
    buffer = wgw_alloc(size);

    wgw_out_init(&out, buffer, size);
    wgw_out_json(&out, view);

    (void) fwrite(buffer, 1, (size_t) (out.pos - buffer), stdout);

    free(buffer);
}


int
report_check(database_t *db, const ledger_t *ledger)
{
    int          i, n;
    char         late[24];
    PGresult    *result;
    const char  *values[1];

    (void) snprintf(late, sizeof(late), "%lld", (long long) ledger->late);
    values[0] = ledger->once ? NULL : late;

    result = database_query(db,
        "SELECT coalesce(n.name, '-'), e.what, e.note,"
        " to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
        "FROM wgw.event e LEFT JOIN wgw.node n ON n.id = e.node "
        "WHERE e.seen_at IS NULL "
        "UNION ALL "
        "SELECT name, 'late', format('nothing was read of it since %s',"
        " to_char(read_to AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')),"
        " to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        " FROM wgw.node"
        " WHERE read_to < now() - $1::bigint * interval '1 second' "
        "ORDER BY 4", values, 1);

    if (result == NULL) {
        return LEDGER_FAILED;
    }

    n = PQntuples(result);

    for (i = 0; i < n; i++) {
        (void) printf("%s %s: %s: %s\n", PQgetvalue(result, i, 3),
                      PQgetvalue(result, i, 0), PQgetvalue(result, i, 1),
                      PQgetvalue(result, i, 2));
    }

    PQclear(result);

    return n ? LEDGER_ALARM : LEDGER_OK;
}


int
report_seen(database_t *db)
{
    PGresult  *result;

    result = database_query(db, "UPDATE wgw.event SET seen_at = now() "
                                "WHERE seen_at IS NULL", NULL, 0);
    if (result == NULL) {
        return LEDGER_FAILED;
    }

    (void) printf("%s seen\n", PQcmdTuples(result));
    PQclear(result);

    return LEDGER_OK;
}


/* As another file, renamed: who reads it never sees half of it. */

int
report_metrics(database_t *db, const ledger_t *ledger)
{
    int    rc, away;
    char  *tmp;
    FILE  *file;

    if (ledger->metrics == NULL) {
        return LEDGER_OK;
    }

    away = PQstatus(db->conn) != CONNECTION_OK;

    if (!away) {
        rc = report_ask(db, &report_nodes);
        rc = rc == LEDGER_OK ? report_ask(db, &report_events) : rc;
        away = PQstatus(db->conn) != CONNECTION_OK;

        if (rc != LEDGER_OK && !away) {
            return rc;
        }
    }

    tmp = wgw_format("%s.tmp", ledger->metrics);
    file = fopen(tmp, "w");

    if (file == NULL) {
        rc = ledger_fail(LEDGER_FAILED, "\"%s\" cannot be written", tmp);
        free(tmp);

        return rc;
    }

    (void) fprintf(file, "# TYPE wgw_ledger_as_of_timestamp_seconds gauge\n"
                   "wgw_ledger_as_of_timestamp_seconds %lld\n"
                   "# TYPE wgw_ledger_connected gauge\n"
                   "wgw_ledger_connected %d\n", (long long) time(NULL),
                   !away);

    (void) fprintf(file, "# TYPE wgw_ledger_records_total counter\n"
                   "wgw_ledger_records_total %llu\n"
                   "# TYPE wgw_ledger_repeated_total counter\n"
                   "wgw_ledger_repeated_total %llu\n"
                   "# TYPE wgw_ledger_rows_total counter\n"
                   "wgw_ledger_rows_total %llu\n",
                   (unsigned long long) apply_counts.applied,
                   (unsigned long long) apply_counts.known,
                   (unsigned long long) apply_counts.rows);

    report_family(file, &report_nodes);
    report_family(file, &report_events);

    rc = LEDGER_OK;

    if (fclose(file) != 0 || rename(tmp, ledger->metrics) != 0) {
        rc = ledger_fail(LEDGER_FAILED, "\"%s\" cannot be written",
                         ledger->metrics);
    }

    free(tmp);

    return rc;
}


static int
report_ask(database_t *db, report_family_t *f)
{
    PGresult  *result;

    result = database_query(db, f->sql, NULL, 0);

    if (result == NULL) {
        return LEDGER_FAILED;
    }

    PQclear(f->result);

    f->result = result;
    f->asked = ledger_now();

    return LEDGER_OK;
}


/* Two figures of each row, which is of what it begins with. */

static void
report_family(FILE *file, const report_family_t *f)
{
    int        i;
    long long  second;

    (void) fprintf(file, "# TYPE %s %s\n# TYPE %s gauge\n", f->first, f->type,
                   f->second);

    for (i = 0; i < PQntuples(f->result); i++) {
        second = strtoll(PQgetvalue(f->result, i, 2), NULL, 10);
        second += f->ages ? ledger_now() - f->asked : 0;

        (void) fprintf(file, "%s{%s=\"%s\"} %s\n%s{%s=\"%s\"} %lld\n",
                       f->first, f->label, PQgetvalue(f->result, i, 0),
                       PQgetvalue(f->result, i, 1),
                       f->second, f->label, PQgetvalue(f->result, i, 0),
                       second);
    }
}
