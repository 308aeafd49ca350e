
/*
 * desk: what workers have the agent do with Redis, in memory that they share:
 * a worker leaves a sheet, and looks at it again; it never waits for Redis,
 * but what it has to answer may wait for the sheet, for a second at most.
 *
 *     take    a name is the first one's who brings it, of all machines, for
 *             so many seconds: SET PREFIX:taken:NAME NODE EX seconds NX
 *     say     a text goes to all machines, also to those that are away now:
 *             XADD PREFIX:said; each reads it all again when it starts
 *     pass    a text goes to all machines that are there: XADD PREFIX:passed,
 *             of which little is kept, so that it takes no room from the other
 *
 * A sheet of a worker that was killed is another's after five seconds; what is
 * to be said or passed stays until it was.
 */

#ifndef WGW_DESK_H
#define WGW_DESK_H


#include "fleet/fleet_conf.h"
#include "fleet/witness.h"

#pragma GCC visibility push(hidden)


#define WGW_DESK_SHEETS  256
#define WGW_DESK_TEXT    448
#define WGW_DESK_WAIT    1000           /* ms */
#define WGW_DESK_STALE   5000
#define WGW_DESK_SILENT  2000
#define WGW_DESK_STREAMS 2              /* said, passed */


typedef struct {
    uint64_t             word;          /* its number and state, see desk.c */
    uint64_t             stamp;         /* ms */
    uint64_t             seconds;
    uint32_t             kind;
    uint32_t             answer;
    uint32_t             len;
    char                 text[WGW_DESK_TEXT];
} wgw_desk_sheet_t;


typedef struct {
    wgw_lease_header_t   seen;          /* for the witness */
    uint64_t             caught[WGW_DESK_STREAMS];  /* ms: all that was said
                                                       is known */
    int64_t              lost;          /* seconds: what was taken before
                                           that may be forgotten */
    wgw_desk_sheet_t     sheets[WGW_DESK_SHEETS];
} wgw_desk_t;


/* NGX_OK, it is ours, NGX_DECLINED, another's, or NGX_ERROR, nobody knows. */
typedef void (*wgw_desk_done_pt)(void *data, ngx_int_t rc);

/*
 * What others, or this machine, have said or passed; `old`: before all of it
 * was known, that is when the agent, or this machine, was away.
 */
typedef void (*wgw_desk_heard_pt)(void *data, wgw_text_t text,
    ngx_uint_t old);


/* Zeroed memory; NULL, logged. */
wgw_desk_t *wgw_desk_create(ngx_conf_t *cf);

/* In init_conf: the agent looks at it.  NGX_ERROR: no memory. */
ngx_int_t wgw_desk_serve(ngx_cycle_t *cycle, wgw_fleet_t *fleet,
    wgw_desk_t *desk, wgw_desk_heard_pt heard, void *data);


/* In a worker: done() is called once, later; NULL: there is no sheet. */
void *wgw_desk_take(void *desk, ngx_str_t *name, uint64_t seconds,
    wgw_desk_done_pt done, void *ctx);

/* done() is not called any more. */
void wgw_desk_forget(void *wait);

/* NGX_OK, or NGX_ERROR: there is no sheet. */
ngx_int_t wgw_desk_say(void *desk, ngx_str_t *text);
ngx_int_t wgw_desk_pass(void *desk, ngx_str_t *text);

/* 1 until all that was said is known. */
ngx_uint_t wgw_desk_behind(void *desk);

/* 1 when what is passed is not heard now. */
ngx_uint_t wgw_desk_silent(void *desk);

int64_t wgw_desk_lost(void *desk);


/* Of the part itself. */

#define WGW_DESK_FREE      0
#define WGW_DESK_WRITING   1
#define WGW_DESK_POSTED    2
#define WGW_DESK_ASKED     3
#define WGW_DESK_ANSWERED  4
#define WGW_DESK_STATE     7            /* the rest is its number */

#define WGW_DESK_TAKE      0
#define WGW_DESK_SAY       1            /* less one: its stream */
#define WGW_DESK_PASS      2


#pragma GCC visibility pop

#endif /* WGW_DESK_H */
