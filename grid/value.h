
/*
 * value: what the chain stores, taken apart by its type, meta.h, and by names
 * of fields, so that a field that is added before another one moves nothing.
 *
 * What is not there, or is another thing than was asked for, is 0 or "" and
 * sets `bad`.
 */

#ifndef WGW_GRID_VALUE_H
#define WGW_GRID_VALUE_H


#include "grid/meta.h"


typedef struct {
    const grid_meta_t  *meta;
    uint32_t            type;
    grid_scale_t        data;
} grid_value_t;


void grid_value_init(grid_value_t *value, const grid_meta_t *meta,
    uint32_t type, const void *data, size_t len);

/* That of a field of a structure; 0 when there is none. */
int grid_value_field(const grid_value_t *value, const char *name,
    grid_value_t *field);

/*
 * Which one of its variants it is.  `inside`, unless NULL, is what is in it,
 * of one that has a single field; bad otherwise.
 */
wgw_text_t grid_value_variant(const grid_value_t *value,
    grid_value_t *inside);

/* A number; bytes, an array of them or a text. */
uint64_t grid_value_uint(const grid_value_t *value, int *bad);
wgw_text_t grid_value_bytes(const grid_value_t *value, int *bad);

/* The same of a field. */
uint64_t grid_value_number(const grid_value_t *value, const char *name,
    int *bad);
wgw_text_t grid_value_text(const grid_value_t *value, const char *name,
    int *bad);

/* How many are in a sequence, and the next one of it, from the first on. */
uint64_t grid_value_count(grid_value_t *sequence);
int grid_value_next(grid_value_t *sequence, grid_value_t *element);

/* 1 when it ends where its data end. */
int grid_value_whole(const grid_value_t *value);


#endif /* WGW_GRID_VALUE_H */
