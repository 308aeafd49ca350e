
/*
 * source: where records come from: a journal's folder on this machine, or
 * the streams of a Redis.
 *
 * Of each node one ledger takes records at a time, by a lock that goes with
 * its connection to the database; which one it is makes no difference, as the
 * position is in the database.
 */

#ifndef WGW_LEDGER_SOURCE_H
#define WGW_LEDGER_SOURCE_H


#include "fleet/journal_file.h"
#include "ledger/apply.h"


typedef struct {
    const char            *dir;
    char                   node[WGW_JOURNAL_NODE + 1];  /* or empty */
    wgw_journal_reader_t  *reader;      /* NULL: to be sought */
    apply_position_t       follows;     /* readings that were applied */
    uint64_t               locked;      /* by this connection, or 0 */
    int64_t                gap;         /* since when, or 0 */
    int64_t                stuck;       /* not again before that */
} source_dir_t;


/* Applies what there is: how many records, or -1 when the database is away. */
int source_dir(source_dir_t *source, const ledger_t *ledger, database_t *db);

void source_dir_close(source_dir_t *source);

/* 1 when the node's records are this ledger's business. */
int source_lock(database_t *db, const char *node);


#endif /* WGW_LEDGER_SOURCE_H */
