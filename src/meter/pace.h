
/*
 * pace: the rates of bytes that a flow moves under.
 *
 * Bytes are taken from all rates of a direction before they move.  When there
 * are none, a flow takes a piece of what is still to come, which is its turn,
 * and waits for that: the connections of a key go one after another, a piece
 * each, nobody overtakes, and nobody wakes up in vain.  What was taken and
 * did not move is given back.
 *
 * A direction is WGW_COUNT_SENT or WGW_COUNT_RECEIVED.  One that is not in
 * `count` must not be asked for.
 */

#ifndef WGW_PACE_H
#define WGW_PACE_H


#include <ngx_config.h>
#include <ngx_core.h>

#include "meter/rate.h"

#pragma GCC visibility push(hidden)


typedef struct {
    wgw_rate_conf_t     *rate;
    wgw_expiring_key_t   entry;
} wgw_pace_t;


/* The caller sets log and log_level; zeroes the rest. */
typedef struct {
    wgw_pace_t          *elts;
    ngx_uint_t           n;

    ngx_log_t           *log;
    ngx_uint_t           log_level;

    size_t               piece;     /* of the slowest */

    struct {
        size_t           bytes;     /* taken, and not moved yet */
        uint64_t         due;       /* they may move from then on */
    } turns[2];

    unsigned             count:2;   /* directions that have rates */
    unsigned             dry:1;     /* some have `dry_run` */
    unsigned             logged:1;
} wgw_paces_t;


/* The byte rates of `rates`, with their keys.  NGX_OK, or NGX_ERROR. */
ngx_int_t wgw_paces_open(wgw_paces_t *paces, ngx_pool_t *pool,
    ngx_array_t *rates, wgw_rate_key_pt key, void *data);

/*
 * Returns how many of `want` bytes may move now, `least` or more; or 0 and
 * how long to wait, after which it is to be asked again.
 */
size_t wgw_paces_take(wgw_paces_t *paces, int count, size_t least,
    size_t want, ngx_msec_t *wait);

/*
 * So many moved.  More than were taken, or without being asked for, are a
 * debt of those who come next, of a second at most.
 */
void wgw_paces_moved(wgw_paces_t *paces, int count, size_t bytes);

/* Gives back what is taken beyond so many bytes. */
void wgw_paces_keep(wgw_paces_t *paces, int count, size_t bytes);


#pragma GCC visibility pop

#endif /* WGW_PACE_H */
