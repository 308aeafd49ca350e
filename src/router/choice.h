
/*
 * choice: which provider a request goes to.
 *
 * The best class that has one: healthy, unknown, warning, and at last
 * unhealthy, since there nothing is lost any more; in it the lowest priority;
 * among these by chance and weight or, for a request with a session id, the
 * one with the highest hash: the same id goes to the same provider as long as
 * that is there, and to whom it goes otherwise is spread as weights are.
 */

#ifndef WGW_CHOICE_H
#define WGW_CHOICE_H


#include "crypto/hash.h"
#include "router/standing.h"

#pragma GCC visibility push(hidden)


#define WGW_CHOICE_WEIGHT    100
#define WGW_CHOICE_PRIORITY  8


typedef struct {
    uint64_t         hash;          /* of its name: the same over reloads */
    unsigned         weight;        /* 1 to WGW_CHOICE_WEIGHT */
    unsigned         priority;      /* 0 to WGW_CHOICE_PRIORITY */
    wgw_standing_t   standing;
    unsigned         out;           /* 1: not to be chosen */
} wgw_choice_t;


/* A number that is the same for the same text in all processes. */
uint64_t wgw_choice_hash(const void *data, size_t len);

/*
 * Which of n, or n when there is none.  `chance` is random; with `session`,
 * the hash of a session id, it is not looked at.
 */
size_t wgw_choice(const wgw_choice_t *choices, size_t n, uint32_t chance,
    const uint64_t *session);


#pragma GCC visibility pop

#endif /* WGW_CHOICE_H */
