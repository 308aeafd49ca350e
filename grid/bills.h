
/*
 * bills: what is told to the chain, so that users pay and the farmer is paid.
 *
 * A thread takes the gateway's hours (hours.h), makes batches of what waits
 * (batch.h) and bills by service contracts (service.h), each in a step of its
 * own; nothing is forgotten before the chain's final state shows it.
 */

#ifndef WGW_GRID_BILLS_H
#define WGW_GRID_BILLS_H


#include "grid/grid.h"


/* The thread. */
void grid_bills_run(const grid_t *grid);


#endif /* WGW_GRID_BILLS_H */
