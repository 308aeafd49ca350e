
/*
 * apply: records of the journals of nodes, into the database, each once; see
 * wgw.apply() in ledger/schema/1.sql.
 */

#ifndef WGW_LEDGER_APPLY_H
#define WGW_LEDGER_APPLY_H


#include "fleet/journal.h"
#include "ledger/database.h"


typedef enum {
    APPLY_DONE = 0,         /* it was applied */
    APPLY_KNOWN,            /* it had been */
    APPLY_GAP,              /* something is missing before it */
    APPLY_BAD               /* the database does not take it; told */
} apply_result_t;


/* Where a node's ledger stands. */
typedef struct {
    uint64_t     epoch;
    uint64_t     seq;
    uint8_t      hash[WGW_JOURNAL_HASH];
} apply_position_t;


/* What was done since the start; see metrics.h. */
typedef struct {
    uint64_t     applied;
    uint64_t     known;
    uint64_t     rows;
    uint64_t     bad;
} apply_counts_t;


extern apply_counts_t  apply_counts;


/*
 * The record of these bytes.  With `anyway` also behind a gap; `follows` are
 * readings that were applied just before (WGW_JOURNAL_STATE), or zeros, and
 * becomes what that is for the next record.  Comes back only when the database
 * has answered, or when we shall stop: APPLY_GAP.
 */
apply_result_t apply_record(database_t *db, wgw_journal_record_t *record,
    const uint8_t hash[WGW_JOURNAL_HASH], int anyway,
    apply_position_t *follows);

/* Zeros for a node that is not known; LEDGER_OK or a failure. */
int apply_position(database_t *db, const char *node,
    apply_position_t *position);

/* Tells the ledger something of a node, once. */
int apply_note(database_t *db, const char *node, const char *what,
    const char *format, ...)
    __attribute__((format(printf, 4, 5)));


#endif /* WGW_LEDGER_APPLY_H */
