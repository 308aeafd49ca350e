
/*
 * board: the last thing that was put up, for a process and its children.
 *
 * Each reads the same file by itself; what it was before it turned bad is
 * known only to those that looked at the right time.  They put it up here.
 *
 * Memory that is shared over fork(): two places, of which one is up while the
 * other is written.  There is no lock that a killed process could keep: what
 * is up has a digest, and is passed over where that is wrong.  Of two that put
 * something up at once either may be the later.
 */

#ifndef WGW_BOARD_H
#define WGW_BOARD_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


typedef struct wgw_board_s  wgw_board_t;


/* For things of up to `max` bytes; NULL and errno. */
wgw_board_t *wgw_board_create(size_t max);

/* In this process only; NULL is no board. */
void wgw_board_destroy(wgw_board_t *board);

/* What tells a thing from others; never 0. */
uint64_t wgw_board_digest(const void *data, size_t len);

/* Puts a thing up, unless it is; of more than `max` bytes nothing is. */
void wgw_board_put(wgw_board_t *board, const void *data, size_t len,
    uint64_t digest);

/*
 * 1 when what is up is not of that digest: then a copy, to be freed with
 * free().  Else 0, also where nothing is up, or there is no memory.
 */
int wgw_board_other(wgw_board_t *board, uint64_t digest, void **data,
    size_t *len, uint64_t *other);


#pragma GCC visibility pop

#endif /* WGW_BOARD_H */
