
/*
 * cells: a process' memory for things of one size, of which it may have many,
 * each on lines of the processor's cache of its own.
 *
 * What is spread over megabytes costs a miss of the TLB whenever it is come
 * to, and on a virtual machine two tables are walked for it.  So memory is
 * taken in blocks that fit large pages, which the kernel is asked for from
 * the second block on; of the first one only what is used is taken.  Blocks
 * are kept; cells that were given back are taken again, the last one first.
 */

#ifndef WGW_CELLS_H
#define WGW_CELLS_H


#include <stddef.h>

#pragma GCC visibility push(hidden)


#define WGW_CELLS_LINE   64
#define WGW_CELLS_BLOCK  ((size_t) 2 << 20)


/* All zero at first but for the size, a multiple of a line. */
typedef struct {
    size_t       size;
    void        *spare;
    char        *next;                  /* of the newest block, */
    size_t       left;                  /* and bytes of it */
    unsigned     blocks;
} wgw_cells_t;


/* NULL, and errno, without memory. */
void *wgw_cells_take(wgw_cells_t *cells);

void wgw_cells_give(wgw_cells_t *cells, void *cell);


#pragma GCC visibility pop

#endif /* WGW_CELLS_H */
