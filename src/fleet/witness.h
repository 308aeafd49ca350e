
/*
 * witness: whether a shard still has what it was told: the sentinel of
 * leases.h, 10.
 *
 * A key of random bytes that all nodes know stands for the data of a shard;
 * it is set by whoever first finds it missing.  Another one, or a server with
 * another run id, may have lost anything: for three seconds from then on no
 * one may rely on what others have declared, and all have to declare anew.
 * The last pair of sentinel and run id is kept in PATH.lease, so that an agent
 * which is started again need not wait; not those before it, as a server that
 * is the master again has been another's copy meanwhile.
 *
 * A shard may answer and take nothing: it is full, or has a user without the
 * right.  That is known from what is asked, and is the same as one that is
 * away.
 */

#ifndef WGW_WITNESS_H
#define WGW_WITNESS_H


#include "fleet/shards.h"
#include "fleet/wire.h"
#include "table/lease.h"

#pragma GCC visibility push(hidden)


#define WGW_WITNESS_TEXT   32
#define WGW_WITNESS_NAME   96
#define WGW_WITNESS_BEAT   500          /* ms */
#define WGW_WITNESS_LEARN  3000
#define WGW_WITNESS_AWAY   1000         /* refused for so long: as if away */
#define WGW_WITNESS_CALM   10000        /* and no more, unheard of again */


typedef struct wgw_witness_s  wgw_witness_t;

struct wgw_witness_s {
    wgw_wire_t          *wire;
    wgw_lease_header_t  *header;
    uint64_t           (*random)(void);
    wgw_text_t           prefix;
    uint16_t             home;
    uint64_t             serial;    /* of the connection, 0: away */
    uint64_t             run;
    uint64_t             away;      /* ms: since then */
    uint64_t             asked;     /* ms: the last beat */
    uint64_t             answered;  /* ms: the last word of the shard */
    uint64_t             until;     /* ms: nothing is granted */
    uint64_t             refused;   /* ms: it takes nothing since, or 0 */
    uint64_t             again;     /* ms: it last refused */
    uint64_t             pair;      /* of sentinel and run id */
    unsigned             known:1;   /* the sentinel's text is */
    unsigned             busy:1;
    unsigned             declare:1; /* all have to; who did clears it */
    unsigned             noted:1;   /* the pair is in the header */
    size_t               name_len;
    char                 name[WGW_WITNESS_NAME];    /* of the sentinel */
    char                 text[WGW_WITNESS_TEXT];
    char                 error[WGW_SHARD_WHY];  /* the last refusal */
};


/* Of zeroed memory. */
void wgw_witness_init(wgw_witness_t *witness, wgw_wire_t *wire,
    wgw_lease_header_t *header, uint64_t (*random)(void), wgw_text_t prefix,
    uint16_t home);

void wgw_witness_tick(wgw_witness_t *witness);

/* The name of the sentinel. */
wgw_text_t wgw_witness_name(const wgw_witness_t *witness);

/*
 * Compares what the sentinel was when something else was read; 0, or -1: it is
 * another one, and what was read is worth nothing.
 */
int wgw_witness_see(wgw_witness_t *witness,
    const struct redisReply *sentinel);

/* Something of ours is missing: all are told. */
void wgw_witness_missing(wgw_witness_t *witness);

/*
 * What was asked of the shard was refused, for that reason (less than
 * WGW_SHARD_WHY bytes); or was taken.
 */
void wgw_witness_refused(wgw_witness_t *witness, const char *why);
void wgw_witness_taken(wgw_witness_t *witness);

/* The same of what had to be declared as data was lost: it is lost again. */
void wgw_witness_undeclared(wgw_witness_t *witness, const char *why);

/* 1 when it has answered and taken nothing for a second. */
int wgw_witness_refuses(const wgw_witness_t *witness, uint64_t now);

/* 1 when what others declared can be relied on. */
int wgw_witness_sure(const wgw_witness_t *witness, uint64_t now);


#pragma GCC visibility pop

#endif /* WGW_WITNESS_H */
