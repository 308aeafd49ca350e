
/*
 * labels: what a record is called besides its key, for those who read it
 * later: whose it is, which tariff it has.  A few names with their values,
 * which are set as a whole and may change; what was counted does not know of
 * them.
 *
 * Each segment of a table made with `label_bytes` has, behind its keys,
 *
 *     labels   4 bytes a record: its block, or 0
 *     blocks   of 64 to 2048 bytes, a power of two
 *
 * A block is written whole before the one compare-and-swap that makes it the
 * record's, and belongs to who took the one before it away, who puts that into
 * a list of blocks of its size that are not used.  A process that is killed
 * in between leaks one block.  A block has a checksum over itself and the
 * record's number: who reads one while it gets another owner sees that, and
 * so does a repair after a loss of power.
 *
 * The text of labels is, for each, a byte of length, the name, another and
 * the value.
 */

#ifndef WGW_LABELS_H
#define WGW_LABELS_H


#include "table/layout.h"

#pragma GCC visibility push(hidden)


#define WGW_LABELS        4     /* of a record */
#define WGW_LABEL_NAME    32    /* bytes */
#define WGW_LABEL_VALUE   255
#define WGW_LABELS_TEXT   (WGW_LABELS * (2 + WGW_LABEL_NAME + WGW_LABEL_VALUE))


typedef struct {
    wgw_text_t       name;
    wgw_text_t       value;
} wgw_label_t;


/* Those of a record, with room for their text. */
typedef struct {
    uint32_t         n;
    wgw_label_t      elts[WGW_LABELS];
    char             text[WGW_LABELS_TEXT];
} wgw_labels_t;


/* Adds one to a text of `len` bytes; returns how many it has then. */
size_t wgw_labels_add(char text[WGW_LABELS_TEXT], size_t len,
    const wgw_label_t *label);

/*
 * The record has these labels from now on.  Returns 0, or -1 when there is no
 * room for them: then it has those that it had.
 */
int wgw_labels_set(const wgw_segment_t *segment, uint32_t record,
    wgw_text_t text);

/* None where it has none. */
void wgw_labels_get(const wgw_segment_t *segment, uint32_t record,
    wgw_labels_t *labels);

/* Alone: it has none. */
void wgw_labels_drop(const wgw_segment_t *segment, uint32_t record);

/* Bytes of blocks that were taken, and all there are. */
uint64_t wgw_labels_taken(const wgw_segment_t *segment, uint64_t *max);

/* Bytes of the block that a record has, or 0. */
size_t wgw_labels_size(const wgw_segment_t *segment, uint32_t record);

/*
 * Alone, after a loss of power: drops labels that are not whole, and what is
 * known of unused blocks.
 */
void wgw_labels_mend(const wgw_segment_t *segment);


#pragma GCC visibility pop

#endif /* WGW_LABELS_H */
