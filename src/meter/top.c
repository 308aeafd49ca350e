
#include "meter/top.h"


static int wgw_top_less(const wgw_top_item_t *a, const wgw_top_item_t *b);
static void wgw_top_down(wgw_top_t *top, size_t at, size_t n);


void
wgw_top_push(wgw_top_t *top, uint64_t value, uint64_t id)
{
    size_t          i, up;
    wgw_top_item_t  item;

    item.value = value;
    item.id = id;

    if (top->n == top->max) {

        if (wgw_top_less(&top->items[0], &item)) {
            top->items[0] = item;
            wgw_top_down(top, 0, top->n);
        }

        return;
    }

    for (i = top->n++; i; i = up) {
        up = (i - 1) / 2;

        if (!wgw_top_less(&item, &top->items[up])) {
            break;
        }

        top->items[i] = top->items[up];
    }

    top->items[i] = item;
}


void
wgw_top_sort(wgw_top_t *top)
{
    size_t          n;
    wgw_top_item_t  least;

    for (n = top->n; n > 1; n--) {
        least = top->items[0];
        top->items[0] = top->items[n - 1];
        top->items[n - 1] = least;

        wgw_top_down(top, 0, n - 1);
    }
}


static int
wgw_top_less(const wgw_top_item_t *a, const wgw_top_item_t *b)
{
    return a->value < b->value || (a->value == b->value && a->id > b->id);
}


/* The least of all is at 0, and of each pair above the two below it. */

static void
wgw_top_down(wgw_top_t *top, size_t at, size_t n)
{
    size_t          below;
    wgw_top_item_t  item;

    item = top->items[at];

    for ( ;; ) {
        below = 2 * at + 1;

        if (below >= n) {
            break;
        }

        if (below + 1 < n
            && wgw_top_less(&top->items[below + 1], &top->items[below]))
        {
            below++;
        }

        if (!wgw_top_less(&top->items[below], &item)) {
            break;
        }

        top->items[at] = top->items[below];
        at = below;
    }

    top->items[at] = item;
}
