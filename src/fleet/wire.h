
/*
 * wire: commands to the fleet's Redis, and their replies, for the parts that
 * speak to it: leases, the journal, sign-in.  Without nginx, so that a test
 * can stand in its place.
 *
 * Nobody waits.  Each command that was sent has its function called once:
 * with the reply, which may be an error of Redis, or with NULL when the
 * connection ended before.  Then it is not known whether the command was
 * carried out, and it is never repeated by the wire.  Commands to one shard
 * are carried out in the order they were sent.  A function may be NULL.
 *
 * A slot is one of 16384, as Redis Cluster has them; see shards.h.  Where
 * there is no cluster one shard has them all.
 */

#ifndef WGW_WIRE_H
#define WGW_WIRE_H


#include <stdint.h>

#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_WIRE_ARGS    16

/* flags: an ASK, or a MOVED, is followed where the other is connected */
#define WGW_WIRE_ASK     1
#define WGW_WIRE_FOLLOW  3


struct redisReply;

typedef struct wgw_wire_s  wgw_wire_t;

typedef void (*wgw_wire_reply_pt)(void *data, const struct redisReply *reply);


/* Who has a slot at the moment. */
typedef struct {
    uint64_t    serial;     /* of the connection, never seen before; 0: away */
    uint64_t    run;        /* stands for the server's run id */
    uint64_t    since;      /* ms: it has had the slot, by the wire's clock */
    uint16_t    home;       /* a slot of the same shard, the same for all */
} wgw_wire_place_t;


struct wgw_wire_s {

    /* 0, or -1: it is not sent, and `reply` not called */
    int       (*send)(wgw_wire_t *wire, uint16_t slot, unsigned flags,
                      const wgw_text_t *args, int n, wgw_wire_reply_pt reply,
                      void *data);

    void      (*place)(wgw_wire_t *wire, uint16_t slot,
                       wgw_wire_place_t *place);

    /* steady, in milliseconds */
    uint64_t  (*now)(wgw_wire_t *wire);
};


#pragma GCC visibility pop

#endif /* WGW_WIRE_H */
