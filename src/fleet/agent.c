
#include <ngx_config.h>
#include <ngx_core.h>

#include <hiredis/hiredis.h>
#include <openssl/rand.h>

#include "core/single.h"
#include "core/steady.h"
#include "fleet/agent.h"
#include "fleet/agent_parts.h"


#define AGENT_TICK      100             /* ms */
#define AGENT_MAP       5000            /* how old the map may get ... */
#define AGENT_MAP_SOON  250             /* ... and when something is wrong */
#define AGENT_LEAST     250             /* the back-off, ms ... */
#define AGENT_MOST      1000
#define AGENT_SWIFT     3               /* ... after so many failures */
#define AGENT_AGAIN     50              /* between these */

/* nginx calls the manager that often */
#define AGENT_PERIOD    3600000


static ngx_msec_t agent_manager(void *data);
static void agent_start(wgw_fleet_t *fleet);
static agent_t *agent_create(wgw_fleet_t *fleet);
static void agent_timer(ngx_event_t *ev);
static void agent_open_control(agent_t *agent);
static ngx_int_t agent_next_host(agent_t *agent);
static void agent_ready(wgw_link_t *link);
static void agent_ready_control(agent_t *agent, wgw_link_t *link);
static void agent_connected(agent_t *agent, agent_end_t *end);
static void agent_lost(wgw_link_t *link, const char *why);
static void agent_ask_master(agent_t *agent, wgw_link_t *link);
static void agent_master(void *data, const redisReply *reply);
static int agent_send(wgw_wire_t *wire, uint16_t slot, unsigned flags,
    const wgw_text_t *args, int n, wgw_wire_reply_pt reply, void *data);
static void agent_place(wgw_wire_t *wire, uint16_t slot,
    wgw_wire_place_t *place);
static uint64_t agent_now(wgw_wire_t *wire);


ngx_int_t
wgw_agent_use(wgw_fleet_t *fleet, wgw_fleet_start_pt start, void *data)
{
    wgw_fleet_user_t  *user;

    user = ngx_array_push(&fleet->users);
    if (user == NULL) {
        return NGX_ERROR;
    }

    user->start = start;
    user->data = data;

    return NGX_OK;
}


/*
 * Pushed here, and not added while the configuration is read, as then nginx
 * would make a directory of that name.
 */

ngx_int_t
wgw_agent_init_module(ngx_cycle_t *cycle, wgw_fleet_t *fleet)
{
    ngx_path_t  **path;

    if (fleet == NULL || fleet->users.nelts == 0) {
        return NGX_OK;
    }

    path = ngx_array_push(&cycle->paths);
    if (path == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&fleet->path.name, "wgw_fleet");
    fleet->path.manager = agent_manager;
    fleet->path.data = fleet;
    fleet->path.conf_file = cycle->conf_file.data;

    *path = &fleet->path;

    return NGX_OK;
}


ngx_int_t
wgw_agent_init_process(ngx_cycle_t *cycle, wgw_fleet_t *fleet)
{
    return fleet && fleet->users.nelts
           ? wgw_single_put(cycle, agent_manager, fleet) : NGX_OK;
}


static ngx_msec_t
agent_manager(void *data)
{
    wgw_fleet_t *fleet = data;

    if (fleet->agent == NULL) {
        agent_start(fleet);
    }

    return AGENT_PERIOD;
}


static void
agent_start(wgw_fleet_t *fleet)
{
    agent_t           *agent;
    ngx_uint_t         i;
    wgw_fleet_user_t  *user;

    agent = agent_create(fleet);

    if (agent == NULL) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "wgw fleet: the agent has no memory");
        return;
    }

    fleet->agent = agent;
    user = fleet->users.elts;

    for (i = 0; i < fleet->users.nelts; i++) {
        user[i].start(fleet, user[i].data);
    }

    ngx_add_timer(&agent->timer, 1);
}


static agent_t *
agent_create(wgw_fleet_t *fleet)
{
    agent_t  *agent;

    agent = ngx_calloc(sizeof(agent_t), ngx_cycle->log);
    if (agent == NULL) {
        return NULL;
    }

    agent->fleet = fleet;
    agent->wire.send = agent_send;
    agent->wire.place = agent_place;
    agent->wire.now = agent_now;

    agent->timer.handler = agent_timer;
    agent->timer.data = agent;
    agent->timer.log = ngx_cycle->log;
    agent->timer.cancelable = 1;

    ngx_memset(agent->owner, AGENT_CONTROL, sizeof(agent->owner));

    if (wgw_agent_init_end(agent, &agent->ends[AGENT_CONTROL]) != NGX_OK) {
        ngx_free(agent);
        return NULL;
    }

    agent->ends[AGENT_CONTROL].used = 1;

    return agent;
}


