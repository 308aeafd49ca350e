
/*
 * options: the command line, as a table.
 *
 *     wgw-grid [--name VALUE | --name=VALUE ...] [COMMAND]
 *
 * Two options are enough; all else is read from the chain or has a default.
 */

#ifndef WGW_GRID_OPTIONS_H
#define WGW_GRID_OPTIONS_H


#include <stdio.h>

#include "format/addr.h"
#include "grid/grid.h"


#define GRID_RECHECK  3600              /* seconds */
#define GRID_LIST     16                /* of an option that may be repeated */


typedef struct {
    const char    *items[GRID_LIST];
    size_t         n;
} grid_list_t;


/* NULL or 0 when it was not said and has no default. */
struct grid_options_s {
    const char    *farm_text;
    const char    *mnemonic_file;
    const char    *key;                 /* "sr25519", "ed25519" */
    const char    *network;
    grid_list_t    chain;               /* URLs, instead of the network's */
    const char    *chain_file;
    const char    *dns_file;
    const char    *redis;
    const char    *admin;
    const char    *state;
    const char    *node_text;
    const char    *domain;
    grid_list_t    address;
    const char    *zone;                /* of hourly windows */
    const char    *recheck_text;
    const char    *price_text;
    const char    *json;
    const char    *metrics;
    const char    *yes;                 /* of register: no question, ... */
    const char    *ip4;                 /* ... what it writes: */
    const char    *gw4;
    const char    *ip6;
    const char    *gw6;
    const char    *city;
    const char    *country;
    const char    *latitude;
    const char    *longitude;
    const char    *month;
    const char    *help;
    const char    *version;

    uint32_t       farm;                /* as numbers */
    uint32_t       node;
    uint32_t       recheck;             /* seconds */
    uint64_t       price;               /* 1/1000 mUSD a GB */
    const char    *command;             /* "" for the daemon */
};


/* Reads and judges them.  GRID_OK, or GRID_USAGE and it was told. */
int grid_options_read(grid_options_t *options, int argc, char **argv);

void grid_options_help(FILE *file);


#endif /* WGW_GRID_OPTIONS_H */
