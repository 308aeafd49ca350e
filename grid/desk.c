
#include <string.h>

#include "grid/desk.h"
#include "grid/options.h"


int
grid_desk_open(grid_desk_t *desk, const grid_t *grid)
{
    memset(desk, 0, sizeof(grid_desk_t));
    desk->grid = grid;

    if (grid_state_open(&desk->state, grid->options->state, 0) != GRID_OK) {
        return GRID_FAILED;
    }

    desk->chain = grid_chain_open(grid->options);
    desk->gateway = desk->chain ? grid_gateway_open(grid->options) : NULL;

    return desk->gateway ? GRID_OK : GRID_FAILED;
}


void
grid_desk_close(grid_desk_t *desk)
{
    if (desk->gateway) {
        grid_gateway_close(desk->gateway);
    }

    if (desk->chain) {
        grid_chain_close(desk->chain);
    }

    grid_state_close(&desk->state);
}
