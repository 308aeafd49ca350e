
#include <ngx_config.h>
#include <ngx_core.h>

#include <hiredis/hiredis.h>

#include "fleet/agent.h"
#include "fleet/link.h"
#include "fleet/shards.h"


/* the first is that of the hosts; in a cluster it only asks for the map */
#define AGENT_LINKS     128
#define AGENT_CONTROL   0
#define AGENT_NOBODY    AGENT_LINKS

#define AGENT_TICK      100             /* ms */
#define AGENT_MAP       5000            /* how old the map may get ... */
#define AGENT_MAP_SOON  250             /* ... and when something is wrong */
#define AGENT_LEAST     250             /* the back-off, ms ... */
#define AGENT_MOST      1000
#define AGENT_SWIFT     3               /* ... after so many failures */
#define AGENT_AGAIN     50              /* between these */
#define AGENT_TRIES     4               /* times a command is sent on */

/* nginx calls the manager that often */
#define AGENT_PERIOD    3600000


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
    ngx_uint_t     connects;
    ngx_uint_t     failures;
    uint8_t        owner[WGW_SLOTS_ALL];
    uint64_t       since[WGW_SLOTS_ALL];
    agent_end_t    ends[AGENT_LINKS];
} agent_t;


static ngx_msec_t agent_manager(void *data);
static void agent_start(wgw_fleet_t *fleet);
static agent_t *agent_create(wgw_fleet_t *fleet);
static void agent_timer(ngx_event_t *ev);
static void agent_open_control(agent_t *agent);
static ngx_int_t agent_next_host(agent_t *agent);
static void agent_ready(wgw_link_t *link);
static void agent_ready_control(agent_t *agent, wgw_link_t *link);
static void agent_lost(wgw_link_t *link, const char *why);
static void agent_connected(agent_t *agent, agent_end_t *end);
static void agent_give(agent_t *agent, uint16_t first, uint16_t last,
    ngx_uint_t to);
static void agent_ask_master(agent_t *agent, wgw_link_t *link);
static void agent_master(void *data, const redisReply *reply);
static void agent_ask_map(agent_t *agent);
static void agent_map(void *data, const redisReply *reply);
static ngx_uint_t agent_end(agent_t *agent, const wgw_shard_range_t *range);
static ngx_uint_t agent_error(wgw_link_t *link, wgw_link_pending_t *pending,
    const redisReply *reply);
static ngx_uint_t agent_follow(agent_t *agent, wgw_link_pending_t *pending,
    ngx_uint_t to, ngx_uint_t ask);
static int agent_send(wgw_wire_t *wire, uint16_t slot, unsigned flags,
    const wgw_text_t *args, int n, wgw_wire_reply_pt reply, void *data);
static void agent_place(wgw_wire_t *wire, uint16_t slot,
    wgw_wire_place_t *place);
static void agent_drop(wgw_wire_t *wire, uint16_t slot);
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
    if (ngx_process == NGX_PROCESS_SINGLE && fleet && fleet->users.nelts) {
        agent_start(fleet);
    }

    return NGX_OK;
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
    agent_t      *agent;
    agent_end_t  *end;

    agent = ngx_calloc(sizeof(agent_t), ngx_cycle->log);
    if (agent == NULL) {
        return NULL;
    }

    agent->fleet = fleet;
    agent->wire.send = agent_send;
    agent->wire.place = agent_place;
    agent->wire.drop = agent_drop;
    agent->wire.now = agent_now;

    agent->timer.handler = agent_timer;
    agent->timer.data = agent;
    agent->timer.log = ngx_cycle->log;
    agent->timer.cancelable = 1;

    ngx_memset(agent->owner, AGENT_CONTROL, sizeof(agent->owner));

    end = &agent->ends[AGENT_CONTROL];
    end->used = 1;

    end->link.ready = agent_ready;
    end->link.lost = agent_lost;
    end->link.error = agent_error;

    if (wgw_link_init(&end->link, fleet, agent) != NGX_OK) {
        ngx_free(agent);
        return NULL;
    }

    return agent;
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
        agent_ask_map(agent);
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
    ngx_uint_t    i;
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

    i = end - agent->ends;
    link->keep = 1;

    ngx_log_debug2(NGX_LOG_DEBUG_CORE, ngx_cycle->log, 0,
                   "wgw fleet: shard %ui, run %xL", i, link->hello.run);
}


