
/*
 * rates: how fast each key counts, from what it had counted at two looks.
 */

#ifndef WGW_CLI_RATES_H
#define WGW_CLI_RATES_H


#include <stddef.h>
#include <stdint.h>

#include <yajl/yajl_tree.h>


typedef struct {
    char      *id;                      /* zone, key and life */
    char      *zone;
    char      *key;

    uint64_t   sent;
    uint64_t   received;
    uint64_t   requests;
    uint64_t   used;                    /* in this window, ... */
    uint64_t   cap;                     /* ... of this; 0: no cap */

    double     out;                     /* bytes a second */
    double     in;
    double     rate;                    /* requests a second */
    unsigned   known;                   /* there were two looks */
} cli_rate_t;


typedef struct {
    cli_rate_t  **keys;                 /* in the order of the last sort */
    size_t        n;
    size_t        room;
    uint32_t     *slots;                /* 1 + an index, or 0 */
    size_t        nslots;
} cli_rates_t;


/*
 * A look begins: what none of its pages says, or says to have counted less, as
 * after a restart that lost it, moves nothing.
 */
void cli_rates_begin(cli_rates_t *rates);

/* What a page of /v1/usage says; `seconds` since the last look, 0: first. */
void cli_rates_look(cli_rates_t *rates, yajl_val page, double seconds);

/* Brings `keys` into an order, as qsort() does. */
void cli_rates_sort(cli_rates_t *rates,
    int (*compare)(const void *one, const void *two));

void cli_rates_free(cli_rates_t *rates);


#endif /* WGW_CLI_RATES_H */
