
#include <string.h>
#include <unistd.h>

#include "grid/desk.h"
#include "grid/options.h"


void
grid_desk_open(grid_desk_t *desk, const grid_t *grid, const char *lost)
{
    memset(desk, 0, sizeof(grid_desk_t));
    desk->grid = grid;

    if (grid_state_open(&desk->state, grid->options->state, 0) != GRID_OK) {
        grid_desk_fault(lost);
    }

    desk->chain = grid_chain_open(grid->options);
    desk->gateway = desk->chain ? grid_gateway_open(grid->options) : NULL;

    if (desk->gateway == NULL) {
        grid_desk_fault(lost);
    }
}


void
grid_desk_fault(const char *lost)
{
    grid_log(GRID_ERR, "%s", lost);
    _exit(GRID_FAILED);
}


void
grid_desk_close(grid_desk_t *desk)
{
    grid_gateway_close(desk->gateway);
    grid_chain_close(desk->chain);
    grid_state_close(&desk->state);
}
