
/*
 * size: a number of bytes, as people write it.
 *
 *     4096  10k  1.5GB  1GiB  2T
 *
 * Digits, a fraction if there is a unit, and one of these:
 *
 *     k m g t, K M G T         1024 to the power of 1 to 4, as in nginx
 *     KiB MiB GiB TiB          the same
 *     kB MB GB TB              1000 to the power of 1 to 4, as on a bill
 *
 * What is less than a byte is dropped.  KB is either, and refused.
 */

#ifndef WGW_SIZE_H
#define WGW_SIZE_H


#include "format/text.h"

#pragma GCC visibility push(hidden)


/* for messages */
#define WGW_SIZE_UNITS                                                        \
    "k, m, g, t (of 1024), kB, MB, GB, TB (of 1000), KiB, MiB, GiB, TiB"


/* Returns 0 and at most `max` bytes, or -1. */
int wgw_size_parse(wgw_text_t text, uint64_t max, uint64_t *bytes);


#pragma GCC visibility pop

#endif /* WGW_SIZE_H */
