
/*
 * lease_key: what the agent knows of one key in one window: what it has, how
 * fast it goes, and whether it needs more; see leases.h.
 */

#ifndef WGW_LEASE_KEY_H
#define WGW_LEASE_KEY_H


#include "fleet/question.h"
#include "table/table.h"

#pragma GCC visibility push(hidden)


#define WGW_LEASE_SHARDS  128
#define WGW_LEASES_KEYS   262144        /* that are asked for at a time */

/* the serial of a connection that never was */
#define WGW_LEASE_NEVER   1


typedef struct wgw_leases_s  wgw_leases_t;


/* Texts are kept by the caller. */
typedef struct {
    wgw_table_t         *table;         /* with its lease */
    wgw_wire_t          *wire;
    int                  count;         /* WGW_COUNT_*, of all caps */
    wgw_text_t           prefix;
    wgw_text_t           node;
    wgw_text_t           zone;
    int64_t            (*wall)(void);   /* seconds since the epoch */
    uint64_t           (*random)(void);
} wgw_leases_conf_t;


typedef struct {
    uint32_t             record;        /* 0: unused */
    uint32_t             link;          /* the next of its chain, and unused */
    uint64_t             clock;         /* the window's */
    uint64_t             cap;
    uint64_t             own;           /* granted - gone */
    uint64_t             known;         /* what is, or is to be, declared */
    uint64_t             declared;      /* what certainly was */
    uint64_t             part;
    uint64_t             hand;          /* of own: not spent */
    uint64_t             left;          /* of own and part */
    uint64_t             others;        /* when that was asked last */
    uint64_t             serial;        /* declared by this connection, or 0 */
    uint64_t             spent;         /* at the last look ... */
    uint64_t             looked;        /* ms ... which was then */
    uint64_t             rate;          /* units a second */
    uint64_t             hunger;        /* units to ask for at least */
    uint64_t             fed;           /* ms: something was granted */
    uint64_t             moved;         /* ms: something was spent */
    uint64_t             next;          /* ms: not asked before */
    uint16_t             slot;
    unsigned             busy:1;
    unsigned             hungry:1;
    unsigned             lowered:1;     /* the cap was */
    unsigned             ahead:1;       /* of the next window */
    unsigned             measured:1;
} wgw_lease_key_t;


struct wgw_leases_s {
    wgw_leases_conf_t    conf;
    wgw_lease_t         *lease;
    uint64_t             now;           /* ms */
    uint64_t             alive;         /* nodes */
    uint64_t             clock;

    wgw_lease_key_t     *keys;
    uint32_t            *heads;         /* of chains, one more than the index */
    uint32_t             room;          /* a power of two, or 0 */
    uint32_t             used;          /* below it some are */
    uint32_t             taken;
    uint32_t             unused;        /* the first that was dropped, plus 1 */

    uint32_t             scan;          /* the record it has come to */
    uint64_t             serials;
    unsigned             waking:1;
    unsigned             declaring:1;

    const char          *refusal;       /* "": none */
    uint64_t             taken_at;      /* ms: something was not refused */
    uint16_t             probe;         /* a slot whose shard is looked for */
    unsigned             nwitnesses;
    wgw_witness_t        witnesses[WGW_LEASE_SHARDS];
};


/* NULL: there is none; it is made, unless there are too many. */
wgw_lease_key_t *wgw_lease_key_find(wgw_leases_t *l, uint32_t record,
    uint64_t clock);
wgw_lease_key_t *wgw_lease_key_get(wgw_leases_t *l, uint32_t record,
    uint64_t clock);
void wgw_lease_key_drop(wgw_leases_t *l, wgw_lease_key_t *key);

/* What the record says now; -1: it has no cap, nor anything in hand. */
int wgw_lease_key_measure(wgw_leases_t *l, wgw_lease_key_t *key);

uint16_t wgw_lease_key_slot(wgw_leases_t *l, uint32_t record,
    uint64_t clock);

/* 1 when it is time to ask, or to give back. */
int wgw_lease_key_low(wgw_leases_t *l, wgw_lease_key_t *key);
int wgw_lease_key_idle(wgw_leases_t *l, wgw_lease_key_t *key);

/* Declares, and asks for as much as may be asked for now. */
void wgw_lease_key_ask(wgw_leases_t *l, wgw_lease_key_t *key);

/* Gives back so much of what is in hand. */
void wgw_lease_key_return(wgw_leases_t *l, wgw_lease_key_t *key,
    uint64_t units);

/* Redis is away, or refuses: one share in a window, if the zone has that. */
void wgw_lease_key_share(wgw_leases_t *l, wgw_lease_key_t *key);

/* Declares what a record has; 0, or -1: it is not sent. */
int wgw_lease_key_declare(wgw_leases_t *l, uint32_t record, uint64_t clock);

/* The witness of a slot's shard; NULL: nobody has the slot. */
wgw_witness_t *wgw_lease_witness(wgw_leases_t *l, uint16_t slot);

/* The connection a key's slot has now. */
uint64_t wgw_lease_serial(wgw_leases_t *l, const wgw_lease_key_t *key);

/* What nobody has, as far as this node knows, and what to ask for of it. */
uint64_t wgw_lease_key_pool(wgw_leases_t *l, const wgw_lease_key_t *key);
uint64_t wgw_lease_key_wants(wgw_leases_t *l, wgw_lease_key_t *key);

/* 1 when what is granted now is granted by what all have declared. */
int wgw_lease_key_sure(wgw_leases_t *l, const wgw_lease_key_t *key);


#pragma GCC visibility pop

#endif /* WGW_LEASE_KEY_H */
