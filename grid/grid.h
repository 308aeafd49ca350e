
/*
 * grid: what all of the daemon `wgw-grid` shares: how something is told, and
 * the pieces that its threads are given.
 *
 * Threads, since what it does waits for others: Redis, the chain, DNS, the
 * gateway.  Each thread is a noun's own (rmb, deployments, bills) and has its
 * own handles: grid_state_t, grid_chain_t, grid_gateway_t are never shared.
 * What is shared is below, and does not change after the start, but for
 * `self`, of which a thread takes a copy (grid_self_get), and `stop`.
 *
 * What is told is one line on stderr.  A secret is in no line, no argument,
 * no core (the process makes none) and no state.
 */

#ifndef WGW_GRID_H
#define WGW_GRID_H


#include <stddef.h>
#include <stdint.h>


#define GRID_OK       0
#define GRID_FAILED   1     /* refused, or it did not work */
#define GRID_USAGE    2     /* the command line is wrong */
#define GRID_AWAY     3     /* who is asked does not answer: try again */
#define GRID_NONE     4     /* there is no such thing */

#define GRID_STATE    "/var/lib/wgw/grid"
#define GRID_ADMIN    "unix:/run/wgw/admin.sock"
#define GRID_REDIS    "redis://127.0.0.1:6379"

#define grid_count(array)  (sizeof(array) / sizeof((array)[0]))


/* as of syslog, which journald understands */
typedef enum {
    GRID_ERR = 3,
    GRID_WARN = 4,
    GRID_NOTE = 6
} grid_level_t;


typedef struct grid_options_s   grid_options_t;
typedef struct grid_identity_s  grid_identity_t;
typedef struct grid_selves_s    grid_selves_t;


/* What each thread is given. */
typedef struct {
    const grid_options_t   *options;
    const grid_identity_t  *identity;
    grid_selves_t          *selves;     /* who we are: self.h */
    int                     stop;       /* a descriptor: readable at the end */
} grid_t;


void grid_log(grid_level_t level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same as GRID_ERR; returns `code`. */
int grid_fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Rests, and returns 1 when the daemon is to end.  Nothing waits longer than
 * a second without asking: grid_ends(grid) is grid_rest(grid, 0).
 */
int grid_rest(const grid_t *grid, unsigned milliseconds);
int grid_ends(const grid_t *grid);

/* Terminated, cut where it does not fit. */
void grid_put(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));


#endif /* WGW_GRID_H */
