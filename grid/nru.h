
/*
 * nru: reports of network use, `SmartContractModule.add_nru_reports`, by
 * which the chain bills users with their contracts, and the farmer's reward is
 * reckoned.
 *
 *     index of pallet and call, compact count, and for each 4 x u64:
 *     contract, time, window (3600), bytes
 *
 * The chain's formula is right for a window of 3600 s only, and takes a report
 * whose time is that of the last one twice: times of a contract grow.  It is
 * final when the contract's `last_updated` has come to the report's time.
 *
 * A contract that is no node's, or another node's, would fail the whole call:
 * it is asked for first.
 */

#ifndef WGW_GRID_NRU_H
#define WGW_GRID_NRU_H


#include "grid/batch.h"


#define GRID_NRU_BATCH  200             /* reports of one extrinsic */


typedef struct {
    uint64_t  contract;
    uint64_t  time;
    uint64_t  window;
    uint64_t  bytes;
} grid_nru_t;


extern const grid_batch_kind_t  grid_nru_kind;


/* The call's bytes. */
void grid_nru_call(wgw_out_t *out, const uint8_t index[2],
    const grid_nru_t *reports, size_t n);

/*
 * Makes a batch of what waits.  GRID_OK, one is under way; GRID_NONE, nothing
 * waits; GRID_AWAY; GRID_FAILED, as grid_substrate_why() says.
 */
int grid_nru_make(grid_batch_t *batch);


#endif /* WGW_GRID_NRU_H */
