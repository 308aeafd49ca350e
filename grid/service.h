
/*
 * service: the other way to be paid: service contracts between the farm's
 * twin and a user's, `SmartContractModule.service_contract_bill`.
 *
 *     index of pallet and call, contract u64, amount u64 in mUSD, compact
 *     length and text of at most 50 bytes
 *
 * Contracts that both approved are looked for hourly.  Bytes of such a twin
 * are not reported (nru.h) but cost --price mUSD a GB of 10^9; what is less
 * than a mUSD, or more than the contract lets be billed in an hour, is carried
 * on.  Bills are made hourly, also of nothing: the base fee is by time, and
 * time beyond an hour is lost.
 *
 * A bill is final when the contract's `last_bill` moved on.  When it did not,
 * the chain has refused it, because the consumer has not enough: what the
 * twin deployed is paused, and its workloads say why, until a bill is paid.
 */

#ifndef WGW_GRID_SERVICE_H
#define WGW_GRID_SERVICE_H


#include "grid/batch.h"


#define GRID_SERVICE_TEXT  50           /* bytes of a bill's text */


extern const grid_schema_t  grid_service_schema;
extern const grid_batch_kind_t  grid_service_kind;


/* The call's bytes. */
void grid_service_call(wgw_out_t *out, const uint8_t index[2],
    uint64_t contract, uint64_t amount, wgw_text_t text);

/*
 * What so many bytes cost, at `price` 1/1000 mUSD a GB: whole mUSD, and the
 * rest is added to `*carry`, which is in 10^-12 mUSD and is below one.
 */
uint64_t grid_service_cost(uint64_t bytes, uint64_t price, uint64_t *carry);

/* Looks for contracts: of the chain, or of a failure as substrate.h. */
int grid_service_look(grid_batch_t *batch);

/*
 * As grid_nru_make(): a bill that is due, if there is one, by the chain's
 * time: it would refuse what a clock that is ahead of it allows.
 */
int grid_service_make(grid_batch_t *batch, int64_t now);

/* Pauses and resumes what was deployed by those who cannot, or can, pay. */
int grid_service_hold(grid_state_t *state, int64_t now);


#endif /* WGW_GRID_SERVICE_H */
