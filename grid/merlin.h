
/*
 * merlin: transcripts of Merlin 1.0 over STROBE-128, as far as signatures of
 * sr25519 need them (https://merlin.cool, https://strobe.sourceforge.io).
 *
 * The sponge is Keccak-f[1600] with a rate of 166 bytes.  A label and its
 * message's length are one operation of STROBE, the message is another.
 */

#ifndef WGW_GRID_MERLIN_H
#define WGW_GRID_MERLIN_H


#include <stddef.h>
#include <stdint.h>


typedef struct {
    uint64_t  lanes[25];
    uint8_t   at;                       /* in the rate */
    uint8_t   begin;                    /* of the operation, from 1 on */
} grid_merlin_t;


void grid_merlin_init(grid_merlin_t *merlin, const char *label);

void grid_merlin_append(grid_merlin_t *merlin, const char *label,
    const void *message, size_t len);

/* Bytes that depend on all that was appended. */
void grid_merlin_challenge(grid_merlin_t *merlin, const char *label,
    uint8_t *bytes, size_t len);


#endif /* WGW_GRID_MERLIN_H */
