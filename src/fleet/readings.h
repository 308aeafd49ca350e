
/*
 * readings: the last reading of each key, as a journal says.
 *
 * For a start only, when what was read is compared with what the tables have;
 * then it is freed.  Takes no nginx types.
 */

#ifndef WGW_READINGS_H
#define WGW_READINGS_H


#include "fleet/journal.h"

#pragma GCC visibility push(hidden)


#define WGW_READINGS_ZONES   256


/* One, whose text is in the set's memory. */
typedef struct {
    uint64_t             hash;
    uint64_t             life;
    uint64_t             window;
    uint64_t             window_sent;
    uint64_t             window_received;
    wgw_reading_sums_t   sums;
    size_t               key;           /* where in the arena */
    uint16_t             zone;
    uint8_t              len;
    uint8_t              class;
    uint32_t             seen;          /* for who has the set: 0 at first */
} wgw_readings_one_t;


typedef struct {
    char                 zones[WGW_READINGS_ZONES][WGW_JOURNAL_ZONE];
    size_t               zone_lens[WGW_READINGS_ZONES];
    unsigned char        opened[WGW_READINGS_ZONES];
    size_t               nzones;

    wgw_readings_one_t  *elts;
    size_t               n;
    size_t               size;

    uint32_t            *index;         /* twice as many, a power of two */
    size_t               mask;

    char                *arena;
    size_t               arena_len;
    size_t               arena_size;
} wgw_readings_t;


/* Zeroed memory is an empty set. */
void wgw_readings_free(wgw_readings_t *set);

/* Takes a record's rows: 0, or -1 without memory. */
int wgw_readings_take(wgw_readings_t *set, wgw_journal_record_t *record);

/* The zone's number, or -1; 1 in set->opened when its opening is whole. */
int wgw_readings_zone(const wgw_readings_t *set, wgw_text_t zone);

/* NULL: never read. */
wgw_readings_one_t *wgw_readings_find(const wgw_readings_t *set,
    wgw_text_t zone, unsigned class, wgw_text_t key, uint64_t life);

wgw_text_t wgw_readings_key(const wgw_readings_t *set,
    const wgw_readings_one_t *one);


#pragma GCC visibility pop

#endif /* WGW_READINGS_H */
