
#include <stdlib.h>
#include <string.h>

#include "ledger/source.h"
#include "program/memory.h"


#define SOURCE_ROUND   256              /* records in one call */
#define SOURCE_STUCK   60               /* s */


static int source_node(source_dir_t *source);
static int source_begin(source_dir_t *source, database_t *db);
static int source_one(source_dir_t *source, const ledger_t *ledger,
    database_t *db, wgw_journal_record_t *record);
static int source_gap(source_dir_t *source, const ledger_t *ledger,
    const wgw_journal_record_t *record);


int
source_dir(source_dir_t *source, const ledger_t *ledger, database_t *db)
{
    int                    n, rc;
    const char            *error;
    wgw_journal_record_t   record;

    if (source->locked != db->serial) {
        source_dir_close(source);
    }

    if (ledger_now() < source->stuck || source_begin(source, db) != 0) {
        return 0;
    }

    for (n = 0; n < SOURCE_ROUND && !ledger_stop; n++) {
        rc = wgw_journal_get_record(source->reader, &record, &error);

        if (rc == 0) {
            break;
        }

        if (rc < 0) {
            ledger_log("the journal \"%s\" %s", source->dir, error);
            (void) apply_note(db, source->node, "damage", "a file of \"%s\" %s",
                              source->dir, error);
            continue;
        }

        if (source_one(source, ledger, db, &record) != 0) {
            source_dir_close(source);
            break;
        }
    }

    return n;
}


static int
source_one(source_dir_t *source, const ledger_t *ledger, database_t *db,
    wgw_journal_record_t *record)
{
    int              anyway;
    apply_result_t   rc;

    /* a folder has all there is: what is missing will not come */

    anyway = source->gap && ledger_now() >= source->gap;

    rc = apply_record(db, record, source->reader->hash, anyway,
                      &source->follows);

    switch (rc) {

    case APPLY_GAP:
        return source_gap(source, ledger, record);

    case APPLY_BAD:
        source->stuck = ledger_now() + SOURCE_STUCK;
        (void) apply_note(db, source->node, "bad", "record %llu of epoch "
                          "%llu is not taken",
                          (unsigned long long) record->seq,
                          (unsigned long long) record->epoch);
        return -1;

    default: /* APPLY_DONE, APPLY_KNOWN */
        break;
    }

    if (record->kind != WGW_JOURNAL_STATE) {
        source->gap = 0;
    }

    return 0;
}


/* Read again; another one may be writing what is missing here. */

static int
source_gap(source_dir_t *source, const ledger_t *ledger,
    const wgw_journal_record_t *record)
{
    if (source->gap == 0 && !ledger_stop) {
        ledger_log("the journal \"%s\" lacks what is before record %llu of "
                   "epoch %llu", source->dir,
                   (unsigned long long) record->seq,
                   (unsigned long long) record->epoch);

        source->gap = ledger_now() + (ledger->once ? 0 : ledger->gap);
    }

    return -1;
}


/* Behind what the database has, of the node whose journal it is. */

static int
source_begin(source_dir_t *source, database_t *db)
{
    apply_position_t  position;

    if (source->reader) {
        return 0;
    }

    if (source_node(source) != 0) {
        return -1;
    }

    if (source->locked != db->serial && !source_lock(db, source->node)) {
        return -1;
    }

    source->locked = db->serial;

    if (apply_position(db, source->node, &position) != LEDGER_OK) {
        return -1;
    }

    source->reader = wgw_alloc(sizeof(wgw_journal_reader_t));
    wgw_journal_seek(source->reader, source->dir, position.epoch,
                     position.seq);

    return 0;
}


static int
source_node(source_dir_t *source)
{
    int                    rc;
    const char            *error;
    wgw_journal_record_t   record;
    wgw_journal_reader_t  *reader;

    if (source->node[0]) {
        return 0;
    }

    reader = wgw_alloc(sizeof(wgw_journal_reader_t));
    wgw_journal_seek(reader, source->dir, 0, 0);

    do {
        rc = wgw_journal_get_record(reader, &record, &error);
    } while (rc < 0);

    if (rc == 1) {
        memcpy(source->node, record.node.data, record.node.len);
        source->node[record.node.len] = '\0';
    }

    wgw_journal_leave(reader);
    free(reader);

    return rc == 1 ? 0 : -1;
}


void
source_dir_close(source_dir_t *source)
{
    if (source->reader) {
        wgw_journal_leave(source->reader);
        free(source->reader);
        source->reader = NULL;
    }

    memset(&source->follows, 0, sizeof(apply_position_t));
}


int
source_lock(database_t *db, const char *node)
{
    int          locked;
    PGresult    *result;
    const char  *values[1];

    values[0] = node;
    result = database_query(db, "SELECT pg_try_advisory_lock("
                                "hashtext('wgw-ledger'), hashtext($1))",
                            values, 1);
    if (result == NULL) {
        return 0;
    }

    locked = strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    PQclear(result);

    return locked;
}