ngx_int_t
wgw_agent_init_end(agent_t *agent, agent_end_t *end)
{
    ngx_memzero(end, sizeof(agent_end_t));

    end->link.ready = agent_ready;
    end->link.lost = agent_lost;
    end->link.error = wgw_agent_error;

    return wgw_link_init(&end->link, agent->fleet, agent);
}


static void
agent_timer(ngx_event_t *ev)
{
    agent_t      *agent;
    ngx_msec_t    age;
    ngx_uint_t    i;
    agent_end_t  *end;

    agent = ev->data;

    for (i = 0; i < AGENT_LINKS; i++) {
        end = &agent->ends[i];

        if (!end->used || end->link.connection
            || (ngx_msec_int_t) (end->next - ngx_current_msec) > 0)
        {
            continue;
        }

        if (i == AGENT_CONTROL) {
            agent_open_control(agent);

        } else {
            wgw_link_open(&end->link);
        }
    }

    age = ngx_current_msec - agent->mapped;

    if (agent->cluster
        && age >= (ngx_msec_t) (agent->stale ? AGENT_MAP_SOON : AGENT_MAP))
    {
        wgw_agent_ask_map(agent);
    }

    ngx_add_timer(&agent->timer, AGENT_TICK);
}


static void
agent_open_control(agent_t *agent)
{
    wgw_link_t  *link;

    link = &agent->ends[AGENT_CONTROL].link;

    /* one that a Sentinel has named is asked for once */

    if (agent->named) {
        agent->named = 0;

    } else if (agent_next_host(agent) != NGX_OK) {
        return;
    }

    wgw_link_open(link);
}


static ngx_int_t
agent_next_host(agent_t *agent)
{
    wgw_link_t        *link;
    wgw_fleet_host_t  *host;

    link = &agent->ends[AGENT_CONTROL].link;

    host = agent->fleet->hosts.elts;
    host += agent->host % agent->fleet->hosts.nelts;

    agent->sentinel = agent->fleet->master.len != 0;
    link->anonymous = agent->sentinel;

    return wgw_link_host(link, (char *) host->host.data, host->host.len,
                         host->port);
}


static void
agent_ready(wgw_link_t *link)
{
    agent_t      *agent;
    agent_end_t  *end;

    agent = link->data;
    end = ngx_queue_data(link, agent_end_t, link);

    if (agent->sentinel && end == &agent->ends[AGENT_CONTROL]) {
        agent_ask_master(agent, link);
        return;
    }

    if (link->hello.sentinel) {
        wgw_link_close(link, "is a Sentinel, and there is no \"master\" "
                             "parameter");
        return;
    }

    if (link->hello.loading) {
        wgw_link_close(link, "loads its data");
        return;
    }

    if (end == &agent->ends[AGENT_CONTROL]) {
        agent_ready_control(agent, link);
        return;
    }

    if (link->hello.replica) {
        agent->stale = 1;
        wgw_link_close(link, "is a replica");
        return;
    }

    agent_connected(agent, end);

    link->keep = 1;

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, ngx_cycle->log, 0,
                   "wgw fleet: shard %z, run %xL", end - agent->ends,
                   link->hello.run);
}


static void
agent_ready_control(agent_t *agent, wgw_link_t *link)
{
    if (link->hello.replica && !link->hello.cluster) {
        wgw_link_close(link, "is a replica");
        return;
    }

    if (agent->cluster != link->hello.cluster) {
        agent->cluster = link->hello.cluster;
        wgw_agent_give(agent, 0, WGW_SLOTS_ALL - 1,
                       agent->cluster ? AGENT_NOBODY : AGENT_CONTROL);
    }

    agent->failed = 0;
    agent_connected(agent, &agent->ends[AGENT_CONTROL]);

    if (agent->cluster) {
        wgw_agent_ask_map(agent);
    }
}


static void
agent_connected(agent_t *agent, agent_end_t *end)
{
    wgw_link_t  *link;

    link = &end->link;

    end->fails = 0;

    if (link->hello.evicts) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "wgw fleet: \"%V:%ui\" has not \"maxmemory-policy "
                      "noeviction\", and may lose what nodes have declared",
                      &link->host.host, (ngx_uint_t) link->host.port);
    }

    if (end->told) {
        end->told = 0;
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "wgw fleet: connected with \"%V:%ui\"",
                      &link->host.host, (ngx_uint_t) link->host.port);
    }
}


