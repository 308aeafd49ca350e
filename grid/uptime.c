
#include <time.h>

#include "grid/uptime.h"


#define UPTIME_PALLET     "TfgridModule"
#define UPTIME_CALL       "report_uptime_v2"
#define UPTIME_ARGUMENTS  "{uptime:u64,timestamp_hint:u64}"

#define UPTIME_EACH       2400          /* seconds */
#define UPTIME_LIFE       30            /* of what the chain takes for 60 */


static int uptime_due(grid_batch_t *batch, int64_t now);
static int uptime_write(grid_batch_t *batch, int64_t id, wgw_out_t *call);
static int uptime_settle(grid_batch_t *batch, int64_t id, const char *block);


const grid_batch_kind_t  grid_uptime_kind = {
    "uptime", uptime_settle, uptime_write, UPTIME_LIFE
};


void
grid_uptime_call(wgw_out_t *out, const uint8_t index[2], uint64_t uptime,
    uint64_t now)
{
    wgw_out_bytes(out, index, 2);
    grid_scale_put_uint(out, uptime, 8);
    grid_scale_put_uint(out, now, 8);
}


int
grid_uptime_make(grid_batch_t *batch, int64_t now)
{
    int        rc;
    int64_t    id;
    uint8_t    bytes[32];
    wgw_out_t  call;

    if (!uptime_due(batch, now)) {
        return GRID_NONE;
    }

    id = 0;
    wgw_out_init(&call, bytes, sizeof(bytes));

    rc = uptime_write(batch, 0, &call);

    /* it stops no bill */

    if (rc == GRID_FAILED) {
        return GRID_NONE;
    }

    if (rc == GRID_OK) {
        rc = grid_batch_begin(batch, &grid_uptime_kind, bytes,
                              (size_t) (call.pos - call.start), &id);
    }

    return rc == GRID_OK ? grid_state_commit(batch->state) : rc;
}


/* By the last one that was made, which a clock may have put into the future. */

static int
uptime_due(grid_batch_t *batch, int64_t now)
{
    int64_t  last;

    if (grid_self_misses(&batch->self, "gateway")) {
        return 0;
    }

    last = grid_state_number(batch->state, 0, "select made from batches where "
                             "kind = 'uptime' order by id desc limit 1", "");

    return now - last >= UPTIME_EACH || last > now;
}


/* A chain that has no such call is told of. */

static int
uptime_write(grid_batch_t *batch, int64_t id, wgw_out_t *call)
{
    int              rc;
    int64_t          now;
    uint8_t          index[2];
    struct timespec  up;

    (void) id;

    rc = grid_substrate_call(batch->chain, UPTIME_PALLET, UPTIME_CALL,
                             UPTIME_ARGUMENTS, index);

    if (rc == GRID_FAILED) {
        grid_self_missing(batch->grid, "uptime", "", "the node is shown as "
                          "down: %s", grid_substrate_why(batch->chain));

    } else if (rc == GRID_OK) {
        grid_self_missing(batch->grid, "uptime", "", NULL);
        rc = grid_substrate_now(batch->chain, &now);
    }

    if (rc == GRID_OK) {
        (void) clock_gettime(CLOCK_BOOTTIME, &up);

        grid_uptime_call(call, index, (uint64_t) up.tv_sec, (uint64_t) now);
    }

    return rc;
}


static int
uptime_settle(grid_batch_t *batch, int64_t id, const char *block)
{
    return grid_batch_settle(batch, id, 1, block);
}
