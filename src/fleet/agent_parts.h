
/*
 * agent_parts: what the parts of the agent know of each other: the hosts, and
 * the map of a cluster.
 */

#ifndef WGW_AGENT_PARTS_H
#define WGW_AGENT_PARTS_H


#include "fleet/link.h"
#include "fleet/shards.h"

#pragma GCC visibility push(hidden)


/* the first is that of the hosts; in a cluster it only asks for the map */
#define AGENT_LINKS     128
#define AGENT_CONTROL   0
#define AGENT_NOBODY    AGENT_LINKS


typedef struct {
    wgw_link_t     link;
    ngx_msec_t     next;            /* when it is opened again */
    ngx_uint_t     fails;           /* one after another */
    unsigned       used:1;
    unsigned       told:1;          /* that it cannot be reached */
    unsigned       named:1;         /* in the map that is being read */
} agent_end_t;


typedef struct {
    wgw_wire_t     wire;
    wgw_fleet_t   *fleet;
    ngx_event_t    timer;
    ngx_uint_t     host;            /* which is tried */
    ngx_uint_t     failed;          /* hosts, since one was good */
    ngx_msec_t     mapped;          /* when the map was asked for */
    unsigned       cluster:1;
    unsigned       asking:1;        /* for the map */
    unsigned       stale:1;
    unsigned       sentinel:1;      /* the link is to one, not to its master */
    unsigned       named:1;         /* one has named the master */
    uint8_t        owner[WGW_SLOTS_ALL];
    uint64_t       since[WGW_SLOTS_ALL];
    uint16_t       home[AGENT_LINKS];       /* the first slot it has */
    agent_end_t    ends[AGENT_LINKS];
} agent_t;


/* A link that has no host yet. */
ngx_int_t wgw_agent_init_end(agent_t *agent, agent_end_t *end);

void wgw_agent_give(agent_t *agent, uint16_t first, uint16_t last,
    ngx_uint_t to);
void wgw_agent_ask_map(agent_t *agent);
ngx_uint_t wgw_agent_error(wgw_link_t *link, wgw_link_pending_t *pending,
    const redisReply *reply);


#pragma GCC visibility pop

#endif /* WGW_AGENT_PARTS_H */