static void
agent_lost(wgw_link_t *link, const char *why)
{
    agent_t      *agent;
    ngx_msec_t    wait;
    ngx_uint_t    n;
    agent_end_t  *end;

    agent = link->data;
    end = ngx_queue_data(link, agent_end_t, link);

    if (!end->used) {
        return;
    }

    agent->stale = 1;
    end->fails++;
    n = end->fails;

    if (end == &agent->ends[AGENT_CONTROL]) {
        agent->host++;
        n = agent->failed++ / agent->fleet->hosts.nelts;
    }

    if (!end->told && n >= AGENT_SWIFT) {
        end->told = 1;
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "wgw fleet: \"%V:%ui\": %s, trying again",
                      &link->host.host, (ngx_uint_t) link->host.port, why);

    } else {
        ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                      "wgw fleet: \"%V:%ui\": %s",
                      &link->host.host, (ngx_uint_t) link->host.port, why);
    }

    wait = AGENT_AGAIN;

    if (n >= AGENT_SWIFT) {
        n = ngx_min(n - AGENT_SWIFT, 5);
        wait = ngx_min((ngx_msec_t) AGENT_LEAST << n, AGENT_MOST);
        wait = wait / 2 + (ngx_msec_t) ngx_random() % (wait / 2);
    }

    end->next = ngx_current_msec + wait;
}


static void
agent_ask_master(agent_t *agent, wgw_link_t *link)
{
    wgw_text_t  args[3];

    args[0] = wgw_text("SENTINEL");
    args[1] = wgw_text("GET-MASTER-ADDR-BY-NAME");
    args[2] = wgw_fleet_text(&agent->fleet->master);

    if (wgw_link_send(link, 0, args, 3, agent_master, agent) != NGX_OK) {
        wgw_link_close(link, "no memory");
    }
}


static void
agent_master(void *data, const redisReply *reply)
{
    agent_t *agent = data;

    ngx_int_t    port;
    wgw_link_t  *link;
    redisReply **e;

    link = &agent->ends[AGENT_CONTROL].link;

    if (reply == NULL) {
        return;
    }

    e = reply->element;
    port = 0;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
        && e[0]->type == REDIS_REPLY_STRING
        && e[1]->type == REDIS_REPLY_STRING
        && e[0]->len < WGW_SHARD_HOST)
    {
        port = ngx_atoi((u_char *) e[1]->str, e[1]->len);
    }

    if (port < 1 || port > 65535) {
        wgw_link_close(link, "does not know the master");
        return;
    }

    wgw_link_close(link, "has named the master");

    /* that was no failure */

    agent->failed--;

    if (wgw_link_host(link, e[0]->str, e[0]->len, (in_port_t) port)
        != NGX_OK)
    {
        return;
    }

    agent->sentinel = 0;
    agent->named = 1;
    link->anonymous = 0;
    agent->ends[AGENT_CONTROL].next = ngx_current_msec;
}


wgw_wire_t *
wgw_agent_wire(wgw_fleet_t *fleet)
{
    agent_t  *agent;

    agent = fleet->agent;

    return agent ? &agent->wire : NULL;
}


static int
agent_send(wgw_wire_t *wire, uint16_t slot, unsigned flags,
    const wgw_text_t *args, int n, wgw_wire_reply_pt reply, void *data)
{
    agent_t     *agent = (agent_t *) wire;

    wgw_link_t  *link;

    if (agent->owner[slot] == AGENT_NOBODY) {
        return -1;
    }

    link = &agent->ends[agent->owner[slot]].link;

    if (link->serial == 0) {
        return -1;
    }

    return wgw_link_send(link, flags, args, n, reply, data) == NGX_OK ? 0
                                                                      : -1;
}


static void
agent_place(wgw_wire_t *wire, uint16_t slot, wgw_wire_place_t *place)
{
    agent_t     *agent = (agent_t *) wire;

    ngx_uint_t   owner;
    wgw_link_t  *link;

    ngx_memzero(place, sizeof(wgw_wire_place_t));

    owner = agent->owner[slot];

    if (owner == AGENT_NOBODY) {
        return;
    }

    link = &agent->ends[owner].link;

    place->serial = link->serial;
    place->run = link->hello.run;
    place->since = agent->since[slot];

    place->home = agent->home[owner];
}


static uint64_t
agent_now(wgw_wire_t *wire)
{
    return wgw_steady_ms();
}


uint64_t
wgw_agent_random(void)
{
    uint64_t  number;

    if (RAND_bytes((u_char *) &number, sizeof(uint64_t)) != 1) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "wgw fleet: no random number");
        exit(1);
    }

    return number;
}
