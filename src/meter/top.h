
/*
 * top: the largest of many numbers, kept in a heap of as many as are wanted.
 */

#ifndef WGW_TOP_H
#define WGW_TOP_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


typedef struct {
    uint64_t         value;
    uint64_t         id;        /* whose it is */
} wgw_top_item_t;


/* The caller sets items, room for `max` (at least 1), and n = 0. */
typedef struct {
    wgw_top_item_t  *items;
    size_t           n;
    size_t           max;
} wgw_top_t;


/* Keeps an item if it is among the largest; of equal ones, the first. */
void wgw_top_push(wgw_top_t *top, uint64_t value, uint64_t id);

/* Puts them in order, the largest first, equal ones by id; then no push. */
void wgw_top_sort(wgw_top_t *top);


#pragma GCC visibility pop

#endif /* WGW_TOP_H */
