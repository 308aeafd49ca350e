
/*
 * self: who this gateway is on the grid, and what is missing.
 *
 * Found out at the start and again each minute, see look.h, from the options
 * and the chain; kept in the state, so that a start without a chain
 * goes on as what it was.  Only a contradiction ends the start: a farm of
 * another twin.  All else is missing: told once, shown by `wgw-grid status`
 * with its cure, and looked at again until it is there.
 */

#ifndef WGW_GRID_SELF_H
#define WGW_GRID_SELF_H


#include "grid/facts.h"
#include "grid/options.h"
#include "grid/state.h"


#define GRID_MISSING      16
#define GRID_SELF_LIST    (GRID_ADDRESSES * (WGW_ADDR_TEXT + 2))
#define GRID_SELF_RECORD  (WGW_ADDR_TEXT + 6)


/* One of a topic: "chain", "redis", "node". */
typedef struct {
    char              topic[16];
    char              what[256];
    char              cure[512];        /* a command, or a DNS record */
} grid_missing_t;


typedef struct {
    grid_kind_t       kind;             /* of the account */
    char              address[GRID_ADDRESS];
    uint32_t          farm;
    uint32_t          twin;             /* 0 where it is not known */
    uint32_t          node;             /* ... or is none */
    char              domain[GRID_DOMAIN + 1];
    wgw_addr_t        addresses[GRID_ADDRESSES];
    size_t            naddresses;
    uint64_t          balance;          /* of the account, 10^-7 TFT */
    int64_t           kept;             /* when a daemon kept it */

    grid_missing_t    missing[GRID_MISSING];
    size_t            nmissing;
} grid_self_t;


extern const grid_schema_t  grid_self_schema;


grid_selves_t *grid_selves_make(void);
void grid_selves_free(grid_selves_t *selves);

/* A copy of what is known now. */
void grid_self_get(const grid_t *grid, grid_self_t *self);

/* Says that something is missing, or, with `what` NULL, is not any more. */
void grid_self_missing(const grid_t *grid, const char *topic,
    const char *cure, const char *what, ...)
    __attribute__((format(printf, 4, 5)));

/* 1 when something of that topic is missing. */
int grid_self_misses(const grid_self_t *self, const char *topic);

/* What is kept in the state, of the same farm and account. */
void grid_self_load(const grid_t *grid, grid_state_t *state);

/* What was found out, but for what is missing; and all of it, to the state. */
void grid_self_put(const grid_t *grid, const grid_self_t *self);
void grid_self_keep(const grid_t *grid, grid_state_t *state);

/* 1 when what is missing is another thing than was kept. */
int grid_self_news(const grid_t *grid);

/* Of `wgw-grid status`: what a daemon kept. */
void grid_self_read(grid_self_t *self, grid_state_t *state);

/* 1 when an address is one of ours. */
int grid_self_has(const grid_self_t *self, const wgw_addr_t *address);

/* Its addresses, terminated, with " " or ", " between them. */
void grid_self_list(const grid_self_t *self, const char *between,
    char list[GRID_SELF_LIST]);

/* What a DNS record says that leads here: "A 203.0.113.10", of the first. */
void grid_self_record(const grid_self_t *self, char record[GRID_SELF_RECORD]);


#endif /* WGW_GRID_SELF_H */
