
/*
 * The lease protocol of fleet/leases.h, all fifteen lines of it: nodes with
 * tables, lease files and agents as they are, and a Redis of the test's own
 * that answers late, forgets, and is not there; in a time of the test's own.
 * What goes beyond a cap is printed, and what was left of it.
 */

#include <hiredis/hiredis.h>

#include "fleet/leases.h"
#include "fleet/shards.h"
#include "table/clock.h"

#include "t/unit/fleet/server.h"
#include "t/unit/table/table.h"


#define NODES     4
#define CAP       100000
#define RATE      2500          /* units a second that each node is asked for */
#define SEEDS     1
#define TIMEOUT   1000          /* ms, as WGW_LINK_REPLY */
#define START     INT64_C(1790000000)


typedef struct {
    wgw_wire_t           wire;
    wgw_table_t          table;
    wgw_lease_t          lease;
    wgw_leases_t        *leases;
    uint32_t             record;
    uint64_t             cap;
    uint64_t             rate;
    uint64_t             owed;      /* thousandths of a unit */
    uint64_t             accepted;
    uint64_t             reopen;    /* ms */
    uint64_t             serial;
    command_t           *queue;
    command_t           *zombies;   /* on their way when it broke */
    int64_t              skew;      /* of its clock, seconds */
    void                *memory;    /* of the table ... */
    size_t               size;
    void                *file;      /* ... and of the lease */
    int                  dead;
    int                  apart;     /* cannot reach Redis */
    int                  mute;      /* replies are lost */
} node_t;


static node_t     nodes[NODES];
static server_t   copy;
static uint64_t   base, now, seed_of, lost;   /* lost: in 1000 */
static int        alive, kind;
static uint64_t   seen[NODES];


static uint64_t
chance(void)
{
    seed_of ^= seed_of << 13;
    seed_of ^= seed_of >> 7;
    seed_of ^= seed_of << 17;

    return seed_of * UINT64_C(2685821657736338717);
}


static uint64_t
below(uint64_t n)
{
    return (chance() >> 8) % n;
}


static uint64_t
clock_now(void)
{
    return base + now;
}


static int64_t
wall(void)
{
    return START + (int64_t) (now / 1000);
}


/* Wires. */

static int
wire_send(wgw_wire_t *wire, uint16_t slot, unsigned flags,
    const wgw_text_t *args, int n, wgw_wire_reply_pt reply, void *data)
{
    int         i;
    char       *p;
    node_t     *node = (node_t *) wire;
    command_t  *c, **last;

    (void) slot;
    (void) flags;

    if (node->serial == 0) {
        return -1;
    }

    c = calloc(1, sizeof(command_t));
    assert(c);

    c->n = n;
    c->reply = reply;
    c->data = data;
    c->sent = now;
    c->at = now + 1 + below(4);
    p = c->text;

    for (i = 0; i < n; i++) {
        assert(args[i].len < (size_t) (c->text + sizeof(c->text) - p));
        memcpy(p, args[i].data, args[i].len);
        c->args[i].data = p;
        c->args[i].len = args[i].len;
        p += args[i].len;
    }

    for (last = &node->queue; *last; last = &(*last)->next) {
        c->at = (*last)->at > c->at ? (*last)->at : c->at;
    }

    *last = c;

    return 0;
}


static void
wire_place(wgw_wire_t *wire, uint16_t slot, wgw_wire_place_t *place)
{
    node_t  *node = (node_t *) wire;

    (void) slot;

    place->serial = node->serial;
    place->run = server.run;
    place->since = 0;
    place->home = 0;
}


static uint64_t
wire_now(wgw_wire_t *wire)
{
    (void) wire;

    return clock_now();
}


/* What was sent may still be carried out, when another connection is there. */

static void
hang_up(node_t *node)
{
    command_t  *c, *next, *queue;

    if (node->serial == 0) {
        return;
    }

    node->serial = 0;
    node->mute = 0;
    node->reopen = now + 50 + below(1000);

    queue = node->queue;
    node->queue = NULL;

    for (c = queue; c; c = next) {
        next = c->next;

        if (node->leases && c->reply) {
            c->reply(c->data, NULL);
        }

        if (c->answer == NULL && below(2) && !server.gone) {
            c->at = now + below(1500);
            c->next = node->zombies;
            node->zombies = c;
            continue;
        }

        forget(c->answer);
        free(c);
    }
}


