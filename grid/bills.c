
#include <string.h>
#include <time.h>

#include "grid/bills.h"
#include "grid/desk.h"
#include "grid/hours.h"
#include "grid/nru.h"
#include "grid/self.h"
#include "grid/service.h"
#include "grid/uptime.h"


#define BILLS_LOST   "nothing could be billed"

#define BILLS_ROUND  60                 /* seconds */
#define BILLS_BLOCK  6                  /* ... while one is under way */
#define BILLS_ALL    10                 /* rounds, in which all is asked for */


static void bills_rounds(grid_batch_t *batch, grid_gateway_t *gateway);
static void bills_hours(grid_batch_t *batch, grid_gateway_t *gateway,
    unsigned n);
static int bills_make(grid_batch_t *batch);
static int bills_chain(grid_batch_t *batch);


static const grid_batch_kind_t  *const bills_kinds[] = {
    &grid_service_kind,
    &grid_nru_kind,
    &grid_uptime_kind,
    NULL
};


void
grid_bills_run(const grid_t *grid)
{
    grid_desk_t   desk;
    grid_batch_t  batch;

    grid_desk_open(&desk, grid, BILLS_LOST);

    memset(&batch, 0, sizeof(batch));
    batch.grid = grid;
    batch.state = &desk.state;
    batch.facts = desk.chain;

    /* on a private grid there is nobody to be told */

    if (grid->options->chain_file == NULL) {
        batch.chain = grid_substrate_open(grid->options);

        if (batch.chain == NULL) {
            grid_desk_fault(BILLS_LOST);
        }
    }

    bills_rounds(&batch, desk.gateway);

    if (batch.chain) {
        grid_substrate_close(batch.chain);
    }

    grid_desk_close(&desk);
}


static void
bills_rounds(grid_batch_t *batch, grid_gateway_t *gateway)
{
    int       under_way;
    time_t    hours;
    unsigned  n;

    n = 0;
    hours = 0;
    under_way = 0;

    do {
        grid_self_get(batch->grid, &batch->self);

        if (time(NULL) - hours >= BILLS_ROUND || time(NULL) < hours) {
            hours = time(NULL);

            /* who pays by a service contract is known before reports are */

            if (batch->chain && batch->self.twin && n % BILLS_ALL == 0) {
                (void) grid_service_look(batch);
            }

            bills_hours(batch, gateway, n++);
        }

        if (batch->chain) {
            under_way = bills_chain(batch) == GRID_NONE;
        }

    } while (!grid_rest(batch->grid, 1000 * (under_way ? BILLS_BLOCK
                                                       : BILLS_ROUND)));
}


static void
bills_hours(grid_batch_t *batch, grid_gateway_t *gateway, unsigned n)
{
    /* that the gateway is away, or keeps no hours, is told by look.c */

    (void) grid_hours_take(batch->state, gateway, batch->grid->options->zone,
                           time(NULL), n % BILLS_ALL == 0);
}


/*
 * The node is up, if it is time to say so, which is seldom; then bills, since
 * time is lost to them.  What was made is sent at once.
 */

static int
bills_make(grid_batch_t *batch)
{
    int      rc;
    int64_t  now;

    rc = batch->self.node ? grid_uptime_make(batch, time(NULL)) : GRID_NONE;

    if (rc == GRID_NONE) {
        rc = grid_substrate_now(batch->chain, &now);
        rc = rc == GRID_OK ? grid_service_make(batch, now) : rc;
    }

    if (rc == GRID_NONE && batch->self.node) {
        rc = grid_nru_make(batch);
    }

    return rc == GRID_OK ? grid_batch_pursue(batch, bills_kinds)
           : rc == GRID_NONE ? GRID_OK : rc;
}


/* GRID_NONE: one is under way. */

static int
bills_chain(grid_batch_t *batch)
{
    int  rc;

    rc = grid_batch_pursue(batch, bills_kinds);

    if (rc == GRID_OK) {
        rc = bills_make(batch);
    }

    (void) grid_service_hold(batch->state, time(NULL));

    if (rc == GRID_OK || rc == GRID_NONE) {
        grid_self_missing(batch->grid, "bills", "", NULL);

    } else if (rc == GRID_FAILED) {
        grid_self_missing(batch->grid, "bills", "nothing is lost: it is sent "
                          "when that is cured", "nothing can be reported to "
                          "the chain: %s", grid_substrate_why(batch->chain));
    }

    return rc == GRID_FAILED ? GRID_OK : rc;
}
