
/*
 * standing: what is thought of a provider, in one word that all workers
 * share and change by compare-and-swap.
 *
 * Healthy, warning (it answers, but lags behind, or asked for less), and
 * unhealthy; unknown, before anything was heard of it.  `fall` bad answers
 * in a row, of checks or of requests, make it unhealthy, `rise` good ones of
 * checks healthy again; the first answer of all decides at once.
 *
 * And what heights say.  The nodes of one chain differ by a few blocks.
 * The 75th percentile is believed: who is farther than `jump` from it, ahead
 * or behind, is an outlier and unhealthy; who is more than `lag` behind the
 * best of the others gets a warning.  Of two that differ, the higher one is
 * believed, which finds the one that stands still.
 */

#ifndef WGW_STANDING_H
#define WGW_STANDING_H


#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)


typedef enum {
    WGW_STANDING_UNKNOWN = 0,
    WGW_STANDING_HEALTHY,
    WGW_STANDING_WARNING,
    WGW_STANDING_UNHEALTHY
} wgw_standing_t;


/* Why; the words are for people and metrics. */
typedef enum {
    WGW_STANDING_FINE = 0,
    WGW_STANDING_LAG,               /* "lag" */
    WGW_STANDING_OUTLIER,           /* "outlier" */
    WGW_STANDING_CONNECT,           /* "connect": or broken off */
    WGW_STANDING_TIMEOUT,           /* "timeout" */
    WGW_STANDING_STATUS,            /* "status": 400 and above */
    WGW_STANDING_BUSY,              /* "busy": 429 */
    WGW_STANDING_ANSWER,            /* "answer": not a height */
    WGW_STANDING_SESSION,           /* "session": none to be had */
    WGW_STANDING_RESOLVE            /* "resolve": its name has no address */
} wgw_standing_why_t;


typedef struct {
    uint32_t     rise;
    uint32_t     fall;
} wgw_standing_conf_t;


wgw_standing_t wgw_standing_class(uint64_t word);
wgw_standing_why_t wgw_standing_why(uint64_t word);
uint32_t wgw_standing_since(uint64_t word);

const char *wgw_standing_word(wgw_standing_t standing);
const char *wgw_standing_reason(wgw_standing_why_t why);

/*
 * A check was answered well, with a warning unless `why` is FINE; or a check
 * or a request was not.  `now` is in seconds, of any clock.
 */
void wgw_standing_good(uint64_t *word, const wgw_standing_conf_t *conf,
    wgw_standing_why_t why, uint32_t now);
void wgw_standing_bad(uint64_t *word, const wgw_standing_conf_t *conf,
    wgw_standing_why_t why, uint32_t now);

/* A request was answered well: costs one load, mostly. */
void wgw_standing_served(uint64_t *word);

/* Forgets: nobody checks, and some time has passed. */
void wgw_standing_forget(uint64_t *word, uint32_t now);

/*
 * Judges heights: `why[i]` becomes FINE, LAG or OUTLIER.  `sorted` is room
 * for n more.
 */
void wgw_standing_judge(const uint64_t *heights, size_t n, uint64_t *sorted,
    uint64_t lag, uint64_t jump, wgw_standing_why_t *why);


#pragma GCC visibility pop

#endif /* WGW_STANDING_H */
