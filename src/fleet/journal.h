
/*
 * journal: the bytes of a record of the journal, in which a node writes down
 * what its meters read; see journal_file.h for the files they are in.
 *
 * A reading is absolute: all that a key has counted since ever, so that a
 * record that is lost takes nothing with it but the hour it belonged to, and
 * one that is read twice counts once.  A record is
 *
 *     version   1 byte, 1
 *     kind      1 byte, WGW_JOURNAL_*
 *     epoch     when the chain began, in milliseconds
 *     seq       its number in the epoch, from 1 on
 *     prev      SHA-256 of the record before it; zeros before the first
 *     from, to  the readings are those at `to`; all before `from` was read
 *     node      text
 *     note      text: what is to be known of the node besides, mostly empty
 *     rows      their number, and
 *
 *         flags   1 byte: class 0x03, 0x04 base, 0x08 life, 0x10 zone,
 *                 0x20 labels
 *         zone    text, and what its keys are, text; else as the row before
 *         key     text
 *         life    see table.h
 *         sent, received, requests
 *         base    the same three: what the key is counted from, where it is
 *                 not the last reading
 *         window  the number of the zone's window, and what was sent and
 *                 received in it
 *         labels  text, as table/labels.h has it
 *
 * Numbers are those of format/varint.h, a text is its length and its bytes.
 * The hash of a record is that of all its bytes.  Takes no nginx types.
 */

#ifndef WGW_JOURNAL_H
#define WGW_JOURNAL_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


#define WGW_JOURNAL_VERSION  1
#define WGW_JOURNAL_HASH     32

#define WGW_JOURNAL_MAX      262144     /* bytes of a record */
#define WGW_JOURNAL_ROWS     4096
#define WGW_JOURNAL_NODE     64
#define WGW_JOURNAL_NOTE     255
#define WGW_JOURNAL_ZONE     64
#define WGW_JOURNAL_KEY      255
#define WGW_JOURNAL_LABELS   1156       /* WGW_LABELS_TEXT */

/* bytes that a row takes at most */
#define WGW_JOURNAL_ROW      2048

/* kinds of records */
#define WGW_JOURNAL_USAGE    0          /* what has changed */
#define WGW_JOURNAL_STATE    1          /* all readings; of no chain */
#define WGW_JOURNAL_OPENING  2          /* a zone's first readings ... */
#define WGW_JOURNAL_OPENED   3          /* ... and the last of those */
#define WGW_JOURNAL_FRESH    4          /* a zone is counted from 0 */

/* classes of rows: what is counted under no key has none */
#define WGW_READING_KEY      0
#define WGW_READING_UNKNOWN  1
#define WGW_READING_OTHER    2
#define WGW_READING_DENIED   3


typedef struct {
    uint64_t         sent;
    uint64_t         received;
    uint64_t         requests;
} wgw_reading_sums_t;


typedef struct {
    wgw_text_t           zone;
    wgw_text_t           kind;          /* "name", "payer" ... */
    wgw_text_t           key;
    wgw_text_t           labels;
    uint64_t             life;
    wgw_reading_sums_t   sums;
    wgw_reading_sums_t   base;          /* if `based` */
    uint64_t             window;
    uint64_t             window_sent;
    uint64_t             window_received;
    unsigned             class;
    unsigned             based;
} wgw_reading_t;


typedef struct {
    unsigned             kind;
    uint64_t             epoch;
    uint64_t             seq;
    uint8_t              prev[WGW_JOURNAL_HASH];
    int64_t              from;          /* seconds since 1970 */
    int64_t              to;
    wgw_text_t           node;
    wgw_text_t           note;
    uint32_t             rows;

    /* where the next row is, and the zone of the one before it */
    const uint8_t       *pos;
    const uint8_t       *end;
    uint32_t             left;
    wgw_text_t           zone;
    wgw_text_t           zone_kind;
} wgw_journal_record_t;


/*
 * A record that is being written; the rows come first, as their number is not
 * known before.
 */
typedef struct {
    wgw_out_t            out;           /* of the rows */
    uint32_t             rows;
    char                 zone[WGW_JOURNAL_ZONE];
    size_t               zone_len;
    char                 bytes[WGW_JOURNAL_MAX - 1024];
} wgw_journal_rows_t;


void wgw_journal_rows(wgw_journal_rows_t *rows);

/* Adds one: 0, or -1 when the record is full and must be written first. */
int wgw_journal_row(wgw_journal_rows_t *rows, const wgw_reading_t *reading);

/*
 * Writes a record with these rows, NULL for none, to a buffer of
 * WGW_JOURNAL_MAX bytes; returns its length.
 */
size_t wgw_journal_write(uint8_t *buffer, const wgw_journal_record_t *record,
    const wgw_journal_rows_t *rows);

/*
 * Reads a record, all of it, so that its rows can be read without another
 * look.  Returns 0, or -1 and a phrase: "is cut short".
 */
int wgw_journal_read(const uint8_t *bytes, size_t len,
    wgw_journal_record_t *record, const char **error);

/* The next row of a record: 1, or 0 behind the last. */
int wgw_journal_next(wgw_journal_record_t *record, wgw_reading_t *reading);

/* 1 when a text is fit to be a node's name: letters, digits, "-", "_", ".". */
int wgw_journal_node(wgw_text_t node);


#pragma GCC visibility pop

#endif /* WGW_JOURNAL_H */
