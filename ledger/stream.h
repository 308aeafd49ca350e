
/*
 * stream: the records that agents have put into Redis.
 *
 *     PREFIX:acc            a set: the names of nodes
 *     PREFIX:acc:{NODE}     a stream: "d" of an entry is a record of journal.h
 *     PREFIX:ledger:{NODE}  a hash of what the ledger tells the agent: "ack",
 *                           the last record that is in the database, and
 *                           "want", which one is missing; "EPOCH SEQ [HASH]"
 *
 * The ids of entries mean nothing: what is missing comes again behind what
 * was there, and is told apart by the record itself.
 */

#ifndef WGW_LEDGER_STREAM_H
#define WGW_LEDGER_STREAM_H


#include "ledger/redis.h"
#include "ledger/source.h"


#define STREAM_NODES  1024
#define STREAM_ID     48


typedef struct {
    char               node[WGW_JOURNAL_NODE + 1];
    char               where[REDIS_ADDRESS];
    char               last[STREAM_ID];     /* the last entry that was read */
    uint64_t           locked;              /* by this connection, or 0 */
    int64_t            gap;                 /* since when, or 0 */
    int64_t            looked;              /* whether it began anew */
    int                anyway;              /* a gap is gone over */
    int64_t            stuck;               /* not again before that */
    apply_position_t   follows;
} stream_t;


typedef struct {
    redis_t            redis;
    char               where[REDIS_ADDRESS];
    stream_t          *streams[STREAM_NODES];
    size_t             n;
    int64_t            listed;
} streams_t;


/* Applies what there is: how many entries were read; `*waits` is 1 when
   something is missing that may come. */
int streams_round(streams_t *streams, const ledger_t *ledger, database_t *db,
    int *waits);

void streams_free(streams_t *streams);


#endif /* WGW_LEDGER_STREAM_H */
