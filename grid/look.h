
/*
 * look: finds out who this gateway is on the grid, self.h: the account, twin
 * and farm; the node, its domain and addresses; whether DNS leads here and the
 * gateway answers.  What is not as it should be is said to be missing, with
 * its cure; what could not be asked stays as it was.
 */

#ifndef WGW_GRID_LOOK_H
#define WGW_GRID_LOOK_H


#include "grid/chain.h"
#include "grid/gateway.h"
#include "grid/self.h"


/* GRID_OK, or GRID_FAILED and it was told: a contradiction. */
int grid_look(const grid_t *grid, grid_state_t *state, grid_chain_t *chain,
    grid_gateway_t *gateway);

/*
 * The account, the twin and the farm alone: GRID_AWAY as well, when the chain
 * could not be asked.
 */
int grid_look_account(const grid_t *grid, grid_self_t *self,
    grid_chain_t *chain);


#endif /* WGW_GRID_LOOK_H */
