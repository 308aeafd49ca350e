
/*
 * expiring: what is remembered for a time only, in memory that many processes
 * share, without a lock, so that a process may be killed at any instruction.
 *
 * A table is of one kind, which says what it does when it is full:
 *
 *     rates   see gcra.h:  the entry nearest to its end makes room
 *     notes   see notes.h: nothing live is dropped, the new one is refused
 *     rations see ration.h: the entry that was used least makes room
 *     asked   see asked.h: the entry that ends first makes room
 *
 * The memory is little-endian, holds no pointers, and is laid out as
 *
 *     header   4096 bytes
 *     buckets  128 bytes each: the tags of eight slots, a line of the cache,
 *              and their times, the line next to it
 *     notes    128 bytes a slot, in tables of notes only
 *
 * There are two slots for each of `keys`, 32 bytes in all, and of notes three
 * for two, 216 bytes each.  A key has one bucket that it may be in; a note has
 * two, so that the table takes `keys` of them, but for a few in ten thousand.
 *
 * Keys are not kept: a 128-bit hash under the table's secret seed stands for
 * them.  Strangers can neither aim at a bucket nor find two equal keys.  A
 * note is compared by all of it; a rate by 64 bits within its bucket.
 *
 * A time is one word, whose two low bits are the slot's state.  A slot is
 * free when it is 0 or the time has passed; it changes hands by one
 * compare-and-swap of that word to a claim, {seconds, process}, after which
 * its owner writes the rest and publishes it with a time.  A claim ends by
 * itself WGW_EXPIRING_LEASE seconds after it was made, if that process is
 * gone; a process that is only stopped keeps it, as it may go on writing.
 */

#ifndef WGW_EXPIRING_H
#define WGW_EXPIRING_H


#include <stddef.h>
#include <stdint.h>

#include "table/slots.h"

#pragma GCC visibility push(hidden)


#define WGW_EXPIRING_VERSION   1
#define WGW_EXPIRING_KEYS_MAX  16000000

/* kinds of tables */
#define WGW_EXPIRING_RATES     2
#define WGW_EXPIRING_NOTES     3
#define WGW_EXPIRING_RATIONS   4
#define WGW_EXPIRING_ASKED     5


typedef struct {
    uint32_t             kind;
    uint32_t             keys;          /* 1 to WGW_EXPIRING_KEYS_MAX */
} wgw_expiring_conf_t;


/* Bytes of memory a table needs. */
size_t wgw_expiring_size(const wgw_expiring_conf_t *conf);

/* Makes an empty table in zeroed memory of that size. */
void wgw_expiring_format(void *memory, const wgw_expiring_conf_t *conf,
    const uint8_t seed[WGW_HASH_SEED]);

/*
 * Looks at a header (4096 bytes) before anything is mapped: magic, version,
 * checksum, the size of the whole.  Returns 0 and the configuration it was
 * made with, or -1 and a phrase: "is not a wgw table", "is truncated".
 */
int wgw_expiring_check(const void *header, size_t size,
    wgw_expiring_conf_t *conf, const char **error);

/* In memory of a table that was formatted or checked. */
void wgw_expiring_open(wgw_expiring_t *table, void *memory);

/* The secret that it was made with; a table of the same has the same keys. */
const uint8_t *wgw_expiring_seed(wgw_expiring_t *table);

/* 16 bytes that zone.c keeps in the header: the boot the table was used in. */
uint8_t *wgw_expiring_boot(wgw_expiring_t *table);

/*
 * Only while no other process uses the memory.  Ends all claims and, when
 * `rebuild` is not 0 (the machine lost power, so pages may be of different
 * times), drops notes that are not whole.  Returns how many that were.
 */
uint32_t wgw_expiring_repair(wgw_expiring_t *table, int rebuild);

/* What stands for these bytes in the table. */
wgw_expiring_key_t wgw_expiring_key(wgw_expiring_t *table, const void *data,
    size_t len);


#pragma GCC visibility pop

#endif /* WGW_EXPIRING_H */
