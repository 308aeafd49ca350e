
/*
 * lease: what of a cap this node may use, where many nodes share it: the side
 * file PATH.lease of a zone that has `fleet`, mapped by workers and by the
 * agent that writes it; see fleet/leases.h.
 *
 *     header    4096 bytes
 *     hungry    a bit for each record that there can be: somebody wants more
 *     records   48 bytes each, numbered as those of the table
 *
 * A node has a part of each cap without asking, cap / (64 * nodes), and what
 * was granted to it since the window began, less what is gone: given back.
 * These words belong to a window, as the base words of a table do: {12-bit
 * tag, 52-bit number}, two of them, for this window and the next.
 *
 *     limit = min(cap, part + granted - gone)
 *
 * A worker adds to `held` first, then reads what was used, gone, granted, in
 * this order.  The agent takes back what it held itself: hold, gone += n,
 * release.  So nothing that is gone can be used, whoever is killed when.
 *
 * Up to the window `partless` there is no part: the file is new then, and
 * what others know this node has used is not known here.  In its place is
 * `base`, what was used when the agent first saw the key.
 */

#ifndef WGW_LEASE_H
#define WGW_LEASE_H


#include "table/layout.h"

#pragma GCC visibility push(hidden)


#define WGW_LEASE_VERSION   1
#define WGW_LEASE_HEADER    4096
#define WGW_LEASE_RECORDS   (UINT32_C(1) << 24)     /* there can be */
#define WGW_LEASE_PARTS     64
#define WGW_LEASE_RUNS      32
#define WGW_LEASE_IDENTITY  40

/* how old the agent's word may be, ms */
#define WGW_LEASE_FRESH     1500

/* modes */
#define WGW_LEASE_SHARE     1
#define WGW_LEASE_OPEN      2
#define WGW_LEASE_CLOSED    3


typedef struct {
    char       magic[8];
    uint32_t   version;
    uint32_t   record;          /* bytes of one */
    uint8_t    identity[WGW_LEASE_IDENTITY];    /* of boot and table */
    uint64_t   incarnation;
    uint64_t   partless;        /* a period; UINT64_MAX: every one */
    uint64_t   capacity;        /* records there is room for */
    uint64_t   nodes;           /* 0: no parts any more */
    uint64_t   mode;
    uint64_t   answered;        /* ms of CLOCK_BOOTTIME: Redis last did */
    uint64_t   runs[WGW_LEASE_RUNS];    /* of fleet/leases.h */

    /* what metrics say; since the file was made, or as of now */
    uint64_t   leased;          /* keys */
    uint64_t   grants;
    uint64_t   granted;         /* units */
    uint64_t   returned;
    uint64_t   shares;
    uint64_t   dry;             /* asked in vain */
    uint64_t   losses;          /* of data that Redis had */
    uint64_t   alive;           /* nodes */
    uint64_t   lag;             /* ms that the last question took */
    uint64_t   connected;
    uint64_t   failed;          /* asked without an answer that is one */
    uint64_t   refused;         /* 1: Redis answers, and takes nothing */
} wgw_lease_header_t;


typedef struct {
    uint64_t   granted[2];
    uint64_t   gone[2];
    uint64_t   base;            /* in a window without parts */
    uint64_t   others;          /* what other nodes have; WGW_LEASE_SHARED */
} wgw_lease_record_t;


/* One process's view. */
struct wgw_lease_s {
    wgw_lease_header_t  *header;
    uint64_t            *hungry;
    wgw_lease_record_t  *records;
    uint64_t           (*now)(void);    /* ms, of CLOCK_BOOTTIME */
};


/* in others: the one share of this window was taken */
#define WGW_LEASE_SHARED    (UINT64_C(1) << 51)
#define WGW_LEASE_UNITS     (WGW_LEASE_SHARED - 1)


/* Bytes of a file for so many records. */
static inline size_t
wgw_lease_size(uint64_t records)
{
    return WGW_LEASE_HEADER + WGW_LEASE_RECORDS / 8
           + records * sizeof(wgw_lease_record_t);
}

/* The parameter "fleet" or "fleet=MODE", or 0: it is none. */
int wgw_lease_mode(const char *value);

/* Makes an empty one in zeroed memory. */
void wgw_lease_format(void *memory, uint64_t records,
    const uint8_t identity[WGW_LEASE_IDENTITY], uint64_t incarnation,
    uint64_t partless);

/* 0, or -1: it is none, or was made for another table or boot. */
int wgw_lease_check(const void *memory, size_t size,
    const uint8_t identity[WGW_LEASE_IDENTITY]);

void wgw_lease_open(wgw_lease_t *lease, void *memory);

/*
 * What this node may use of a cap in the window of `clock`; with `soon` also
 * what it can still get of what nobody has.
 */
uint64_t wgw_lease_limit(const wgw_lease_t *lease, uint32_t record,
    uint64_t clock, uint64_t cap, int soon);

/* 1 when somebody who waits a little may get more of a cap. */
int wgw_lease_soon(const wgw_lease_t *lease, uint32_t record, uint64_t clock,
    uint64_t cap);

/* Somebody wants more. */
void wgw_lease_want(const wgw_lease_t *lease, uint32_t record);


/* For the agent, and for tests: */

/* What was granted in a window, and is not gone. */
uint64_t wgw_lease_own(const wgw_lease_record_t *record, uint64_t clock);

/* The part without asking, and all of them. */
uint64_t wgw_lease_part(const wgw_lease_t *lease, uint32_t record,
    uint64_t clock, uint64_t cap);
uint64_t wgw_lease_parts(const wgw_lease_t *lease, uint64_t cap);

/* A word's number in the window of that tag, or 0. */
static inline uint64_t
wgw_lease_number(uint64_t word, uint64_t tag)
{
    return word >> 52 == tag ? word & ((UINT64_C(1) << 52) - 1) : 0;
}

static inline uint64_t
wgw_lease_word(uint64_t number, uint64_t tag)
{
    return tag << 52 | (number < WGW_LEASE_UNITS ? number : WGW_LEASE_UNITS);
}


#pragma GCC visibility pop

#endif /* WGW_LEASE_H */
