
/*
 * leases: how nodes share the caps of a zone through Redis, which is never
 * asked by a request, may answer late or not at all, and may forget.
 *
 * A hash for each key and window; a field for each node's connection, which
 * says how many units that node has taken in this window, as a whole.  Who
 * declares this way can say it again to a Redis that has lost it, and lose
 * nothing by saying it twice.
 *
 *  1  PREFIX:lease:LEN:ZONE:{KEY}:START:LIFE, NODE.INCARNATION.CONNECTION
 *  2  a part of each cap, cap / (64 * nodes), needs no Redis; the pool is the
 *     rest.  A key below its part never asks.
 *  3  what was granted and is gone is in PATH.lease; see table/lease.h
 *  4  a worker holds first, then reads used, gone, granted; what is low gets
 *     a bit
 *  5  the cap is the one that the table last saw
 *  6  a question, written at once: HSET known + g, HGETALL, EXPIRE, GET
 *     sentinel; g is what goes in four seconds, and at most what is left
 *     for 2 * nodes
 *  7  got = clamp(pool - others - known, 0, g); less than g: HSET known +
 *     got.  Only then workers see it.
 *  8  one question of a key at a time; without an answer the connection ends
 *  9  a new connection is a new field; older ones of this incarnation go
 * 10  another sentinel or run id, or a field of ours that is missing (then the
 *     sentinel is deleted, so that all see it): data was lost.  All declare
 *     again, and nobody is granted anything for three seconds.  Where what is
 *     declared is refused, as there is no room, it was lost again.
 * 11  what is idle is given back: hold, gone, release, then HSET
 * 12  when a cap is lowered, what is not spent is given back, and asked anew
 * 13  of keys that leased something in this window, the next one's is asked
 *     for eight seconds ahead
 * 14  a new PATH.lease, or another boot: a new incarnation.  The old one's
 *     fields stay, and there is no part in this window.
 * 15  Redis is away, or refuses for a second: what is in hand is spent; then
 *     nothing more (closed), one share in a window, of what was left then
 *     (share), or the cap is this node's alone (open)
 *
 * The sum of what nodes may use is never above the cap, whatever Redis
 * forgets while they live.  One that is dead for good, when Redis forgets,
 * takes what it had used with it; two Redis that both say they are the master
 * grant twice.
 *
 * Without nginx: see wire.h.
 */

#ifndef WGW_LEASES_H
#define WGW_LEASES_H


#include "fleet/lease_key.h"

#pragma GCC visibility push(hidden)


#define WGW_LEASES_TICK   50            /* ms */


/* NULL: no memory. */
wgw_leases_t *wgw_leases_create(const wgw_leases_conf_t *conf);
void wgw_leases_free(wgw_leases_t *leases);

/* Every WGW_LEASES_TICK ms, with the number of nodes that live. */
void wgw_leases_tick(wgw_leases_t *leases, uint64_t alive);

/*
 * Why Redis refused something lately: its words, or "" when what was asked for
 * three seconds since was taken.
 */
const char *wgw_leases_refusal(const wgw_leases_t *leases);


#pragma GCC visibility pop

#endif /* WGW_LEASES_H */
