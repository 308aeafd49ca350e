
/*
 * layout: the bytes of a table, private to the parts that work on them:
 * layout.c (the header), table.c (keys), life.c (their lives) and counter.c
 * (what they count).
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
    uint32_t           pad3;
    uint64_t           trust;           /* see clock.c; 0: not known */
    uint64_t           leap;            /* the clock that a leap has left */
    uint8_t            reserved[WGW_TABLE_HEADER - 232];
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
    uint32_t           granule;         /* where in the arena the key is,
                                           and WGW_LIFE_* */
    uint32_t           mark;            /* 24 bits of hash, 8 of length */
    uint64_t           refused;
    uint64_t           cut;
    uint64_t           cap;
} wgw_record_cold_t;


/* in the high bits of a record's granule */
#define WGW_LIFE_FIRST    0x40000000    /* found by the key, has a life */
#define WGW_LIFE_LATER    0x80000000    /* found by key and life */
#define WGW_LIFE_BITS     (WGW_LIFE_FIRST|WGW_LIFE_LATER)


/* Behind the text of a key that has lives, in granules of the arena. */
typedef struct {
    uint64_t           life;
    uint64_t           newest;          /* of the first: the highest seen */
    uint64_t           link;            /* of the first: the record of the
                                           last that came, or 0; of others:
                                           that of the one before them */
} wgw_record_life_t;


/* What a record is found by; see wgw_table_id(). */
typedef struct {
    wgw_text_t         text;
    uint64_t           life;
    uint64_t           hash;
    uint32_t           later;           /* WGW_LIFE_LATER or 0 */
} wgw_table_id_t;


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

/* The first record of a key, and that of a later life. */
void wgw_table_first(wgw_table_t *table, wgw_table_id_t *id, wgw_text_t key);
void wgw_table_later(wgw_table_t *table, wgw_table_id_t *id, wgw_text_t key,
    uint64_t life);

/* What a record that holds a key is found by; 0, or -1 if it holds none. */
int wgw_table_id(wgw_table_t *table, uint32_t record, wgw_table_id_t *id);

/* The record of an id, or WGW_TABLE_UNKNOWN. */
uint32_t wgw_table_lookup(wgw_table_t *table, const wgw_table_id_t *id);

/* 1 when a record is the one that is found by its id. */
int wgw_table_found(wgw_table_t *table, uint32_t record);

/*
 * The record of an id, added with id->life; WGW_TABLE_OTHER when the table
 * is full.
 */
uint32_t wgw_table_put(wgw_table_t *table, const wgw_table_id_t *id);

/* What a record knows of lives; NULL: nothing. */
wgw_record_life_t *wgw_table_life(wgw_table_t *table, uint32_t record);

/*
 * Gives a record that knows nothing of lives room for that.  NULL: there is
 * none in the arena.
 */
wgw_record_life_t *wgw_table_widen(wgw_table_t *table, uint32_t record);

/* The life of a record, and whether a later one has come. */
uint64_t wgw_life_of(wgw_table_t *table, uint32_t record, int *ended);

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
