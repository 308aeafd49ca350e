
/*
 * shards: the slots of Redis Cluster, https://redis.io/docs/latest/operate/
 * oss_and_stack/reference/cluster-spec/: a key's is CRC-16/XMODEM, of what is
 * in its first braces if there is something, modulo 16384.
 */

#ifndef WGW_SHARDS_H
#define WGW_SHARDS_H


#include <stdint.h>

#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_SLOTS_ALL   16384
#define WGW_SHARD_HOST  256
#define WGW_SHARD_WHY   160             /* of an error, terminated */


typedef struct {
    wgw_text_t   host;          /* in the reply's memory; may be empty */
    uint16_t     port;
    uint16_t     first;
    uint16_t     last;
} wgw_shard_range_t;


struct redisReply;


uint16_t wgw_shard_slot(wgw_text_t key);

/*
 * The lowest number that, written in decimal, is in this slot: a tag for keys
 * which are to be there.
 */
uint32_t wgw_shard_tag(uint16_t slot);

/*
 * The range that is the `i`th of a reply to CLUSTER SLOTS, with its master.
 * 0, or -1: the reply is none, or has no such.
 */
int wgw_shard_range(const struct redisReply *reply, size_t i,
    wgw_shard_range_t *range);

/*
 * The place an error sends to: "MOVED 3999 127.0.0.1:6381", "ASK ...".  An
 * IPv6 address has no brackets.  Returns 'M', 'A', or 0: another error.
 */
int wgw_shard_moved(wgw_text_t error, wgw_shard_range_t *to);

/* The words of an error, "OOM command not allowed ...", as far as they fit. */
void wgw_shard_why(const struct redisReply *error, char why[WGW_SHARD_WHY]);

/*
 * 1, and why, when a reply refuses what was asked; 0, and nothing, when it does
 * not, there is none, or another server is asked soon, as the slot has moved.
 */
int wgw_shard_refused(const struct redisReply *reply,
    char why[WGW_SHARD_WHY]);

/*
 * A field's value, "run_id", in the reply to INFO; empty: it is not there.
 */
wgw_text_t wgw_shard_info(wgw_text_t info, const char *name);


#pragma GCC visibility pop

#endif /* WGW_SHARDS_H */
