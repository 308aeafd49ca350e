
/*
 * courier: takes the records of a journal to the fleet's Redis, for
 * wgw-ledger.
 *
 *     PREFIX:acc            a set: the names of nodes
 *     PREFIX:acc:{NODE}     a stream: "d" of an entry is a record
 *     PREFIX:ledger:{NODE}  a hash of what the ledger says: "ack", the last
 *                           record that is in its database, and "want", which
 *                           one is missing; "EPOCH SEQ [HASH]"
 *
 * A record that may have arrived is sent again: the ledger tells them apart.
 * The stream is cut to some thousand entries, since the journal has them all,
 * and may be lost with the Redis.  On a connection that is new, what the
 * stream has last says where to go on, else what the ledger has.
 *
 * Never waits but for files that were written just now; takes no nginx types.
 */

#ifndef WGW_COURIER_H
#define WGW_COURIER_H


#include "fleet/journal_file.h"
#include "fleet/shards.h"
#include "fleet/wire.h"

#pragma GCC visibility push(hidden)


#define WGW_COURIER_PREFIX   32
#define WGW_COURIER_KEY      (WGW_COURIER_PREFIX + WGW_JOURNAL_NODE + 16)


typedef struct {
    uint64_t                 epoch;
    uint64_t                 seq;
} wgw_courier_place_t;


typedef struct {
    wgw_wire_t              *wire;
    char                     node[WGW_JOURNAL_NODE + 1];
    char                     nodes[WGW_COURIER_KEY];    /* keys */
    char                     stream[WGW_COURIER_KEY];
    char                     ledger[WGW_COURIER_KEY];
    uint16_t                 slot;          /* of both of the node's */
    uint16_t                 nodes_slot;

    uint64_t                 serial;        /* of the connection */
    unsigned                 state;
    unsigned                 asking;        /* replies that are awaited */
    unsigned                 flying;        /* entries without a reply */
    size_t                   bytes;         /* of those */
    uint64_t                 asked;         /* ms: the ledger was, last */
    unsigned                 held;          /* reader has one to send */
    wgw_journal_record_t     record;

    wgw_courier_place_t      last;          /* of the stream; 0: none */
    wgw_courier_place_t      ack;           /* of the ledger; 0: none */
    wgw_courier_place_t      want;          /* 0: nothing */
    wgw_courier_place_t      sent;          /* confirmed by Redis */
    uint64_t                 entries;       /* sent so far */

    /* why Redis took none of them last, in its words; "": it did */
    char                     refusal[WGW_SHARD_WHY];

    wgw_journal_reader_t     reader;
} wgw_courier_t;


/* Of zeroed memory. */
void wgw_courier_init(wgw_courier_t *courier, wgw_wire_t *wire,
    wgw_text_t prefix, const char *node, const char *dir);

/*
 * Sends what there is, up to the last record that is on the disk; to be called
 * a few times a second.  Returns 1 when the ledger has records that the
 * journal has not: the node was taken from an older copy.
 */
int wgw_courier_step(wgw_courier_t *courier, uint64_t epoch, uint64_t seq);


#pragma GCC visibility pop

#endif /* WGW_COURIER_H */
