
/*
 * slots: the bytes of an expiring table, for the parts that work on them:
 * expiring.c (the memory), gcra.c (rates), notes.c, ration.c and asked.c.
 *
 * What holds between processes:
 *
 * - a slot's tag and note change only while its time is a claim, and only by
 *   the claim's process; so what was read between two loads of one and the
 *   same time that is no claim belongs together;
 * - a note of a marked kind is in `filter` before it is published;
 * - `forgotten` is not less than the time of any note whose slot was taken
 *   again, `latest` not less than that of any note of its kind; `stretched`
 *   is what `forgotten` would be, had a kind always had its span.
 */

#ifndef WGW_SLOTS_H
#define WGW_SLOTS_H


#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "crypto/hash.h"
#include "table/word.h"

#pragma GCC visibility push(hidden)


#define WGW_SLOTS         8         /* of a bucket */
#define WGW_FILTER        256       /* words, a power of two */
#define WGW_PLACES        240       /* of these, in tables of what was asked */

#define WGW_EXPIRING_HEADER  4096   /* bytes */
#define WGW_EXPIRING_BOOT    16     /* bytes, see wgw_expiring_boot() */
#define WGW_EXPIRING_LEASE   2      /* seconds, of a claim */

#define WGW_NOTE_KINDS    7
#define WGW_NOTE_MARKED   4         /* these kinds, see wgw_notes_marked() */
#define WGW_NOTE_PAYLOAD  104       /* bytes */

/* the state, in the low bits of a time; an empty slot is 0 */
#define WGW_SLOT_LIVE     1
#define WGW_SLOT_CLAIM    2
#define WGW_SLOT_STATE    3


/* In place of the filter, see asked.h. */
typedef struct {
    uint64_t               places[WGW_PLACES];
    uint64_t               counts[WGW_FILTER - WGW_PLACES];
} wgw_asking_t;


/* Written once; the checksum is of all before it. */
typedef struct {
    char                   magic[8];
    uint32_t               byte_order;
    uint32_t               version;
    uint32_t               kind;
    uint32_t               keys;
    uint8_t                seed[WGW_HASH_SEED];
    uint64_t               size;
    uint64_t               reserved;
    uint64_t               checksum;
} wgw_expiring_made_t;


typedef struct {
    wgw_expiring_made_t    made;
    uint64_t               forgotten;
    uint64_t               latest[WGW_NOTE_KINDS];
    uint8_t                boot[WGW_EXPIRING_BOOT];
    uint64_t               span[WGW_NOTE_KINDS];
    uint64_t               stretched[WGW_NOTE_KINDS];

    union {
        uint64_t           filter[WGW_FILTER];      /* of notes */
        wgw_asking_t       asking;
    };

    uint64_t               moved;       /* to another table: no changes */
    uint8_t                reserved2[WGW_EXPIRING_HEADER - 2312];
} wgw_expiring_header_t;


typedef struct {
    uint64_t               tag[WGW_SLOTS];
    uint64_t               when[WGW_SLOTS];
} wgw_bucket_t;


typedef struct {
    uint64_t               check;       /* the key's other half */
    uint64_t               count;       /* 32 bits of check, 32 of count */
    uint64_t               sum;         /* of tag, check, kind, payload */
    uint64_t               payload[WGW_NOTE_PAYLOAD / 8];
} wgw_note_slot_t;


/* One process's view; made by wgw_expiring_open(), needs no closing. */
typedef struct {
    wgw_expiring_header_t  *header;
    wgw_bucket_t           *buckets;
    wgw_note_slot_t        *notes;
    uint32_t                n;          /* buckets */
    const volatile int     *lost;       /* 1: what is in it is gone */
} wgw_expiring_t;


typedef struct {
    uint64_t               hash[2];
} wgw_expiring_key_t;


/* of sums, which guard against damage, not against men */
extern const uint8_t  wgw_slot_sums[WGW_HASH_SEED];


/* The first or the second bucket of a key. */

static inline uint32_t
wgw_slot_bucket(const wgw_expiring_t *t, wgw_expiring_key_t key, int second)
{
    uint64_t  half;

    half = second ? key.hash[0] & UINT32_MAX : key.hash[0] >> 32;

    return (uint32_t) (half * t->n >> 32);
}


/* A multiplication by a secret odd number: its high bits choose. */

static inline uint64_t *
wgw_slot_filter(wgw_expiring_t *t, uint64_t word, uint64_t *bit)
{
    uint64_t  factor;

    memcpy(&factor, t->header->made.seed, sizeof(factor));

    word *= factor | 1;
    *bit = UINT64_C(1) << (word >> 58);

    return &t->header->filter[word >> 50 & (WGW_FILTER - 1)];
}


static inline void
wgw_slot_mark(wgw_expiring_t *t, uint64_t word)
{
    uint64_t  bit, *place;

    place = wgw_slot_filter(t, word, &bit);

    (void) __atomic_fetch_or(place, bit, __ATOMIC_SEQ_CST);
}


/*
 * Takes a slot whose time was seen as `when`, free or to be evicted.  Returns
 * the claim, or 0 if another was faster.
 */
uint64_t wgw_slot_claim(uint64_t *when, uint64_t seen, int64_t seconds);

/* 1 for a claim that has ended. */
int wgw_slot_stale(uint64_t seen, int64_t seconds);

/*
 * For tables where a key has one bucket, and its word all there is of it: the
 * first slot of a tag that is published, and its word, or -1.  Where entering
 * lets two in that come at once, nobody looks at the second.
 */
int wgw_slot_find(const wgw_bucket_t *b, uint64_t tag, uint64_t *seen);

/*
 * Puts a new tag and its word in a slot that was seen so, free or to be
 * evicted: 1, or 0 where somebody else was faster, or is about to be.  A new
 * key writes its tag under a claim and looks again before it is published, so
 * that of two that come at once one is in.
 */
int wgw_slot_enter(wgw_bucket_t *b, int slot, uint64_t seen, uint64_t tag,
    uint64_t word, int64_t seconds);

/* What the sum of a note must be. */
uint64_t wgw_slot_sum(uint64_t tag, uint64_t when,
    const wgw_note_slot_t *note);


#pragma GCC visibility pop

#endif /* WGW_SLOTS_H */
