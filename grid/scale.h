
/*
 * scale: SCALE, the chain's encoding: numbers lowest byte first, lengths
 * "compact" (https://docs.substrate.io/reference/scale-codec/).
 *
 * A reader that met what is not there is bad from then on, and gives zeros.
 */

#ifndef WGW_GRID_SCALE_H
#define WGW_GRID_SCALE_H


#include "format/text.h"


typedef struct {
    const uint8_t  *p;
    const uint8_t  *end;
    int             bad;
    unsigned        steps;              /* for who goes over types in types */
} grid_scale_t;


void grid_scale_init(grid_scale_t *scale, const void *data, size_t len);

/* The next bytes, or NULL. */
const uint8_t *grid_scale_bytes(grid_scale_t *scale, uint64_t len);

/* A number of 1 to 8 bytes; one of 16, when it fits into 8. */
uint64_t grid_scale_uint(grid_scale_t *scale, size_t size);
uint64_t grid_scale_compact(grid_scale_t *scale);

/* A length and as many bytes. */
wgw_text_t grid_scale_text(grid_scale_t *scale);

/* How many of something follow, each of one byte at least. */
uint64_t grid_scale_count(grid_scale_t *scale);

void grid_scale_put_uint(wgw_out_t *out, uint64_t number, size_t size);
void grid_scale_put_compact(wgw_out_t *out, uint64_t number);
void grid_scale_put_text(wgw_out_t *out, const void *data, size_t len);


#endif /* WGW_GRID_SCALE_H */
