
/*
 * raise: a record that is behind what was read of it before, since the
 * machine lost power, or its file was taken from an older copy.
 *
 * Totals become what they were, in the window that they were read in, so that
 * what is used under a cap is known again as well.
 */

#ifndef WGW_RAISE_H
#define WGW_RAISE_H


#include "table/table.h"

#pragma GCC visibility push(hidden)


typedef struct {
    uint64_t         sent;              /* since ever */
    uint64_t         received;
    uint64_t         requests;
    uint64_t         period;            /* the window it was read in, ... */
    uint64_t         window_sent;       /* ... and of these, in it */
    uint64_t         window_received;
} wgw_raise_t;


/* Before others count.  Returns 1 when the record was behind. */
int wgw_table_raise(wgw_table_t *table, uint32_t record,
    const wgw_raise_t *to);


#pragma GCC visibility pop

#endif /* WGW_RAISE_H */