static void
deliver(node_t *node)
{
    uint64_t    back;
    command_t  *c;

    back = 0;

    for (c = node->queue; c; c = c->next) {

        if (c->answer == NULL) {

            if (c->at > now || server.frozen || server.gone || node->apart) {
                break;
            }

            c->answer = carry_out(c);
            c->back = now + 1 + below(4);

            node->mute |= below(1000) < lost;
        }

        c->back = c->back > back ? c->back : back;
        back = c->back;
    }

    while (node->queue && node->queue->answer && node->queue->back <= now
           && !node->mute && !node->apart)
    {
        c = node->queue;
        node->queue = c->next;

        if (c->reply) {
            c->reply(c->data, c->answer);
        }

        forget(c->answer);
        free(c);
    }

    if (node->queue && now > node->queue->sent + TIMEOUT) {
        hang_up(node);
    }
}


static void
bury(node_t *node)
{
    command_t  *c, **p;

    for (p = &node->zombies; *p; /* void */ ) {
        c = *p;

        if (c->at > now || server.frozen) {
            p = &c->next;
            continue;
        }

        if (!server.gone) {
            forget(carry_out(c));
        }

        *p = c->next;
        free(c);
    }
}


/* Nodes. */

static void
agent(node_t *node)
{
    wgw_leases_conf_t  conf;

    memset(&conf, 0, sizeof(conf));

    conf.table = &node->table;
    conf.wire = &node->wire;
    conf.count = WGW_COUNT_SENT;
    conf.prefix.data = "wgw";
    conf.prefix.len = 3;
    conf.node.data = (char *[]) { "a", "b", "c", "d" }[node - nodes];
    conf.node.len = 1;
    conf.zone.data = "zone";
    conf.zone.len = 4;
    conf.wall = wall;
    conf.random = chance;

    node->leases = wgw_leases_create(&conf);
    assert(node->leases);
}


static void
lease(node_t *node, uint64_t partless)
{
    uint8_t  identity[WGW_LEASE_IDENTITY];

    memset(identity, 1, sizeof(identity));

    if (node->file) {
        munmap(node->file, wgw_lease_size(64));
    }

    node->file = shared(wgw_lease_size(64));

    wgw_lease_format(node->file, 64, identity, chance() >> 12, partless);
    wgw_lease_open(&node->lease, node->file);

    node->lease.now = clock_now;
    node->lease.header->nodes = NODES;
    node->lease.header->mode = WGW_LEASE_CLOSED;
    node->table.lease = &node->lease;
}


static void
join(node_t *node)
{
    wgw_text_t  key = { "shop", 4 };

    memset(node, 0, sizeof(node_t));

    node->wire.send = wire_send;
    node->wire.place = wire_place;
    node->wire.now = wire_now;
    node->rate = RATE;
    node->cap = CAP;
    node->skew = (int64_t) below(3) - 1;

    node->size = make(&node->table, 10, 64, kind);
    node->memory = node->table.header;

    (void) wgw_table_period(&node->table, wall());
    node->record = wgw_table_get(&node->table, key);

    lease(node, 0);
    agent(node);
}


static void
leave(node_t *node)
{
    hang_up(node);

    while (node->zombies) {
        now += 2000;
        server.gone = 1;
        server.frozen = 0;
        bury(node);
    }

    if (node->leases) {
        wgw_leases_free(node->leases);
    }

    munmap(node->memory, node->size);
    munmap(node->file, wgw_lease_size(64));
}


/* A worker: a unit at a time, as many as it is asked for. */

static void
work(node_t *node)
{
    int           waiting;
    wgw_table_t  *t;

    t = &node->table;
    node->owed += node->rate;

    for ( /* void */ ; node->owed >= 1000; node->owed -= 1000) {
        wgw_table_cap(t, node->record, node->cap);

        if (wgw_table_hold(t, node->record, 0, WGW_COUNT_SENT, node->cap, 1,
                           &waiting))
        {
            wgw_table_add(t, node->record, 0, 1, 0, 1);
            wgw_table_release(t, node->record, 1);
            node->accepted++;
        }
    }
}


static void
step(void)
{
    int      i;
    node_t  *node;

    now++;

    for (i = 0; i < NODES; i++) {
        node = &nodes[i];

        bury(node);

        if (node->dead) {
            continue;
        }

        if (node->serial == 0 && now >= node->reopen && !server.gone
            && !server.frozen && !node->apart)
        {
            node->serial = chance();
        }

        deliver(node);

        if (now % 1000 == 0) {
            (void) wgw_table_period(&node->table, wall() + node->skew);
        }

        if ((now + (uint64_t) i * 7) % WGW_LEASES_TICK == 0) {
            wgw_leases_tick(node->leases, (uint64_t) alive);
        }

        work(node);
    }
}


static void
steps(uint64_t ms)
{
    while (ms--) {
        step();
    }
}


static uint64_t
accepted(void)
{
    int       i;
    uint64_t  sum;

    for (sum = 0, i = 0; i < NODES; i++) {
        sum += nodes[i].accepted;
    }

    return sum;
}


/* Until so much is used, which some fault waits for. */

