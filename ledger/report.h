
/*
 * report: what is asked of the database by people and by monitoring.
 */

#ifndef WGW_LEDGER_REPORT_H
#define WGW_LEDGER_REPORT_H


#include "ledger/database.h"


/* What each owes for a month or a day, as text or JSON. */
int report_print(database_t *db, const ledger_t *ledger);

/*
 * Whether something is to be looked at: LEDGER_OK or LEDGER_ALARM; with
 * --once not of nodes that are late, as their records may be of any time.
 */
int report_check(database_t *db, const ledger_t *ledger);

/* Events that were seen are not told again. */
int report_seen(database_t *db);

/*
 * Figures for Prometheus's textfile collector, to ledger->metrics.  While the
 * database is away they are those that it had last, and readings grow old.
 */
int report_metrics(database_t *db, const ledger_t *ledger);


#endif /* WGW_LEDGER_REPORT_H */
