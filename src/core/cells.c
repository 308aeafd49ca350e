
/* MAP_ANONYMOUS, madvise() */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/cells.h"


#if (NGX_DEBUG_PALLOC)

/* each is known to who looks for what is used wrong */

void *
wgw_cells_take(wgw_cells_t *cells)
{
    return aligned_alloc(WGW_CELLS_LINE, cells->size);
}


void
wgw_cells_give(wgw_cells_t *cells, void *cell)
{
    (void) cells;

    free(cell);
}

#else

static int cells_block(wgw_cells_t *cells);


void *
wgw_cells_take(wgw_cells_t *cells)
{
    void  *cell;

    cell = cells->spare;

    if (cell) {
        cells->spare = *(void **) cell;
        return cell;
    }

    if (cells->left < cells->size && cells_block(cells) != 0) {
        return NULL;
    }

    cell = cells->next;

    cells->next += cells->size;
    cells->left -= cells->size;

    return cell;
}


void
wgw_cells_give(wgw_cells_t *cells, void *cell)
{
    *(void **) cell = cells->spare;
    cells->spare = cell;
}


/* Twice as much is mapped, and what is beside the large page given back. */

static int
cells_block(wgw_cells_t *cells)
{
    char    *map;
    size_t   before;

    map = mmap(NULL, 2 * WGW_CELLS_BLOCK, PROT_READ|PROT_WRITE,
               MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

    if (map == MAP_FAILED) {
        return -1;
    }

    before = -(uintptr_t) map % WGW_CELLS_BLOCK;

    cells->next = map + before;
    cells->left = WGW_CELLS_BLOCK;

    if (before) {
        (void) munmap(map, before);
    }

    (void) munmap(cells->next + WGW_CELLS_BLOCK, WGW_CELLS_BLOCK - before);

#ifdef MADV_HUGEPAGE

    if (cells->blocks) {
        (void) madvise(cells->next, WGW_CELLS_BLOCK, MADV_HUGEPAGE);
    }

#endif

    cells->blocks++;

    return 0;
}

#endif