static void
until(uint64_t used)
{
    uint64_t  end;

    for (end = now + 60000; accepted() < used && now < end; /* void */ ) {
        step();
    }
}


/* Faults. */

static void
restart(const server_t *from)
{
    int       i;
    uint64_t  run;

    server.gone = 1;

    for (i = 0; i < NODES; i++) {
        hang_up(&nodes[i]);
    }

    steps(below(2000));

    run = chance();

    if (from) {
        server = *from;

    } else {
        memset(&server, 0, sizeof(server));
    }

    server.run = run;
    server.gone = 0;
}


static void
fault_none(void)
{
}


static void
fault_flush(void)
{
    until(CAP / 2);
    server.nhashes = 0;
    server.sentinel_len = 0;
}


static void
fault_empty(void)
{
    until(CAP / 2);
    restart(NULL);
}


static void
fault_snapshot(void)
{
    until(CAP / 3);
    copy = server;
    steps(2500);
    restart(&copy);
}


/* The first server is the master again, with what it got of the second. */

static void
fault_failback(void)
{
    uint64_t  run;

    until(CAP / 4);
    run = server.run;
    copy = server;
    restart(&copy);

    until(CAP / 2);
    copy = server;
    steps(2500);
    restart(&copy);
    server.run = run;
}


static void
fault_evicted(void)
{
    until(CAP / 2);
    server.nhashes = 0;
}


static void
fault_evicted_often(void)
{
    int  i;

    for (i = 0; i < 4; i++) {
        until(CAP / 8 * (uint64_t) (i + 1));
        server.nhashes = 0;
    }
}


static void
fault_lost(void)
{
    lost = 50;
}


static void
fault_lost_and_empty(void)
{
    lost = 50;
    until(CAP / 2);
    restart(NULL);
}


static void
fault_dead(void)
{
    until(CAP / 2);
    nodes[1].dead = 1;
    alive--;
}


static void
fault_dead_and_empty(void)
{
    fault_dead();
    restart(NULL);
}


static void
fault_apart(void)
{
    until(CAP / 4);
    nodes[2].apart = 1;
    steps(5000);
    nodes[2].apart = 0;
}


static void
fault_frozen(void)
{
    until(CAP / 4);
    server.frozen = 1;
    steps(5000);
    server.frozen = 0;
}


/* 9: agents that are killed and come again, by which connections change */

static void
fault_agents(void)
{
    int  i;

    for (i = 0; i < 12; i++) {
        until(CAP / 16 * (uint64_t) (i + 1));

        hang_up(&nodes[i % NODES]);
        wgw_leases_free(nodes[i % NODES].leases);
        agent(&nodes[i % NODES]);
    }
}


/* 11: what is idle is given back, again and again */

static void
fault_idle(void)
{
    int  i, k;

    for (i = 0; i < 6; i++) {
        steps(700);

        for (k = 0; k < NODES; k++) {
            nodes[k].rate = (k + i) % 2 ? RATE : 0;
        }

        steps(12000);
    }

    for (k = 0; k < NODES; k++) {
        nodes[k].rate = k == 3 ? RATE * NODES : 0;
    }

    steps(20000);
}


/* 14: the table is older than what Redis was told, the lease file is new */

static void
fault_reboot(void)
{
    int      i;
    void    *old;
    node_t  *node;

    old = malloc(nodes[0].size);
    assert(old);

    for (i = 0; i < 3; i++) {
        node = &nodes[i];

        until(CAP / 5 * (uint64_t) (i + 1));
        memcpy(old, node->memory, node->size);
        steps(500);

        hang_up(node);
        wgw_leases_free(node->leases);
        node->leases = NULL;

        memcpy(node->memory, old, node->size);
        lease(node, UINT64_MAX >> 14);
        agent(node);
    }

    free(old);
}


/* 12: what was used by then may be more than the cap that comes */

static void
fault_lowered(void)
{
    int  i;

    until(CAP / 4);

    for (i = 0; i < NODES; i++) {
        nodes[i].cap = CAP / 2;
    }
}


static void
fault_chaos(void)
{
    int  i, k;

    for (i = 0; i < 12; i++) {
        steps(below(1500));

        switch (below(6)) {
        case 0:
            restart(NULL);
            break;
        case 1:
            server.nhashes = 0;
            break;
        case 2:
            copy = server;
            steps(below(3000));
            restart(&copy);
            break;
        case 3:
            server.frozen = 1;
            steps(below(4000));
            server.frozen = 0;
            break;
        case 4:
            k = (int) below(NODES);
            hang_up(&nodes[k]);
            wgw_leases_free(nodes[k].leases);
            agent(&nodes[k]);
            break;
        default:
            k = (int) below(NODES);
            nodes[k].apart = 1;
            steps(below(4000));
            nodes[k].apart = 0;
            break;
        }

        /* all are back before data is lost once more: the bound of 10 */

        steps(4000);
    }
}


