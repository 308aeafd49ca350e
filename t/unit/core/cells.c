
/*
 * Cells: each on lines of its own, none of them taken twice, over more blocks
 * than one; what was given back is taken again.
 */

#include <stdint.h>
#include <string.h>

#include "t/unit/tap.h"
#include "core/cells.h"


#define SIZE   (6 * WGW_CELLS_LINE)
#define CELLS  (3 * (unsigned) (WGW_CELLS_BLOCK / SIZE))


static wgw_cells_t   cells = { .size = SIZE };
static char         *taken[CELLS];


static void
fill(unsigned from, unsigned to)
{
    unsigned  i;

    for (i = from; i < to; i++) {
        memset(taken[i], (int) (i % 251), SIZE);
    }
}


/* How many are what was written into them, and into no other. */

static unsigned
whole(void)
{
    unsigned  i, n;

    for (i = 0, n = 0; i < CELLS; i++) {
        n += taken[i][0] == (char) (i % 251)
             && memcmp(taken[i], taken[i] + 1, SIZE - 1) == 0;
    }

    return n;
}


int
main(void)
{
    char      *first, *second;
    unsigned   i, lines;

    for (i = 0, lines = 0; i < CELLS; i++) {
        taken[i] = wgw_cells_take(&cells);

        if (taken[i] == NULL) {
            break;
        }

        lines += (uintptr_t) taken[i] % WGW_CELLS_LINE == 0;
    }

    ok(i == CELLS, "all are taken");
    ok(lines == CELLS, "each begins with a line");

    fill(0, CELLS);
    ok(whole() == CELLS, "none is part of another");

    first = taken[7];
    second = taken[CELLS - 7];

    wgw_cells_give(&cells, first);
    wgw_cells_give(&cells, second);

    taken[7] = wgw_cells_take(&cells);
    taken[CELLS - 7] = wgw_cells_take(&cells);

    ok(taken[7] == second && taken[CELLS - 7] == first,
           "who was given back last is taken first");

    fill(7, 8);
    fill(CELLS - 7, CELLS - 6);
    ok(whole() == CELLS, "and is whole");

    return done();
}
