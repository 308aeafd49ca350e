
/*
 * An hour of traffic: what was added is what is read, step by step.
 */

#include <stdlib.h>
#include <string.h>

#include "t/unit/tap.h"
#include "meter/traffic.h"


#define NOW  1795772400     /* a step begins here */


static wgw_traffic_t       traffic;
static wgw_traffic_step_t  steps[WGW_TRAFFIC_STEPS];


static void
add(uint64_t now, uint64_t sent)
{
    wgw_traffic_own.sent += sent;
    wgw_traffic_own.received += 2 * sent;
    wgw_traffic_own.requests++;

    wgw_traffic_turn(&traffic, now);
}


/* The sum of all steps, and how many of them are known. */

static uint64_t
sum(uint64_t now, unsigned *known)
{
    unsigned  i;
    uint64_t  sent;

    wgw_traffic_read(&traffic, now, steps);

    for (i = 0, sent = 0, *known = 0; i < WGW_TRAFFIC_STEPS; i++) {
        sent += steps[i].sum.sent;
        *known += steps[i].known;
    }

    return sent;
}


/* Three hours of random amounts, against a list of them. */

static int
hours(void)
{
    unsigned         i, k, bad, known;
    static uint64_t  want[3 * WGW_TRAFFIC_STEPS];

    bad = 0;

    for (i = 0; i < 3 * WGW_TRAFFIC_STEPS; i++) {
        for (k = 0; k < WGW_TRAFFIC_STEP; k++) {
            want[i] += k + i;
            add(NOW + i * WGW_TRAFFIC_STEP + k, k + i);
        }

        (void) sum(NOW + i * WGW_TRAFFIC_STEP + 9, &known);

        bad += known != (i < WGW_TRAFFIC_STEPS ? i + 1 : WGW_TRAFFIC_STEPS);

        for (k = 0; k < WGW_TRAFFIC_STEPS && k <= i; k++) {
            bad += steps[WGW_TRAFFIC_STEPS - 1 - k].sum.sent != want[i - k];
        }
    }

    return bad;
}


int
main(void)
{
    uint64_t  sent;
    unsigned  known;

    sent = sum(NOW, &known);
    ok(sent == 0 && known == 0, "nothing is known in the beginning");

    add(NOW, 100);
    sent = sum(NOW + 9, &known);
    ok(sent == 100 && known == 1, "what goes on is there at once");
    ok(steps[WGW_TRAFFIC_STEPS - 1].time == NOW
       && steps[WGW_TRAFFIC_STEPS - 1].sum.received == 200
       && steps[WGW_TRAFFIC_STEPS - 1].sum.requests == 1,
       "in the step of now, both ways");

    /* nobody for 35 seconds, then 8 bytes */

    add(NOW + 35, 8);
    sent = sum(NOW + 35, &known);
    ok(sent == 108 && known == 4, "steps without a note share");
    ok(steps[WGW_TRAFFIC_STEPS - 1].sum.sent == 8
       && steps[WGW_TRAFFIC_STEPS - 4].sum.sent == 34,
       "from the last note to the next one");

    add(NOW - 600, 1);
    sent = sum(NOW - 600, &known);
    ok(known <= 1 && sent <= 1, "a clock that went back: nothing is negative");

    add(NOW + 40, 1);
    sent = sum(NOW + 40, &known);
    ok(known >= 1 && sent < 1000, "and forth");

    memset(&traffic, 0, sizeof(traffic));
    ok(hours() == 0, "three hours, each step of the last one");

    sent = sum(NOW + 100 * 3600, &known);
    ok(sent == 0 && known == 0, "long after, nothing is known");

    return done();
}
