
/*
 * gazette: the names that machines of a fleet have alike, as they are in its
 * Redis; commands for that, and their replies.  Without nginx: see wire.h.
 *
 *     PREFIX:{names}:rows   a hash: NAME -> "VERSION LIFE JSON", the record as
 *                           the API has it; "#epoch" -> 16 characters at
 *                           random, and "#v" -> the last version, in the same
 *                           key, as neither is worth anything without the rows
 *     PREFIX:{names}:log    a stream of what was changed: id VERSION-0, and p,
 *                           the version of the entry before; n, the name; o
 *                           and s, whose change it was, and which; c, 1 where
 *                           connections are to end.  Some 100,000 are kept
 *     PREFIX:{names}:gone   a sorted set: names that are gone, by the version
 *                           of that; a month, a million at most
 *
 * All in one slot, and each of these a script (EVAL), so at once or not at
 * all: a change of many names; what is new behind a version, with the rows as
 * they are now; what a machine has compared with what is there.  Versions are
 * microseconds by Redis' clock, or one more than the last.
 *
 * The entries make a chain, by p: where it has a gap, entries were dropped; and
 * where it is another one, or ends too early, this Redis has lost data and is
 * told again by all what they have.
 *
 * What comes from Redis is checked here but for the JSON: names are canonical,
 * numbers in their range, nothing is longer than it may be.
 */

#ifndef WGW_GAZETTE_H
#define WGW_GAZETTE_H


#include "fleet/wire.h"
#include "names/follow.h"

#pragma GCC visibility push(hidden)


#define WGW_GAZETTE_ARGS    10
#define WGW_GAZETTE_KEY     64
#define WGW_GAZETTE_ROWS    1000        /* in a command or reply, about */
#define WGW_GAZETTE_BYTES   (1024 * 1024)
#define WGW_GAZETTE_CURSOR  24


struct redisReply;


typedef struct {
    uint16_t             slot;
    wgw_text_t           keys[3];       /* rows, log, gone */
    char                 bytes[3][WGW_GAZETTE_KEY];
    char                 number[24];    /* of the command being made */
} wgw_gazette_t;


typedef struct {
    wgw_text_t           epoch;         /* empty: Redis has nothing */
    uint64_t             version;
} wgw_gazette_head_t;


/* Of the log. */
typedef struct {
    uint64_t             version;
    uint64_t             before;
    wgw_text_t           name;
    wgw_text_t           origin;
    uint64_t             seq;
} wgw_gazette_entry_t;


/* What a comparison says of a name. */
typedef enum {
    WGW_GAZETTE_SAME = 0,
    WGW_GAZETTE_OLDER,                  /* in Redis, that is */
    WGW_GAZETTE_LATER,                  /* and here it is */
    WGW_GAZETTE_ABSENT
} wgw_gazette_verdict_t;


void wgw_gazette_init(wgw_gazette_t *gazette, wgw_text_t prefix);

/*
 * Commands: the number of `args`, which point into the gazette and what is
 * given, and are to be sent before the next one is made.
 */
int wgw_gazette_head(wgw_gazette_t *gazette, wgw_text_t *args);
int wgw_gazette_claim(wgw_gazette_t *gazette, wgw_text_t *args,
    wgw_text_t epoch, uint64_t version);
int wgw_gazette_news(wgw_gazette_t *gazette, wgw_text_t *args,
    uint64_t version);
int wgw_gazette_tell(wgw_gazette_t *gazette, wgw_text_t *args,
    wgw_text_t epoch, wgw_text_t origin, wgw_text_t items);
int wgw_gazette_compare(wgw_gazette_t *gazette, wgw_text_t *args,
    wgw_text_t epoch, wgw_text_t items);
int wgw_gazette_scan(wgw_gazette_t *gazette, wgw_text_t *args,
    wgw_text_t cursor);

/* An item of these; `fill`: only where Redis has an older one or none. */
void wgw_gazette_item(wgw_out_t *out, const wgw_follow_row_t *row,
    uint64_t seq, unsigned fill);
void wgw_gazette_have(wgw_out_t *out, const wgw_follow_row_t *row);

/*
 * Replies: 0, or -1: that is none.  Texts stay in the reply's memory.
 */
int wgw_gazette_head_of(const struct redisReply *reply,
    wgw_gazette_head_t *head);

/* of news, the `i`th entry, and row; -1: there is no more, or it is bad */
int wgw_gazette_entries(const struct redisReply *reply, size_t *entries,
    size_t *rows);
int wgw_gazette_entry(const struct redisReply *reply, size_t i,
    wgw_gazette_entry_t *entry);
int wgw_gazette_row(const struct redisReply *reply, size_t i,
    wgw_follow_row_t *row);

/* of tell, what the `i`th item is called now; 0: Redis has a later one */
int wgw_gazette_told(const struct redisReply *reply, size_t i,
    uint64_t *version);

/* of compare, with the name in `row`; LATER: the rest is in there */
int wgw_gazette_compared(const struct redisReply *reply, size_t i,
    wgw_follow_row_t *row, wgw_gazette_verdict_t *verdict);

/* of scan, what comes next, "0" at the end; and the `i`th row, 1: not one */
int wgw_gazette_scanned(const struct redisReply *reply, wgw_text_t *cursor,
    size_t *rows);
int wgw_gazette_found(const struct redisReply *reply, size_t i,
    wgw_follow_row_t *row);


#pragma GCC visibility pop

#endif /* WGW_GAZETTE_H */
