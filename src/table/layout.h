
/*
 * layout: the bytes of a table, for the parts that work on them:
 * layout.c (the header), table.c (keys), life.c (their lives), labels.c (what
 * they are called besides), counter.c (what they count) and cap.c (what caps
 * leave).
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
#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "format/text.h"
#include "table/window.h"
#include "table/word.h"

#pragma GCC visibility push(hidden)


#define WGW_TABLE_VERSION    3      /* 2, where it has no labels */
#define WGW_TABLE_KEYS_MAX   16000000
#define WGW_TABLE_KEY_MAX    255
#define WGW_TABLE_KEY_BYTES  24     /* a usual key's */
#define WGW_TABLE_KEY_ROOM   288    /* any key's */
#define WGW_TABLE_HEADER     4096   /* bytes */
#define WGW_TABLE_BOOT       16     /* bytes, see wgw_table_boot() */
#define WGW_TABLE_SEGMENTS   16     /* at most */
#define WGW_TABLE_ALIGN      65536  /* of segments in a file, >= any page */

/* blocks of labels: see labels.h */
#define WGW_LABEL_UNIT       64     /* bytes */
#define WGW_LABEL_CLASSES    6      /* of 1, 2, 4 to 32 units */
#define WGW_LABEL_MOST       2048   /* bytes of the largest */
#define WGW_LABEL_BYTES      256    /* of a key, on average, at most */

/* windows after which it is no longer known when a record last counted */
#define WGW_TABLE_IDLE_MAX   4000

/* records that every table has; their names are not in the index */
#define WGW_TABLE_UNKNOWN    0  /* requests without a key: never capped */
#define WGW_TABLE_OTHER      1  /* keys that no longer fit */
#define WGW_TABLE_DENIED     2  /* what refusals themselves cost */
#define WGW_TABLE_FIRST      3  /* the first key's record */


typedef struct wgw_table_header_s  wgw_table_header_t;
typedef struct wgw_lease_s         wgw_lease_t;


typedef struct {
    wgw_table_header_t  *header;
    uint32_t            *index;
    struct wgw_record_hot_s   *hot;
    struct wgw_record_cold_s  *cold;
    char                *arena;
    size_t               arena_size;
    uint32_t            *labels;        /* of records; NULL: it has none */
    char                *blocks;        /* ... and where those are */
    uint32_t             blocks_max;    /* units */
    uint32_t             first;         /* number of its first record ... */
    uint32_t             end;           /* ... and one past its last */
} wgw_segment_t;


/* One process's view; made by wgw_table_open(), needs no closing. */
typedef struct {
    wgw_table_header_t  *header;        /* of the first segment */
    wgw_lease_t         *lease;         /* of a fleet's node; NULL: none */
    uint32_t             count;
    wgw_segment_t        segments[WGW_TABLE_SEGMENTS];
} wgw_table_t;


typedef struct {
    uint32_t             keys;          /* 1 to WGW_TABLE_KEYS_MAX */
    uint32_t             key_bytes;     /* average, 8 to 288 */
    wgw_window_t         window;
    uint32_t             label_bytes;   /* average, to 2048; 0: no labels */
} wgw_table_conf_t;


#define WGW_LINE          64
#define WGW_GRANULE       8         /* of the arena, in bytes */


/* Written once; the checksum is of all before it. */
typedef struct {
    char               magic[8];
    uint32_t           byte_order;
    uint32_t           version;
    uint32_t           discipline;
    uint32_t           keys;
    uint16_t           key_bytes;
    uint16_t           label_bytes;     /* 0 up to version 2 */
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
    uint64_t           units;           /* taken of the blocks of labels */
    uint64_t           unused[WGW_LABEL_CLASSES];  /* see labels.c */
    uint8_t            reserved[WGW_TABLE_HEADER - 288];
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


/* Where the segments of a table are in its file. */
typedef struct {
    uint32_t             count;
    uint32_t             keys;          /* of all */
    struct {
        uint64_t         offset;
        size_t           size;
    } parts[WGW_TABLE_SEGMENTS];
} wgw_table_parts_t;


/* Bytes of memory a table, or a segment of `keys` more, needs. */
size_t wgw_table_size(const wgw_table_conf_t *conf);

/* Makes an empty table in zeroed memory of that size. */
void wgw_table_format(void *memory, const wgw_table_conf_t *conf,
    const uint8_t seed[WGW_HASH_SEED]);

/* Makes an empty segment of the same table, which has `number` of them. */
void wgw_table_format_segment(void *memory, const wgw_table_conf_t *conf,
    const void *header, uint32_t number);

/*
 * Looks at a header (4096 bytes) before anything is mapped: magic, version,
 * checksum, geometry against `size`, the size of the whole, which is more
 * for a table that grew.  Returns 0 and the configuration it was made with,
 * or -1 and a phrase: "is not a wgw table", "has format version 7, newer than
 * 1", "is truncated".
 */
int wgw_table_check(const void *header, size_t size, wgw_table_conf_t *conf,
    const char **error);

/*
 * The same for the header of segment `number`, from 1 on, of a table that has
 * the first header; `size` is what the file has from there on.
 */
int wgw_table_check_segment(const void *first, const void *header,
    uint32_t number, size_t size, wgw_table_conf_t *conf,
    const char **error);

/* How many segments a header says there are: 1 to WGW_TABLE_SEGMENTS, or 0. */
uint32_t wgw_table_segments(const void *header);

/* In memory of a table that was formatted or checked. */
void wgw_table_open(wgw_table_t *table, void *memory);

/* Adds the next segment to the view. */
void wgw_table_join(wgw_table_t *table, void *memory);

/* 16 bytes that zone.c keeps in the header: the boot the table was used in. */
uint8_t *wgw_table_boot(wgw_table_t *table);

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


#pragma GCC visibility pop

#endif /* WGW_LAYOUT_H */