static void
begin(uint64_t seed)
{
    int  i;

    seed_of = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    base = 1000000;
    now = 0;
    lost = 0;
    commands = 0;
    alive = NODES;

    memset(&server, 0, sizeof(server));
    server.run = chance();

    for (i = 0; i < NODES; i++) {
        join(&nodes[i]);
    }
}


static void
end(void)
{
    int  i;

    for (i = 0; i < NODES; i++) {
        leave(&nodes[i]);
    }
}


/* `over` and `least` are of 1000 of the cap. */

static void
scenario(const char *name, void (*fault)(void), uint64_t cap, uint64_t over,
    uint64_t least)
{
    int       i, n;
    uint64_t  used, most, fewest, sent;

    most = 0;
    fewest = UINT64_MAX;
    sent = 0;
    kind = WGW_WINDOW_MONTH;
    n = getenv("SEEDS") ? atoi(getenv("SEEDS")) : SEEDS;

    for (i = 1; i <= n; i++) {
        begin((uint64_t) i);
        fault();

        for (used = UINT64_MAX; used != accepted(); /* void */ ) {
            used = accepted();
            steps(6000);
        }

        most = used > most ? used : most;
        fewest = used < fewest ? used : fewest;
        sent += commands;

        end();
    }

    ok(most <= cap + cap * over / 1000,
       "%s: over by %.2f %%, used %.2f %% at least, "
       "%.1f commands for 1000 units", name,
       most > cap ? 100.0 * (double) (most - cap) / (double) cap : 0.0,
       100.0 * (double) fewest / (double) cap,
       1000.0 * (double) sent / n / (double) cap);

    ok(fewest >= cap * least / 1000, "%s: used", name);
}


/* 13, 15: in a minute's window, with Redis away for its turn */

static void
window(int mode, uint64_t least, uint64_t most, const char *name)
{
    int       i;
    uint64_t  before, used;

    kind = WGW_WINDOW_MINUTE;
    begin(7);

    for (i = 0; i < NODES; i++) {
        nodes[i].lease.header->mode = (uint64_t) mode;
        nodes[i].skew = 0;
    }

    /* the table's first window is one like any other by then */

    steps(55000 - (uint64_t) (START % 60 * 1000 + 60000) % 60000);
    server.frozen = mode != 0;
    steps(10000);

    before = accepted();

    for (i = 0; i < NODES; i++) {
        seen[i] = wgw_table_used(&nodes[i].table, nodes[i].record, 0,
                                 WGW_COUNT_SENT);
    }

    steps(15000);

    used = seen[0] + seen[1] + seen[2] + seen[3] + accepted() - before;

    ok(used >= least && used <= most, "%s: %u units in the window, "
       "%u to %u", name, (unsigned) used, (unsigned) least, (unsigned) most);

    server.frozen = 0;
    end();
}


int
main(void)
{
    scenario("egress 145: four nodes", fault_none, CAP, 0, 1000);
    scenario("egress 146: replies lost", fault_lost, CAP, 0, 950);
    scenario("egress 147: a node dies", fault_dead, CAP, 0, 850);
    scenario("egress 149: frozen", fault_frozen, CAP, 0, 1000);
    scenario("egress 150: restarted empty", fault_empty, CAP, 0, 1000);
    scenario("egress 150: flushed", fault_flush, CAP, 0, 1000);
    scenario("egress 151: evicted", fault_evicted, CAP, 0, 1000);
    scenario("egress 151: evicted often", fault_evicted_often, CAP, 0, 1000);
    scenario("egress 152: an old snapshot", fault_snapshot, CAP, 0, 1000);
    scenario("egress 152: there and back", fault_failback, CAP, 0, 1000);
    scenario("partitioned", fault_apart, CAP, 0, 1000);
    scenario("agents killed", fault_agents, CAP, 0, 1000);
    scenario("egress 158: idle", fault_idle, CAP, 0, 1000);
    scenario("rebooted", fault_reboot, CAP, 0, 700);
    scenario("egress 157: the cap is halved", fault_lowered, CAP / 2, 10, 1000);
    scenario("replies lost, restarted empty", fault_lost_and_empty, CAP, 0,
             950);
    scenario("all of it", fault_chaos, CAP, 0, 900);
    scenario("a node dies, and Redis forgets", fault_dead_and_empty, CAP, 250,
             800);

    window(0, 90000, CAP, "13: the next window is asked for ahead");
    window(WGW_LEASE_CLOSED, 4 * (CAP / 256) , 60000,
           "egress 155: closed, Redis away at the turn");
    window(WGW_LEASE_SHARE, CAP / 10, CAP, "egress 155: share");
    window(WGW_LEASE_OPEN, 100000, 4 * CAP, "egress 148: open");

    return done();
}
