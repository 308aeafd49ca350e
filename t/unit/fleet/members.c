
/*
 * How many nodes live, as fleet/members.h counts them, with a Redis of the
 * test's own: nodes that come, that end, and a Redis that loses what it has.
 */

#include "fleet/members.h"
#include "fleet/shards.h"

#include "t/unit/fleet/server.h"


#define NODES  4


static wgw_members_t  nodes[NODES];
static uint64_t       clock_ms = 1000;
static int            away;
static int            full;

/* of who is ticking now */
static command_t      waiting;


static int
send_now(wgw_wire_t *wire, uint16_t slot, unsigned flags,
    const wgw_text_t *args, int n, wgw_wire_reply_pt reply, void *data)
{
    command_t    c;
    redisReply  *r;

    (void) wire;
    (void) slot;
    (void) flags;

    if (away) {
        return -1;
    }

    /* "OOM command not allowed": nobody waits for that */

    if (full && wgw_text_equal(args[0], wgw_text("HSET"))) {
        return 0;
    }

    memset(&c, 0, sizeof(c));
    memcpy(c.args, args, (size_t) n * sizeof(wgw_text_t));
    c.n = n;

    r = carry_out(&c);

    if (reply) {
        waiting.reply = reply;
        waiting.data = data;
        waiting.answer = r;

    } else {
        forget(r);
    }

    return 0;
}


static void
answer_now(void)
{
    if (waiting.answer) {
        waiting.reply(waiting.data, waiting.answer);
        forget(waiting.answer);
        waiting.answer = NULL;
    }
}


static uint64_t
now(wgw_wire_t *wire)
{
    (void) wire;

    return clock_ms;
}


static wgw_wire_t  wire = { send_now, NULL, now };


static void
start(int i, uint64_t alive)
{
    static const char  names[] = "abcd";

    wgw_text_t  name;

    name.data = &names[i];
    name.len = 1;

    memset(&nodes[i], 0, sizeof(wgw_members_t));
    wgw_members_init(&nodes[i], &wire, wgw_text("p"), name,
                     (uint64_t) (i + 1) << 40 | clock_ms << 16, alive);
}


/* The first `n` of them, for so many seconds; the least that one counted. */

static uint64_t
run(int n, int seconds)
{
    int       i, t;
    uint64_t  least;

    least = UINT64_MAX;

    for (t = 0; t < 10 * seconds; t++) {
        clock_ms += 100;

        for (i = 0; i < n; i++) {
            wgw_members_tick(&nodes[i]);
            answer_now();
            least = nodes[i].alive < least ? nodes[i].alive : least;
        }
    }

    return least;
}


int
main(void)
{
    int  i;

    for (i = 0; i < NODES; i++) {
        start(i, 0);
    }

    run(NODES, 5);
    ok(run(NODES, 5) == NODES, "all are counted");

    server.nhashes = 0;
    ok(run(NODES, 15) == NODES, "also when Redis has lost them");

    server.nhashes = 0;
    start(0, NODES);
    ok(run(NODES, 15) == NODES, "and an agent began then");

    away = 1;
    ok(run(NODES, 60) == NODES, "they are as many while Redis is away");
    server.nhashes = 0;
    away = 0;
    ok(run(NODES, 15) == NODES, "and when it comes back without its data");

    full = 1;
    ok(run(NODES, 60) == NODES, "they are as many while Redis is full");
    full = 0;
    ok(run(NODES, 15) == NODES, "and when there is room again");

    run(NODES - 1, 14);
    ok(run(NODES - 1, 5) == NODES - 1 && nodes[0].alive == NODES - 1,
       "one that is silent is not counted after ten seconds");

    start(3, 0);
    run(NODES, 5);
    ok(run(NODES, 5) == NODES, "until it comes again");
    ok(nodes[0].doubles == 0, "nobody has its name twice");

    return done();
}
