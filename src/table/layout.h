
/*
 * layout: the bytes of a table, private to the parts that work on them:
 * layout.c (the header), table.c (keys) and counter.c (what they count).
 *
 * What holds between processes:
 *
 * - a word of the index changes once, from 0; the record it names was written
 *   before, and is read after it;
 * - a record's mark is written after its key, and is 0 without one;
 * - totals, and the clock, only grow; a base word belongs to no later window
 *   than a clock that is read after it.
 */

#ifndef WGW_LAYOUT_H
#define WGW_LAYOUT_H


#include <assert.h>

#include "table/table.h"
#include "table/word.h"

#pragma GCC visibility push(hidden)


#define WGW_LINE          64
#define WGW_GRANULE       8         /* of the arena, in bytes */


/* Written once; the checksum is of all before it. */
typedef struct {
    char               magic[8];
    uint32_t           byte_order;
    uint32_t           version;
    uint32_t           discipline;
    uint32_t           keys;
    uint32_t           key_bytes;
    uint8_t            window;
    uint8_t            reset_day;
    uint16_t           number;          /* of the segment, from 0 on */
    uint8_t            seed[WGW_HASH_SEED];
    uint64_t           size;
    uint64_t           checksum;
} wgw_table_made_t;


struct wgw_table_header_s {
    wgw_table_made_t   made;
    uint64_t           clock;
    uint8_t            pad1[56];
    uint64_t           records;         /* taken, the first three included */
    uint64_t           granules;        /* taken of the arena */
    uint8_t            pad2[48];
    uint8_t            boot[WGW_TABLE_BOOT];
    uint32_t           segments;        /* of the first; 0 is 1 */
    uint8_t            reserved[WGW_TABLE_HEADER - 212];
};


typedef struct wgw_record_hot_s {
    uint64_t           sent;
    uint64_t           received;
    uint64_t           requests;
    uint64_t           base_sent[2];
    uint64_t           base_received[2];
    uint64_t           held;
} wgw_record_hot_t;


typedef struct wgw_record_cold_s {
    uint32_t           granule;         /* where in the arena the key is */
    uint32_t           mark;            /* 24 bits of hash, 8 of length */
    uint64_t           refused;
    uint64_t           cut;
    uint64_t           cap;
} wgw_record_cold_t;


/* The segment of a record; NULL for no record. */
const wgw_segment_t *wgw_table_segment(const wgw_table_t *table,
    uint32_t record);


static inline wgw_record_hot_t *
wgw_table_hot(wgw_table_t *t, uint32_t record)
{
    const wgw_segment_t  *s;

    s = t->segments;

    if (record >= s->end) {
        s = wgw_table_segment(t, record);
        assert(s);
    }

    return &s->hot[record - s->first];
}


static inline wgw_record_cold_t *
wgw_table_cold(wgw_table_t *t, uint32_t record)
{
    const wgw_segment_t  *s;

    s = t->segments;

    if (record >= s->end) {
        s = wgw_table_segment(t, record);
        assert(s);
    }

    return &s->cold[record - s->first];
}


/*
 * The key a record holds, published or not.  Returns its mark; 0 and an empty
 * key if it holds none or names bytes that are not in the arena; 0 and their
 * names for the records that every table has.
 */
uint32_t wgw_table_key(wgw_table_t *table, uint32_t record, wgw_text_t *key);

/* Other records of the same key, in other segments; returns their number. */
uint32_t wgw_table_twins(wgw_table_t *table, uint32_t record,
    uint32_t twins[WGW_TABLE_SEGMENTS]);

/* 1 when a record has counted anything. */
int wgw_table_counted(wgw_table_t *table, uint32_t record);

/* Clears base words of windows more than WGW_TABLE_IDLE_MAX ago. */
void wgw_counter_fade(wgw_table_t *table, uint32_t record);

/* Alone: moves what a record counted into another. */
void wgw_counter_merge(wgw_table_t *table, uint32_t into, uint32_t record);

/*
 * Alone: adds what a record of another table, of the same clock, counted; that
 * stays as it is.
 */
void wgw_counter_copy(wgw_table_t *table, uint32_t into, wgw_table_t *from,
    uint32_t record);


#pragma GCC visibility pop

#endif /* WGW_LAYOUT_H */
