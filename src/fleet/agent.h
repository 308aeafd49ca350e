
/*
 * agent: the process that talks to the fleet's Redis, in place of requests,
 * none of which waits for it.
 *
 * It lives in nginx's helper process (that of proxy_cache), started by a path
 * of ours in cycle->paths; without a master process, in the only one.  There
 * are two of them for a while in each reload and upgrade, and none while old
 * workers drain: so each user of it locks what is its own (PATH.lease, the
 * journal) when it starts, and tries again by a timer.
 *
 *     ngx_conf: wgw_fleet_parse()      init_module: wgw_agent_init_module()
 *     wgw_agent_use(fleet, start, data)  where there is something to do
 *     start(fleet, data), once, in the agent's process: set timers, and send
 *
 * Without users there is no process and no connection.  A module calls
 * wgw_agent_init_process() in init_process of its core module, and
 * wgw_single_start() in that of an http one.
 *
 * The agent finds a server that is a master: the hosts one after another, or
 * who the Sentinels name, or, where the first that answers is of a cluster,
 * all of its masters by CLUSTER SLOTS, read again every few seconds and when
 * something was MOVED.  It tries again at once, and after three failures in a
 * quarter, a half, a whole second, of which up to a half is left out at
 * random.  Never later: whoever is not back after three seconds is not waited
 * for by those who grant anew, see leases.h.  What is wrong is logged once, and
 * once more when it is right again.
 */

#ifndef WGW_AGENT_H
#define WGW_AGENT_H


#include "fleet/fleet_conf.h"
#include "fleet/wire.h"

#pragma GCC visibility push(hidden)


/* While the configuration is read, or later; NGX_ERROR: no memory. */
ngx_int_t wgw_agent_use(wgw_fleet_t *fleet, wgw_fleet_start_pt start,
    void *data);

/* Of the module that has the directive; `fleet` may be NULL. */
ngx_int_t wgw_agent_init_module(ngx_cycle_t *cycle, wgw_fleet_t *fleet);
ngx_int_t wgw_agent_init_process(ngx_cycle_t *cycle, wgw_fleet_t *fleet);


/* In the agent's process, from start() on: */

/* To send by; NULL: this is another process. */
wgw_wire_t *wgw_agent_wire(wgw_fleet_t *fleet);

/* Any number; the process ends where there is none. */
uint64_t wgw_agent_random(void);


#pragma GCC visibility pop

#endif /* WGW_AGENT_H */
