
/*
 * desk: what a thread has at hand that answers, provisions or bills.
 */

#ifndef WGW_GRID_DESK_H
#define WGW_GRID_DESK_H


#include "grid/chain.h"
#include "grid/deployments.h"
#include "grid/gateway.h"
#include "grid/rmb.h"
#include "grid/self.h"


typedef struct {
    const grid_t     *grid;
    grid_state_t      state;
    grid_chain_t     *chain;
    grid_gateway_t   *gateway;
    grid_self_t       self;             /* as of this message, or workload */
    int64_t           now;
    int64_t           away;             /* until when no chain is asked */
} grid_desk_t;


/* A thread that cannot have it ends the daemon: grid_desk_fault(lost). */
void grid_desk_open(grid_desk_t *desk, const grid_t *grid, const char *lost);
void grid_desk_close(grid_desk_t *desk);

/* Who could do nothing is better started anew; tells what is `lost` so long. */
void grid_desk_fault(const char *lost) __attribute__((noreturn));


#endif /* WGW_GRID_DESK_H */
