
/*
 * quota: how often one may sign in, and how many keys one may have, in a
 * table of rates (gcra.h) that all workers share.
 *
 * A source is an IPv4 address or an IPv6 /64; one that says an IPv4 address
 * within IPv6, in any of the ways there are, is that address.
 *
 * A wallet has a number of places.  Each key takes one, until it and the
 * message that it was for have ended, revoked or not: that long they need
 * room in the table of tokens.  So nobody has more keys at once than places,
 * and more than twice as many notes.
 *
 * Times are nanoseconds of a clock that does not step back.
 */

#ifndef WGW_QUOTA_H
#define WGW_QUOTA_H


#include "table/expiring.h"

#pragma GCC visibility push(hidden)


#define WGW_QUOTA_ADDRESS  20           /* bytes of a wallet's */
#define WGW_QUOTA_KEYS     10000        /* places of one, at most */


/*
 * 1 when one more may sign in, of `rate` a minute, a minute's at once; else
 * 0, and the seconds to wait.  `address` has 4 or 16 bytes, or none.
 */
int wgw_quota_source(wgw_expiring_t *rates, const uint8_t *address,
    size_t len, uint64_t rate, uint64_t now, int64_t *wait);
int wgw_quota_wallet(wgw_expiring_t *rates,
    const uint8_t address[WGW_QUOTA_ADDRESS], uint64_t rate, uint64_t now,
    int64_t *wait);

/*
 * Takes one of a wallet's `keys` places for so many seconds (a year at most):
 * 1 and which it is, or 0 and the seconds until one is free.
 */
int wgw_quota_take(wgw_expiring_t *rates,
    const uint8_t address[WGW_QUOTA_ADDRESS], uint32_t keys, int64_t seconds,
    uint64_t now, uint32_t *place, int64_t *wait);

/* Gives back what nothing came of. */
void wgw_quota_give(wgw_expiring_t *rates,
    const uint8_t address[WGW_QUOTA_ADDRESS], uint32_t place,
    int64_t seconds);


#pragma GCC visibility pop

#endif /* WGW_QUOTA_H */
