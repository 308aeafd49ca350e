
#include <stdlib.h>

#include "ledger/apply.h"
#include "ledger/follow.h"
#include "ledger/report.h"
#include "ledger/source.h"
#include "ledger/stream.h"
#include "program/memory.h"


#define FOLLOW_IDLE      250            /* ms */
#define FOLLOW_METRICS   10             /* s */
#define FOLLOW_ONCE      50             /* ms, with --once, which ends ... */
#define FOLLOW_QUIET     2              /* ... after rounds without anything */


typedef struct {
    const ledger_t  *ledger;
    database_t      *db;
    int64_t          next;              /* when they are written */
} follow_metrics_t;


static int follow_round(const ledger_t *ledger, database_t *db,
    source_dir_t *dirs, streams_t *streams, int *waits);
static int follow_check(database_t *db, const ledger_t *ledger);
static int follow_alive(database_t *db);
static void follow_metrics(void *data);


int
follow(const ledger_t *ledger, database_t *db)
{
    int                rc, n, quiet, waits;
    size_t             i;
    streams_t         *streams;
    source_dir_t      *dirs;
    follow_metrics_t   metrics = { ledger, db, 0 };

    dirs = wgw_alloc((ledger->ndirs + 1) * sizeof(source_dir_t));
    streams = wgw_alloc(sizeof(streams_t));
    quiet = 0;

    db->away = follow_metrics;
    db->data = &metrics;

    rc = ledger->redis ? redis_init(&streams->redis, ledger) : LEDGER_OK;

    for (i = 0; i < ledger->ndirs; i++) {
        dirs[i].dir = ledger->dirs[i];
    }

    while (rc == LEDGER_OK && !ledger_stop) {
        n = follow_round(ledger, db, dirs, streams, &waits);

        if (n == 0 && !ledger_stop) {
            quiet += !waits;

            if (ledger->once && quiet >= FOLLOW_QUIET) {
                rc = streams->redis.failed ? LEDGER_AWAY : LEDGER_OK;
                break;
            }

            rc = follow_alive(db);
            ledger_nap(ledger->once ? FOLLOW_ONCE : FOLLOW_IDLE);

        } else {
            quiet = 0;
        }

        follow_metrics(&metrics);
    }

    metrics.next = 0;
    follow_metrics(&metrics);
    db->away = NULL;

    for (i = 0; i < ledger->ndirs; i++) {
        source_dir_close(&dirs[i]);
    }

    streams_free(streams);
    free(streams);
    free(dirs);

    return rc == LEDGER_OK && ledger->once && !ledger_stop
           ? follow_check(db, ledger) : ledger_stop ? LEDGER_OK : rc;
}


/*
 * A database that takes no record, as it is full or has no right for us, does
 * not take the event that says so either.
 */

static int
follow_check(database_t *db, const ledger_t *ledger)
{
    int  rc;

    rc = report_check(db, ledger);

    return rc == LEDGER_OK && apply_counts.bad ? LEDGER_FAILED : rc;
}


static int
follow_round(const ledger_t *ledger, database_t *db, source_dir_t *dirs,
    streams_t *streams, int *waits)
{
    int     n;
    size_t  i;

    n = 0;
    *waits = 0;

    for (i = 0; i < ledger->ndirs; i++) {
        n += source_dir(&dirs[i], ledger, db);
        *waits |= dirs[i].gap != 0;
    }

    return ledger->redis ? streams_round(streams, ledger, db, waits) : n;
}


/* A connection that is lost is found when something is asked. */

static int
follow_alive(database_t *db)
{
    PGresult  *result;

    result = PQexec(db->conn, "SELECT 1");
    PQclear(result);

    return PQstatus(db->conn) == CONNECTION_OK
           ? LEDGER_OK
           : ledger_stop ? LEDGER_OK : database_open(db, db->info, 1);
}


/* Also while the database is away: then they are what there is to see it by. */

static void
follow_metrics(void *data)
{
    follow_metrics_t *metrics = data;

    if (ledger_now() < metrics->next) {
        return;
    }

    metrics->next = ledger_now() + FOLLOW_METRICS;

    (void) report_metrics(metrics->db, metrics->ledger);
}
