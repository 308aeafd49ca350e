
/*
 * uptime: that the node is up, `TfgridModule.report_uptime_v2`, without which
 * explorers show it as down, and the dashboard does not offer it.
 *
 *     index of pallet and call, seconds since the boot u64, now u64
 *
 * As zos does it: each 40 minutes; but only while the gateway answers.  The
 * chain takes a time that is a minute off its own at most, so it is the chain's
 * that is sent, whatever the clock here says; and keeps nothing but an event: a
 * report is signed anew where it waits, and one that failed is not made again,
 * the next one says all that it said.  It costs no fee.
 */

#ifndef WGW_GRID_UPTIME_H
#define WGW_GRID_UPTIME_H


#include "grid/batch.h"


extern const grid_batch_kind_t  grid_uptime_kind;


/* The call's bytes. */
void grid_uptime_call(wgw_out_t *out, const uint8_t index[2],
    uint64_t uptime, uint64_t now);

/* As grid_nru_make(): a report that is due, if it is. */
int grid_uptime_make(grid_batch_t *batch, int64_t now);


#endif /* WGW_GRID_UPTIME_H */
