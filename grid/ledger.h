
/*
 * ledger: what was told to the chain, for people and programs: the commands
 * `wgw-grid bills` and the figures of `wgw-grid status`.  They read the state
 * beside the daemon, which need not run.
 */

#ifndef WGW_GRID_LEDGER_H
#define WGW_GRID_LEDGER_H


#include "grid/options.h"
#include "grid/state.h"


#define GRID_LEDGER_TIME  24


/* Of one month, or since ever. */
typedef struct {
    uint64_t  reports;                  /* that are final */
    uint64_t  bytes;                    /* in them */
    uint64_t  waiting;                  /* that are not final yet */
    uint64_t  waiting_bytes;
    uint64_t  lost;                     /* that nobody pays: no such contract */
    uint64_t  lost_bytes;
    uint64_t  nobody_bytes;             /* of unknown hosts: reported never */
    uint64_t  billed;                   /* by service contracts, mUSD */
    int64_t   last;                     /* the newest hour that is final */
} grid_ledger_t;


/* `wgw-grid bills` */
int grid_ledger_list(const grid_options_t *options);

/* Seconds since 1970: hours from `from` on, before `to`. */
void grid_ledger_sum(grid_state_t *state, int64_t from, int64_t to,
    grid_ledger_t *ledger);

/* "2026-11-27T16:00:00Z", terminated. */
void grid_ledger_time(char text[GRID_LEDGER_TIME], int64_t seconds);

/* The first second of a month, "2026-11", and of the next; 0 or -1. */
int grid_ledger_month(const char *month, int64_t *from, int64_t *to);


#endif /* WGW_GRID_LEDGER_H */