static void
agent_ready_control(agent_t *agent, wgw_link_t *link)
{
    if (link->hello.cluster) {

        if (!agent->cluster) {
            agent->cluster = 1;
            agent_give(agent, 0, WGW_SLOTS_ALL - 1, AGENT_NOBODY);
        }

        agent->failed = 0;
        agent_connected(agent, &agent->ends[AGENT_CONTROL]);
        agent_ask_map(agent);
        return;
    }

    if (link->hello.replica) {
        wgw_link_close(link, "is a replica");
        return;
    }

    if (agent->cluster) {
        agent->cluster = 0;
        agent_give(agent, 0, WGW_SLOTS_ALL - 1, AGENT_CONTROL);
    }

    agent->failed = 0;
    agent_connected(agent, &agent->ends[AGENT_CONTROL]);
}


static void
agent_connected(agent_t *agent, agent_end_t *end)
{
    wgw_link_t  *link;

    link = &end->link;

    agent->connects++;
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

    agent->failures++;
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


/* Slots have another owner from now on. */

static void
agent_give(agent_t *agent, uint16_t first, uint16_t last, ngx_uint_t to)
{
    ngx_uint_t  slot;

    for (slot = first; slot <= last; slot++) {

        if (agent->owner[slot] != to) {
            agent->owner[slot] = (uint8_t) to;
            agent->since[slot] = agent_now(&agent->wire);
        }
    }
}


static void
agent_ask_master(agent_t *agent, wgw_link_t *link)
{
    wgw_text_t  args[3];

    args[0].data = "SENTINEL";
    args[0].len = 8;
    args[1].data = "GET-MASTER-ADDR-BY-NAME";
    args[1].len = 23;
    args[2].data = (char *) agent->fleet->master.data;
    args[2].len = agent->fleet->master.len;

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
    agent->failures--;

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


static void
agent_ask_map(agent_t *agent)
{
    wgw_link_t  *link;
    wgw_text_t   args[2];

    link = &agent->ends[AGENT_CONTROL].link;

    if (agent->asking || link->serial == 0) {
        return;
    }

    args[0].data = "CLUSTER";
    args[0].len = 7;
    args[1].data = "SLOTS";
    args[1].len = 5;

    agent->mapped = ngx_current_msec;

    if (wgw_link_send(link, 0, args, 2, agent_map, agent) == NGX_OK) {
        agent->asking = 1;
        agent->stale = 0;
    }
}


/* Slots that nobody has keep who had them: their commands fail. */

static void
agent_map(void *data, const redisReply *reply)
{
    agent_t *agent = data;

    size_t              i;
    ngx_uint_t          n;
    agent_end_t        *end;
    wgw_shard_range_t   range;

    agent->asking = 0;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        agent->stale = 1;
        return;
    }

    for (n = 0; n < AGENT_LINKS; n++) {
        agent->ends[n].named = 0;
    }

    for (i = 0; wgw_shard_range(reply, i, &range) == 0; i++) {
        n = agent_end(agent, &range);

        if (n != AGENT_NOBODY) {
            agent->ends[n].named = 1;
        }

        agent_give(agent, range.first, range.last, n);
    }

    if (i == 0) {
        return;
    }

    for (n = AGENT_CONTROL + 1; n < AGENT_LINKS; n++) {
        end = &agent->ends[n];

        if (end->used && !end->named) {
            end->used = 0;
            wgw_link_close(&end->link, "has no slots any more");
            wgw_link_free(&end->link);
        }
    }
}


/* The number of that server's link, AGENT_NOBODY when there are too many. */

static ngx_uint_t
agent_end(agent_t *agent, const wgw_shard_range_t *range)
{
    ngx_uint_t    i, unused;
    wgw_text_t    host;
    agent_end_t  *end;

    host = range->host;

    if (host.len == 0) {
        end = &agent->ends[AGENT_CONTROL];
        host.data = (char *) end->link.host.host.data;
        host.len = end->link.host.host.len;
    }

    unused = AGENT_NOBODY;

    for (i = AGENT_CONTROL + 1; i < AGENT_LINKS; i++) {
        end = &agent->ends[i];

        if (!end->used) {
            unused = unused == AGENT_NOBODY ? i : unused;

        } else if (end->link.host.port == range->port
                   && end->link.host.host.len == host.len
                   && ngx_memcmp(end->link.host.host.data, host.data,
                                 host.len)
                      == 0)
        {
            return i;
        }
    }

    if (unused == AGENT_NOBODY) {
        return AGENT_NOBODY;
    }

    end = &agent->ends[unused];
    ngx_memzero(end, sizeof(agent_end_t));

    end->link.ready = agent_ready;
    end->link.lost = agent_lost;
    end->link.error = agent_error;

    if (wgw_link_init(&end->link, agent->fleet, agent) != NGX_OK
        || wgw_link_host(&end->link, host.data, host.len, range->port)
           != NGX_OK)
    {
        wgw_link_free(&end->link);
        return AGENT_NOBODY;
    }

    end->used = 1;
    end->next = ngx_current_msec;

    return unused;
}


/* Of commands that are followed, the last error only is the reply. */

static ngx_uint_t
agent_error(wgw_link_t *link, wgw_link_pending_t *pending,
    const redisReply *reply)
{
    int                 kind;
    agent_t            *agent;
    ngx_uint_t          to;
    wgw_text_t          text;
    wgw_shard_range_t   range;

    agent = link->data;

    text.data = reply->str;
    text.len = reply->len;

    if (!agent->cluster) {

        if (ngx_strncmp(reply->str, "READONLY", 8) == 0) {
            wgw_link_close(link, "has become a replica");
        }

        return 0;
    }

    kind = wgw_shard_moved(text, &range);

    if (kind == 0) {
        agent->stale = 1;
        return 0;
    }

    to = agent_end(agent, &range);

    if (kind == 'M') {
        agent->stale = 1;
        agent_give(agent, range.first, range.last, to);

        if (pending->flags != WGW_WIRE_FOLLOW) {
            return 0;
        }
    }

    return pending->text && to != AGENT_NOBODY
           && agent_follow(agent, pending, to, kind == 'A');
}


static ngx_uint_t
agent_follow(agent_t *agent, wgw_link_pending_t *pending, ngx_uint_t to,
    ngx_uint_t ask)
{
    wgw_link_t         *link;
    wgw_text_t          asking = { "ASKING", 6 };

    link = &agent->ends[to].link;

    if (link->serial == 0 || pending->tries == AGENT_TRIES
        || (ask && wgw_link_send(link, 0, &asking, 1, NULL, NULL)
                   != NGX_OK))
    {
        return 0;
    }

    return wgw_link_again(link, pending) == NGX_OK;
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

    uint8_t     *first;
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

    first = memchr(agent->owner, (int) owner, sizeof(agent->owner));
    place->home = (uint16_t) (first - agent->owner);
}


static void
agent_drop(wgw_wire_t *wire, uint16_t slot)
{
    agent_t     *agent = (agent_t *) wire;

    if (agent->owner[slot] != AGENT_NOBODY) {
        wgw_link_close(&agent->ends[agent->owner[slot]].link,
                       "a new connection is wanted");
    }
}


static uint64_t
agent_now(wgw_wire_t *wire)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_BOOTTIME, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


void
wgw_agent_state(wgw_fleet_t *fleet, wgw_agent_state_t *state)
{
    agent_t      *agent;
    ngx_uint_t    i;
    agent_end_t  *end;

    ngx_memzero(state, sizeof(wgw_agent_state_t));

    agent = fleet->agent;

    if (agent == NULL) {
        return;
    }

    state->connects = agent->connects;
    state->failures = agent->failures;

    for (i = 0; i < AGENT_LINKS; i++) {
        end = &agent->ends[i];

        if (end->used) {
            state->wanted++;
            state->connected += end->link.serial != 0;
            state->waiting += end->link.waiting;
            state->evicts |= end->link.serial && end->link.hello.evicts;
        }
    }
}
