
/*
 * members: how many nodes of the fleet live, without a clock that they would
 * have to agree about.
 *
 * A hash, PREFIX:nodes, has a field for each node, which changes its value
 * every two seconds.  Whose value has not changed for ten seconds, by the
 * watch of who looks, is not counted; after an hour its field is taken away.
 * While Redis is away they are as many as there were, and so they are while it
 * does not take what we say of ourselves; and as it may have lost the hash
 * meanwhile, they are not fewer for ten seconds after that.
 * Without nginx: see wire.h.
 */

#ifndef WGW_MEMBERS_H
#define WGW_MEMBERS_H


#include "fleet/wire.h"

#pragma GCC visibility push(hidden)


#define WGW_MEMBERS_MAX   1024
#define WGW_MEMBERS_NAME  64
#define WGW_MEMBERS_BEAT  2000          /* ms */
#define WGW_MEMBERS_LATE  10000
#define WGW_MEMBERS_GONE  3600000


typedef struct {
    char           name[WGW_MEMBERS_NAME];
    size_t         len;
    uint64_t       value;
    uint64_t       changed;             /* ms */
    unsigned       seen:1;
} wgw_member_t;


typedef struct {
    wgw_wire_t    *wire;
    wgw_text_t     prefix;
    wgw_text_t     node;
    uint64_t       value;               /* ours, which grows */
    uint64_t       asked;               /* ms */
    uint64_t       heard;               /* ms: it last answered ... */
    uint64_t       since;               /* ... without a pause since then */
    uint64_t       spoken;              /* ms: what we said was read */
    uint64_t       alive;               /* at least 1 */
    uint64_t       doubles;             /* times another had our name */
    unsigned       busy:1;
    unsigned       told:1;              /* `alive` is what Redis said */
    unsigned       n;
    wgw_member_t   members[WGW_MEMBERS_MAX];
} wgw_members_t;


/*
 * Of zeroed memory; `value` is at random, `alive` what an agent before has
 * counted, or 0.
 */
void wgw_members_init(wgw_members_t *members, wgw_wire_t *wire,
    wgw_text_t prefix, wgw_text_t node, uint64_t value, uint64_t alive);

/* As often as one likes. */
void wgw_members_tick(wgw_members_t *members);


#pragma GCC visibility pop

#endif /* WGW_MEMBERS_H */
