
/*
 * desk: what a thread that answers has at hand.
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
    grid_self_t       self;             /* as of this message */
    int64_t           now;
    int64_t           away;             /* until when no chain is asked */
} grid_desk_t;


/* GRID_OK, or it was told.  To be closed in either case. */
int grid_desk_open(grid_desk_t *desk, const grid_t *grid);
void grid_desk_close(grid_desk_t *desk);


#endif /* WGW_GRID_DESK_H */
