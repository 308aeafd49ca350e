
/*
 * The largest numbers against a whole sort.
 */

#include <stdlib.h>

#include "t/unit/tap.h"
#include "meter/top.h"


#define MAX  3000


static wgw_top_item_t  all[MAX], items[MAX];


static int
compare(const void *one, const void *two)
{
    const wgw_top_item_t  *a = one, *b = two;

    if (a->value != b->value) {
        return a->value < b->value ? 1 : -1;
    }

    return a->id > b->id ? 1 : -1;
}


/* How many differ, of `max` from `n` numbers below `below`. */

static size_t
run(size_t n, size_t max, unsigned below)
{
    size_t     i, bad;
    wgw_top_t  top = { items, 0, max };

    for (i = 0; i < n; i++) {
        all[i].value = (uint64_t) rand() % below;
        all[i].id = i;
        wgw_top_push(&top, all[i].value, i);
    }

    wgw_top_sort(&top);
    qsort(all, n, sizeof(all[0]), compare);

    bad = top.n != (n < max ? n : max);

    for (i = 0; i < top.n; i++) {
        bad += all[i].value != items[i].value || all[i].id != items[i].id;
    }

    return bad;
}


int
main(void)
{
    size_t    n, max, bad;
    unsigned  below;

    srand(1);
    bad = 0;

    for (n = 0; n < 40; n++) {
        for (max = 1; max < 42; max++) {
            for (below = 1; below < 60; below += 29) {
                bad += run(n, max, below);
            }
        }
    }

    ok(bad == 0, "few numbers, many of them equal");
    ok(run(MAX, 100, 1000000) == 0, "many");
    ok(run(MAX, MAX, 1000) == 0, "all");

    return done();
}
